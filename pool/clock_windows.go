package pool

import (
	"math/bits"
	"syscall"
	"unsafe"
)

var (
	kernel32         = syscall.NewLazyDLL("kernel32.dll")
	queryCounter     = kernel32.NewProc("QueryPerformanceCounter")
	queryFrequency   = kernel32.NewProc("QueryPerformanceFrequency")
	counterPerSecond = ask(queryFrequency)
)

// ask cannot fail since Windows XP.
func ask(proc *syscall.LazyProc) (n uint64) {
	_, _, _ = proc.Call(uintptr(unsafe.Pointer(&n)))
	return n
}

// monotonic reads the performance counter in ns, the clock that an embedder passes
// instants of.
func monotonic() int64 {
	hi, lo := bits.Mul64(ask(queryCounter), 1e9)
	ns, _ := bits.Div64(hi, lo, counterPerSecond)
	return int64(ns)
}
