// Command golease is the Go side of the lease benchmark: pools used by goroutines, the
// way a Go program uses them. C asks for whole blocks of operations, so that crossings
// do not count.
package main

// #include <stddef.h>
import "C"

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
	"unsafe"
)

var lenders []*lender // by handle; C calls from one thread

//export golease_open
func golease_open(kind *C.char, callers, connections C.int, tlsAddress, tcpAddress, caFile, why *C.char, room C.size_t) C.int {
	open := pools[C.GoString(kind)]
	l, err := open(int(callers), int(connections), where{C.GoString(tlsAddress), C.GoString(tcpAddress), C.GoString(caFile)})
	if err != nil {
		store(why, room, err.Error())
		return -1
	}
	lenders = append(lenders, l)
	return C.int(len(lenders) - 1)
}

//export golease_block
func golease_block(handle, ops C.int, why *C.char, room C.size_t) C.int {
	return answer(lenders[handle].block(int(ops)), why, room)
}

//export golease_collect
func golease_collect(handle C.int, samples *C.double, count, holdUs C.int, why *C.char, room C.size_t) C.int {
	at := unsafe.Slice((*float64)(unsafe.Pointer(samples)), int(count))
	return answer(lenders[handle].collect(at, time.Duration(holdUs)*time.Microsecond), why, room)
}

// golease_allocations is how many objects one acquire and release allocates.
//
//export golease_allocations
func golease_allocations(handle C.int) C.double {
	const ops = 10_000
	l := lenders[handle]
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if l.block(ops) != nil {
		return -1
	}
	runtime.ReadMemStats(&after)
	return C.double(float64(after.Mallocs-before.Mallocs) / float64(ops*l.callers))
}

//export golease_version
func golease_version(module, text *C.char, room C.size_t) {
	store(text, room, "unknown")
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return
	}
	for _, m := range info.Deps {
		if m.Path == C.GoString(module) {
			store(text, room, m.Version)
		}
	}
}

func answer(err error, why *C.char, room C.size_t) C.int {
	if err == nil {
		return 0
	}
	store(why, room, fmt.Sprint(err))
	return -1
}

// store leaves a NUL-terminated, possibly shortened text.
func store(at *C.char, size C.size_t, text string) {
	room := unsafe.Slice((*byte)(unsafe.Pointer(at)), int(size))
	room[copy(room[:size-1], text)] = 0
}

func main() {}
