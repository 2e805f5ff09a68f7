package pool_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

func TestAReleasedLeaseRestsAndIsTheNextOne(t *testing.T) {
	shelved(t, nil, func(t *testing.T, h *host, n *network) {
		a := h.lease(t)
		b := h.lease(t)
		h.end(a, true)
		h.end(b, true)
		h.wantResting(t, 2)
		c := h.lease(t)
		if c.ID() != b.ID() || c.Uses() != 1 {
			t.Errorf("connection %d after %d uses, not the one that was used last", c.ID(), c.Uses())
		}
		h.wantResting(t, 1)
		s := h.p.Status()
		h.wantResting(t, 0)
		if s.Idle != 1 || s.Lent != 1 || s.Acquires != 3 || s.Endpoints[0].Hold.Count() != 2 {
			t.Errorf("%d idle, %d lent, %d leases, %d of them ended", s.Idle, s.Lent, s.Acquires, s.Endpoints[0].Hold.Count())
		}
		for _, one := range s.Connections {
			if one.Uses != 1 {
				t.Errorf("connection %d: %d uses", one.ID, one.Uses)
			}
		}
		h.end(c, true)
		h.wantResting(t, 1)
		if d := h.lease(t); d.ID() != b.ID() || d.Uses() != 2 {
			t.Errorf("connection %d after %d uses", d.ID(), d.Uses())
		}
	})
}

func TestALeaseThatRestedIsAnotherLease(t *testing.T) {
	shelved(t, nil, func(t *testing.T, h *host, n *network) {
		c := h.lease(t)
		stale := c.Conn
		h.end(c, true)
		pass(time.Second)
		_ = h.p.Status() // takes it in
		if _, err := stale.Info(); err == nil {
			t.Error("a lease that the pool took in is alive")
		}
		c = h.lease(t)
		pass(time.Second)
		held := h.p.Status().Connections[0].HeldMs // looking at a pipe takes a millisecond
		within(t, "held", time.Duration(held)*time.Millisecond, time.Second, 1002*time.Millisecond)
		h.end(c, true)
		pass(3 * time.Second)
		if idle := h.p.Status().Connections[0].IdleMs; idle != 3000 {
			t.Errorf("idle for %d ms", idle)
		}
		if hold := h.p.Status().Endpoints[0].Hold; hold.Count() != 2 || hold.Sum < 1 || hold.Sum > 1.002 {
			t.Errorf("%d leases in %v s", hold.Count(), hold.Sum)
		}
	})
}

func TestAWaiterComesBeforeTheShelf(t *testing.T) {
	one := func(o *pool.Options) { o.MaxConnections = 1 }
	shelved(t, one, func(t *testing.T, h *host, n *network) {
		c := h.lease(t)
		order := make(chan int, 3)
		for i := range 3 {
			go func() {
				c := h.lease(t)
				order <- i
				pass(time.Millisecond)
				h.end(c, true)
			}()
			synctest.Wait()
		}
		h.end(c, true)
		h.wantResting(t, 0)
		for i := range 3 {
			if got := <-order; got != i {
				t.Errorf("caller %d was served in the place of %d", got, i)
			}
		}
		pass(time.Second)
		h.wantResting(t, 1)
	})
}

func TestAnUnfitLeaseGoesHome(t *testing.T) {
	for name, gets := range map[string]struct {
		idle, life time.Duration
		unfit      func(*host, *network)
	}{
		"idle for too long": {time.Minute, time.Hour, func(*host, *network) { pass(time.Minute) }},
		"too old":           {time.Hour, time.Minute, func(*host, *network) { pass(time.Minute) }},
		"dead": {time.Hour, time.Hour, func(h *host, n *network) {
			n.kill()
			h.silent = func(pool.Conn) bool { return false }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			ages := func(o *pool.Options) { o.IdleTimeout, o.MaxLifetime = gets.idle, gets.life }
			shelved(t, ages, func(t *testing.T, h *host, n *network) {
				c := h.lease(t)
				h.end(c, true)
				h.wantResting(t, 1)
				gets.unfit(h, n)
				if d := h.lease(t); d.ID() == c.ID() {
					t.Error("lent all the same")
				}
				if s := h.p.Status(); s.Idle != 0 || s.Lent != 1 || s.Acquires != 2 {
					t.Errorf("%d idle, %d lent, %d leases", s.Idle, s.Lent, s.Acquires)
				}
			})
		})
	}
}

