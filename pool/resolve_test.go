package pool_test

import (
	"errors"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// name is what a:1 resolves to: every dial goes to the first address.
type name struct{ answer atomic.Pointer[[]netip.Addr] }

func (n *name) is(addrs ...string) {
	var list []netip.Addr
	for _, a := range addrs {
		list = append(list, netip.MustParseAddr(a))
	}
	n.answer.Store(&list)
}

func resolved(t *testing.T, minIdle int, test func(*testing.T, *pool.Pool, *name)) {
	t.Helper()
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MinIdle, o.DNSRefresh = minIdle, 30*time.Second }, func(t *testing.T, p *pool.Pool, _ *network) {
		n := &name{}
		n.is("192.0.2.1")
		first := func() netip.Addr {
			if list := *n.answer.Load(); len(list) > 0 {
				return list[0]
			}
			return netip.Addr{}
		}
		p.ResolveWith(first, func() ([]netip.Addr, error) {
			if list := *n.answer.Load(); len(list) > 0 {
				return append([]netip.Addr(nil), list...), nil
			}
			return nil, errors.New("no answer")
		})
		startCleanup(t, p)
		test(t, p, n)
	})
}

func TestConnectionsToAVanishedAddressAreReplacedAfterTwoAnswersWithoutIt(t *testing.T) {
	resolved(t, 2, func(t *testing.T, p *pool.Pool, n *name) {
		held := lease(t, p)
		pass(time.Second)
		n.is("192.0.2.2", "::ffff:192.0.2.3")
		pass(45 * time.Second) // one answer
		if closed := p.Status().Closed["dns"]; closed != 0 {
			t.Fatalf("%d closed after one answer", closed)
		}
		pass(time.Minute)
		if s := p.Status(); s.Closed["dns"] != 2 || s.Idle < 2 {
			t.Fatalf("closed %v, %d idle", s.Closed, s.Idle)
		}
		held.Release() // the lent one goes at its return
		pass(time.Second)
		if closed := p.Status().Closed["dns"]; closed != 3 {
			t.Fatalf("%d closed", closed)
		}
		pass(time.Hour)
		if s := p.Status(); s.Closed["dns"] != 3 {
			t.Fatalf("it goes on: %v", s.Closed)
		}
	})
}

func TestANameThatFlipsOrDoesNotResolveReplacesNothing(t *testing.T) {
	resolved(t, 2, func(t *testing.T, p *pool.Pool, n *name) {
		for range 10 {
			n.is("192.0.2.2")
			pass(30 * time.Second)
			n.is("192.0.2.1", "192.0.2.2")
			pass(30 * time.Second)
		}
		n.is()
		pass(time.Hour)
		if s := p.Status(); s.Closed["dns"] != 0 || s.Dials != 2 {
			t.Fatalf("%d dials, closed %v", s.Dials, s.Closed)
		}
	})
}

func TestAVanishedAddressIsDrainedATenthASecond(t *testing.T) {
	const connections = 40
	resolved(t, connections, func(t *testing.T, p *pool.Pool, n *name) {
		pass(10 * time.Second)
		n.is("192.0.2.2")
		last, steps := uint64(0), 0
		for range 90 {
			pass(time.Second)
			s := p.Status()
			if s.Closed["dns"]-last > connections/10+1 || s.Idle < connections-1 {
				t.Errorf("%d closed in a second, %d idle", s.Closed["dns"]-last, s.Idle)
			}
			if s.Closed["dns"] > last {
				steps++
			}
			last = s.Closed["dns"]
		}
		if last != connections || steps < 8 {
			t.Errorf("%d drained in %d seconds", last, steps)
		}
	})
}
