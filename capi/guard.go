package main

// #include "bridge.h"
import "C"

import (
	"fmt"
	"log/slog"
	"runtime/debug"
)

// guard, deferred first in every exported function, keeps a panic from the host: the
// call answers SPRINT_E_INTERNAL, and C poisons the handle.
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
	logger.Error("panic", slog.String("panic", fmt.Sprint(r)), slog.String("stack", string(debug.Stack())))
	return status(argError{C.SPRINT_E_INTERNAL, fmt.Sprintf("internal error: %v", r)})
}
