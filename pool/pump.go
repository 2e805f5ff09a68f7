package pool

import "time"

// pump brings what is there towards what is wanted: it serves waiters, fails them when
// no dial can help, and starts the dials that are wanted and allowed. It is
// level-triggered: it compares, and remembers no events, so none can be missed for
// good; where only time can help it sets the alarm. The caller holds mu.
func (p *Pool) pump() {
	if p.state != running {
		p.noteDrained()
		return
	}
	now := p.now()
	for p.waiters.len > 0 && !p.paused {
		ch := p.nextIdle(now)
		if ch == nil {
			break
		}
		p.lend(ch, now, p.waiters.head.seat)
		p.waiters.serve(handOff{ch: ch, out: outWaited})
	}
	p.failHopeless(now)

	next := never
	for p.dials < p.opts.MaxDials && (p.total() < p.max || p.dials < p.redials.len) {
		urgent := p.wantedNow()
		spare := p.dials >= urgent
		if spare && p.dials >= urgent+p.wantedSpare() {
			break
		}
		e, at := p.pick(now, spare)
		if e == nil {
			next = at
			break
		}
		p.startDial(e, nil)
	}
	p.setAlarm(min(next, p.probe(now)), now)
}

// probe dials, while the cleanup task runs, the endpoints whose breakers may be
// half-open, whether a connection to them is wanted or not: it is how a failed one comes
// back into use. It returns when the next may be. The caller holds mu.
func (p *Pool) probe(now time.Duration) (next time.Duration) {
	next = never
	if !p.cleanup.running.Load() {
		return next
	}
	for _, e := range p.endpoints {
		switch e.breaker.state(now) {
		case BreakerOpen:
			next = min(next, e.breaker.opensUntil())
		case BreakerHalfOpen:
			if at := e.ready(now); at > now {
				next = min(next, at)
			} else if p.total() < p.max && p.dials < p.opts.MaxDials && e.breaker.allow(now) {
				p.startDial(e, nil)
			}
		}
	}
	return next
}

// wantedNow counts the connections that callers wait for.
func (p *Pool) wantedNow() int {
	wanted := p.redials.len
	if !p.paused {
		wanted += p.waiters.len
	}
	for _, w := range p.warmers {
		wanted = max(wanted, w.want-len(p.open))
	}
	return wanted
}

// wantedSpare counts the connections that nobody waits for: while the cleanup task
// runs, what is missing for MinIdle, what is owed, and one to see whether a pool that
// broke down works again.
func (p *Pool) wantedSpare() int {
	if !p.cleanup.running.Load() {
		return 0
	}
	wanted := max(p.minIdle-len(p.idle)-p.looking, p.owed, 0)
	if wanted == 0 && len(p.open) == 0 && p.lastDial != nil {
		return 1
	}
	return wanted
}

// short says that the cleanup task has idle connections to add. The caller holds mu.
func (p *Pool) short() bool {
	return len(p.idle)+p.looking < p.minIdle && p.total() < p.max && p.cleanup.running.Load()
}

// failHopeless ends the waits that only a dial could end when no dial goes: every
// breaker is open. Where there is no room for a dial they wait for a return.
func (p *Pool) failHopeless(now time.Duration) {
	waits := (p.waiters.len > 0 || len(p.warmers) > 0) && !p.paused && (p.total() < p.max || p.lent == 0)
	if !waits && p.redials.len == 0 {
		return
	}
	err := p.refusal(now)
	switch {
	case err == nil:
	case waits:
		p.failAll(err, outBreakerOpen)
	default:
		p.failRedials(err)
	}
}

// failAll ends all waits with err. The caller holds mu.
func (p *Pool) failAll(err error, out outcome) {
	for p.waiters.serve(handOff{err: err, out: out}) {
	}
	p.failRedials(err)
	p.failWarmers(err)
}

// failRedials ends the waits of leases for a fresh connection with err. The caller
// holds mu.
func (p *Pool) failRedials(err error) {
	for p.redials.serve(handOff{err: err}) {
	}
}

// setAlarm has pump called at the instant at. The caller holds mu.
func (p *Pool) setAlarm(at, now time.Duration) {
	switch {
	case at == never:
		if p.alarm != nil {
			p.alarm.Stop()
		}
	case p.alarm == nil:
		p.alarm = time.AfterFunc(at-now, p.alarmed)
	default:
		p.alarm.Reset(at - now)
	}
}

func (p *Pool) alarmed() {
	defer p.caught("alarm")
	p.lock()
	p.pump()
	p.unlock()
}
