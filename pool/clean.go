package pool

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
)

// cleanup is the cleanup task of a pool: it keeps MinIdle, replaces connections
// before they are too old, closes idle ones that are not needed, and reports leases
// that are held too long. A pool works without it, but only dials when asked.
type cleanup struct {
	mu      sync.Mutex // of start and stop
	running atomic.Bool
	stop    chan struct{}
	done    chan struct{}
	wake    atomic.Pointer[chan struct{}] // with room for one; nil while it does not run
	retires *rate.Limiter                 // of replacements

	resolvers sync.WaitGroup
	resolving context.Context // of resolvers
	cancel    context.CancelFunc
	wall      func() time.Time // the wall clock; tests put their own here
	lag       atomic.Int64     // how late the last pass was
	leaps     atomic.Uint64    // of the wall clock against the monotonic one
}

// StartCleanup starts the cleanup task. Further calls do nothing.
func (p *Pool) StartCleanup() error {
	c := &p.cleanup
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.Closed() {
		return errPoolClosed()
	}
	if c.running.Load() {
		return nil
	}
	c.stop, c.done = make(chan struct{}), make(chan struct{})
	c.resolving, c.cancel = context.WithCancel(p.dialing)
	wake := make(chan struct{}, 1)
	c.wake.Store(&wake)
	c.running.Store(true)
	p.lock()
	for _, ch := range p.open {
		p.watchOver(ch)
	}
	p.unlock()
	spawn.Go("cleanup", func() {
		defer close(c.done)
		p.clean(wake)
	})
	return nil
}

// StopCleanup ends the cleanup task and waits for it. Further calls do nothing.
func (p *Pool) StopCleanup() {
	c := &p.cleanup
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.running.Load() {
		return
	}
	close(c.stop)
	c.cancel()
	<-c.done
	c.resolvers.Wait()
	c.running.Store(false)
	p.stopWatch()
	c.wake.Store(nil)
}

// nudge has the task look now.
func (c *cleanup) nudge() {
	if wake := c.wake.Load(); wake != nil {
		select {
		case *wake <- struct{}{}:
		default:
		}
	}
}

func (p *Pool) clean(wake <-chan struct{}) {
	c := &p.cleanup
	zero := p.wallZero()
	planned := p.pass(&zero)
	timer := time.NewTimer(planned - p.now())
	defer timer.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-timer.C:
			c.lag.Store(int64(max(p.now()-planned, 0)))
		case <-wake:
		}
		planned = p.pass(&zero)
		timer.Reset(planned - p.now())
	}
}

// pass looks at everything once and says when the next pass is due. A panic, of the host's
// logger for one, ends the pass and not the task.
func (p *Pool) pass(zero *time.Time) (next time.Duration) {
	now := p.now()
	next = now + min(p.opts.CleanupInterval, time.Second)
	defer p.caught("cleanup")
	if before, seen := *zero, p.wallZero(); leapt(before, seen) {
		*zero = seen
		p.cleanup.leaps.Add(1)
		p.log.Warn("clock leapt", "by_ms", seen.Sub(before).Milliseconds())
	}
	return min(p.tidy(now), p.sweep(now))
}

// tidy is one pass of the cleanup task. It returns when the next is due.
func (p *Pool) tidy(now time.Duration) (next time.Duration) {
	p.lock()
	if p.state != running {
		p.unlock()
		return now + p.opts.CleanupInterval
	}
	next = p.shedIdle(now, now+p.shortestAge())
	next = min(next, p.replaceDue(now))
	next = min(next, p.resolveDue(now))
	leaks, at := p.findLeaks(now)
	blind := p.blind
	p.pump()
	p.unlock()
	if blind != nil {
		p.toldBlind.Do(func() { p.log.Warn("idle connections are not watched", "cause", blind) })
	}
	for _, l := range leaks {
		p.log.Warn("lease held for long", "connection", l.id, "endpoint", l.endpoint.addr, "held_ms", p.opts.LeakAfter.Milliseconds())
	}
	return min(next, at)
}

