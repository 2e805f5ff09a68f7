// Package ticks is a monotonic clock that costs less than half of the kernel's.
//
// A pool reads the clock twice for each lease. time.Since takes 24 ns, two of them were 40 %
// of a lease; this clock takes 9 (go test -bench . prints both). What time.Since adds to the
// processor's time-stamp counter is to wait for everything before it (LFENCE), to follow
// the kernel's scale and to keep it consistent. Here the counter is followed from an anchor,
// a pair of both clocks that is taken anew every few milliseconds, and only if the kernel's
// own clock is that counter when the clock is started. Everywhere else, and whenever there
// is doubt, the answer is time.Since.
//
// What holds: for no goroutine does the clock ever run backwards, it is within accuracy of
// time.Since, and after a suspend it stands still for span at most. Between goroutines it
// may seem to go back by what an access to memory takes, for the counter is not waited for.
package ticks

import (
	"sync"
	"sync/atomic"
	"time"
)

// Clock tells how long ago its epoch was. The zero value must be given one with Start.
type Clock struct {
	epoch time.Time

	// Two places for anchors: the next one is written where the one before the current
	// was, and then becomes current, so that a reader who finds current unchanged has seen
	// an anchor that was whole.
	current atomic.Uint64
	places  [2]place
	refused atomic.Bool // the counter is not used, or not any more

	mu       sync.Mutex // of those who ask the kernel
	follower follower
}

// place is an anchor that is read while another may be written over it.
type place struct{ tick, at, rate, span atomic.Uint64 }

// Start gives the clock its epoch, which must hold a monotonic reading, and decides whether
// the counter may be used. It must return before anything else is called.
func (c *Clock) Start(epoch time.Time) {
	c.epoch = epoch
	if !kernelTrustsCounter() || standsStill() {
		c.refused.Store(true)
	}
}

// standsStill says that time does not pass by itself: it is virtual (testing/synctest), and
// only moves on when all who could read it sleep.
func standsStill() bool {
	const ticks, atMost = 1 << 14, 1 << 16 // a few microseconds
	began, from := time.Now(), counter()
	for range atMost {
		if counter()-from > ticks {
			break
		}
	}
	return time.Since(began) == 0
}

// Now is the time since the epoch.
func (c *Clock) Now() time.Duration {
	n := c.current.Load()
	p := &c.places[n%2]
	if span := p.span.Load(); span > 0 {
		age := counter() - p.tick.Load()
		at := p.at.Load() + scaled(age, p.rate.Load())
		if age < span && c.current.Load() == n {
			return time.Duration(at)
		}
	}
	return c.read()
}

// read asks the kernel, and renews the anchor if it is time to. Under mu it sees all that
// was ever answered: what it takes from the kernel is later than what others took there,
// and no less than the last answer that the anchor can have given.
func (c *Clock) read() time.Duration {
	if c.refused.Load() {
		return max(time.Since(c.epoch), time.Duration(c.places[c.current.Load()%2].at.Load()))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	f := &c.follower
	if at, ok := f.anchor.instant(counter()); ok {
		return at // another has just renewed it
	}
	r := reading{tick: counter(), at: time.Since(c.epoch)}
	if f.due(r.at) {
		if sharper, width := c.sample(); f.take(sharper, width) {
			r = sharper
			c.put(f.anchor)
			c.refused.Store(f.refused)
		}
	}
	return max(r.at, f.anchor.latest(r.tick))
}

// sample reads both clocks at the same moment, as far as three attempts allow: the best of
// them has them width ticks apart at most.
func (c *Clock) sample() (r reading, width uint64) {
	width = ^uint64(0)
	for range 3 {
		before := counter()
		at := time.Since(c.epoch)
		after := counter()
		if after-before < width {
			width, r = after-before, reading{tick: after, at: at}
		}
	}
	return r, width
}

// put makes an anchor the current one.
func (c *Clock) put(a anchor) {
	n := c.current.Load() + 1
	p := &c.places[n%2]
	p.tick.Store(a.tick)
	p.at.Store(uint64(a.at))
	p.rate.Store(a.rate)
	p.span.Store(a.span)
	c.current.Store(n)
}
