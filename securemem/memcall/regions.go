package memcall

import (
	"os"
	"sync"
	"unsafe"
)

// regions remembers every mapping of Alloc, so that one can be unmapped as a whole
// when memguard, which holds the only reference, is interrupted by a Failure.
var regions = registry{live: map[uintptr]*region{}}

type region struct {
	start   unsafe.Pointer
	size    int
	backend Backend // of its locked part
	dead    bool    // wiped and given up, but not unmapped yet
}

type registry struct {
	mu   sync.Mutex
	live map[uintptr]*region // by start address
	dead int                 // how many of them are dead
}

func (r *registry) add(start unsafe.Pointer, size int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.live[uintptr(start)] = &region{start: start, size: size}
}

// find returns the region that b lies in, or nil. r.mu is held. memguard asks for
// the whole of a region or for what follows its first guard page; anything else is
// searched for.
func (r *registry) find(b []byte) *region {
	p := addr(b)
	if reg := r.live[p]; reg != nil {
		return reg
	}
	if reg := r.live[p-uintptr(os.Getpagesize())]; reg != nil && p-uintptr(reg.start) < uintptr(reg.size) {
		return reg
	}
	for start, reg := range r.live {
		if p >= start && p-start < uintptr(reg.size) {
			return reg
		}
	}
	return nil
}

// holds reports whether b is memory of Alloc.
func (r *registry) holds(b []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.find(b) != nil
}

func (r *registry) locked(b []byte, got Backend) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if reg := r.find(b); reg != nil {
		reg.backend = got
	}
}

func (r *registry) backendOf(b []byte) Backend {
	if len(b) == 0 {
		return Auto
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if reg := r.find(b); reg != nil {
		return reg.backend
	}
	return Auto
}

// isGuard reports whether b is the first or the last part of its region: memguard
// protects these by themselves only while it makes a buffer.
func (r *registry) isGuard(b []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	reg := r.find(b)
	if reg == nil || len(b) >= reg.size {
		return false
	}
	start, end := uintptr(reg.start), uintptr(reg.start)+uintptr(reg.size)
	return addr(b) == start || addr(b)+uintptr(len(b)) == end
}

// abandon unmaps the region that b lies in: its maker will not return it.
func (r *registry) abandon(b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if reg := r.find(b); reg != nil {
		r.unmap(reg)
	}
}

// release unmaps b, which was wiped, and what could not be unmapped before.
func (r *registry) release(b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if reg := r.live[addr(b)]; reg != nil {
		r.unmap(reg)
	}
	if r.dead == 0 {
		return
	}
	for _, reg := range r.live {
		if reg.dead {
			r.unmap(reg)
		}
	}
}

// unmap ends a region, or marks it dead if the kernel refuses. r.mu is held.
func (r *registry) unmap(reg *region) {
	wasDead := reg.dead
	reg.dead = unmapPages(reg.start, reg.size) != nil
	if !reg.dead {
		delete(r.live, uintptr(reg.start))
	}
	switch {
	case reg.dead && !wasDead:
		r.dead++
	case wasDead && !reg.dead:
		r.dead--
	}
}

func addr(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }
