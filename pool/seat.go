package pool

import (
	"sync/atomic"
	"time"
)

// This file is about the places in which an embedder has his leases, and what he and the
// pool share of each.

// Seat is a place in an embedder's table that leases are put into and taken from by
// different threads.
type Seat struct {
	ch    atomic.Pointer[channel]
	lease atomic.Uint64
	rest  *Rest // of the slot; set once
}

// Shares says where the embedder keeps what he shares of the leases in the seat. It must come
// before the first that is acquired with it.
func (s *Seat) Shares(rest *Rest) {
	if s.rest == nil {
		s.rest = rest
	}
}

// Put fills the seat.
func (s *Seat) Put(c Conn) {
	s.lease.Store(c.lease)
	s.ch.Store(c.ch)
}

// Get returns the lease in the seat.
func (s *Seat) Get() Conn { return Conn{ch: s.ch.Load(), lease: s.lease.Load()} }

// Clear empties the seat.
func (s *Seat) Clear() { s.ch.Store(nil) }

// Rest is a lease, as far as the embedder and the pool share it. Only its holder writes
// it, but for Home and what it begins with; instants are as of Conn.Send.
type Rest struct {
	Below    atomic.Uint32 // on the shelf: the slot under it
	Depth    atomic.Uint32 // and how many there are, with it
	Endpoint atomic.Uint32 // the row of Shelves.Counts
	// Home has the lease end in the pool: it must not be put on the shelf any more.
	Home atomic.Uint32

	LentAt   atomic.Int64
	RestedAt atomic.Int64
	Due      atomic.Int64  // from then on it is not taken from the shelf
	JudgeAt  atomic.Int64  // from then on it is not put there
	Uses     atomic.Uint64 // leases of the connection before this one
	Note     atomic.Uint64 // see Conn.Note; written when it is put there
	Passage                // all 0 when it is taken
}

// Passage is what went through in one lease, to tell a stale connection from a broken one
// and to measure answers.
type Passage struct {
	Wrote, Read atomic.Uint64
	Asked       atomic.Int64 // instant of the first write after a read; 0 if answered
}

func (s *Passage) reset() {
	if s.Wrote.Load() != 0 {
		s.Wrote.Store(0)
	}
	if s.Read.Load() != 0 {
		s.Read.Store(0)
	}
	if s.Asked.Load() != 0 {
		s.Asked.Store(0)
	}
}

// sit has a lease begin in a seat. The caller holds mu.
func (ch *channel) sit(seat *Seat) {
	ch.seat = seat
	p, rest := ch.pool, seat.rest
	rest.Passage.reset()
	rest.Endpoint.Store(ch.endpoint.index)
	rest.LentAt.Store(p.mono(ch.lentAt))
	rest.Due.Store(p.mono(ch.due))
	rest.JudgeAt.Store(p.mono(p.judgeAt(ch)))
	rest.Uses.Store(ch.uses)
	rest.Home.Store(0)
	if p.shelf == nil || ch.generation != p.generation || ch.vanished || ch.slow {
		rest.Home.Store(1)
	}
}

// unseat takes over what the embedder has kept of a lease that ends. The caller holds mu.
func (ch *channel) unseat() {
	if ch.seat != nil {
		ch.uses, ch.lentAt = ch.usesNow(), ch.since()
		ch.seat = nil
	}
}

// callHome has the lease that is out end in the pool. The caller holds the lease, or mu
// after lock.
func (ch *channel) callHome() {
	if ch.seat != nil {
		ch.seat.rest.Home.Store(1)
	}
}

// usesNow counts the leases before the one that is out. The caller holds that or mu.
func (ch *channel) usesNow() uint64 {
	if ch.seat != nil {
		return ch.seat.rest.Uses.Load()
	}
	return ch.uses
}

// since is when the lease that is out began, or else the last one. The caller holds mu.
func (ch *channel) since() time.Duration {
	if ch.seat != nil {
		return time.Duration(ch.seat.rest.LentAt.Load() - ch.pool.monoEpoch)
	}
	return ch.lentAt
}

// passage is of the lease that is out. The caller holds it.
func (ch *channel) passage() *Passage {
	if ch.seat != nil {
		return &ch.seat.rest.Passage
	}
	return &ch.own
}
