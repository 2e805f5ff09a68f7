package pool

import (
	"cmp"
	"slices"
	"time"
)

// Status is a pool and each of its connections at one moment. Its JSON form is
// what /status/connections serves: the first six keys are frozen, others are only
// ever added.
type Status struct {
	// Endpoint is the list of endpoints as given.
	Endpoint string `json:"endpoint"`
	// Active counts open connections, idle and lent: len(Connections).
	Active int `json:"active_connections"`
	// Reconnects counts dials that replaced a lost connection.
	Reconnects uint64 `json:"total_reconnects"`
	// Errors counts failures of connections and of dials.
	Errors uint64 `json:"total_errors"`
	// P95Ms is the largest p95 latency of the open connections, rounded up.
	P95Ms       int64              `json:"pool_p95_latency_ms"`
	Connections []ConnectionStatus `json:"connections"`

	Max        int              `json:"max_connections"`
	Idle       int              `json:"idle"`
	Lent       int              `json:"lent"`
	Dialing    int              `json:"dialing"`
	Closing    int              `json:"closing"`
	Waiting    int              `json:"waiting"`
	Acquires   uint64           `json:"total_acquires"`
	Dials      uint64           `json:"total_dials"`
	DialErrors uint64           `json:"total_dial_errors"`
	Timeouts   uint64           `json:"total_timeouts"`
	Discards   uint64           `json:"total_discards"`
	Sent       uint64           `json:"bytes_sent"`
	Received   uint64           `json:"bytes_received"`
	Endpoints  []EndpointStatus `json:"endpoints"`

	// Leaks counts leases that were reported as held too long; LeaksReturned those of
	// them that ended after all.
	Leaks         uint64 `json:"total_leaks_suspected"`
	LeaksReturned uint64 `json:"total_leaks_returned"`
	// Closed counts closed connections by the reason.
	Closed map[string]uint64 `json:"closed_by_reason"`
	// SlowSpared counts connections above MaxLatency that were kept: with the majority
	// ("share"), or with the median ("median").
	SlowSpared map[string]uint64 `json:"slow_spared"`
	// Breaker is the best state of any endpoint's: "closed", "half_open" or "open".
	Breaker string `json:"circuit_breaker"`
	// Generation counts the calls of Rotate.
	Generation uint64        `json:"generation"`
	MinIdle    int           `json:"min_idle"`
	Paused     bool          `json:"paused"`
	Cleanup    CleanupStatus `json:"cleanup"`
}

// CleanupStatus is how the cleanup task fares.
type CleanupStatus struct {
	Running bool `json:"running"`
	// LagMs is how late its last pass by the clock began.
	LagMs float64 `json:"lag_ms"`
	// ClockLeaps counts how often the wall clock moved against the monotonic one.
	ClockLeaps uint64 `json:"clock_leaps"`
}

// ConnectionStatus is one open connection.
type ConnectionStatus struct {
	// ID is never reused within a pool.
	ID uint64 `json:"connection_id"`
	// LastActivity is when the connection was opened, lent, returned, read or
	// written last, in UTC.
	LastActivity time.Time `json:"last_activity"`
	// Reconnects counts the connections that held this one's place before it.
	Reconnects uint64 `json:"reconnects"`
	Errors     uint64 `json:"errors"`
	// P95Ms is P95Us in milliseconds, rounded up.
	P95Ms int64 `json:"p95_latency_ms"`
	P95Us int64 `json:"p95_latency_us"`

	Endpoint string `json:"endpoint"`
	State    string `json:"state"` // "idle" or "lent"
	// Generation is how often Rotate had been called when it was dialled.
	Opened   time.Time `json:"opened"`
	Uses     uint64    `json:"uses"` // leases that ended
	Sent     uint64    `json:"bytes_sent"`
	Received uint64    `json:"bytes_received"`
	// Generation is how often Rotate had been called when it was dialled.
	Generation uint64 `json:"generation"`
}

// EndpointStatus is one endpoint's share of a pool. Each total of Status is the
// sum of the same field over the endpoints.
type EndpointStatus struct {
	Endpoint   string `json:"endpoint"`
	Active     int    `json:"active_connections"`
	Reconnects uint64 `json:"total_reconnects"`
	Errors     uint64 `json:"total_errors"`
	Dials      uint64 `json:"total_dials"`
	DialErrors uint64 `json:"total_dial_errors"`
	Sent       uint64 `json:"bytes_sent"`
	Received   uint64 `json:"bytes_received"`
	// Breaker is "closed", "half_open" or "open"; Trips counts how often it opened.
	Breaker string `json:"circuit_breaker"`
	Trips   uint64 `json:"circuit_breaker_trips"`
	// LastError is why the last dial failed, empty if it did not.
	LastError string `json:"last_error,omitempty"`
	// Latency is the distribution of request-to-response times since the start.
	Latency LatencyHistogram `json:"-"`
}

