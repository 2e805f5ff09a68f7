package main

// #include "bridge.h"
import "C"

import (
	"sync/atomic"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// bell is where a thread of the host waits in line for a lease: on a word in the slot of
// the lease's handle, which stays when the wait is over, so that ringing late does no harm.
type bell struct {
	rung *uint32
	turn pool.Turn // of the thread that waits
}

var bells table[bell]

// set is the half of Ring that C does not do.
func (b *bell) set() { atomic.StoreUint32(b.rung, 1) }

// half does that half for a bell that C is to ring, if there is one.
func half(next pool.Bell) *C.uint32_t {
	if next == nil {
		return nil
	}
	b := next.(*bell)
	b.set()
	return (*C.uint32_t)(b.rung)
}
