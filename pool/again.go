package pool

import (
	"slices"
	"time"
)

// This file gives a lease whose connection died before any answer a fresh one, so that
// a request may be sent once more.

// Outcomes of a request that may be sent once more.
const (
	retrySucceeded = iota
	retryFailed
	retryRefused
)

var retryNames = [...]string{"success", "failure", "budget_exhausted"}

// RetryOutcomes are the keys of Status.Retries.
func RetryOutcomes() []string { return slices.Clone(retryNames[:]) }

// The retry budget: of the leases that are out, this part may be sending once more at
// the same time, and always retriesAtLeast. More would turn a peer's trouble into a
// storm. (failsafe-go's budget counts in the same way, but only within its executors,
// and would have to be told of every request that goes well.)
const (
	retriesPerLease = 0.2
	retriesAtLeast  = 3
)

// Again goes on after ErrStale with a connection that is dialled for this lease, before
// limit has passed; negative is no limit. The dial is the pool's, the place that of the
// dead connection. Once the request was sent on what it returns, Resent must follow.
// After an error the lease is what it was, and is still to be ended.
func (c Conn) Again(limit time.Duration) (Conn, error) { return c.again(limit, nil) }

func (c Conn) again(limit time.Duration, cancel <-chan struct{}) (Conn, error) {
	ch, err := c.live()
	if err != nil {
		return Conn{}, err
	}
	stale := ch.stale.Load()
	if stale == nil {
		return Conn{}, errorf(ErrState, nil, "connection %d to %s: not known to have died before any answer", ch.id, ch.endpoint.addr)
	}
	if limit == 0 {
		return Conn{}, errorf(ErrStale, stale, "not sent again, no time is left")
	}
	if limit < 0 {
		limit = maxDuration
	}
	ch.socket.HangUp() // the peer may have ended only its own direction
	p := ch.pool
	w, err := p.queueAgain(ch, stale)
	if err != nil {
		return Conn{}, err
	}
	h := p.awaitFresh(w, limit, cancel)
	switch {
	case h.err == nil:
		ch.lease.Add(1) // ended, without end
		now := p.now()
		p.mu.Lock()
		ch.endpoint.hold.record(now - ch.lentAt)
		p.mu.Unlock()
		p.closeStruck(ch, now)
		return h.ch.begin(), nil
	case kindOf(h.err) != ErrTimeout && kindOf(h.err) != ErrClosed:
		h.err = errorf(ErrStale, stale, "not sent again (%s)", plain(h.err))
	}
	p.resent(false)
	return Conn{}, h.err
}

// queueAgain takes a permit of the retry budget and queues the lease of ch for a fresh
// connection, in whose favour ch gives up its place.
func (p *Pool) queueAgain(ch *channel, stale *Error) (*waiter, error) {
	p.lock()
	defer p.unlock()
	switch {
	case p.state != running:
		return nil, errPoolClosed()
	case ch.abandoned:
		return nil, errAbandoned
	case p.resending >= max(retriesAtLeast, int(retriesPerLease*float64(p.lent+p.redials.len))):
		p.retries[retryRefused]++
		return nil, errorf(ErrStale, stale, "not sent again, the retry budget is exhausted (%d under way)", p.resending)
	}
	p.resending++
	p.leaseEnds(ch)
	p.strike(ch, closedStale, !ch.replaced)
	ch.uses, ch.lentAt = ch.usesNow(), ch.since() // its seat is the fresh one's
	w := newWaiter().(*waiter)                    // not from the spare ones: ch may outlive the wait
	w.seat = ch.seat
	ch.heir = w
	p.redials.pushBack(w)
	p.pump()
	return w, nil
}

// awaitFresh waits for the result of a waiter in redials.
func (p *Pool) awaitFresh(w *waiter, limit time.Duration, cancel <-chan struct{}) handOff {
	w.timer.Reset(limit)
	defer w.timer.Stop()
	select {
	case h := <-w.result:
		return h
	case <-w.timer.C:
		p.timeouts.Add(1)
	case <-cancel:
	}
	p.lock()
	defer p.unlock()
	if !w.queued {
		return <-w.result
	}
	p.redials.remove(w)
	p.pump() // its place is free
	return handOff{err: errorf(ErrTimeout, p.lastCause(), "no fresh connection to %s in time to send again: %s", p.list, p.census())}
}

var errAbandoned = &Error{Kind: ErrClosed, Text: "the lease was ended by another thread"}

// abandon ends the wait for a fresh connection for the lease of ch, and prevents one.
func (p *Pool) abandon(ch *channel) {
	p.lock()
	defer p.unlock()
	ch.abandoned = true
	if w := ch.heir; w != nil && w.queued {
		p.redials.remove(w)
		w.result <- handOff{err: errAbandoned}
		p.pump()
	}
}

// Resent ends what Again began: the request was answered on the fresh connection, or
// was not.
func (c Conn) Resent(answered bool) { c.ch.pool.resent(answered) }

func (p *Pool) resent(answered bool) {
	outcome := retryFailed
	if answered {
		outcome = retrySucceeded
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.resending--
	p.retries[outcome]++
}
