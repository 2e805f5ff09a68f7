package pool_test

import (
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// What users of other pools have met with time: ages, outages, looks at liveness.

// jackc/pgx#1437: the chance in a lifetime was drawn anew at each return, so that a busy
// pool's connections all ended at the earliest age.
func TestABusyPoolsLifetimesAreSpreadToo(t *testing.T) {
	t.Attr("failure", "pgx#1437")
	const life, connections = 100 * time.Second, 30
	virtual(t, "a:1", func(o *pool.Options) {
		quiet(o)
		o.MaxLifetime, o.MaxConnections, o.MaxDials = life, connections, connections
	}, func(t *testing.T, p *pool.Pool, n *network) {
		opened := map[uint64]time.Time{} // of those that were seen open
		early, late := 0, 0
		for range int(life/time.Second) + 1 {
			var held []pool.Conn
			for range connections {
				held = append(held, lease(t, p))
			}
			open := map[uint64]time.Time{}
			for _, c := range p.Status().Connections {
				open[c.ID] = c.Opened
			}
			for id, at := range opened {
				if _, still := open[id]; still {
					continue
				}
				switch age := time.Since(at); {
				case age < life*79/100:
					t.Errorf("closed at the age of %v", age)
				case age < life*90/100:
					early++
				default:
					late++
				}
			}
			opened = open
			for _, c := range held {
				c.Release()
			}
			pass(time.Second)
		}
		if early < connections/5 || late < connections/5 {
			t.Errorf("%d were replaced in the first half of their time, %d in the second", early, late)
		}
	})
}

// jackc/pgx#2574: a lifetime of 0, which is none, made every connection too old at once.
func TestAnAgeOfZeroIsNone(t *testing.T) {
	t.Attr("failure", "pgx#2574")
	for _, cleanup := range []bool{false, true} {
		virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MaxLatency, o.MinIdle = 0, 1 }, func(t *testing.T, p *pool.Pool, n *network) {
			if cleanup {
				startCleanup(t, p)
			}
			for range 10 {
				c := lease(t, p)
				pass(time.Second)
				c.Release()
				pass(2 * time.Hour)
			}
			if s := p.Status(); s.Closed["idle"]+s.Closed["lifetime"]+s.Closed["rotated"] != 0 || s.Dials > 2 {
				t.Fatalf("%+v", s)
			}
		})
	}
}

// HikariCP#1111, djc/bb8#167: a pool that an outage had emptied stayed empty when the
// outage was over, after 116 days.
func TestAPoolThatAnOutageEmptiedFillsAgain(t *testing.T) {
	t.Attr("failure", "HikariCP#1111 bb8#167")
	for _, cleanup := range []bool{false, true} {
		virtual(t, "a:1", func(o *pool.Options) {
			o.MinIdle, o.MaxConnections, o.BreakerCooldown = 3, 5, time.Hour
		}, func(t *testing.T, p *pool.Pool, n *network) {
			if cleanup {
				startCleanup(t, p)
			}
			if err := p.WarmUpWithin(3, time.Minute); err != nil {
				t.Fatal(err)
			}
			n.set("a:1", errDown)
			n.kill()
			for range 116 {
				_, err := p.AcquireWithin(time.Minute)
				wantKind(t, err, pool.ErrBreakerOpen, "down")
				pass(24 * time.Hour)
			}
			if s := p.Status(); s.Active+s.Waiting != 0 {
				t.Fatalf("%+v", s)
			}
			n.set("a:1", nil)
			pass(time.Hour + 5*time.Second)
			if s := p.Status(); cleanup && s.Idle != 3 {
				t.Fatalf("nobody asked, and it stays empty: %+v", s)
			}
			lease(t, p).Release()
			if h := p.Health(); !h.Healthy {
				t.Fatalf("%+v", h)
			}
		})
	}
}

// jackc/pgx#2394: the look at an idle connection before it was lent asked the peer, and
// waited for one that no packet reached until the system gave up.
func TestTheLookAtAConnectionDoesNotWaitForThePeer(t *testing.T) {
	t.Attr("failure", "pgx#2394")
	virtual(t, "a:1", quiet, func(t *testing.T, p *pool.Pool, n *network) {
		lease(t, p).Release()
		began := time.Now()
		c := lease(t, p) // its peer is a pipe that nobody reads
		within(t, "looking", time.Since(began), 0, 2*time.Millisecond)
		c.Release()
		within(t, "giving back", time.Since(began), 0, 4*time.Millisecond)
	})
}

// The replacement came while a caller looked at the one that it replaces, which died.
func TestAReplacementIsCountedOnceWhateverBecomesOfTheOldOne(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MaxLatency = 0 }, func(t *testing.T, p *pool.Pool, n *network) {
		startCleanup(t, p)
		lease(t, p).Release()
		n.mu.Lock()
		n.slow["a:1"] = 10 * time.Millisecond
		old := n.peers[0]
		n.mu.Unlock()
		if err := p.Rotate(); err != nil {
			t.Fatal(err)
		}
		pass(9500 * time.Microsecond)
		leased := make(chan pool.Conn)
		go func() { leased <- lease(t, p) }() // looking at a pipe takes a millisecond
		pass(700 * time.Microsecond)
		_ = old.Close()
		if c := <-leased; c.ID() != 2 {
			t.Fatalf("connection %d is leased", c.ID())
		}
		lease(t, p) // one more, in nobody's place
		if s := p.Status(); s.Reconnects != 1 || s.Closed["stale"] != 1 || s.Active != 2 {
			t.Errorf("%d reconnects, %d open, %v closed", s.Reconnects, s.Active, s.Closed)
		}
	})
}

// The same while the sweep looked at the old one.
func TestAReplacementIsCountedOnceWhileTheOldOneIsLookedAt(t *testing.T) {
	swept := func(o *pool.Options) { quiet(o); o.MaxLatency, o.ProbeSweep = 0, 10*time.Second }
	virtual(t, "a:1", swept, func(t *testing.T, p *pool.Pool, n *network) {
		startCleanup(t, p)
		lease(t, p).Release()
		n.mu.Lock()
		n.slow["a:1"] = 10 * time.Millisecond
		n.mu.Unlock()
		pass(10*time.Second - 9500*time.Microsecond - time.Since(n.began))
		if err := p.Rotate(); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		for range 2 { // the replacement, and one more in nobody's place
			lease(t, p)
		}
		if s := p.Status(); s.Reconnects != 1 || s.Closed["rotated"] != 1 || s.Active != 2 {
			t.Errorf("%d reconnects, %d open, %v closed", s.Reconnects, s.Active, s.Closed)
		}
	})
}
