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
	// success says whether it closed the breaker.
	success() (closed bool)
	// failure counts, and says whether it opened the breaker; a final one always does.
	failure(now time.Duration, final bool) (opened bool)
	state(now time.Duration) BreakerState
	// opensUntil is when an open breaker lets a dial through.
	opensUntil() time.Duration
	// transitions counts how often it came to each state.
	transitions() transitions
	// reset says whether it closed the breaker.
	reset() (closed bool)
}

type transitions [BreakerHalfOpen + 1]uint64

// BreakerStates are the names of all states.
func BreakerStates() []string {
	return []string{BreakerClosed.String(), BreakerOpen.String(), BreakerHalfOpen.String()}
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
	changes transitions
}

func (c *circuit) allow(now time.Duration) bool {
	if c.cb.IsOpen() && now >= c.until {
		c.cb.HalfOpen()
		c.changes[BreakerHalfOpen]++
	}
	return c.cb.TryAcquirePermit()
}

func (c *circuit) success() (closed bool) {
	c.opens.Reset()
	if c.cb.IsOpen() { // a dial from before it opened
		return c.close()
	}
	closed = c.cb.IsHalfOpen()
	c.cb.RecordSuccess()
	if closed {
		c.changes[BreakerClosed]++
	}
	return closed
}

func (c *circuit) close() (closed bool) {
	if c.cb.IsClosed() {
		return false
	}
	c.cb.Close()
	c.changes[BreakerClosed]++
	return true
}

func (c *circuit) failure(now time.Duration, final bool) (opened bool) {
	if c.cb.IsOpen() {
		return false
	}
	c.cb.RecordFailure()
	if final && !c.cb.IsOpen() {
		c.cb.Open()
	}
	if c.cb.IsOpen() {
		c.until = now + min(c.opens.NextBackOff(), c.ceiling)
		c.changes[BreakerOpen]++
		opened = true
	}
	return opened
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

func (c *circuit) transitions() transitions { return c.changes }

func (c *circuit) reset() (closed bool) {
	c.opens.Reset()
	return c.close()
}

// alwaysClosed is the breaker that is switched off.
type alwaysClosed struct{}

func (alwaysClosed) allow(time.Duration) bool         { return true }
func (alwaysClosed) success() bool                    { return false }
func (alwaysClosed) failure(time.Duration, bool) bool { return false }
func (alwaysClosed) state(time.Duration) BreakerState { return BreakerClosed }
func (alwaysClosed) opensUntil() time.Duration        { return 0 }
func (alwaysClosed) transitions() transitions         { return transitions{} }
func (alwaysClosed) reset() bool                      { return false }