func TestALeaseWithBytesThatAreLifeIsLent(t *testing.T) {
	shelved(t, nil, func(t *testing.T, h *host, n *network) {
		c := h.lease(t)
		h.end(c, true)
		h.silent = func(pool.Conn) bool { return false }
		d := h.lease(t)
		if d.ID() != c.ID() || d.Uses() != 1 {
			t.Errorf("connection %d after %d uses", d.ID(), d.Uses())
		}
	})
}

func TestWhatHappensToALeaseSendsItHome(t *testing.T) {
	want := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, happens := range map[string]func(*testing.T, *host){
		"rotate":  func(t *testing.T, h *host) { want(t, h.p.Rotate()) },
		"evict":   func(t *testing.T, h *host) { want(t, h.p.EvictEndpoint("a:1")) },
		"reset":   func(t *testing.T, h *host) { want(t, h.p.Reset()) },
		"max age": func(*testing.T, *host) { pass(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			shelved(t, func(o *pool.Options) { o.MaxLifetime, o.MaxLatency = time.Hour, 0 }, func(t *testing.T, h *host, n *network) {
				c := h.lease(t)
				happens(t, h)
				h.end(c, true)
				h.wantResting(t, 0)
				if s := h.p.Status(); s.Active != 0 {
					t.Errorf("%d are open", s.Active)
				}
			})
		})
	}
}

func TestNothingRestsWhileThePoolIsPausedOrTooLarge(t *testing.T) {
	shelved(t, nil, func(t *testing.T, h *host, n *network) {
		a, b := h.lease(t), h.lease(t)
		if err := h.p.Pause(); err != nil {
			t.Fatal(err)
		}
		h.end(a, true)
		h.wantResting(t, 0)
		if err := h.p.Resume(); err != nil {
			t.Fatal(err)
		}
		h.end(b, true)
		h.wantResting(t, 1)
		b = h.lease(t)
		a = h.lease(t)
		if err := h.p.Resize(1, 0); err != nil {
			t.Fatal(err)
		}
		h.end(a, true)
		h.wantResting(t, 0)
		h.end(b, true)
		pass(time.Second)
		if s := h.p.Status(); s.Active != 1 || s.Closed["resized"] != 1 {
			t.Errorf("%d are open, %v closed", s.Active, s.Closed)
		}
	})
}

func TestTheCleanupTaskKeepsMinIdleBesideTheShelf(t *testing.T) {
	two := func(o *pool.Options) { o.MaxConnections, o.MinIdle, o.MaxLatency = 5, 2, 0 }
	shelved(t, two, func(t *testing.T, h *host, n *network) {
		startCleanup(t, h.p)
		a, b, c := h.lease(t), h.lease(t), h.lease(t)
		pass(time.Second)
		if s := h.p.Status(); s.Idle != 2 || s.Active != 5 {
			t.Fatalf("%d idle of %d", s.Idle, s.Active)
		}
		if err := h.p.Resize(8, 3); err != nil { // wanted: one more
			t.Fatal(err)
		}
		pass(time.Second)
		for _, lease := range []held{a, b, c} {
			h.end(lease, true)
		}
		h.wantResting(t, 3)
		for range 4 {
			h.lease(t)
		}
		pass(time.Second)
		if s := h.p.Status(); s.Idle != 3 || s.Lent != 4 {
			t.Errorf("%d idle, %d lent", s.Idle, s.Lent)
		}
	})
}

func TestALeakIsFoundThroughTheShelf(t *testing.T) {
	leaks := func(o *pool.Options) { o.LeakAfter, o.MaxLatency = 10*time.Second, 0 }
	shelved(t, leaks, func(t *testing.T, h *host, n *network) {
		startCleanup(t, h.p)
		for range 5 { // each lease by itself is short
			c := h.lease(t)
			pass(6 * time.Second)
			h.end(c, true)
		}
		if s := h.p.Status(); s.Leaks != 0 {
			t.Errorf("%d leaks", s.Leaks)
		}
		c := h.lease(t)
		h.end(c, true)
		c = h.lease(t)
		pass(11 * time.Second)
		h.end(c, true)
		if s := h.p.Status(); s.Leaks != 1 || s.LeaksReturned != 1 {
			t.Errorf("%d leaks, %d returned", s.Leaks, s.LeaksReturned)
		}
	})
}

