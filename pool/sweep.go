package pool

import (
	"slices"
	"time"
)

// sweep looks at the idle connections that nobody has used or looked at for ProbeSweep,
// and returns when the next is due.
func (p *Pool) sweep(now time.Duration) (next time.Duration) {
	if p.opts.ProbeSweep == 0 {
		return never
	}
	due, next := p.unseen(now)
	for _, ch := range due {
		p.lookAt(ch, now)
	}
	return next
}

// unseen lists the idle connections that are due for a look, and says when the next is,
// those included.
func (p *Pool) unseen(now time.Duration) (due []*channel, next time.Duration) {
	p.lock()
	defer p.unlock()
	next = never
	if p.state != running {
		return nil, next
	}
	for _, ch := range p.idle {
		at := max(time.Duration(ch.active.Load()), ch.looked) + p.opts.ProbeSweep
		if at <= now {
			due = append(due, ch)
			at = now + p.opts.ProbeSweep
		}
		next = min(next, at)
	}
	return due, next
}

// lookAt closes a connection that is idle and not alive. The usual one is silent, which
// is seen in place and without waiting; only another is taken out for the whole probe,
// as if it were lent.
func (p *Pool) lookAt(ch *channel, now time.Duration) {
	p.lock()
	defer p.unlock()
	if !ch.idle || p.state != running {
		return
	}
	ch.looked = now
	if ch.silent() {
		ch.endpoint.checks[checkIdle].Add(1)
		return
	}
	i := slices.Index(p.idle, ch)
	p.idle = slices.Delete(p.idle, i, i+1)
	ch.idle = false
	ch.lentAt = now
	p.lent++
	p.looking++
	p.unlock()
	alive, why := ch.probe()
	p.lock()
	p.lent--
	p.looking--
	switch expired := p.expired(ch, now); {
	case !alive:
		ch.lostTo = why
		p.dismiss(ch, closedStale)
	case p.state != running:
		p.dismiss(ch, closedDrain)
	case expired != stays:
		p.dismiss(ch, expired)
	case p.staying() >= p.max:
		p.dismiss(ch, closedResized)
	case p.waiters.len > 0 && !p.paused:
		p.offer(ch, now, false)
	default:
		ch.idle = true
		p.idle = slices.Insert(p.idle, p.placeOf(ch), ch)
	}
	p.pump()
}

// placeOf is where a connection belongs among the idle ones, the one used last at the
// end. The caller holds mu.
func (p *Pool) placeOf(ch *channel) int {
	i := len(p.idle)
	for i > 0 && p.idle[i-1].active.Load() > ch.active.Load() {
		i--
	}
	return i
}
