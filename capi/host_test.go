package main

import (
	"testing"
	"unsafe"
)

// What trying a pointer of the host costs, beside what it has to be in any case.
func BenchmarkPointersOfTheHost(b *testing.B) {
	memory := make([]byte, 256)
	p := unsafe.Pointer(unsafe.SliceData(memory))
	n := 0
	b.Run("a_slice_made_of_it", func(b *testing.B) {
		for b.Loop() {
			n += len(unsafe.Slice((*byte)(p), 256))
		}
	})
	b.Run("tried,_to_be_read", func(b *testing.B) {
		for b.Loop() {
			n += len(hostIn(p, 256))
		}
	})
	b.Run("tried,_to_be_written", func(b *testing.B) {
		for b.Loop() {
			n += len(hostOut(p, 256))
		}
	})
}
