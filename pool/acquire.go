package pool

import (
	"context"
	"fmt"
	"time"
)

// Acquire leases a connection: an idle one that was just found alive, or a new one.
// It waits until ctx ends; a ctx without a deadline waits for AcquireTimeout. Dials
// belong to the pool: one that is under way when ctx ends serves the next caller.
func (p *Pool) Acquire(ctx context.Context) (Conn, error) {
	now := p.now()
	c, served, err := p.direct(now, nil)
	if served {
		return c, nil
	}
	if err == nil {
		limit := p.opts.AcquireTimeout
		if _, ok := ctx.Deadline(); ok {
			limit = maxDuration
		}
		c, err = p.wait(now, limit, ctx.Done())
	}
	if err == nil || ctx.Err() == nil {
		return c, err
	}
	return c, fmt.Errorf("%w (%w)", err, context.Cause(ctx))
}

// AcquireWithin is Acquire with a limit instead of a context: negative is
// AcquireTimeout, zero takes only what is idle and starts no dial.
func (p *Pool) AcquireWithin(limit time.Duration) (Conn, error) {
	if limit < 0 {
		limit = p.opts.AcquireTimeout
	}
	now := p.now()
	c, served, err := p.direct(now, nil)
	if served || err != nil {
		return c, err
	}
	return p.wait(now, limit, nil)
}

// direct leases an idle connection that is alive. If there is none it returns with mu
// held.
func (p *Pool) direct(now time.Duration, seat *Seat) (c Conn, served bool, err error) {
	for {
		if !p.mu.TryLock() { // this is lock, without its call
			p.contend()
		}
		if p.laden() {
			p.takeIn()
		}
		if p.state != running {
			p.unlock()
			p.ended(outClosed, 0)
			return Conn{}, false, errPoolClosed()
		}
		if p.waiters.len > 0 || p.paused {
			return Conn{}, false, nil
		}
		ch := p.nextIdle(now)
		if ch == nil {
			return Conn{}, false, nil
		}
		p.lend(ch, now, seat)
		ch.endpoint.immediate.lent++
		if p.short() {
			p.pump()
		}
		if p.settled() {
			p.mu.Unlock()
		} else {
			p.unlock()
		}
		if ch.silent() {
			return ch.begin(), true, nil
		}
		if c, ok := p.handOut(ch, true); ok {
			return c, true, nil
		}
	}
}

// handOut checks a connection that was idle, or lent a moment ago, and opens the lease; a
// dead one is retired. Counted says that the lease has been counted.
func (p *Pool) handOut(ch *channel, counted bool) (Conn, bool) {
	alive, why := ch.probe()
	if alive && !counted {
		return ch.begin(), true
	}
	p.lock()
	defer p.unlock()
	if counted {
		ch.endpoint.immediate.disprove(alive)
	}
	if alive {
		return ch.begin(), true
	}
	ch.unseat()
	ch.lostTo = why
	p.leaseEnds(ch)
	p.dismiss(ch, closedStale)
	return Conn{}, false
}

// queue puts the caller into the line, or says why not. The caller holds mu; queue unlocks
// it.
func (p *Pool) queue(now, limit time.Duration, bell Bell, seat *Seat) (*waiter, error) {
	var err error
	out := outBreakerOpen
	switch {
	case limit == 0:
		out = outExhausted
		err = errorf(ErrExhausted, nil, "no idle connection to %s: %s", p.list, p.census())
	case p.waiters.len >= p.opts.MaxWaiters:
		out = outOverload
		err = errorf(ErrExhausted, nil, "max_waiters: %d callers wait already: %s", p.waiters.len, p.census())
	case !p.paused && (p.total() < p.max || p.lent == 0):
		err = p.refusal(now)
	}
	if err != nil {
		p.unlock()
		p.ended(out, 0)
		return nil, err
	}
	w := p.spareWaiters.Get().(*waiter)
	w.bell, w.seat = bell, seat
	p.waiters.pushBack(w)
	p.pump()
	p.unlock()
	return w, nil
}

// wait has the caller wait in line until it is served, the limit passes or cancel is
// closed. The caller holds mu; wait unlocks it.
func (p *Pool) wait(now, limit time.Duration, cancel <-chan struct{}) (Conn, error) {
	w, err := p.queue(now, limit, nil, nil)
	if err != nil {
		return Conn{}, err
	}
	defer p.spareWaiters.Put(w)
	w.timer.Reset(limit)
	defer w.timer.Stop()
	for {
		var h handOff
		select {
		case h = <-w.result:
		case <-w.timer.C:
			h = p.leave(w, outTimeout)
		case <-cancel:
			h = p.leave(w, outCanceled)
		}
		if c, again, err := p.take(w, h, now, p.now()); !again {
			return c, err
		}
	}
}

// take makes a lease of what a waiter was served with. If it is dead the waiter is in line
// again.
func (p *Pool) take(w *waiter, h handOff, began, now time.Duration) (c Conn, again bool, err error) {
	switch {
	case h.err != nil:
		p.ended(h.out, now-began)
		return Conn{}, false, h.err
	case h.out == outDialed:
		p.ended(h.out, now-began)
		return h.ch.begin(), false, nil
	}
	if c, ok := p.handOut(h.ch, false); ok {
		p.ended(h.out, now-began)
		return c, false, nil
	}
	p.lock()
	if p.state != running {
		p.unlock()
		p.ended(outClosed, now-began)
		return Conn{}, false, errPoolClosed()
	}
	p.waiters.pushAgain(w)
	p.pump()
	p.unlock()
	return Conn{}, true, nil
}

// leave takes a waiter whose time is over out of the queue, or what it was served
// at the same moment.
func (p *Pool) leave(w *waiter, out outcome) handOff {
	p.lock()
	defer p.unlock()
	if !w.queued {
		return <-w.result
	}
	p.waiters.remove(w)
	if out == outTimeout {
		p.timeouts.Add(1)
	}
	return handOff{err: errorf(ErrTimeout, p.lastCause(), "no connection to %s in time: %s", p.list, p.census()), out: out}
}

// census says in words where the connections are. The caller holds mu.
func (p *Pool) census() string {
	paused := ""
	if p.paused {
		paused = "paused, "
	}
	return paused + fmt.Sprintf("%d idle, %d lent, %d dialing, %d closing of max_connections %d, %d waiting",
		len(p.idle), p.lent, p.dialingPlaces(), p.closing, p.max, p.waiters.len)
}
