package pool

import "slices"

// Resize changes the bound and the number of idle connections wanted; Auto is as in
// Options. Idle ones above the bound are closed now, lent ones at their return.
func (p *Pool) Resize(maxConnections, minIdle int) error {
	o := Defaults()
	o.MaxConnections, o.MinIdle = maxConnections, minIdle
	if err := o.resolve(); err != nil {
		return err
	}
	p.lock()
	if p.state != running {
		p.unlock()
		return errPoolClosed()
	}
	p.max, p.minIdle = o.MaxConnections, o.MinIdle
	for len(p.idle) > 0 && p.staying() > p.max {
		p.retireIdle(p.idle[0], closedResized, false)
	}
	if len(p.vacancies) > p.max {
		p.vacancies = p.vacancies[:p.max]
	}
	p.settleWarmers()
	p.pump()
	p.unlock()
	p.log.Info("resized", "max_connections", o.MaxConnections, "min_idle", o.MinIdle)
	return nil
}

// Pause has Acquire wait until Resume, whatever is idle. Leases that are out go on.
func (p *Pool) Pause() error { return p.setPaused(true) }

// Resume ends Pause.
func (p *Pool) Resume() error { return p.setPaused(false) }

func (p *Pool) setPaused(paused bool) error {
	p.lock()
	if p.state != running {
		p.unlock()
		return errPoolClosed()
	}
	p.paused = paused
	p.pump()
	p.unlock()
	if paused {
		p.log.Info("paused")
	} else {
		p.log.Info("resumed")
	}
	return nil
}

// Rotate has every connection replaced by one with fresh keys. The roots and the
// client's certificate and key are read anew and old session tickets are forgotten;
// if that fails, nothing changes. While the cleanup task runs, replacements are dialled
// first, at its pace; otherwise idle connections are closed now. Lent ones go at their
// return.
func (p *Pool) Rotate() error {
	base, err := newTLSConfig(&p.opts)
	if err != nil {
		return err
	}
	p.lock()
	if p.state != running {
		p.unlock()
		return errPoolClosed()
	}
	for _, e := range p.endpoints {
		e.tls.Store(forEndpoint(base, e.addr))
	}
	p.generation++
	p.outdated = true
	for _, ch := range p.open {
		ch.callHome()
	}
	if !p.cleanup.running.Load() {
		p.evict(func(*channel) bool { return true }, closedRotated)
	}
	generation := p.generation
	p.pump()
	p.unlock()
	p.log.Info("keys rotated", "generation", generation)
	p.cleanup.nudge()
	return nil
}

// EvictEndpoint closes the connections to one endpoint of the list: idle ones now, lent
// ones at their return. The next dial resolves its name anew.
func (p *Pool) EvictEndpoint(addr string) error {
	addr, err := parseEndpoint(addr)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(p.endpoints, func(e *endpoint) bool { return e.addr == addr })
	if i < 0 {
		return errorf(ErrOption, nil, "endpoint %q: not one of %s", addr, p.list)
	}
	p.lock()
	if p.state != running {
		p.unlock()
		return errPoolClosed()
	}
	p.evict(func(ch *channel) bool { return ch.endpoint == p.endpoints[i] }, closedEvicted)
	p.pump()
	p.unlock()
	p.log.Info("endpoint evicted", "endpoint", addr)
	return nil
}

// Reset begins anew: idle connections are closed now and lent ones at their return,
// breakers are closed and waits between retries are over.
func (p *Pool) Reset() error {
	p.lock()
	if p.state != running {
		p.unlock()
		return errPoolClosed()
	}
	for _, e := range p.endpoints {
		e.breaker.reset()
		e.retries.Reset()
		e.retryAt, e.lastErr = 0, nil
	}
	p.lastDial, p.refused = nil, nil
	p.evict(func(*channel) bool { return true }, closedEvicted)
	p.pump()
	p.unlock()
	p.log.Info("reset")
	return nil
}

// evict closes what fits. The caller holds mu.
func (p *Pool) evict(fits func(*channel) bool, why reason) {
	for _, ch := range slices.Clone(p.open) {
		switch {
		case !fits(ch):
		case ch.idle:
			p.retireIdle(ch, why, true)
		default:
			ch.condemned = why
			ch.callHome()
		}
	}
}

func errPoolClosed() error { return errorf(ErrClosed, nil, "the pool is closed") }
