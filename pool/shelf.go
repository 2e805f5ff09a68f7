package pool

import (
	"sync/atomic"
	"time"
)

// This file has leases rest outside of the pool: on its shelf, in the memory of an
// embedder (Shelve). What is released there and is in order need not cross into Go to be
// leased again. To the pool a lease that rests is still out, until whoever takes mu to
// look at the state or to change it takes the shelf in, and nothing rests there while
// mu is held or a release would matter to more than the next caller.

// Shelf is one pool's, shared with the embedder. Whoever holds a lease that is in order
// may put its slot on top, and whoever wants one may take that: each by a compare and
// swap of Head that counts its tag up, and none while the closed bit is set.
type Shelf struct {
	// Head is the slot on top in its low ShelfSlotBits, ShelfEmpty without one, then a
	// tag of 39 bits and ShelfClosed.
	Head atomic.Uint64
	_    [7]uint64 // Head has a cache line of its own
	// Low is how many leases must rest under one that is taken: with fewer the cleanup
	// task has connections to add.
	Low atomic.Uint32
	_   uint32
	// IdleTimeout is how long one may have rested, in ns.
	IdleTimeout atomic.Int64
	_           [6]uint64
}

// The parts of Shelf.Head.
const (
	ShelfSlotBits = 24
	ShelfEmpty    = 1<<ShelfSlotBits - 1
	ShelfClosed   = 1 << 63
)

// Shelves is what the embedder brings.
type Shelves struct {
	Shelf *Shelf
	// Counts has a row of ShelfColumns for each endpoint: leases taken from the shelf, the
	// ns for which leases were held that were put on it and taken again, and how many of
	// those fell into each of HoldCells.
	Counts []atomic.Uint64
	// Seat is the seat of a slot.
	Seat func(slot uint32) *Seat
	// Spent is the top of a list, by Rest.Below, of slots whose lease the pool has taken in
	// and which are the embedder's again; ShelfEmpty without any. He takes all at once.
	Spent *atomic.Uint32
}

// The columns of Shelves.Counts before the cells.
const (
	shelfTaken = iota
	shelfHeld
	shelfCells
)

// ShelfColumns is the length of a row of Shelves.Counts.
func ShelfColumns() int { return shelfCells + len(holdLayout.cells) + 1 }

// HoldCells are the upper bounds, in ns, of the cells that hold times are counted in; one
// more cell is above all. starts says in which the search for a sample may begin, by its
// four leading bits: number 8n + the three bits after the first, where n is the sample's
// length in bits, or the sample itself if that is below 4.
func HoldCells() (bounds []time.Duration, starts []uint16) {
	return holdLayout.cells, holdLayout.starts[:]
}

// Shelve has leases of AcquireOrQueue rest on a shelf, which the embedder has closed, if
// the order in which they are lent allows it. It must come before the first of them.
func (p *Pool) Shelve(s Shelves) {
	if !p.lifo {
		return
	}
	s.Shelf.IdleTimeout.Store(int64(never))
	if p.opts.IdleTimeout > 0 {
		s.Shelf.IdleTimeout.Store(int64(p.opts.IdleTimeout))
	}
	p.lock()
	defer p.unlock()
	row := ShelfColumns()
	for i, e := range p.endpoints {
		e.shelved = s.Counts[i*row : (i+1)*row]
	}
	p.shelf, p.shelves = s.Shelf, s
	p.shut = true
}

// lock takes mu and the shelf in. Only what neither looks at idle and lent connections nor
// changes the rules for them may take mu alone.
func (p *Pool) lock() {
	p.mu.Lock()
	if p.laden() {
		p.takeIn()
	}
}

// laden says that leases may be on the shelf. The caller holds mu.
func (p *Pool) laden() bool { return p.shelf != nil && !p.shut }

