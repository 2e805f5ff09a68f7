package pool

// Health says whether a pool can be expected to serve.
type Health struct {
	// Healthy: not closed, not every breaker open, and a connection is open or the last
	// dial did not fail.
	Healthy bool
	// Cause and Reason are empty when Healthy. Reason is a sentence, which may name
	// endpoints.
	Cause  HealthCause
	Reason string
	// Active counts open connections, idle and lent.
	Active int
	// Ready: a lease can be had now, of an idle connection or of one to be dialled.
	Ready bool
	// Unready is why it is not Ready, empty if it is.
	Unready HealthCause
	// Breaker is the best state of any endpoint's breaker.
	Breaker BreakerState
}

// HealthCause is a word for what is wrong. The set is closed.
type HealthCause string

// The causes of ill health, and of not being ready.
const (
	CauseClosed      HealthCause = "closed"       // the pool is
	CauseBreakerOpen HealthCause = "breaker_open" // every endpoint's
	CauseDialFailed  HealthCause = "dial_failed"  // the last one, and nothing is open
	CausePaused      HealthCause = "paused"       // until Resume
	CauseBusy        HealthCause = "busy"         // nothing idle, and no room to dial
)

// Health says whether the pool can be expected to serve.
func (p *Pool) Health() Health {
	p.lock()
	defer p.unlock()
	now := p.now()
	breaker := p.breakerState(now)
	h := Health{Active: len(p.open), Breaker: breaker}
	switch {
	case p.state != running:
		h.Cause, h.Reason = CauseClosed, "the pool is closed"
	case breaker == BreakerOpen:
		h.Cause, h.Reason = CauseBreakerOpen, p.refusal(now).Error()
	case len(p.open) == 0 && p.lastDial != nil:
		h.Cause, h.Reason = CauseDialFailed, p.lastDial.Error()
	default:
		h.Healthy = true
	}
	switch {
	case p.state != running:
		h.Unready = CauseClosed
	case p.paused:
		h.Unready = CausePaused
	case len(p.idle) > 0:
	case breaker == BreakerOpen:
		h.Unready = CauseBreakerOpen
	case p.total() >= p.max:
		h.Unready = CauseBusy
	}
	h.Ready = h.Unready == ""
	return h
}

// Closed says that Close was called.
func (p *Pool) Closed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state != running
}
