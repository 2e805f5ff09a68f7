package pool_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

func TestADialIsRetriedWithinTheCallersDeadline(t *testing.T) {
	virtual(t, "a:1", nil, func(t *testing.T, p *pool.Pool, n *network) {
		n.set("a:1", errDown)
		time.AfterFunc(120*time.Millisecond, func() { n.set("a:1", nil) })
		c := lease(t, p)
		c.Release()
		if dials := n.dialed(); len(dials) < 2 || len(dials) > 5 {
			t.Fatalf("dials at %v", dials)
		}
		if s := p.Status(); s.Dials != 1 || s.DialErrors == 0 || s.Timeouts != 0 {
			t.Fatalf("%+v", s)
		}
	})
}

func TestRetriesBackOffAndStopWhenTheBreakerOpens(t *testing.T) {
	virtual(t, "a:1", nil, func(t *testing.T, p *pool.Pool, n *network) {
		n.set("a:1", errDown)
		_, err := p.AcquireWithin(time.Minute)
		wantKind(t, err, pool.ErrBreakerOpen, "a:1", "down")
		wantCause(t, err, errDown)
		dials := n.dialed()
		if len(dials) != 5 {
			t.Fatalf("dials at %v", dials)
		}
		for i, base := range []time.Duration{50, 100, 200, 400} {
			base *= time.Millisecond
			within(t, "retry", dials[i+1]-dials[i], base/2, base*3/2)
		}
		began := time.Now()
		_, err = p.AcquireWithin(time.Minute)
		wantKind(t, err, pool.ErrBreakerOpen, "down")
		if took := time.Since(began); took != 0 || len(n.dialed()) != 0 {
			t.Fatalf("an open breaker took %v", took)
		}
		if h := p.Health(); h.Healthy || h.Breaker != pool.BreakerOpen {
			t.Fatalf("%+v", h)
		}
	})
}

func TestAnOpenBreakerFailsTheWaitersThatAreQueued(t *testing.T) {
	virtual(t, "a:1", nil, func(t *testing.T, p *pool.Pool, n *network) {
		n.set("a:1", errDown)
		const callers = 20
		failed := make(chan error, callers)
		for range callers {
			go func() {
				_, err := p.AcquireWithin(time.Hour)
				failed <- err
			}()
		}
		began := time.Now()
		for range callers {
			wantKind(t, <-failed, pool.ErrBreakerOpen, "down")
		}
		within(t, "waiting", time.Since(began), 0, 2*time.Second)
	})
}

func TestABreakerStaysOpenTwiceAsLongEachTimeUpToTheCooldown(t *testing.T) {
	cooldown := 10 * time.Second
	virtual(t, "a:1", func(o *pool.Options) { o.BreakerCooldown = cooldown }, func(t *testing.T, p *pool.Pool, n *network) {
		n.set("a:1", errDown)
		_, err := p.AcquireWithin(time.Minute)
		wantKind(t, err, pool.ErrBreakerOpen)
		opened := time.Now()
		for _, base := range []time.Duration{1, 2, 4, 8, 10, 10} {
			n.dialed()
			for len(n.dialed()) == 0 { // callers keep asking; only a probe dials
				pass(time.Millisecond)
				_, err := p.AcquireWithin(time.Minute)
				wantKind(t, err, pool.ErrBreakerOpen)
			}
			base *= time.Second
			within(t, "open", time.Since(opened), base*4/5, min(base*6/5, cooldown)+2*time.Millisecond)
			opened = time.Now()
		}
		n.set("a:1", nil)
		pass(cooldown)
		lease(t, p).Release() // a success: back to one second
		n.kill()
		n.set("a:1", errDown)
		_, err = p.AcquireWithin(time.Minute)
		wantKind(t, err, pool.ErrBreakerOpen)
		n.set("a:1", nil)
		pass(1200 * time.Millisecond)
		lease(t, p).Release()
	})
}

func TestTheHalfOpenProbeIsOneDialAndItsConnectionIsKept(t *testing.T) {
	virtual(t, "a:1", nil, func(t *testing.T, p *pool.Pool, n *network) {
		n.set("a:1", errDown)
		_, err := p.AcquireWithin(time.Minute)
		wantKind(t, err, pool.ErrBreakerOpen)
		n.dialed()
		n.set("a:1", nil)
		n.mu.Lock()
		n.slow["a:1"] = time.Second
		n.mu.Unlock()
		pass(2 * time.Second)
		if h := p.Health(); h.Breaker != pool.BreakerHalfOpen {
			t.Fatalf("%+v", h)
		}
		served := make(chan pool.Conn, 3)
		for range 3 {
			go func() { served <- lease(t, p) }()
		}
		pass(500 * time.Millisecond)
		if s := p.Status(); s.Dialing != 1 || s.Waiting != 3 {
			t.Fatalf("%+v", s)
		}
		var most uint64
		for range 3 {
			c := <-served
			most = max(most, c.ID())
			c.Release()
		}
		if s := p.Status(); p.Health().Breaker != pool.BreakerClosed || most > 3 || s.Active != int(s.Dials) {
			t.Fatalf("%+v", s)
		}
	})
}

