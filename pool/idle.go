package pool

import "time"

// nextIdle takes the idle connection that is to be lent next, or nil; those that are too
// old are retired on the way. The caller holds mu.
func (p *Pool) nextIdle(now time.Duration) *channel {
	for {
		last := len(p.idle) - 1
		if last < 0 {
			return nil
		}
		if !p.lifo || p.outdated {
			p.bringForward()
		}
		ch := p.idle[last]
		p.idle[last] = nil
		p.idle = p.idle[:last]
		ch.idle = false
		why := p.expired(ch, now)
		if why == stays && now >= ch.idleUntil() {
			why = closedIdle
		}
		if why == stays {
			return ch
		}
		p.retire(ch, why, true)
	}
}

// bringForward puts the one to be taken next where the one used last is.
func (p *Pool) bringForward() {
	i := p.chooseIdle()
	ch := p.idle[i]
	last := copy(p.idle[i:], p.idle[i+1:]) + i
	p.idle[last] = ch
}

// chooseIdle finds the best by the order, of the present generation if there is one.
func (p *Pool) chooseIdle() int {
	best, outdated := -1, false
	for i, ch := range p.idle {
		if ch.generation != p.generation {
			outdated = true
			continue
		}
		if best < 0 || p.before(ch, p.idle[best]) {
			best = i
		}
	}
	p.outdated = outdated
	if best < 0 {
		return len(p.idle) - 1
	}
	return best
}

// before says that a is lent before b, which has been idle for longer.
func (p *Pool) before(a, b *channel) bool {
	switch p.opts.IdleOrder {
	case OrderFIFO:
		return false
	case OrderLatency:
		return a.p95 <= b.p95
	}
	return true
}

// setAge draws when a connection is due: at the end of its lifetime or of its keys',
// less up to a fifth by chance. The caller holds mu.
func (ch *channel) setAge(now time.Duration) {
	o := &ch.pool.opts
	ch.early = ageJitter()
	ch.due, ch.overdue, ch.dueWhy = never, never, stays
	for _, age := range []struct {
		limit time.Duration
		why   reason
	}{{o.MaxLifetime, closedLifetime}, {o.KeyRotationInterval, closedRotated}} {
		if age.limit > 0 && now+age.limit < ch.overdue {
			ch.overdue = now + age.limit
			ch.due = ch.overdue - time.Duration(ch.early*float64(age.limit))
			ch.dueWhy = age.why
		}
	}
}

// idleUntil is when an idle connection has been idle for too long.
func (ch *channel) idleUntil() time.Duration {
	limit := ch.pool.opts.IdleTimeout
	if limit == 0 {
		return never
	}
	return ch.rested + limit
}

// expired says whether a connection is too old to be lent or kept, and why. While
// the cleanup task runs it replaces those that are due before they are overdue.
// The caller holds mu.
func (p *Pool) expired(ch *channel, now time.Duration) reason {
	limit := ch.due
	if p.cleanup.running.Load() {
		limit = ch.overdue
	}
	switch {
	case ch.condemned != stays:
		return ch.condemned
	case now >= limit:
		return ch.dueWhy
	case ch.generation != p.generation && !p.cleanup.running.Load():
		return closedRotated
	case ch.vanished && !p.cleanup.running.Load():
		return closedDNS
	}
	return stays
}
