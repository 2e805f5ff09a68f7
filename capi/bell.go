package main

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// bell is where a thread of the host waits in line for a lease: on a word in the slot of
// the lease's handle, which stays when the wait is over, so that ringing late does no harm.
type bell struct {
	rung *uint32
	turn pool.Turn // of the thread that waits
}

var bells table[bell]

// futex(2).
const (
	futexWake        = 1
	futexPrivateFlag = 128
)

// Ring implements pool.Bell. RawSyscall: waking blocks nobody.
func (b *bell) Ring() {
	b.set()
	_, _, _ = syscall.RawSyscall(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(b.rung)), futexWake|futexPrivateFlag, 1)
}

// set is the half of Ring that C does not do.
func (b *bell) set() { atomic.StoreUint32(b.rung, 1) }