// takeIn closes the shelf and makes idle what rests there. The caller holds mu.
func (p *Pool) takeIn() {
	p.shut = true
	head := p.shelf.Head.Load()
	for !p.shelf.Head.CompareAndSwap(head, retag(head)|ShelfClosed|ShelfEmpty) {
		head = p.shelf.Head.Load()
	}
	slot := uint32(head & ShelfEmpty)
	if slot == ShelfEmpty {
		return
	}
	top := p.shelves.Seat(slot)
	n, older := int(top.rest.Depth.Load()), len(p.idle)
	p.idle = append(p.idle, make([]*channel, n)...)
	var bottom *Rest
	for i := n - 1; i >= 0; i-- { // the one that was used last ends at the end
		seat := p.shelves.Seat(slot)
		bottom = seat.rest
		slot = bottom.Below.Load()
		ch := p.rested(seat)
		ch.idle = true
		p.idle[older+i] = ch
	}
	for { // their slots
		spent := p.shelves.Spent.Load()
		bottom.Below.Store(spent)
		if p.shelves.Spent.CompareAndSwap(spent, uint32(head&ShelfEmpty)) {
			return
		}
	}
}

// retag counts the tag of a head up and leaves only that.
func retag(head uint64) uint64 { return (head + 1<<ShelfSlotBits) &^ (ShelfClosed | ShelfEmpty) }

// rested ends a lease that rested and empties its seat. The caller holds mu and makes the
// connection idle.
func (p *Pool) rested(seat *Seat) *channel {
	ch, rest := seat.ch.Load(), seat.rest
	seat.Clear()
	ch.note.Store(rest.Note.Load())
	ch.rested = time.Duration(rest.RestedAt.Load() - p.monoEpoch)
	ch.endLease()
	ch.unseat()
	ch.uses++
	ch.endpoint.hold.record(ch.rested - ch.lentAt)
	p.lent--
	return ch
}

// reopen lets leases rest again, if nothing forbids it. The caller holds mu, which is
// about to be given free.
func (p *Pool) reopen() {
	if p.paused || p.waiters.len > 0 || p.total() > p.max {
		return // a release is for somebody, or for good
	}
	low := 0
	if p.cleanup.running.Load() && p.total() < p.max {
		low = max(p.minIdle-len(p.idle), 0)
	}
	p.shelf.Low.Store(uint32(low))
	p.shut = false
	p.shelf.Head.Store(retag(p.shelf.Head.Load()) | ShelfEmpty)
}

// unshelve ends the use of the shelf, which stays closed: leases that are out end in the
// pool, whatever the shelf may be used for by then. The caller holds mu and has taken it in.
func (p *Pool) unshelve() {
	p.shelf, p.shut = nil, false
	for _, ch := range p.open {
		ch.callHome()
	}
}

// Unshelve gives the embedder back what Shelve took. He must have called Close; leases that
// are left out stay as they are.
func (p *Pool) Unshelve() {
	p.lock()
	defer p.unlock()
	p.fold()
	for _, e := range p.endpoints {
		e.shelved = nil
	}
}

// fold takes over what the embedder has counted. The caller holds mu.
func (p *Pool) fold() {
	for _, e := range p.endpoints {
		for i := range e.shelved {
			count := &e.shelved[i]
			if count.Load() == 0 {
				continue
			}
			n := count.Swap(0)
			switch i {
			case shelfTaken: // each after a look at its socket
				e.immediate.lent += n
			case shelfHeld:
				e.hold.sum += n
			default:
				e.hold.cells[i-shelfCells] += n
			}
		}
	}
}

// mono is an instant on CLOCK_MONOTONIC.
func (p *Pool) mono(at time.Duration) int64 { return p.monoEpoch + int64(at) }

// Home is for an embedder who took a lease from the shelf and found that something waits
// on its socket, or that it is too old: the connection is idle again, for the pool to
// judge, or serves who waits. The bell is as of Return.
func (s *Seat) Home(p *Pool) (next Bell) {
	p.lock()
	defer p.unlock()
	ch, now := p.rested(s), p.now()
	switch why := p.leaves(ch, now); {
	case why != stays:
		p.dismiss(ch, why)
	case p.waiters.len > 0 && !p.paused:
		p.offer(ch, now, false)
		next = p.waiters.unring()
	default:
		p.rest(ch, ch.rested) // it is the next to be lent
	}
	return next
}
