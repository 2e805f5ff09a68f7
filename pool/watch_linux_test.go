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
		for round := range uint64(3) {
			if err := r.Set("drop_idle", "1"); err != nil {
				t.Fatal(err)
			}
			eventually(t, "all are replaced, though nobody asked", func() bool {
				s := p.Status()
				return s.Closed["stale"] >= (round+1)*3 && s.Idle >= 3 && s.Dialing == 0 && r.Stats().Open == int64(s.Active)
			})
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
