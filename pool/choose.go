package pool

import (
	"cmp"
	"slices"
	"time"
)

// never is an instant that does not come.
const never = maxDuration

// ready says whether a dial to e may start now, or else when: never stands for an
// event that is not a matter of time. After a failure, one dial at a time shows
// whether it was the last.
func (e *endpoint) ready(now time.Duration) (at time.Duration) {
	switch {
	case e.breaker.state(now) == BreakerOpen:
		return e.breaker.opensUntil()
	case e.lastErr != nil && e.dialing > 0:
		return never
	case now < e.retryAt:
		return e.retryAt
	}
	return now
}

// pick takes the permit for a dial to the first endpoint that may be dialled now, in
// the order of preference; nil and the earliest instant at which one may be, if there
// is none. spare says that nobody waits for it. The caller holds mu.
func (p *Pool) pick(now time.Duration, spare bool) (e *endpoint, at time.Duration) {
	at = never
	for _, e := range p.preferred(now) {
		ready := e.ready(now)
		if ready > now {
			at = min(at, ready)
			continue
		}
		if spare && !e.spares.AllowN(p.epoch.Add(now), 1) {
			at = min(at, now+time.Second/sparesPerSecond)
			continue
		}
		if e.breaker.allow(now) {
			return e, now
		}
	}
	return nil, at
}

// preferred lists the endpoints in the order in which they are tried.
func (p *Pool) preferred(now time.Duration) []*endpoint {
	if p.opts.EndpointOrder != OrderLatency || len(p.endpoints) == 1 {
		return p.endpoints
	}
	order := slices.Clone(p.endpoints)
	for _, e := range order {
		e.score.update(&e.latency, now)
	}
	slices.SortStableFunc(order, func(a, b *endpoint) int {
		return cmp.Compare(a.score.at(now), b.score.at(now))
	})
	return order
}

// score is an endpoint's recent mean of request-to-response times in nanoseconds. It
// fades while there are no samples, so that an endpoint that was slow is tried again.
type score struct {
	mean    float64
	sampled time.Duration
	counts  uint64
	sum     time.Duration
}

// scoreHalfLife is how long a score without samples takes to lose half of its weight.
const scoreHalfLife = 5 * time.Minute

func (s *score) update(d *distribution, now time.Duration) {
	counts, sum := d.totals()
	if counts == s.counts {
		return
	}
	mean := float64(sum-s.sum) / float64(counts-s.counts)
	if s.sampled != 0 {
		mean = (mean + s.mean) / 2
	}
	*s = score{mean: mean, sampled: now, counts: counts, sum: sum}
}

func (s *score) at(now time.Duration) float64 {
	halves := (now - s.sampled) / scoreHalfLife
	return s.mean / float64(uint64(1)<<min(halves, 30))
}

// breakerState is the best state of any endpoint's breaker: the pool's is open when
// all are. The caller holds mu.
func (p *Pool) breakerState(now time.Duration) BreakerState {
	best := BreakerOpen
	for _, e := range p.endpoints {
		switch e.breaker.state(now) {
		case BreakerClosed:
			return BreakerClosed
		case BreakerHalfOpen:
			best = BreakerHalfOpen
		}
	}
	return best
}

// refusal is the error of callers while every breaker is open, nil otherwise. Where a
// handshake failed, it keeps that error's kind. The caller holds mu.
func (p *Pool) refusal(now time.Duration) error {
	if p.breakerState(now) != BreakerOpen {
		return nil
	}
	if p.refused == nil {
		kind, cause := ErrBreakerOpen, p.lastCause()
		if k := kindOf(cause); k.final() {
			kind = k
		}
		p.refused = errorf(kind, cause, "no dial to %s for now: the circuit breaker is open", p.list)
	}
	return p.refused
}

// lastCause is why the last dials failed: all endpoints' errors in one line if there
// are several. The caller holds mu.
func (p *Pool) lastCause() error {
	var failures []error
	for _, e := range p.endpoints {
		if e.lastErr != nil {
			failures = append(failures, e.lastErr)
		}
	}
	switch len(failures) {
	case 0:
		return nil
	case 1:
		return failures[0]
	}
	return causes(failures)
}

// causes are several errors in one line.
type causes []error

func (c causes) Error() string { return oneLine(c) }

func (c causes) Unwrap() []error { return c }