func TestACallerThatGivesUpDoesNotLeaveAProbeBehind(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { o.ConnectTimeout = time.Second }, func(t *testing.T, p *pool.Pool, n *network) {
		n.set("a:1", errDown)
		_, err := p.AcquireWithin(time.Minute)
		wantKind(t, err, pool.ErrBreakerOpen)
		n.mu.Lock()
		n.slow["a:1"] = time.Hour // the probe hangs
		n.mu.Unlock()
		pass(2 * time.Second)
		_, err = p.AcquireWithin(time.Millisecond)
		wantKind(t, err, pool.ErrTimeout)
		pass(time.Second) // the probe ends by itself
		n.mu.Lock()
		n.slow["a:1"], n.down["a:1"] = 0, nil
		n.mu.Unlock()
		pass(5 * time.Second)
		lease(t, p).Release()
	})
}

func TestWithoutABreakerCallersWaitForTheirDeadlineAndLearnTheCause(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { o.BreakerThreshold = 0 }, func(t *testing.T, p *pool.Pool, n *network) {
		n.set("a:1", errDown)
		began := time.Now()
		_, err := p.AcquireWithin(20 * time.Second)
		wantKind(t, err, pool.ErrTimeout, "down")
		if took := time.Since(began); took != 20*time.Second {
			t.Fatalf("ended after %v", took)
		}
		if n := len(n.dialed()); n < 10 || n > 30 {
			t.Fatalf("%d dials in 20 s", n)
		}
	})
}

func TestACertificateErrorIsNeverRetried(t *testing.T) {
	refused := &pool.Error{Kind: pool.ErrCert, Text: "not trusted"}
	for _, threshold := range []int{0, 5} {
		virtual(t, "a:1", func(o *pool.Options) { o.BreakerThreshold = threshold }, func(t *testing.T, p *pool.Pool, n *network) {
			n.set("a:1", refused)
			began := time.Now()
			_, err := p.AcquireWithin(time.Minute)
			wantKind(t, err, pool.ErrCert, "not trusted")
			if took := time.Since(began); took != 0 || len(n.dialed()) != 1 {
				t.Fatalf("took %v", took)
			}
			if threshold > 0 {
				_, err = p.AcquireWithin(time.Minute)
				wantKind(t, err, pool.ErrCert, "breaker is open", "not trusted")
			}
		})
	}
}

func TestWaitersForALentConnectionOutlastAnOpenBreaker(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { o.MaxConnections = 1; o.MinIdle = 0 }, func(t *testing.T, p *pool.Pool, n *network) {
		held := lease(t, p)
		n.set("a:1", errDown)
		go func() {
			pass(time.Second)
			held.Release()
		}()
		c := lease(t, p)
		if c.ID() != held.ID() {
			t.Fatalf("connection %d", c.ID())
		}
		c.Release()
	})
}

// Any fault, then five quiet seconds: the pool is healthy and full again.
func TestFiveQuietSecondsAfterAnyFaultThePoolIsWhole(t *testing.T) {
	const wanted = 4
	options := func(o *pool.Options) {
		o.MaxConnections, o.MinIdle = 8, wanted
		o.BreakerCooldown, o.ConnectTimeout = 2*time.Second, time.Second
	}
	for name, fault := range map[string]func(*pool.Pool, *network){
		"peers gone":         func(_ *pool.Pool, n *network) { n.kill() },
		"refused for an age": func(_ *pool.Pool, n *network) { n.set("a:1", errDown); n.kill(); pass(time.Hour); n.set("a:1", nil) },
		"black hole": func(_ *pool.Pool, n *network) {
			n.mu.Lock()
			n.slow["a:1"] = time.Hour
			n.mu.Unlock()
			n.kill()
			pass(time.Minute)
			n.mu.Lock()
			n.slow["a:1"] = 0
			n.mu.Unlock()
		},
		"certificate swap": func(_ *pool.Pool, n *network) {
			n.set("a:1", &pool.Error{Kind: pool.ErrCert, Text: "not trusted"})
			n.kill()
			pass(time.Minute)
			n.set("a:1", nil)
		},
		"flapping": func(_ *pool.Pool, n *network) {
			for i := range 100 {
				n.set("a:1", map[bool]error{true: errDown}[i%2 == 0])
				n.kill()
				pass(time.Duration(37*i) * time.Millisecond)
			}
			n.set("a:1", nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, "a:1", options, func(t *testing.T, p *pool.Pool, n *network) {
				startCleanup(t, p)
				stop := make(chan struct{})
				done := make(chan struct{})
				go func() { // callers all the while
					defer close(done)
					for {
						select {
						case <-stop:
							return
						case <-time.After(10 * time.Millisecond):
						}
						if c, err := p.AcquireWithin(500 * time.Millisecond); err == nil {
							c.Release()
						}
					}
				}()
				pass(time.Second)
				fault(p, n)
				pass(5 * time.Second)
				close(stop)
				<-done
				synctest.Wait()
				h := p.Health()
				if s := p.Status(); !h.Healthy || h.Breaker != pool.BreakerClosed || s.Idle < wanted {
					t.Fatalf("%+v %+v", h, s)
				}
				lease(t, p).Release()
			})
		})
	}
}
