package main

import (
	"sync"
	"sync/atomic"
)

// table holds the Go objects behind the slots of C's handle table. C has checked the
// handle and holds the slot while Go looks here, so a slot that is asked for is full.
type table[E any] struct {
	chunks [1 << 14]atomic.Pointer[[slotsPerChunk]E]
	grow   sync.Mutex
}

const slotsPerChunk = 1024

// at is the place of a slot.
func (t *table[E]) at(slot uint32) *E {
	panicOnDemand() // in a library for tests only
	return t.find(slot)
}

// each visits the places that were ever asked for, and some that were not.
func (t *table[E]) each(visit func(*E)) {
	for i := range t.chunks {
		if chunk := t.chunks[i].Load(); chunk != nil {
			for j := range chunk {
				visit(&chunk[j])
			}
		}
	}
}

// find is at for what is not a call of the host.
func (t *table[E]) find(slot uint32) *E {
	place := &t.chunks[slot/slotsPerChunk]
	chunk := place.Load()
	if chunk == nil {
		chunk = t.add(place)
	}
	return &chunk[slot%slotsPerChunk]
}

func (t *table[E]) add(place *atomic.Pointer[[slotsPerChunk]E]) *[slotsPerChunk]E {
	t.grow.Lock()
	defer t.grow.Unlock()
	if chunk := place.Load(); chunk != nil {
		return chunk
	}
	chunk := new([slotsPerChunk]E)
	place.Store(chunk)
	return chunk
}
