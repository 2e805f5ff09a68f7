package pool_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

func TestWhatWasTakenInIsLentInTheSameOrder(t *testing.T) {
	shelved(t, nil, func(t *testing.T, h *host, n *network) {
		a, b, c, d := h.lease(t), h.lease(t), h.lease(t), h.lease(t)
		h.end(a, true)
		_ = h.p.Status() // takes it in: it was not used last
		for _, lease := range []held{b, c, d} {
			h.end(lease, true)
		}
		_ = h.p.Status()
		for _, want := range []held{d, c, b, a} {
			if got := h.lease(t); got.ID() != want.ID() {
				t.Errorf("connection %d is lent, not %d", got.ID(), want.ID())
			}
		}
	})
}

// Whoever looked at the head before the shelf was taken in must not take from it after.
func TestAHeadFromBeforeIsNeverThereAgain(t *testing.T) {
	shelved(t, nil, func(t *testing.T, h *host, n *network) {
		empty := h.shelf.Head.Load()
		_ = h.p.Status()
		if h.shelf.Head.Load() == empty {
			t.Error("it is that of another time when it was empty")
		}
		seen := map[uint64]bool{}
		for range 3 {
			c := h.lease(t)
			h.end(c, true)
			h.wantResting(t, 1)
			head := h.shelf.Head.Load()
			if seen[head] {
				t.Errorf("%#x comes twice", head)
			}
			seen[head] = true
			_ = h.p.Status()
		}
	})
}

// lent says how many leases came from the shelf since the pool was looked at.
func (h *host) lent() uint64 { return h.counts[0].Load() }

func TestTheShelfLendsWhatTheCleanupTaskDoesNotMiss(t *testing.T) {
	for name, now := range map[string]struct {
		max, minIdle, out int
		cleanup           bool
		dial              time.Duration // what those take that fill up for what is out
		lent              uint64
	}{
		"no task":      {max: 8, minIdle: 2, out: 2, cleanup: false, lent: 1},
		"one too many": {max: 8, minIdle: 2, out: 1, cleanup: true, lent: 1},
		"none to miss": {max: 8, minIdle: 0, out: 1, cleanup: true, lent: 1},
		"no room":      {max: 2, minIdle: 2, out: 2, cleanup: true, lent: 1},
		"both missed":  {max: 8, minIdle: 2, out: 2, cleanup: true, dial: 2 * time.Second, lent: 0},
	} {
		t.Run(name, func(t *testing.T) {
			options := func(o *pool.Options) {
				unjudged(o)
				o.MaxConnections, o.MinIdle = now.max, now.minIdle
			}
			shelved(t, options, func(t *testing.T, h *host, n *network) {
				if now.cleanup {
					startCleanup(t, h.p)
				}
				n.slow["a:1"] = now.dial
				var leases []held
				for range now.out {
					leases = append(leases, h.lease(t))
				}
				pass(time.Second)
				for _, c := range leases {
					h.end(c, true)
				}
				h.wantResting(t, now.out)
				h.lease(t)
				if h.lent() != now.lent {
					t.Errorf("%d leases came from the shelf, not %d: %+v", h.lent(), now.lent, h.p.Status())
				}
			})
		})
	}
}

func TestWhatIsIdleForEverIsLentFromTheShelf(t *testing.T) {
	shelved(t, quiet, func(t *testing.T, h *host, n *network) {
		c := h.lease(t)
		h.end(c, true)
		pass(1000 * time.Hour)
		if d := h.lease(t); d.ID() != c.ID() || h.lent() != 1 {
			t.Errorf("connection %d, %d leases came from the shelf", d.ID(), h.lent())
		}
	})
}

func TestOnlyTheLastOneUsedIsLentFromTheShelf(t *testing.T) {
	oldest := func(o *pool.Options) { o.IdleOrder = pool.OrderFIFO }
	shelved(t, oldest, func(t *testing.T, h *host, n *network) {
		a, b := h.lease(t), h.lease(t)
		h.shelf.Head.Store(pool.ShelfEmpty) // whoever has it opened
		h.end(a, true)
		h.end(b, true)
		h.wantResting(t, 0)
		if c := h.lease(t); c.ID() != a.ID() {
			t.Errorf("connection %d is lent before %d", c.ID(), a.ID())
		}
	})
}

