package pool

import (
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
)

// BreakerState is what a circuit breaker lets through.
type BreakerState uint8

// The states of a breaker. A pool's own is the best of its endpoints'.
const (
	BreakerClosed   BreakerState = iota // dials go
	BreakerOpen                         // none goes
	BreakerHalfOpen                     // one goes, to see
)

// String is the name used in the status.
func (s BreakerState) String() string {
	return [...]string{"closed", "open", "half_open"}[s]
}

// breaker stops dials to an endpoint that fails. Half-open lets one dial through; it
// is always a dial of the pool's own, which ends by itself, because a probe that
// never reported would keep a breaker half-open for ever. The caller holds the
// pool's mutex; instants are the pool's.
type breaker interface {
	// allow takes the permit for one dial. success or failure must follow.
	allow(now time.Duration) bool
	success()
	// failure counts; a final one opens the breaker at once.
	failure(now time.Duration, final bool)
	state(now time.Duration) BreakerState
	// opensUntil is when an open breaker lets a dial through.
	opensUntil() time.Duration
	// trips counts how often it opened.
	trips() uint64
	reset()
}

// firstOpen is how long a breaker stays open the first time. It doubles with each
// probe that fails, up to the cooldown.
const firstOpen = time.Second

// newBreaker opens after threshold failures in a row; 0 never opens.
func newBreaker(threshold int, cooldown time.Duration) breaker {
	if threshold == 0 {
		return alwaysClosed{}
	}
	return &circuit{
		// The library would stay open for a fixed time: how long is ours to say.
		cb: circuitbreaker.NewBuilder[any]().WithFailureThreshold(uint(threshold)).
			WithSuccessThreshold(1).WithDelay(maxDuration).Build(),
		ceiling: cooldown,
		opens: &backoff.ExponentialBackOff{
			InitialInterval: min(firstOpen, cooldown), MaxInterval: cooldown,
			Multiplier: 2, RandomizationFactor: 0.2,
		},
	}
}

type circuit struct {
	cb      circuitbreaker.CircuitBreaker[any]
	ceiling time.Duration
	opens   *backoff.ExponentialBackOff
	until   time.Duration
	tripped uint64
}

func (c *circuit) allow(now time.Duration) bool {
	if c.cb.IsOpen() && now >= c.until {
		c.cb.HalfOpen()
	}
	return c.cb.TryAcquirePermit()
}

func (c *circuit) success() {
	c.opens.Reset()
	if c.cb.IsOpen() { // a dial from before it opened
		c.cb.Close()
		return
	}
	c.cb.RecordSuccess()
}

func (c *circuit) failure(now time.Duration, final bool) {
	if c.cb.IsOpen() {
		return
	}
	c.cb.RecordFailure()
	if final && !c.cb.IsOpen() {
		c.cb.Open()
	}
	if c.cb.IsOpen() {
		c.until = now + min(c.opens.NextBackOff(), c.ceiling)
		c.tripped++
	}
}

func (c *circuit) state(now time.Duration) BreakerState {
	switch {
	case c.cb.IsClosed():
		return BreakerClosed
	case c.cb.IsOpen() && now < c.until:
		return BreakerOpen
	}
	return BreakerHalfOpen
}

func (c *circuit) opensUntil() time.Duration { return c.until }

func (c *circuit) trips() uint64 { return c.tripped }

func (c *circuit) reset() {
	c.opens.Reset()
	c.cb.Close()
}

// alwaysClosed is the breaker that is switched off.
type alwaysClosed struct{}

func (alwaysClosed) allow(time.Duration) bool         { return true }
func (alwaysClosed) success()                         {}
func (alwaysClosed) failure(time.Duration, bool)      {}
func (alwaysClosed) state(time.Duration) BreakerState { return BreakerClosed }
func (alwaysClosed) opensUntil() time.Duration        { return 0 }
func (alwaysClosed) trips() uint64                    { return 0 }
func (alwaysClosed) reset()                           {}
