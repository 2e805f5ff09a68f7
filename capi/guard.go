package main

// #include "bridge.h"
import "C"

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"unsafe"
)

// wildPointer is an argument that points to no memory of the host.
func wildPointer(p unsafe.Pointer) argError {
	return argError{C.SPRINT_E_ARG, fmt.Sprintf("no such memory: %#x, or not as much of it as was said", uintptr(p))}
}

// guard, deferred first in every exported function, keeps a panic from the host: the
// call answers SPRINT_E_INTERNAL, and C poisons the handle. An argument that cannot be
// used is the caller's error and poisons nothing.
func guard(st *C.sprint_status) {
	if r := recover(); r != nil {
		*st = report(r)
	}
}

// guardVoid is guard for functions that answer nothing.
func guardVoid() {
	if r := recover(); r != nil {
		report(r)
	}
}

func report(r any) C.sprint_status {
	if bad, ok := r.(argError); ok {
		return status(bad)
	}
	pools.each(func(place *atomic.Pointer[served]) {
		if v := place.Load(); v != nil {
			v.AfterPanic()
		}
	})
	logger.Error("panic", slog.String("panic", fmt.Sprint(r)), slog.String("stack", string(debug.Stack())))
	return status(argError{C.SPRINT_E_INTERNAL, fmt.Sprintf("internal error: %v", r)})
}
