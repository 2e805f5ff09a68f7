package pool_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// host is an embedder whose leases rest on a shelf: what the C side does, step by step.
type host struct {
	p      *pool.Pool
	shelf  pool.Shelf
	spent  atomic.Uint32
	counts []atomic.Uint64
	seats  [256]pool.Seat
	rests  [256]pool.Rest

	// silent says whether the look at a socket found nothing.
	silent func(pool.Conn) bool

	mu   sync.Mutex
	free []uint32
}

// held is a lease of a host, in a slot or, if it was acquired as by a caller in Go, in none.
type held struct {
	pool.Conn
	slot int
}

func newHost(p *pool.Pool) *host {
	h := &host{p: p, silent: func(pool.Conn) bool { return true }}
	h.shelf.Head.Store(pool.ShelfClosed | pool.ShelfEmpty)
	h.spent.Store(pool.ShelfEmpty)
	h.counts = make([]atomic.Uint64, p.Endpoints()*pool.ShelfColumns())
	for i := range h.seats {
		h.seats[i].Shares(&h.rests[i])
		h.free = append(h.free, uint32(i))
	}
	p.Shelve(pool.Shelves{
		Shelf: &h.shelf, Counts: h.counts, Spent: &h.spent,
		Seat: func(slot uint32) *pool.Seat { return &h.seats[slot] },
	})
	return h
}

// slot is a free one.
func (h *host) slot() uint32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	for slot := h.spent.Swap(pool.ShelfEmpty); slot != pool.ShelfEmpty; slot = h.rests[slot].Below.Load() {
		h.free = append(h.free, slot)
	}
	slot := h.free[0]
	h.free = h.free[1:]
	return slot
}

func (h *host) recycle(slot uint32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.free = append(h.free, slot)
}

func next(head uint64, slot uint32) uint64 {
	return (head+1<<pool.ShelfSlotBits)&^(pool.ShelfClosed|pool.ShelfEmpty) | uint64(slot)
}

// give puts a lease on the shelf.
func (h *host) give(c held) bool {
	rest := &h.rests[c.slot]
	head := h.shelf.Head.Load()
	now := h.p.Mono()
	if head&pool.ShelfClosed != 0 || now >= rest.Due.Load() || now >= rest.JudgeAt.Load() {
		return false
	}
	rest.RestedAt.Store(now)
	for {
		if head&pool.ShelfClosed != 0 || rest.Home.Load() != 0 {
			return false
		}
		below := uint32(head & pool.ShelfEmpty)
		rest.Below.Store(below)
		rest.Depth.Store(1)
		if below != pool.ShelfEmpty {
			rest.Depth.Store(h.rests[below].Depth.Load() + 1)
		}
		if h.shelf.Head.CompareAndSwap(head, next(head, uint32(c.slot))) {
			return true
		}
		head = h.shelf.Head.Load()
	}
}

// take takes a lease off the shelf.
func (h *host) take() (c held, ok bool) {
	var slot uint32
	for {
		head := h.shelf.Head.Load()
		slot = uint32(head & pool.ShelfEmpty)
		if head&pool.ShelfClosed != 0 || slot == pool.ShelfEmpty || h.rests[slot].Depth.Load() <= h.shelf.Low.Load() {
			return held{}, false
		}
		if h.shelf.Head.CompareAndSwap(head, next(head, h.rests[slot].Below.Load())) {
			break
		}
	}
	rest, seat := &h.rests[slot], &h.seats[slot]
	now := h.p.Mono()
	if now >= rest.Due.Load() || now-rest.RestedAt.Load() >= h.shelf.IdleTimeout.Load() || !h.silent(seat.Get()) {
		if b := seat.Home(h.p); b != nil {
			b.Ring()
		}
		h.recycle(slot)
		return held{}, false
	}
	row := h.counts[int(rest.Endpoint.Load())*pool.ShelfColumns():]
	hold := max(rest.RestedAt.Load()-rest.LentAt.Load(), 0)
	row[0].Add(1)
	row[1].Add(uint64(hold))
	row[2+pool.HoldCell(time.Duration(hold))].Add(1)
	rest.Uses.Add(1)
	rest.LentAt.Store(now)
	rest.Wrote.Store(0)
	rest.Read.Store(0)
	rest.Asked.Store(0)
	return held{seat.Get(), int(slot)}, true
}

type gong chan struct{}

func (g gong) Ring() { g <- struct{}{} }

// acquire is as the C function: off the shelf, or in line.
func (h *host) acquire(limit time.Duration) (held, error) {
	if c, ok := h.take(); ok {
		return c, nil
	}
	slot := h.slot()
	seat, bell := &h.seats[slot], make(gong, 8)
	c, turn, err := h.p.AcquireOrQueue(limit, bell, seat)
	for err == nil && turn.Waits() {
		timer := time.NewTimer(max(time.Duration(turn.Until()-h.p.Mono()), 1))
		select {
		case <-bell:
		case <-timer.C:
		}
		timer.Stop()
		c, err = turn.Take()
	}
	if err != nil {
		h.recycle(slot)
		return held{}, err
	}
	seat.Put(c)
	return held{c, int(slot)}, nil
}

// end releases a lease, or discards it.
func (h *host) end(c held, keep bool) {
	if c.slot < 0 {
		if keep {
			c.Release()
		} else {
			c.Discard()
		}
		return
	}
	if keep && h.give(c) {
		return
	}
	h.seats[c.slot].Clear()
	if b := c.Return(keep); b != nil {
		b.Ring()
	}
	h.recycle(uint32(c.slot))
}

// shelved is virtual with a host of the pool.
func shelved(t *testing.T, change func(*pool.Options), test func(*testing.T, *host, *network)) {
	t.Helper()
	virtual(t, "a:1", change, func(t *testing.T, p *pool.Pool, n *network) {
		h := newHost(p)
		test(t, h, n)
	})
}

func (h *host) lease(t testing.TB) held {
	t.Helper()
	c, err := h.acquire(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// rests says how many leases are on the shelf now.
func (h *host) resting() int {
	slot := uint32(h.shelf.Head.Load() & pool.ShelfEmpty)
	if slot == pool.ShelfEmpty {
		return 0
	}
	return int(h.rests[slot].Depth.Load())
}

func (h *host) wantResting(t testing.TB, n int) {
	t.Helper()
	if got := h.resting(); got != n {
		t.Fatalf("%d leases rest, not %d", got, n)
	}
}
