package pool_test

import (
	"testing"

	"github.com/bitcoin-sprint/libsprint/pool"
)

func TestTheDeathOfAnIdleConnectionIsNoticedAtOnceAndReplaced(t *testing.T) {
	for _, detach := range []bool{false, true} {
		r := startRelay(t)
		p := newPool(t, r, func(o *pool.Options) { o.Detach, o.MinIdle = detach, 3 })
		before := acquire(t, p) // opened before the task runs
		if err := p.StartCleanup(); err != nil {
			t.Fatal(err)
		}
		before.Release()
		eventually(t, "the pool is filled", func() bool { s := p.Status(); return s.Idle >= 3 && s.Dialing == 0 })
		n := p.Status().Active
		for range 3 {
			dropped := map[uint64]bool{}
			for _, c := range p.Status().Connections {
				dropped[c.ID] = true
			}
			if err := r.Set("drop_idle", "1"); err != nil {
				t.Fatal(err)
			}
			// None is left of those that were dropped, and none is being made that the next round
			// would drop in its handshake.
			eventually(t, "all are replaced, though nobody asked", func() bool {
				s := p.Status()
				for _, c := range s.Connections {
					if dropped[c.ID] {
						return false
					}
				}
				return s.Idle >= 3 && s.Dialing == 0 && r.Stats().Open == int64(s.Active)
			})
		}
		if s := p.Status(); s.Closed["stale"] < 9 {
			t.Fatalf("%d were seen to end", s.Closed["stale"])
		}
		if s := p.Status(); s.Errors != 0 || s.Discards != 0 || s.Active > n {
			t.Fatalf("detach %v: %+v", detach, s)
		}
		p.StopCleanup()
		p.StopCleanup()
		if err := p.StartCleanup(); err != nil { // and again
			t.Fatal(err)
		}
		was := p.Status().Closed["stale"]
		if err := r.Set("drop_idle", "1"); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a task that was started again notices too", func() bool { return p.Status().Closed["stale"] > was })
	}
}

func TestAConnectionThatEndsUnderItsLeaseIsNotKept(t *testing.T) {
	r := startRelay(t)
	p := newPool(t, r, func(o *pool.Options) { o.MinIdle = 0 })
	if err := p.StartCleanup(); err != nil {
		t.Fatal(err)
	}
	c := acquire(t, p)
	if err := r.Set("drop_idle", "1"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the relay has dropped it", func() bool { return r.Stats().Open == 0 })
	eventually(t, "its return finds it dead", func() bool {
		c.Release()
		defer func() { c = acquire(t, p) }()
		return p.Status().Closed["stale"]+p.Status().Closed["dirty"] > 0
	})
	c.Release()
}
