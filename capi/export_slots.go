package main

// #include "bridge.h"
import "C"

import (
	"crypto/rand"
	"encoding/binary"
	"sync/atomic"
	"unsafe"

	"github.com/bitcoin-sprint/libsprint/securemem"
)

// This file hands free slots to the C side and takes them, or the secrets in them,
// back.

//export sprintgo_slots_prepare
func sprintgo_slots_prepare(sizes, key *C.uint64_t) {
	defer guardVoid()
	for i, size := range securemem.OutsideClasses() {
		unsafe.Slice(sizes, C.SPRINT_SLOT_CLASSES)[i] = C.uint64_t(size)
	}
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	halves := unsafe.Slice(key, 2)
	halves[0] = C.uint64_t(binary.NativeEndian.Uint64(random[:8]))
	halves[1] = C.uint64_t(binary.NativeEndian.Uint64(random[8:]))
}

//export sprintgo_slots_take
func sprintgo_slots_take(size C.size_t, fast C.int32_t, batch *C.struct_sprint_outside, n, keep *C.uint32_t) (st C.sprint_status) {
	defer guard(&st)
	var flags securemem.Flags
	if fast != 0 {
		flags = securemem.Fast
	}
	var taken [C.SPRINT_SLOT_BATCH]securemem.Outside
	got, most, err := securemem.TakeOutside(stock{}, int(size), flags, taken[:])
	for i, slot := range taken[:got] {
		out := &unsafe.Slice(batch, len(taken))[i]
		out.addr, out.size = C.uintptr_t(slot.Addr), C.size_t(slot.Size)
	}
	*n, *keep = C.uint32_t(got), C.uint32_t(most)
	return status(err)
}

// stock is the slots that C holds.
type stock struct{}

func (stock) Pop() (addr uintptr, ok bool) {
	addr = uintptr(C.sprint_slots_recall())
	return addr, addr != 0
}

func (stock) Count(class int) (alive, free uint64) {
	for mode := range C.sprint_stock_counts[class] {
		n := &C.sprint_stock_counts[class][mode]
		alive += uint64(atomic.LoadUint32((*uint32)(&n.alive)))
		free += uint64(atomic.LoadUint32((*uint32)(&n.free)))
	}
	return alive, free
}

//export sprintgo_slots_return
func sprintgo_slots_return(addr C.uintptr_t) {
	defer guardVoid()
	securemem.ReturnOutside(uintptr(addr))
}

//export sprintgo_slots_quarantine
func sprintgo_slots_quarantine(addr C.uintptr_t) {
	defer guardVoid()
	securemem.QuarantineOutside(uintptr(addr))
	logger.Error("secure buffer", "cause", securemem.ErrCorrupt)
}

//export sprintgo_buffer_adopt
func sprintgo_buffer_adopt(slot C.uint32_t, addr C.uintptr_t, size C.size_t, flags C.uint32_t, canary *C.uchar) (st C.sprint_status) {
	defer guard(&st)
	b := securemem.AdoptOutside(uintptr(addr), int(size), securemem.Flags(flags),
		*(*[securemem.CanarySize]byte)(unsafe.Pointer(canary)))
	buffers.at(uint32(slot)).Store(b)
	return C.SPRINT_OK
}