// shortestAge is the longest sleep after which no connection that is new now can
// have become due.
func (p *Pool) shortestAge() time.Duration {
	sleep := p.opts.CleanupInterval
	for _, age := range []time.Duration{p.opts.MaxLifetime, p.opts.KeyRotationInterval, p.opts.IdleTimeout} {
		if age > 0 {
			sleep = min(sleep, age-time.Duration(maxEarly*float64(age)))
		}
	}
	if p.opts.ProbeSweep > 0 {
		sleep = min(sleep, p.opts.ProbeSweep)
	}
	if p.opts.LeakAfter > 0 {
		sleep = min(sleep, p.opts.LeakAfter)
	}
	return sleep
}

// shedIdle closes what was idle for IdleTimeout and is not needed for MinIdle. The
// caller holds mu.
func (p *Pool) shedIdle(now, next time.Duration) time.Duration {
	surplus := len(p.idle) - p.minIdle
	if surplus <= 0 {
		return next
	}
	for _, ch := range slices.Clone(p.idle) {
		at := ch.idleUntil()
		if surplus > 0 && now >= at {
			p.retireIdle(ch, closedIdle, false)
			surplus--
		} else if at > now {
			next = min(next, at)
		}
	}
	return next
}

// replaceDue starts the replacement of connections that are due, no more than a tenth
// of all in a second, the new one dialled before the old one goes. The caller holds mu.
func (p *Pool) replaceDue(now time.Duration) (next time.Duration) {
	next = never
	c := &p.cleanup
	wall := p.epoch.Add(now)
	perSecond := max(1, float64(len(p.open))/10)
	c.retires.SetLimitAt(wall, rate.Limit(perSecond))
	for _, ch := range slices.Clone(p.open) {
		why, at := p.dueFor(ch, now)
		if why == stays {
			next = min(next, at)
			continue
		}
		if ch.replacing || ch.condemned != stays {
			continue
		}
		if c.retires.TokensAt(wall) < 1 {
			return min(next, now+time.Duration(float64(time.Second)/perSecond))
		}
		ch.dueFor = why
		if started, at := p.replace(ch, now); started {
			c.retires.AllowN(wall, 1)
		} else {
			next = min(next, at)
		}
	}
	return next
}

// dueFor says whether and why a connection is to be replaced, or when it will be. The
// caller holds mu.
func (p *Pool) dueFor(ch *channel, now time.Duration) (why reason, at time.Duration) {
	at = ch.due
	switch {
	case ch.generation != p.generation:
		return closedRotated, now
	case ch.slow:
		return closedSlow, now
	case ch.vanished:
		return closedDNS, now
	case now >= ch.due:
		return ch.dueWhy, now
	case ch.idle && p.opts.IdleTimeout > 0:
		// Those above MinIdle are shed; the others are replaced before the peer drops them.
		spared := ch.idleUntil() - time.Duration(ch.early*float64(p.opts.IdleTimeout))
		if now >= spared && len(p.idle) <= p.minIdle {
			return closedIdle, now
		}
		if spared > now {
			at = min(at, spared)
		}
	}
	return stays, at
}

// replace starts the dial of a replacement, if need be in the room that closing an idle
// connection makes, one at a time; or says when to try again. The caller holds mu.
func (p *Pool) replace(ch *channel, now time.Duration) (started bool, at time.Duration) {
	if p.dials >= p.opts.MaxDials {
		return false, never // a dial that ends wakes the task
	}
	if p.total() < p.max {
		e, at := p.pick(now, true)
		if e == nil {
			return false, at
		}
		p.startDial(e, ch)
		return true, 0
	}
	if !ch.idle || p.owed > 0 || p.dials > 0 {
		return false, never
	}
	at = never
	for _, e := range p.endpoints {
		at = min(at, e.ready(now))
	}
	if at > now {
		return false, at
	}
	p.owed++
	p.retireIdle(ch, ch.dueFor, true)
	return true, 0
}

// findLeaks marks the leases that have been held for LeakAfter. The caller holds mu.
func (p *Pool) findLeaks(now time.Duration) (leaks []*channel, next time.Duration) {
	next = never
	if p.opts.LeakAfter == 0 {
		return nil, next
	}
	for _, ch := range p.open {
		if ch.idle || ch.leaked {
			continue
		}
		if at := ch.since() + p.opts.LeakAfter; now < at {
			next = min(next, at)
			continue
		}
		ch.leaked = true
		ch.callHome()
		p.leaks++
		leaks = append(leaks, ch)
	}
	return leaks, next
}
