package pool

// Health says whether a pool can be expected to serve.
type Health struct {
	// Healthy: not closed, not every breaker open, and a connection is open or the last
	// dial did not fail.
	Healthy bool
	// Reason is empty when Healthy.
	Reason string
	// Active counts open connections, idle and lent.
	Active int
	// Ready: a lease can be had now, of an idle connection or of one to be dialled.
	Ready bool
	// Breaker is the best state of any endpoint's breaker.
	Breaker BreakerState
}

// Health says whether the pool can be expected to serve.
func (p *Pool) Health() Health {
	p.mu.Lock()
	defer p.mu.Unlock()
	breaker := p.breakerState(p.now())
	h := Health{Active: len(p.open), Breaker: breaker}
	if p.state == running && !p.paused {
		h.Ready = len(p.idle) > 0 || p.total() < p.max && breaker != BreakerOpen
	}
	switch {
	case p.state != running:
		h.Reason = "the pool is closed"
	case breaker == BreakerOpen:
		h.Reason = p.refusal(p.now()).Error()
	case len(p.open) == 0 && p.lastDial != nil:
		h.Reason = p.lastDial.Error()
	default:
		h.Healthy = true
	}
	return h
}

// Closed says that Close was called.
func (p *Pool) Closed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state != running
}
