package main

// #include "bridge.h"
import "C"

import "runtime/debug"

func putBack() { C.sprint_guest_restore() }

// faultsArePanics has to be said in each call: a thread of the host keeps no goroutine
// between its calls here.
func faultsArePanics() { debug.SetPanicOnFault(true) }
