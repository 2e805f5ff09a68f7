package pool

import "time"

// Bell is where an embedder's thread waits by itself for its turn (Options.Detach).
type Bell interface {
	// Ring wakes the thread. It is called once for each wait, by whoever serves it, and
	// must not block; it may come late, when the wait is over for another reason.
	Ring()
}

func ring(b Bell) {
	if b != nil {
		b.Ring()
	}
}

// Return is Release, or Discard, for an embedder, who rings the bell it returns, if it is
// not nil, once his thread has left Go: the thread that wakes needs a processor of Go's too.
func (c Conn) Return(keep bool) Bell { return c.end(keep) }

// Turn is a place in the line of callers that wait for a lease.
type Turn struct {
	pool         *Pool
	waiter       *waiter
	began, until time.Duration
}

// AcquireOrQueue is AcquireWithin for an embedder's thread. Where that would wait, it
// returns a Turn that is not the zero value, and rings the bell when Take is worth calling.
// The lease may rest on the shelf (Shelve) if seat is not nil: the one of its slot, which
// the embedder fills.
func (p *Pool) AcquireOrQueue(limit time.Duration, bell Bell, seat *Seat) (Conn, Turn, error) {
	if limit < 0 {
		limit = p.opts.AcquireTimeout
	}
	now := p.now()
	c, served, err := p.direct(now, seat)
	if served || err != nil {
		return c, Turn{}, err
	}
	w, err := p.queue(now, limit, bell, seat)
	if err != nil {
		return Conn{}, Turn{}, err
	}
	return Conn{}, Turn{p, w, now, now + min(limit, maxDuration-now)}, nil
}

// Waits says that the turn has not ended.
func (t *Turn) Waits() bool { return t.waiter != nil }

// Until is when Take is to be called at the latest, an instant as of Conn.Send.
func (t *Turn) Until() int64 { return t.pool.mono(t.until) }

// Take ends the turn with the lease or with why there is none; but if there is nothing
// yet, or it was a connection found dead, the turn goes on.
func (t *Turn) Take() (Conn, error) {
	p, w := t.pool, t.waiter
	now := p.now()
	var h handOff
	select {
	case h = <-w.result:
	default:
		if now < t.until {
			return Conn{}, nil
		}
		h = p.leave(w, outTimeout)
	}
	c, again, err := p.take(w, h, t.began, now)
	if !again {
		w.bell, w.seat = nil, nil
		p.spareWaiters.Put(w)
		t.waiter = nil
	}
	return c, err
}
