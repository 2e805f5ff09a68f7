package main

// #include "bridge.h"
import "C"

import "syscall"

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

// faultsArePanics: since sprintgo_attach, for as long as the thread lives.
func faultsArePanics() {}
