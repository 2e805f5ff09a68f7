package pool_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// quiet switches off every age, so that a test sets only its own.
func quiet(o *pool.Options) {
	o.MaxLifetime, o.KeyRotationInterval, o.IdleTimeout, o.LeakAfter, o.ProbeSweep, o.DNSRefresh = 0, 0, 0, 0, 0, 0
}

func TestTheCleanupTaskKeepsMinIdleAndNoMore(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MinIdle = 5 }, func(t *testing.T, p *pool.Pool, n *network) {
		if s := p.Status(); s.Dialing+s.Active != 0 {
			t.Fatal("a pool dials before it is asked to")
		}
		startCleanup(t, p)
		if s := p.Status(); s.Idle != 5 {
			t.Fatalf("%+v", s)
		}
		held := []pool.Conn{lease(t, p), lease(t, p)}
		synctest.Wait()
		if s := p.Status(); s.Idle != 5 || s.Active != 7 {
			t.Fatalf("what is lent is not idle: %+v", s)
		}
		p.StopCleanup()
		for range 4 {
			held = append(held, lease(t, p))
		}
		for _, c := range held {
			c.Discard()
		}
		pass(time.Hour)
		if s := p.Status(); s.Idle != 1 || s.Active != 1 {
			t.Fatalf("it dials after it was stopped: %+v", s)
		}
	})
}

func TestStartAndStopOfTheCleanupTaskAreIdempotent(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { o.MinIdle = 1 }, func(t *testing.T, p *pool.Pool, n *network) {
		p.StopCleanup()
		for range 3 {
			startCleanup(t, p)
		}
		for range 3 {
			p.StopCleanup()
		}
		startCleanup(t, p)
		if s := p.Status(); s.Idle != 1 {
			t.Fatalf("%+v", s)
		}
		p.Close(0)
		wantKind(t, p.StartCleanup(), pool.ErrClosed)
	})
}

func TestRefillIsRateLimited(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MinIdle = 60 }, func(t *testing.T, p *pool.Pool, n *network) {
		startCleanup(t, p)
		pass(10 * time.Second)
		if s := p.Status(); s.Idle != 60 {
			t.Fatalf("%+v", s)
		}
		dials := n.dialed()
		if burst := countWithin(dials, 0, time.Second); burst > 8+20 {
			t.Fatalf("%d dials in the first second", burst)
		}
	})
}

func countWithin(times []time.Duration, from, to time.Duration) (n int) {
	for _, at := range times {
		if at >= from && at < to {
			n++
		}
	}
	return n
}

func TestAnIdleConnectionThatIsNotNeededIsClosedAtItsTimeout(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.IdleTimeout = time.Minute }, func(t *testing.T, p *pool.Pool, n *network) {
		startCleanup(t, p)
		held := []pool.Conn{lease(t, p), lease(t, p), lease(t, p)}
		for _, c := range held {
			c.Release()
			pass(10 * time.Second)
		}
		pass(29 * time.Second) // the first was returned 59 s ago
		if s := p.Status(); s.Idle != 3 {
			t.Fatalf("%+v", s)
		}
		pass(2 * time.Second)
		if s := p.Status(); s.Idle != 2 {
			t.Fatalf("%+v", s)
		}
		pass(20 * time.Second)
		if s := p.Status(); s.Idle != 0 || s.Reconnects != 0 {
			t.Fatalf("%+v", s)
		}
	})
}

func TestAnIdleConnectionIsNotLentAfterItsTimeout(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.IdleTimeout = time.Minute }, func(t *testing.T, p *pool.Pool, n *network) {
		lease(t, p).Release()
		pass(59 * time.Second)
		c := lease(t, p)
		if c.ID() != 1 {
			t.Fatal("replaced too early")
		}
		c.Release()
		pass(time.Minute)
		c = lease(t, p)
		if c.ID() != 2 {
			t.Fatal("lent after its timeout")
		}
		c.Release()
	})
}

func TestLifetimesEndSpreadOverAFifth(t *testing.T) {
	const life = 100 * time.Second
	virtual(t, "a:1", func(o *pool.Options) {
		quiet(o)
		o.MaxLifetime, o.MaxConnections, o.MinIdle, o.MaxDials = life, 200, 100, 200
	}, func(t *testing.T, p *pool.Pool, n *network) {
		startCleanup(t, p)
		if err := p.WarmUpWithin(100, time.Minute); err != nil {
			t.Fatal(err)
		}
		n.dialed()
		pass(life * 79 / 100)
		if d := n.dialed(); len(d) != 0 {
			t.Fatalf("replaced early, at %v", d)
		}
		pass(life * 22 / 100)
		d := n.dialed()
		s := p.Status()
		if s.Idle != 100 || s.Reconnects < 100 {
			t.Fatalf("%+v", s)
		}
		if early, late := countWithin(d, life*80/100, life*85/100), countWithin(d, life*95/100, life*101/100); early < 5 || late < 5 {
			t.Fatalf("%d replaced in the first quarter, %d in the last", early, late)
		}
		for _, c := range s.Connections {
			if age := time.Since(c.Opened); age > life*22/100 {
				t.Errorf("connection %d is %v old", c.ID, age)
			}
		}
	})
}