func TestLeasesFromTheShelfAreCountedWithTheirEndpoint(t *testing.T) {
	virtual(t, "a:1,b:1", unjudged, func(t *testing.T, p *pool.Pool, n *network) {
		h := newHost(p)
		n.set("a:1", errDown)
		h.end(h.lease(t), true)
		pass(time.Second)
		c := h.lease(t)
		if at := c.Endpoint(); at != "b:1" || h.lent() != 0 {
			t.Fatalf("%s is leased, %d of a:1", at, h.lent())
		}
		pass(time.Second)
		h.end(c, true)
		h.wantResting(t, 1)
		h.lease(t)
		down, up := p.Status().Endpoints[0].Hold, p.Status().Endpoints[1].Hold
		if down.Count() != 0 || up.Count() != 2 || up.Sum < 1 || up.Quantile(0.5) >= 1 || up.Quantile(1) < 1 {
			t.Errorf("%d leases of a:1, %d of b:1 in %v s: %v", down.Count(), up.Count(), up.Sum, up.Counts)
		}
	})
}

func TestALeaseThatIsLeftOutRestsOnNoOtherPoolsShelf(t *testing.T) {
	shelved(t, nil, func(t *testing.T, h *host, n *network) {
		a, b := h.lease(t), h.lease(t)
		h.end(b, true)
		b = h.lease(t)
		h.p.Close(0)
		h.p.Unshelve()
		if s := h.p.Status(); s.Acquires != 3 || s.Endpoints[0].Hold.Count() != 1 {
			t.Errorf("%d leases, %d have ended", s.Acquires, s.Endpoints[0].Hold.Count())
		}
		h.counts[0].Store(1000) // they are another pool's now
		if s := h.p.Status(); s.Acquires != 3 {
			t.Errorf("%d leases", s.Acquires)
		}
		h.shelf.Head.Store(pool.ShelfEmpty) // and so is the shelf
		h.end(a, true)
		h.end(b, true)
		h.wantResting(t, 0)
		if s := h.p.Status(); s.Active != 0 {
			t.Errorf("%d are open", s.Active)
		}
	})
}

// inHand has one lease rest for 50 s, and something happen while a caller who took it from
// the shelf looks at it, finds that it is not silent, and would not wait for another.
func inHand(t *testing.T, happens func(*host, func()), test func(t *testing.T, h *host, waited chan uint64)) {
	one := func(o *pool.Options) { quiet(o); o.MaxConnections, o.IdleTimeout = 1, time.Minute }
	shelved(t, one, func(t *testing.T, h *host, n *network) {
		h.end(h.lease(t), true)
		pass(50 * time.Second)
		waited := make(chan uint64, 1)
		h.silent = func(pool.Conn) bool {
			happens(h, func() {
				go func() {
					c := h.lease(t)
					waited <- c.ID()
					h.end(c, true)
				}()
				synctest.Wait()
			})
			return false
		}
		if _, err := h.acquire(0); err == nil {
			t.Error("lent all the same")
		}
		pass(time.Second)
		check(t, h.p)
		test(t, h, waited)
	})
}

func TestALeaseInHandServesWhoWaits(t *testing.T) {
	inHand(t, func(_ *host, wait func()) { wait() }, func(t *testing.T, h *host, waited chan uint64) {
		select {
		case id := <-waited:
			if id != 1 {
				t.Errorf("connection %d serves who waits", id)
			}
		default:
			t.Error("nobody has told who waits")
		}
	})
}

func TestALeaseInHandRestsOnWhileThePoolIsPaused(t *testing.T) {
	paused := func(h *host, wait func()) {
		if err := h.p.Pause(); err != nil {
			t.Error(err)
		}
		wait()
	}
	inHand(t, paused, func(t *testing.T, h *host, waited chan uint64) {
		pass(15 * time.Second)
		if s := h.p.Status(); s.Idle != 1 || s.Waiting != 1 {
			t.Fatalf("%d idle, %d waiting", s.Idle, s.Waiting)
		}
		if err := h.p.Resume(); err != nil {
			t.Fatal(err)
		}
		if id := <-waited; id != 2 {
			t.Errorf("connection %d, which was idle for too long, serves who waits", id)
		}
	})
}
