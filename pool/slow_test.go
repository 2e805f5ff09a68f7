package pool_test

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// answer has the peer answer every byte with one after a delay.
func answer(peer net.Conn, delay time.Duration) {
	one := make([]byte, 1)
	for {
		if _, err := io.ReadFull(peer, one); err != nil {
			return
		}
		time.Sleep(delay)
		if _, err := peer.Write(one); err != nil {
			return
		}
	}
}

// openWith opens a connection for each delay, whose peer answers after it, and asks each
// as often as said.
func openWith(t *testing.T, p *pool.Pool, n *network, requests int, delays ...time.Duration) {
	t.Helper()
	var held []pool.Conn
	for i, delay := range delays {
		c := lease(t, p)
		go answer(n.peers[i], delay)
		held = append(held, c)
	}
	one := []byte("x")
	for _, c := range held {
		for range requests {
			if _, err := c.Write(one); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(c, one); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range held { // all are known before any is judged
		c.Release()
	}
	for range held {
		held = append(held[1:], lease(t, p))
	}
	pass(time.Second)
	for _, c := range held {
		c.Release()
	}
	synctest.Wait()
}

const (
	fast = time.Millisecond
	slow = 50 * time.Millisecond
)

func limit10(o *pool.Options) { quiet(o); o.MaxLatency = 10 * time.Millisecond }

func TestASlowConnectionIsClosedAtItsReturn(t *testing.T) {
	virtual(t, "a:1", limit10, func(t *testing.T, p *pool.Pool, n *network) {
		openWith(t, p, n, 100, fast, slow, fast)
		s := p.Status()
		if s.Closed["slow"] != 1 {
			t.Fatalf("%+v", s)
		}
		for _, c := range s.Connections {
			if c.ID == 2 {
				t.Fatal("the slow one was kept")
			}
		}
	})
}

func TestTheCleanupTaskReplacesASlowConnectionFirst(t *testing.T) {
	virtual(t, "a:1", limit10, func(t *testing.T, p *pool.Pool, n *network) {
		startCleanup(t, p)
		openWith(t, p, n, 100, fast, slow, fast)
		pass(time.Second)
		s := p.Status()
		if s.Closed["slow"] != 1 || s.Active != 3 || s.Reconnects != 1 {
			t.Fatalf("%+v", s)
		}
	})
}

func TestWhereMostConnectionsAreSlowNoneIsDropped(t *testing.T) {
	virtual(t, "a:1", limit10, func(t *testing.T, p *pool.Pool, n *network) {
		openWith(t, p, n, 100, slow, slow, fast)
		s := p.Status()
		if s.Closed["slow"] != 0 || s.SlowSpared["share"] == 0 {
			t.Fatalf("%+v", s)
		}
	})
}

func TestAConnectionLittleSlowerThanTheMedianIsKept(t *testing.T) {
	virtual(t, "a:1", limit10, func(t *testing.T, p *pool.Pool, n *network) {
		openWith(t, p, n, 100, 8*fast, 12*fast, 8*fast)
		s := p.Status()
		if s.Closed["slow"] != 0 || s.SlowSpared["median"] == 0 {
			t.Fatalf("%+v", s)
		}
	})
}

func TestAFewSlowAnswersSayNothing(t *testing.T) {
	virtual(t, "a:1", limit10, func(t *testing.T, p *pool.Pool, n *network) {
		openWith(t, p, n, 49, fast, slow, fast)
		if s := p.Status(); s.Closed["slow"] != 0 {
			t.Fatalf("%+v", s)
		}
	})
}

func TestIdleOrders(t *testing.T) {
	for order, want := range map[pool.Order]uint64{pool.OrderLIFO: 3, pool.OrderFIFO: 1} {
		virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.IdleOrder = order }, func(t *testing.T, p *pool.Pool, n *network) {
			held := []pool.Conn{lease(t, p), lease(t, p), lease(t, p)}
			for _, c := range held {
				c.Release()
			}
			c := lease(t, p)
			if c.ID() != want {
				t.Fatalf("%s lends %d", order, c.ID())
			}
			c.Release()
		})
	}
}

func TestTheConnectionThatAnsweredFastestIsLentFirst(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MaxLatency, o.IdleOrder = 0, pool.OrderLatency }, func(t *testing.T, p *pool.Pool, n *network) {
		openWith(t, p, n, 100, slow, fast, 2*slow)
		for _, want := range []uint64{2, 1, 3} {
			c := lease(t, p)
			defer c.Release()
			if c.ID() != want {
				t.Fatalf("connection %d, not %d", c.ID(), want)
			}
		}
	})
}

func TestTheEndpointThatAnswersFasterIsDialledFirst(t *testing.T) {
	virtual(t, "a:1,b:1", func(o *pool.Options) { quiet(o); o.EndpointOrder = pool.OrderLatency }, func(t *testing.T, p *pool.Pool, n *network) {
		ask := func(c pool.Conn, delay time.Duration) {
			go answer(n.peers[len(n.peers)-1], delay)
			one := []byte("x")
			for range 10 {
				if _, err := c.Write(one); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(c, one); err != nil {
					t.Fatal(err)
				}
			}
		}
		a := lease(t, p)
		ask(a, slow)
		b := lease(t, p) // the other is not known yet
		ask(b, fast)
		if a.Endpoint() != "a:1" || b.Endpoint() != "b:1" {
			t.Fatalf("%s, %s", a.Endpoint(), b.Endpoint())
		}
		for range 5 {
			c := lease(t, p)
			if c.Endpoint() != "b:1" {
				t.Fatal("the slower one was dialled")
			}
			c.Discard()
		}
		pass(time.Hour) // what is known of both has faded
		ask(b, slow)
		c := lease(t, p)
		if c.Endpoint() != "a:1" {
			t.Fatal("the one that was slow an hour ago is not tried again")
		}
		for _, c := range []pool.Conn{a, b, c} {
			c.Discard()
		}
	})
}