func TestCloseTakesTheShelfIn(t *testing.T) {
	shelved(t, nil, func(t *testing.T, h *host, n *network) {
		a, b := h.lease(t), h.lease(t)
		h.end(a, true)
		if forced := h.p.Close(0); forced != 1 {
			t.Errorf("%d leases were cut", forced)
		}
		h.wantResting(t, 0)
		h.end(b, true)
		h.wantResting(t, 0)
		if _, err := h.acquire(0); err == nil {
			t.Error("a lease of a closed pool")
		}
		if s := h.p.Status(); s.Acquires != 2 || s.Active != 0 {
			t.Errorf("%d leases, %d open", s.Acquires, s.Active)
		}
	})
}

func TestALeaseInHandWhileThePoolCloses(t *testing.T) {
	for name, happens := range map[string]func(*host) error{
		"close": func(h *host) error {
			if forced := h.p.Close(0); forced != 1 {
				t.Errorf("%d leases were cut", forced)
			}
			return nil
		},
		"evict": func(h *host) error { return h.p.EvictEndpoint("a:1") },
		"pause": func(h *host) error { return h.p.Pause() },
	} {
		t.Run(name, func(t *testing.T) {
			shelved(t, nil, func(t *testing.T, h *host, n *network) {
				h.end(h.lease(t), true)
				h.silent = func(pool.Conn) bool { // between the shelf and the caller
					if err := happens(h); err != nil {
						t.Error(err)
					}
					return false
				}
				if _, err := h.acquire(0); err == nil {
					t.Error("lent all the same")
				}
				pass(time.Second)
				paused := name == "pause"
				if s := h.p.Status(); s.Lent != 0 || (s.Active == 1) != paused {
					t.Errorf("%d lent of %d", s.Lent, s.Active)
				}
				began := time.Now()
				h.p.Close(time.Minute)
				within(t, "close", time.Since(began), 0, 0)
			})
		})
	}
}

// The shelf under load, with everything that takes it in or closes it, until all is counted.
func TestTheShelfUnderLoad(t *testing.T) {
	n := &network{t: t, began: time.Now(), down: map[string]error{}, slow: map[string]time.Duration{}}
	o := pool.Defaults()
	o.MaxConnections, o.MinIdle, o.MaxWaiters = 4, 1, 100
	p, err := pool.New("a:1,b:1", o)
	if err != nil {
		t.Fatal(err)
	}
	p.ConnectWith(n.connect)
	defer p.Close(0)
	h := newHost(p)
	var leases, ended atomic.Uint64
	var out [1 << 16]atomic.Bool // by connection
	var callers sync.WaitGroup
	ctx, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	for i := range 6 {
		callers.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 1))
			for ctx.Err() == nil {
				c, err := h.acquire(patience)
				if err != nil {
					t.Error(err)
					return
				}
				leases.Add(1)
				if out[c.ID()].Swap(true) {
					t.Errorf("connection %d is lent twice", c.ID())
				}
				out[c.ID()].Store(false)
				h.end(c, random.IntN(200) > 0)
				ended.Add(1)
			}
		})
	}
	random := rand.New(rand.NewPCG(7, 7))
	for ctx.Err() == nil {
		var err error
		switch random.IntN(8) {
		case 0:
			err = p.Rotate()
		case 1:
			err = p.Resize(2+random.IntN(4), 1)
		case 2:
			if err = p.Pause(); err == nil {
				err = p.Resume()
			}
		case 3:
			err = p.EvictEndpoint("a:1")
		case 4:
			if err = p.StartCleanup(); err == nil {
				p.StopCleanup()
			}
		default:
			if s := p.Status(); s.Acquires > leases.Load()+6 || s.Acquires != s.AcquiresBy["direct"]+s.AcquiresBy["waited"]+s.AcquiresBy["dialed"] {
				t.Errorf("%d leases, %v, of %d", s.Acquires, s.AcquiresBy, leases.Load())
			}
			err = p.Check(true)
		}
		if err != nil {
			t.Error(err)
		}
		time.Sleep(time.Millisecond)
	}
	callers.Wait()
	s := p.Status()
	hold := s.Endpoints[0].Hold.Count() + s.Endpoints[1].Hold.Count()
	if s.Lent != 0 || s.Waiting != 0 || s.Acquires != leases.Load() || hold != ended.Load() {
		t.Errorf("%d lent, %d waiting; %d leases and %d holds of %d", s.Lent, s.Waiting, s.Acquires, hold, leases.Load())
	}
}
