package pool_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

func TestALoweredBoundClosesIdleConnectionsNowAndLentOnesAtTheirReturn(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MaxConnections = 6 }, func(t *testing.T, p *pool.Pool, n *network) {
		if err := p.WarmUpWithin(6, time.Minute); err != nil {
			t.Fatal(err)
		}
		held := []pool.Conn{lease(t, p), lease(t, p), lease(t, p)}
		if err := p.Resize(2, pool.Auto); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s := p.Status(); s.Idle != 0 || s.Lent != 3 || s.Max != 2 || s.MinIdle != 2 {
			t.Fatalf("%+v", s)
		}
		for _, c := range held {
			c.Release()
		}
		synctest.Wait()
		if s := p.Status(); s.Idle != 2 || s.Closed["resized"] != 4 || s.Reconnects != 0 {
			t.Fatalf("%+v", s)
		}
		wantKind(t, p.Resize(0, 0), pool.ErrOption, "max_connections")
		wantKind(t, p.Resize(2, 3), pool.ErrOption, "min_idle")
	})
}

func TestARaisedBoundServesThoseWhoWait(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MaxConnections = 1 }, func(t *testing.T, p *pool.Pool, n *network) {
		held := lease(t, p)
		served := make(chan pool.Conn)
		go func() { served <- lease(t, p) }()
		synctest.Wait()
		if err := p.Resize(2, 0); err != nil {
			t.Fatal(err)
		}
		(<-served).Release()
		held.Release()
	})
}

func TestAPausedPoolLetsCallersWait(t *testing.T) {
	virtual(t, "a:1", quiet, func(t *testing.T, p *pool.Pool, n *network) {
		held := lease(t, p)
		if err := p.Pause(); err != nil {
			t.Fatal(err)
		}
		held.Release()
		_, err := p.AcquireWithin(0)
		wantKind(t, err, pool.ErrExhausted, "paused", "1 idle")
		_, err = p.AcquireWithin(time.Second)
		wantKind(t, err, pool.ErrTimeout, "paused")
		served := make(chan pool.Conn)
		for range 2 {
			go func() { served <- lease(t, p) }()
		}
		pass(time.Minute / 2)
		if s := p.Status(); s.Waiting != 2 || s.Dials != 1 || !s.Paused {
			t.Fatalf("%+v", s)
		}
		if err := p.Resume(); err != nil {
			t.Fatal(err)
		}
		a, b := <-served, <-served
		if a.ID()+b.ID() != 3 {
			t.Fatalf("connections %d and %d", a.ID(), b.ID())
		}
		a.Release()
		b.Release()
	})
}

func TestRotateReplacesEveryConnectionOnce(t *testing.T) {
	for _, cleanup := range []bool{false, true} {
		virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MinIdle = 3 }, func(t *testing.T, p *pool.Pool, n *network) {
			if cleanup {
				startCleanup(t, p)
			}
			if err := p.WarmUpWithin(3, time.Minute); err != nil {
				t.Fatal(err)
			}
			held := lease(t, p)
			if err := p.Rotate(); err != nil {
				t.Fatal(err)
			}
			held.Release()
			pass(10 * time.Second)
			s := p.Status()
			for _, c := range s.Connections {
				if c.Generation != 1 || s.Generation != 1 {
					t.Fatalf("cleanup %v: connection %d is of generation %d", cleanup, c.ID, c.Generation)
				}
			}
			if cleanup && s.Idle < 3 {
				t.Fatalf("%+v", s)
			}
			c := lease(t, p)
			if info, err := c.Info(); err != nil || info.Generation != 1 {
				t.Fatalf("%+v, %v", info, err)
			}
			c.Release()
		})
	}
}

func TestTheNewGenerationIsLentBeforeTheOld(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MinIdle = 20 }, func(t *testing.T, p *pool.Pool, n *network) {
		startCleanup(t, p)
		pass(time.Second)
		if err := p.Rotate(); err != nil {
			t.Fatal(err)
		}
		pass(1500 * time.Millisecond) // some of the twenty are replaced
		fresh := 0
		for _, c := range p.Status().Connections {
			fresh += int(c.Generation)
		}
		if fresh == 0 || fresh > 10 {
			t.Fatalf("%d of 20 are replaced", fresh)
		}
		var held []pool.Conn
		for range fresh {
			c := lease(t, p)
			if info, _ := c.Info(); info.Generation != 1 {
				t.Errorf("connection %d is of the old generation", c.ID())
			}
			held = append(held, c)
		}
		for _, c := range held {
			c.Release()
		}
	})
}

