package main

// #include "bridge.h"
import "C"

import (
	"runtime/debug"
	"syscall"
)

func putBack() {
	if soft := uint64(C.sprint_guest_nofile()); soft != 0 {
		var limit syscall.Rlimit
		if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil && limit.Cur != soft {
			limit.Cur = soft
			_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
		}
	}
	C.sprint_guest_lower_threads()
	C.sprint_guest_give_places_back()
}

// sprintgo_attach makes the calling thread known to Go, which keeps one goroutine for it
// until it ends: what is set here holds for its every call.
//
//export sprintgo_attach
func sprintgo_attach() { debug.SetPanicOnFault(true) }

// faultsArePanics: since sprintgo_attach, for as long as the thread lives.
func faultsArePanics() {}
