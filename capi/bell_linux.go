package main

import (
	"syscall"
	"unsafe"
)

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