func TestAReplacementIsDialledBeforeTheOldOneGoes(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) {
		quiet(o)
		o.MaxLifetime, o.MinIdle, o.MaxConnections = time.Minute, 3, 4
	}, func(t *testing.T, p *pool.Pool, n *network) {
		startCleanup(t, p)
		for range 600 {
			pass(time.Second)
			check(t, p)
			if s := p.Status(); s.Idle < 3 || s.Active > 4 {
				t.Fatalf("%+v", s)
			}
		}
		if s := p.Status(); s.Reconnects < 20 || s.Errors != 0 {
			t.Fatalf("%+v", s)
		}
	})
}

func TestAtTheBoundOneIdleConnectionAtATimeMakesRoomForItsReplacement(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) {
		quiet(o)
		o.MaxLifetime, o.MinIdle, o.MaxConnections = time.Minute, 4, 4
	}, func(t *testing.T, p *pool.Pool, n *network) {
		n.slow["a:1"] = 100 * time.Millisecond
		startCleanup(t, p)
		pass(time.Second)
		for range 6000 {
			pass(100 * time.Millisecond)
			check(t, p)
			if s := p.Status(); s.Idle < 3 {
				t.Fatalf("%+v", s)
			}
		}
		if s := p.Status(); s.Reconnects < 20 || n.most > 4 {
			t.Fatalf("at most %d were open: %+v", n.most, s)
		}
	})
}

// jackc/pgx#2560: only idle connections were looked at, and one that is always in use is
// never idle when it is.
func TestALifetimeIsKeptOnAPoolThatIsAlwaysBusy(t *testing.T) {
	t.Attr("failure", "pgx#2560")
	const life = time.Minute
	for _, cleanup := range []bool{false, true} {
		virtual(t, "a:1", func(o *pool.Options) {
			quiet(o)
			o.MaxLifetime, o.MaxConnections = life, 1
		}, func(t *testing.T, p *pool.Pool, n *network) {
			if cleanup {
				startCleanup(t, p)
			}
			for range 300 {
				c := lease(t, p)
				info, err := c.Info()
				if age := time.Since(info.Opened); err != nil || age > life {
					t.Fatalf("lent at the age of %v, %v", age, err)
				}
				pass(time.Second)
				c.Release()
			}
			if s := p.Status(); s.Dials < 5 || s.Dials > 8 {
				t.Fatalf("%+v", s)
			}
		})
	}
}

func TestNoMoreThanATenthIsReplacedInASecond(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) {
		quiet(o)
		o.MinIdle, o.MaxConnections = 40, 100
	}, func(t *testing.T, p *pool.Pool, n *network) {
		startCleanup(t, p)
		pass(10 * time.Second)
		n.dialed()
		began := time.Since(n.began)
		if err := p.Rotate(); err != nil {
			t.Fatal(err)
		}
		pass(20 * time.Second)
		d := n.dialed()
		if len(d) != 40 {
			t.Fatalf("%d replacements", len(d))
		}
		for s := range 10 {
			at := began + time.Duration(s)*time.Second
			if k := countWithin(d, at, at+time.Second); k > 5 {
				t.Errorf("%d in second %d", k, s)
			}
		}
	})
}

func TestKeysAreRotatedByTheInterval(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) {
		quiet(o)
		o.KeyRotationInterval, o.MinIdle = time.Minute, 2
	}, func(t *testing.T, p *pool.Pool, n *network) {
		startCleanup(t, p)
		pass(61 * time.Second)
		s := p.Status()
		if s.Reconnects != 2 || s.Idle != 2 {
			t.Fatalf("%+v", s)
		}
		for _, c := range s.Connections {
			if c.Reconnects != 1 {
				t.Errorf("connection %d has had %d predecessors", c.ID, c.Reconnects)
			}
		}
	})
}

func TestALeaseThatIsHeldForLongIsReportedOnceAndWhenItIsReturned(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.LeakAfter = 10 * time.Second }, func(t *testing.T, p *pool.Pool, n *network) {
		startCleanup(t, p)
		held, short := lease(t, p), lease(t, p)
		pass(9 * time.Second)
		short.Release()
		if s := p.Status(); s.Leaks != 0 {
			t.Fatalf("%+v", s)
		}
		pass(2 * time.Second)
		if s := p.Status(); s.Leaks != 1 || s.LeaksReturned != 0 {
			t.Fatalf("%+v", s)
		}
		pass(time.Hour)
		held.Release()
		if s := p.Status(); s.Leaks != 1 || s.LeaksReturned != 1 {
			t.Fatalf("%+v", s)
		}
	})
}

func TestARefillAfterALossWaitsForNoCaller(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MinIdle, o.MaxConnections = 3, 3 }, func(t *testing.T, p *pool.Pool, n *network) {
		startCleanup(t, p)
		c := lease(t, p)
		c.Discard()
		synctest.Wait()
		s := p.Status()
		ids := []uint64{}
		for _, c := range s.Connections {
			ids = append(ids, c.ID)
		}
		if s.Idle != 3 || slices.Contains(ids, c.ID()) || s.Reconnects != 1 {
			t.Fatalf("%+v", s)
		}
	})
}
