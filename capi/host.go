package main

// #include "bridge.h"
import "C"

import "unsafe"

// Memory of the host, lent for the time of a call. Whether a pointer is any good is tried
// before anything is done with it: a fault in Go code on a thread that was attached is a
// panic, not the end of the process. Tried are the two ends; a hole between them is found
// on the way, and poisons the handle.

// hostIn is memory that is read.
func hostIn(p unsafe.Pointer, n C.size_t) []byte {
	if n > 0 {
		defer refuse(p)
		faultsArePanics()
		load((*byte)(p))
		load((*byte)(unsafe.Add(p, n-1)))
	}
	return unsafe.Slice((*byte)(p), n)
}

// hostOut is memory that is written.
func hostOut(p unsafe.Pointer, n C.size_t) []byte {
	b, err := tryHostOut(p, n)
	if err != nil {
		panic(err)
	}
	return b
}

// tryHostOut is hostOut for those who have something to save before they refuse.
func tryHostOut(p unsafe.Pointer, n C.size_t) (b []byte, err error) {
	if n > 0 {
		defer func() {
			if recover() != nil {
				b, err = nil, wildPointer(p)
			}
		}()
		faultsArePanics()
		first, last := (*byte)(p), (*byte)(unsafe.Add(p, n-1))
		store(first, load(first))
		store(last, load(last))
	}
	return unsafe.Slice((*byte)(p), n), nil
}

// hostText is a text without the NUL that ends it. What names it in errors.
func hostText(p *C.char, what string) []byte {
	at := unsafe.Pointer(p)
	n := 0
	func() {
		defer refuse(at)
		faultsArePanics()
		for n <= C.SPRINT_MAX_TEXT && *(*byte)(unsafe.Add(at, n)) != 0 {
			n++
		}
	}()
	if n > C.SPRINT_MAX_TEXT {
		panic(argError{C.SPRINT_E_ARG, what + ": longer than 64 KiB"})
	}
	return unsafe.Slice((*byte)(at), n)
}

// refuse, deferred, makes a fault the caller's error.
func refuse(p unsafe.Pointer) {
	if recover() != nil {
		panic(wildPointer(p))
	}
}

// The compiler may not leave these out.

//go:noinline
func load(p *byte) byte { return *p }

//go:noinline
func store(p *byte, b byte) { *p = b }