func TestEvictingAnEndpointClosesItsConnectionsOnly(t *testing.T) {
	virtual(t, "a:1,b:1", quiet, func(t *testing.T, p *pool.Pool, n *network) {
		n.set("a:1", errDown)
		b := lease(t, p) // failed over
		n.set("a:1", nil)
		pass(time.Second)
		a, idle := lease(t, p), lease(t, p)
		if a.Endpoint() != "a:1" || b.Endpoint() != "b:1" {
			t.Fatalf("%s, %s", a.Endpoint(), b.Endpoint())
		}
		idle.Release()
		wantKind(t, p.EvictEndpoint("c:1"), pool.ErrOption, "c:1")
		if err := p.EvictEndpoint("a:1"); err != nil {
			t.Fatal(err)
		}
		a.Release()
		b.Release()
		synctest.Wait()
		s := p.Status()
		if s.Active != 1 || s.Connections[0].Endpoint != "b:1" || s.Closed["evicted"] != 2 {
			t.Fatalf("%+v", s)
		}
	})
}

func TestResetClosesBreakersAndConnections(t *testing.T) {
	virtual(t, "a:1", quiet, func(t *testing.T, p *pool.Pool, n *network) {
		n.set("a:1", errDown)
		_, err := p.AcquireWithin(time.Minute)
		wantKind(t, err, pool.ErrBreakerOpen)
		n.set("a:1", nil)
		if err := p.Reset(); err != nil {
			t.Fatal(err)
		}
		lease(t, p).Release()
		if err := p.Reset(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if s := p.Status(); s.Active != 0 || p.Health().Breaker != pool.BreakerClosed {
			t.Fatalf("%+v", s)
		}
	})
}

func TestFailoverIsInTheOrderOfTheListAndEachEndpointHasItsOwnBreaker(t *testing.T) {
	virtual(t, "a:1,b:1", quiet, func(t *testing.T, p *pool.Pool, n *network) {
		n.set("a:1", errDown)
		for range 20 {
			c := lease(t, p)
			if c.Endpoint() != "b:1" {
				t.Fatal(c.Endpoint())
			}
			c.Discard()
			pass(time.Second / 4)
		}
		s := p.Status()
		if s.Endpoints[0].Breaker == "closed" || s.Endpoints[1].Breaker != "closed" || s.Breaker != "closed" {
			t.Fatalf("%+v", s)
		}
		if s.Endpoints[0].Errors == 0 || s.Endpoints[1].Errors != 0 || !p.Health().Healthy {
			t.Fatalf("%+v", s)
		}
		n.set("b:1", errDown)
		_, err := p.AcquireWithin(time.Minute)
		wantKind(t, err, pool.ErrBreakerOpen, "a:1", "b:1", "down")
		n.set("a:1", nil)
		pass(time.Minute)
		c := lease(t, p)
		if c.Endpoint() != "a:1" {
			t.Fatal(c.Endpoint())
		}
		c.Release()
	})
}

func TestTheCleanupTaskProbesAnEndpointThatFailed(t *testing.T) {
	for range 50 { // chance sets the times
		probesAnEndpointThatFailed(t)
	}
}

func probesAnEndpointThatFailed(t *testing.T) {
	virtual(t, "a:1,b:1", func(o *pool.Options) { quiet(o); o.MinIdle = 1 }, func(t *testing.T, p *pool.Pool, n *network) {
		n.set("a:1", errDown)
		startCleanup(t, p)
		for range 8 {
			lease(t, p).Discard()
			pass(time.Second / 4)
		}
		if s := p.Status(); s.Endpoints[0].Breaker == "closed" {
			t.Fatalf("%+v", s)
		}
		n.set("a:1", nil)
		pass(time.Minute)
		if s := p.Status(); s.Endpoints[0].Breaker != "closed" || s.Endpoints[0].Active != 1 {
			t.Fatalf("%+v", s)
		}
	})
}
