package main

// #include "wait.h"
import "C"

// Ring implements pool.Bell.
func (b *bell) Ring() {
	b.set()
	C.sprint_wait_ring((*C.uint32_t)(b.rung))
}
