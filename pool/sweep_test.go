package pool_test

import (
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

func TestTheSweepFindsADeadIdleConnectionWithinItsInterval(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MinIdle, o.ProbeSweep = 3, 10*time.Second }, func(t *testing.T, p *pool.Pool, n *network) {
		startCleanup(t, p)
		n.kill()
		pass(9 * time.Second)
		if s := p.Status(); s.Closed["stale"] != 0 {
			t.Fatalf("too early: %v", s.Closed)
		}
		pass(2 * time.Second)
		if s := p.Status(); s.Closed["stale"] != 3 || s.Idle != 3 {
			t.Fatalf("idle %d, closed %v, dials %d", s.Idle, s.Closed, s.Dials)
		}
	})
}

func TestWithoutASweepADeadIdleConnectionStaysUntilItIsWanted(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MinIdle, o.ProbeSweep = 1, 0 }, func(t *testing.T, p *pool.Pool, n *network) {
		startCleanup(t, p)
		n.kill()
		pass(time.Hour)
		if s := p.Status(); s.Closed["stale"] != 0 || s.Idle != 1 {
			t.Fatalf("idle %d, closed %v, dials %d", s.Idle, s.Closed, s.Dials)
		}
	})
}

func TestTheSweepKeepsWhatLivesInItsOrder(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.ProbeSweep = 10 * time.Second }, func(t *testing.T, p *pool.Pool, n *network) {
		startCleanup(t, p)
		held := []pool.Conn{lease(t, p), lease(t, p), lease(t, p)}
		for _, c := range held {
			c.Release()
			pass(time.Second)
		}
		pass(time.Minute)
		for want := uint64(3); want > 0; want-- {
			c := lease(t, p)
			if c.ID() != want {
				t.Fatalf("connection %d comes before %d", c.ID(), want)
			}
			defer c.Release()
		}
		if s := p.Status(); s.Dials != 3 {
			t.Fatalf("idle %d, closed %v, dials %d", s.Idle, s.Closed, s.Dials)
		}
	})
}

func TestTheSweepFindsBytesThatNobodyAskedFor(t *testing.T) {
	for _, detach := range []bool{false, true} {
		r := startRelay(t)
		p := newPool(t, r, func(o *pool.Options) { o.Detach, o.MinIdle, o.ProbeSweep = detach, 2, 20*time.Millisecond })
		if err := p.StartCleanup(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the pool is filled", func() bool { s := p.Status(); return s.Idle == 2 && s.Dialing == 0 })
		eventually(t, "both are closed, though nobody asked", func() bool {
			if err := r.Set("speak", "1"); err != nil { // to those that the relay knows of by now
				t.Fatal(err)
			}
			return p.Status().Closed["stale"] >= 2
		})
		eventually(t, "both are replaced", func() bool { s := p.Status(); return s.Idle == 2 && s.Dialing == 0 })
	}
}
