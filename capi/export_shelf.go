package main

// #include "bridge.h"
import "C"

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// This file joins the shelf of a pool with C's side of it (shelf.c).

// What both sides share is laid out alike, or this does not compile.
const (
	_ = -(unsafe.Sizeof(pool.Rest{}) ^ C.sizeof_struct_sprint_rest)
	_ = -(unsafe.Sizeof(pool.Shelf{}) ^ C.sizeof_struct_sprint_shelf)
	_ = -(unsafe.Offsetof(pool.Rest{}.Home) ^ unsafe.Offsetof(C.struct_sprint_rest{}.home))
	_ = -(unsafe.Offsetof(pool.Rest{}.LentAt) ^ unsafe.Offsetof(C.struct_sprint_rest{}.lent_at))
	_ = -(unsafe.Offsetof(pool.Rest{}.JudgeAt) ^ unsafe.Offsetof(C.struct_sprint_rest{}.judge_at))
	_ = -(unsafe.Offsetof(pool.Rest{}.Note) ^ unsafe.Offsetof(C.struct_sprint_rest{}.note))
	_ = -(unsafe.Offsetof(pool.Rest{}.Passage) ^ unsafe.Offsetof(C.struct_sprint_rest{}.wrote))
	_ = -(unsafe.Offsetof(pool.Shelf{}.Low) ^ unsafe.Offsetof(C.struct_sprint_shelf{}.low))
	_ = -(unsafe.Offsetof(pool.Shelf{}.IdleTimeout) ^ unsafe.Offsetof(C.struct_sprint_shelf{}.idle_timeout))
)

var fillHoldCells = sync.OnceFunc(func() {
	bounds, starts := pool.HoldCells()
	cells := &C.sprint_hold_cells
	cells.count = C.uint32_t(len(bounds))
	for i, bound := range bounds {
		cells.bounds[i] = C.int64_t(bound)
	}
	for i, start := range starts {
		cells.starts[i] = C.uint16_t(start)
	}
})

// shelve has the leases of a pool rest in C, if that can look at their sockets; nil without
// memory.
func (v *served) shelve() *C.struct_sprint_shelf {
	fillHoldCells()
	endpoints, columns := v.Endpoints(), pool.ShelfColumns()
	s := C.sprint_shelf_new(C.uint32_t(endpoints), C.uint32_t(columns))
	if s != nil && detach {
		v.Shelve(pool.Shelves{
			Shelf:  (*pool.Shelf)(unsafe.Pointer(s)),
			Counts: unsafe.Slice((*atomic.Uint64)(unsafe.Pointer(s.counts)), endpoints*columns),
			Seat:   conns.find,
			Spent:  (*atomic.Uint32)(unsafe.Pointer(&C.sprint_slots_spent)),
		})
	}
	return s
}

//export sprintgo_shelf_home
func sprintgo_shelf_home(slot, conn C.uint32_t) (rung *C.uint32_t) {
	defer guardVoid()
	return half(conns.at(uint32(conn)).Home(pools.at(uint32(slot)).Load().Pool))
}