// LatencyHistogram counts request-to-response times in classic buckets.
type LatencyHistogram struct {
	// Counts holds, for each of LatencyBoundsMs and one more for +Inf, how many
	// samples fell into that bucket (not cumulative).
	Counts []uint64
	SumMs  float64
}

// LatencyBoundsMs are the upper bounds of LatencyHistogram in milliseconds.
var LatencyBoundsMs = func() (ms []float64) {
	for _, bound := range latencyBounds {
		ms = append(ms, float64(bound)/1e6)
	}
	return ms
}()

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

// Status takes a snapshot. Totals are read together with the parts they sum up.
func (p *Pool) Status() Status {
	s, open := p.snapshot()
	s.Connections = make([]ConnectionStatus, len(open))
	for i, ch := range open {
		s.Connections[i] = ch.status()
		s.P95Ms = max(s.P95Ms, s.Connections[i].P95Ms)
	}
	slices.SortFunc(s.Connections, func(a, b ConnectionStatus) int { return cmp.Compare(a.ID, b.ID) })
	return s
}

// Totals is Status without Connections and P95Ms, for callers that only count.
func (p *Pool) Totals() Status {
	s, _ := p.snapshot()
	return s
}

func (p *Pool) snapshot() (Status, []*channel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	s := Status{
		Endpoint: p.list, Active: len(p.open), Max: p.max,
		Idle: len(p.idle), Lent: p.lent, Dialing: p.dials, Closing: p.closing, Waiting: p.waiters.len,
		Acquires: p.acquires, Discards: p.discards, Timeouts: p.timeouts.Load(),
		Leaks: p.leaks, LeaksReturned: p.returned, Closed: make(map[string]uint64, len(reasonNames)-1),
		SlowSpared: map[string]uint64{},
		Breaker:    p.breakerState(now).String(), Generation: p.generation, MinIdle: p.minIdle, Paused: p.paused,
		Cleanup: CleanupStatus{
			Running: p.cleanup.running.Load(), ClockLeaps: p.cleanup.leaps.Load(),
			LagMs: float64(p.cleanup.lag.Load()) / 1e6,
		},
		Endpoints: make([]EndpointStatus, len(p.endpoints)),
	}
	for why, n := range p.slowSpared {
		s.SlowSpared[spareNames[why]] = n
	}
	for why, n := range p.closedBy {
		if reason(why) != stays {
			s.Closed[reason(why).String()] = n
		}
	}
	for i, e := range p.endpoints {
		part := EndpointStatus{
			Endpoint: e.addr, Active: e.active,
			Reconnects: e.reconnects.Load(), Errors: e.errors.Load(),
			Dials: e.dials.Load(), DialErrors: e.dialErrors.Load(),
			Sent: e.sent, Received: e.received, Latency: e.latency.snapshot(),
			Breaker: e.breaker.state(now).String(), Trips: e.breaker.trips(),
		}
		if e.lastErr != nil {
			part.LastError = e.lastErr.Error()
		}
		for _, ch := range p.open {
			if ch.endpoint == e {
				part.Sent += ch.sent.Load()
				part.Received += ch.received.Load()
			}
		}
		s.Endpoints[i] = part
		s.Reconnects += part.Reconnects
		s.Errors += part.Errors
		s.Dials += part.Dials
		s.DialErrors += part.DialErrors
		s.Sent += part.Sent
		s.Received += part.Received
	}
	return s, slices.Clone(p.open)
}

func (ch *channel) status() ConnectionStatus {
	p95 := ch.latency.p95()
	s := ConnectionStatus{
		ID: ch.id, Endpoint: ch.endpoint.addr, Reconnects: ch.reconnects,
		LastActivity: ch.pool.wall(time.Duration(ch.active.Load())),
		Opened:       ch.pool.wall(ch.opened),
		Errors:       ch.errors.Load(), Uses: ch.uses.Load(),
		P95Us: p95, P95Ms: (p95 + 999) / 1000,
		Sent: ch.sent.Load(), Received: ch.received.Load(),
		State: "idle", Generation: ch.generation,
	}
	if ch.lease.Load() != 0 {
		s.State = "lent"
	}
	return s
}

// wall is an instant as a time of day, to the millisecond.
func (p *Pool) wall(at time.Duration) time.Time {
	return p.epoch.Add(at).UTC().Truncate(time.Millisecond)
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
