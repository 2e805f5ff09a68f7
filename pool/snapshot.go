package pool

import (
	"cmp"
	"crypto/tls"
	"slices"
	"sync/atomic"
	"time"
)

// Status takes a snapshot. Totals are read together with the parts they sum up.
func (p *Pool) Status() Status {
	p.lock()
	now := p.now()
	s := p.totals(now)
	open := make([]seen, len(p.open))
	for i, ch := range p.open {
		open[i] = seen{ch, ch.idle, ch.since(), ch.lastActive(), ch.usesNow()}
	}
	p.unlock()

	// In the order of their ids, before there is more of each to be moved.
	slices.SortFunc(open, func(a, b seen) int { return cmp.Compare(a.id, b.id) })
	s.Connections = make([]ConnectionStatus, len(open))
	for i, one := range open {
		s.Connections[i] = one.status(now)
		s.P95Ms = max(s.P95Ms, s.Connections[i].P95Ms)
	}
	s.MergedP95Us = p.answers.p95(now, p.opts.HistogramRotationInterval)
	return s
}

// Totals is Status without Connections and what is computed from them, for callers that
// only count: it takes as long with one connection as with ten thousand.
func (p *Pool) Totals() Status {
	p.lock()
	defer p.unlock()
	return p.totals(p.now())
}

// totals reads all counters. The caller holds mu.
func (p *Pool) totals(now time.Duration) Status {
	p.fold()
	ends := p.ends()
	s := Status{
		Endpoint: p.list, Name: p.opts.Name, Active: len(p.open), Max: p.max,
		Idle: len(p.idle), Lent: p.lent, Dialing: p.dialingPlaces(), Closing: p.closing, Waiting: p.waiters.len,
		Acquires: ends[outDirect] + ends[outWaited] + ends[outDialed], Discards: p.discards, Timeouts: p.timeouts.Load(),
		AcquiresBy: named(outcomeNames[:], ends),
		Waits:      p.waits.snapshot(ends[outDirect]),
		Leaks:      p.leaks, LeaksReturned: p.returned,
		Closed: named(reasonNames[:], p.closedBy[:]), SlowSpared: named(spareNames[:], p.slowSpared[:]),
		Retries: named(retryNames[:], p.retries[:]),
		Breaker: p.breakerState(now).String(), Generation: p.generation, MinIdle: p.minIdle, Paused: p.paused,
		Cleanup: CleanupStatus{
			Running: p.cleanup.running.Load(), ClockLeaps: p.cleanup.leaps.Load(),
			LagMs: float64(p.cleanup.lag.Load()) / 1e6,
		},
		Endpoints: make([]EndpointStatus, len(p.endpoints)),
	}
	delete(s.Closed, stays.String())
	for i, e := range p.endpoints {
		part := e.status(now)
		s.Endpoints[i] = part
		s.Reconnects += part.Reconnects
		s.Errors += part.Errors
		s.Dials += part.Dials
		s.DialErrors += part.DialErrors
		s.Sent += part.Sent
		s.Received += part.Received
	}
	if own := p.endpoints[0].tls.Load().Certificates; len(own) > 0 && own[0].Leaf != nil {
		s.ClientExpiry = instant(own[0].Leaf.NotAfter)
	}
	return s
}

// status reads an endpoint's counters. The caller holds the pool's mutex.
func (e *endpoint) status(now time.Duration) EndpointStatus {
	changes := e.breaker.transitions()
	looks := loaded(e.checks[:])
	looks[checkIdle] += e.immediate.idle()
	s := EndpointStatus{
		Endpoint: e.addr, Active: e.active, Reconnects: e.reconnects.Load(),
		Dials: e.dials.Load(), DialErrors: e.dialErrors.Load(),
		Sent: e.sent.Load(), Received: e.received.Load(),
		Breaker: e.breaker.state(now).String(), Trips: changes[BreakerOpen],
		Transitions: named(BreakerStates(), changes[:]),
		ErrorsBy:    named(failureNames[:], loaded(e.failures[:])), Checks: named(checkNames[:], looks),
		Handshakes: e.handshakes.list(), Rotations: e.rotations.Load(), PeerExpiry: instant(e.peerExpiry),
		Latency: e.latency.snapshot(0), Hold: e.hold.snapshot(), Age: e.age.snapshot(0),
		Connect: make(map[string]Histogram, len(phaseNames)),
	}
	for _, n := range s.ErrorsBy {
		s.Errors += n
	}
	for i, phase := range phaseNames {
		s.Connect[phase] = e.connect[i].snapshot(0)
	}
	if e.lastErr != nil {
		s.LastError = e.lastErr.Error()
	}
	return s
}

// named pairs counts with their names.
func named(names []string, counts []uint64) map[string]uint64 {
	m := make(map[string]uint64, len(names))
	for i, name := range names {
		m[name] = counts[i]
	}
	return m
}

func loaded(counters []atomic.Uint64) []uint64 {
	counts := make([]uint64, len(counters))
	for i := range counters {
		counts[i] = counters[i].Load()
	}
	return counts
}

// seen is an open connection with what only the pool's mutex gives.
type seen struct {
	*channel
	idle   bool
	lentAt time.Duration
	active time.Duration
	uses   uint64
}

func (ch seen) status(now time.Duration) ConnectionStatus {
	lat := ch.latency.summary()
	s := ConnectionStatus{
		ID: ch.id, Endpoint: ch.endpoint.addr, Reconnects: ch.reconnects,
		LastActivity: ch.pool.wall(ch.active), Opened: ch.pool.wall(ch.opened),
		Errors: ch.errors.Load(), Uses: ch.uses,
		P95Us: lat.p95, P95Ms: (lat.p95 + 999) / 1000, P50Us: lat.p50, P99Us: lat.p99, Samples: lat.samples,
		Sent: ch.sent.Load(), Received: ch.received.Load(),
		State: "lent", Generation: ch.generation,
		AgeMs:      (now - ch.opened).Milliseconds(),
		TLSVersion: tls.VersionName(ch.session.version), CipherSuite: ch.session.suite,
		PeerExpiry: ch.session.peerExpiry,
	}
	if ch.idle {
		s.State, s.IdleMs = "idle", max(now-ch.active, 0).Milliseconds()
	} else {
		s.HeldMs = (now - ch.lentAt).Milliseconds()
	}
	return s
}

// wall is an instant as a time of day, to the millisecond.
func (p *Pool) wall(at time.Duration) time.Time {
	return p.epoch.Add(at).UTC().Truncate(time.Millisecond)
}

// instant is nil for a time that is not known.
func instant(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}
