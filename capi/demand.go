//go:build sprint_panic

package main

// #include "bridge.h"
import "C"

import "sync/atomic"

// Panics on demand, for tests: this file is in no library that is shipped.

// The ways to panic, as in tests/guest/panics.c.
const (
	demandNone = iota
	demandPanic
	demandNil
	demandIndex
)

var demanded atomic.Int32

// sprintgo_demand_panic has the next call on an object panic; what was demanded before and
// did not come about is answered.
//
//export sprintgo_demand_panic
func sprintgo_demand_panic(kind C.int32_t) C.int32_t {
	return C.int32_t(demanded.Swap(int32(kind)))
}

func panicOnDemand() {
	var nowhere *int
	var none []int
	switch demanded.Swap(demandNone) {
	case demandPanic:
		panic("on demand")
	case demandNil:
		*nowhere = 1
	case demandIndex:
		none[demanded.Load()] = 1
	}
}
