package pool_test

import (
	"context"
	"crypto/tls"
	"io"
	"maps"
	"math"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
	"github.com/bitcoin-sprint/libsprint/pool"
)

// wantCounts compares the counts that are not 0.
func wantCounts(t testing.TB, what string, got, want map[string]uint64) {
	t.Helper()
	some := maps.Clone(got)
	maps.DeleteFunc(some, func(_ string, n uint64) bool { return n == 0 })
	if !maps.Equal(some, want) {
		t.Errorf("%s: %v, not %v", what, some, want)
	}
}

func wantKeys(t testing.TB, got map[string]uint64, names []string) {
	t.Helper()
	slices.Sort(names)
	if keys := slices.Sorted(maps.Keys(got)); !slices.Equal(keys, names) {
		t.Errorf("keys %v, not %v", keys, names)
	}
}

// look is more than a look at an idle pipe takes, which has to wait for a millisecond.
const look = 5 * time.Millisecond

func TestEveryAcquireEndsInOneOutcomeAndOneWait(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) {
		o.MaxConnections, o.MaxWaiters = 1, 1
	}, func(t *testing.T, p *pool.Pool, n *network) {
		want := map[string]uint64{}
		expect := func(outcome string, wait func()) {
			t.Helper()
			before := p.Totals().Waits
			began := time.Now()
			wait()
			took := time.Since(began).Seconds()
			pass(look)
			want[outcome]++
			wantCounts(t, outcome, p.Totals().AcquiresBy, want)
			after := p.Totals().Waits
			one := after.Since(&before)
			if d := one.Sum - took; one.Count() != 1 || math.Abs(d) > look.Seconds() {
				t.Errorf("%s: %d waits more, of %v s, not %v s", outcome, one.Count(), one.Sum, took)
			}
		}
		fail := func(limit time.Duration, kind pool.Kind) {
			t.Helper()
			_, err := p.AcquireWithin(limit)
			wantCause(t, err, kind)
		}
		inLine := func() {
			spawn.Go("waiter", func() {
				if c, err := p.AcquireWithin(time.Second); err == nil {
					c.Release()
				}
			})
			synctest.Wait()
		}
		n.slow["a:1"] = 100 * time.Millisecond
		var c pool.Conn
		expect("dialed", func() { c = lease(t, p) })
		expect("exhausted", func() { fail(0, pool.ErrExhausted) })
		expect("timeout", func() { fail(time.Second, pool.ErrTimeout) })
		expect("canceled", func() {
			ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
			defer cancel()
			_, err := p.Acquire(ctx)
			wantCause(t, err, context.DeadlineExceeded)
		})
		expect("waited", func() {
			inLine()
			pass(200 * time.Millisecond)
			c.Release()
		})
		expect("direct", func() { c = lease(t, p) })
		inLine()
		expect("overload", func() { fail(time.Second, pool.ErrExhausted) })
		c.Release()
		pass(look)
		want["waited"]++ // the one in line

		n.set("a:1", &pool.Error{Kind: pool.ErrCert, Text: "not trusted"})
		n.kill()
		expect("dial_failed", func() { fail(time.Minute, pool.ErrCert) })
		expect("breaker_open", func() { fail(time.Minute, pool.ErrCert) })
		p.Close(0)
		expect("closed", func() { fail(time.Minute, pool.ErrClosed) })

		s := p.Totals()
		wantKeys(t, s.AcquiresBy, pool.AcquireOutcomes())
		if leases := want["direct"] + want["waited"] + want["dialed"]; s.Acquires != leases {
			t.Errorf("%d leases, not %d", s.Acquires, leases)
		}
	})
}

func TestFailuresAreCountedByTheirKindAndAddUp(t *testing.T) {
	r := startRelay(t)
	p := newPool(t, r, func(o *pool.Options) { o.BreakerThreshold = 0 })
	want := map[string]uint64{}
	expect := func(kind string, fail func()) {
		t.Helper()
		r.Reset()
		fail()
		want[kind]++
		s := p.Totals()
		wantCounts(t, kind, s.Endpoints[0].ErrorsBy, want)
		sum := uint64(0)
		for _, n := range want {
			sum += n
		}
		if s.Errors != sum {
			t.Errorf("%s: %d errors, not %d", kind, s.Errors, sum)
		}
	}
	set := func(name, value string) {
		t.Helper()
		if err := r.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	expect("cert", func() {
		set("cert", "expired")
		_, err := p.AcquireWithin(patience)
		wantKind(t, err, pool.ErrCert)
	})
	expect("truncated", func() {
		c := acquire(t, p)
		set("truncate_after", "1")
		if _, err := io.WriteString(c, "PING\n"); err != nil {
			t.Fatal(err)
		}
		_, err := io.ReadAll(c)
		wantKind(t, err, pool.ErrTruncated)
		c.Release()
	})
	expect("stale", func() {
		c := acquire(t, p)
		startEcho(t, c)
		echo(t, c, "before")
		c.Release()
		c = acquire(t, p)
		set("drop_idle", "1")
		_, err := io.WriteString(c, "x")
		if err == nil {
			_, err = c.Read(make([]byte, 1))
		}
		wantKind(t, err, pool.ErrStale)
		c.Release()
	})
	s := p.Totals()
	wantKeys(t, s.Endpoints[0].ErrorsBy, pool.ErrorKinds())

	for kind, addr := range map[string]string{"dns": "bad..name:1", "refused": closedPort(t)} {
		q, err := pool.New(addr, pool.Defaults())
		if err != nil {
			t.Fatal(err)
		}
		for until := time.Now().Add(10 * time.Second); q.Totals().Endpoints[0].ErrorsBy[kind] == 0 && time.Now().Before(until); {
			if _, err := q.AcquireWithin(20 * time.Millisecond); err == nil {
				t.Fatal("a connection to nowhere")
			}
		}
		q.Close(0)
		if n := q.Totals().Endpoints[0].ErrorsBy[kind]; n == 0 {
			t.Errorf("%s: %v", kind, q.Totals().Endpoints[0])
		}
	}
}

// closedPort is an address that nobody listens on.
func closedPort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestHoldsAndAgesAreMeasured(t *testing.T) {
	virtual(t, "a:1", nil, func(t *testing.T, p *pool.Pool, _ *network) {
		c := lease(t, p)
		pass(3 * time.Second)
		c.Release()
		pass(4 * time.Second)
		c = lease(t, p)
		pass(time.Second)
		if s := p.Status(); s.Connections[0].HeldMs/100 != 10 || s.Connections[0].AgeMs/100 != 80 || s.Connections[0].IdleMs != 0 {
			t.Errorf("%+v", s.Connections[0])
		}
		c.Release()
		pass(2 * time.Second)
		if s := p.Status(); s.Connections[0].HeldMs != 0 || s.Connections[0].IdleMs != 2000 {
			t.Errorf("%+v", s.Connections[0])
		}
		p.Close(0)
		synctest.Wait()
		e := p.Totals().Endpoints[0]
		if e.Hold.Count() != 2 || math.Abs(e.Hold.Sum-4) > look.Seconds() || e.Age.Count() != 1 || math.Abs(e.Age.Sum-10) > look.Seconds() {
			t.Errorf("%d leases of %v s, %d connections of %v s", e.Hold.Count(), e.Hold.Sum, e.Age.Count(), e.Age.Sum)
		}
	})
}

func TestBreakersCountTheirTransitions(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { o.BreakerThreshold = 2 }, func(t *testing.T, p *pool.Pool, n *network) {
		n.set("a:1", errDown)
		for range 2 { // the second time as a probe
			if _, err := p.AcquireWithin(10 * time.Second); err == nil {
				t.Fatal("a connection to nowhere")
			}
			pass(5 * time.Second)
		}
		n.set("a:1", nil)
		lease(t, p).Release()
		e := p.Totals().Endpoints[0]
		wantCounts(t, "transitions", e.Transitions, map[string]uint64{"open": 2, "half_open": 2, "closed": 1})
		wantKeys(t, e.Transitions, pool.BreakerStates())
		if e.Trips != 2 {
			t.Errorf("%d trips", e.Trips)
		}
		n.set("a:1", &pool.Error{Kind: pool.ErrCert, Text: "not trusted"})
		n.kill()
		if _, err := p.AcquireWithin(time.Second); err == nil {
			t.Fatal("a connection without trust")
		}
		if err := p.Reset(); err != nil {
			t.Fatal(err)
		}
		wantCounts(t, "after a reset", p.Totals().Endpoints[0].Transitions, map[string]uint64{"open": 3, "half_open": 2, "closed": 2})
	})
}

// silent is a TLS server that says nothing but its session tickets, after the handshake. told
// says how that of its first connection ended; others may be cut off by the end of the test.
func silent(t testing.TB) (addr string, own identity, told <-chan error) {
	t.Helper()
	own = newIdentity(t, "silent")
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{own.leaf.Raw}, PrivateKey: own.key}},
		ClientAuth:   tls.RequestClientCert, // or the tickets come with the handshake
	})
	if err != nil {
		t.Fatal(err)
	}
	first := make(chan error, 1)
	var conns sync.WaitGroup
	t.Cleanup(func() { l.Close(); conns.Wait() })
	conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer c.Close()
				err := c.(*tls.Conn).Handshake()
				select {
				case first <- err:
				default:
				}
				_, _ = io.Copy(io.Discard, c)
			})
		}
	})
	return l.Addr().String(), own, first
}

func TestLooksAtIdleConnectionsAreCounted(t *testing.T) {
	r := startRelay(t)
	for _, detach := range []bool{false, true} {
		addr, own, told := silent(t)
		count := func(p *pool.Pool, name string) uint64 { return p.Totals().Endpoints[0].Checks[name] }
		use := func(p *pool.Pool) { acquire(t, p).Release() }

		q := poolTo(t, addr, own, func(o *pool.Options) { o.Detach = detach })
		use(q)
		if err := <-told; err != nil {
			t.Fatal(err)
		}
		eventually(t, "a ticket is seen", func() bool { use(q); return count(q, "ticket") > 0 })

		p := newPool(t, r, func(o *pool.Options) { o.Detach = detach })
		for range 3 { // the first dials, the second may meet tickets
			use(p)
		}
		idle := count(p, "idle")
		use(p)
		if got := count(p, "idle"); got != idle+1 {
			t.Errorf("%d looks at a silent one, not %d", got, idle+1)
		}
		if err := r.Set("drop_idle", "1"); err != nil {
			t.Fatal(err)
		}
		eventually(t, "an end is seen", func() bool { use(p); return count(p, "dead") == 1 })
		if err := r.Set("unsolicited", "1"); err != nil {
			t.Fatal(err)
		}
		if err := p.Reset(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "bytes are seen", func() bool { use(p); return count(p, "unsolicited") > 0 })
		r.Reset()
		wantKeys(t, p.Totals().Endpoints[0].Checks, pool.HealthChecks())
	}
}

func TestDialsAreMeasuredByPhase(t *testing.T) {
	r := startRelay(t)
	_, port, _ := net.SplitHostPort(r.Addr())
	for host, resolved := range map[string]uint64{"127.0.0.1": 0, "localhost": 1} {
		o := pool.Defaults()
		o.CAPEM, o.ServerName = r.CAPEM(), "127.0.0.1"
		p, err := pool.New(net.JoinHostPort(host, port), o)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		acquire(t, p).Release()
		took := time.Since(began).Seconds()
		p.Close(0)
		phases := p.Totals().Endpoints[0].Connect
		sum := 0.0
		for phase, want := range map[string]uint64{"dns": resolved, "tcp": 1, "tls": 1} {
			h := phases[phase]
			sum += h.Sum
			if h.Count() != want || want > 0 && h.Sum <= 0 {
				t.Errorf("%s, %s: %d samples, %v s", host, phase, h.Count(), h.Sum)
			}
		}
		if sum > took {
			t.Errorf("%s: the phases took %v s, the call %v s", host, sum, took)
		}
	}
}

func TestHandshakesRotationsAndExpiriesShow(t *testing.T) {
	p := newPool(t, startRelay(t), nil)
	if e := p.Totals().Endpoints[0]; e.PeerExpiry != nil {
		t.Errorf("the peer's certificate ends %v before the first dial", e.PeerExpiry)
	}
	use := func() { // reads the tickets, too
		c := acquire(t, p)
		startEcho(t, c)
		echo(t, c, "hello")
		c.Release()
	}
	use()
	if err := p.Reset(); err != nil {
		t.Fatal(err)
	}
	use()
	if err := p.Rotate(); err != nil { // forgets the tickets
		t.Fatal(err)
	}
	use()
	e := p.Totals().Endpoints[0]
	count := map[pool.Handshakes]bool{}
	for _, h := range e.Handshakes {
		count[h] = true
	}
	for _, h := range []pool.Handshakes{
		{Version: "1.2"},
		{Version: "1.2", Resumed: true},
		{Version: "1.3", Count: 2},
		{Version: "1.3", Resumed: true, Count: 1},
	} {
		if !count[h] {
			t.Errorf("%+v is not in %+v", h, e.Handshakes)
		}
	}
	if e.Rotations != 1 {
		t.Errorf("%d connections rotated", e.Rotations)
	}
	if e.PeerExpiry == nil || e.PeerExpiry.Before(time.Now()) {
		t.Errorf("the peer's certificate ends %v", e.PeerExpiry)
	}
	s := p.Status()
	if c := s.Connections[0]; c.TLSVersion != "TLS 1.3" || c.CipherSuite == "" || !c.PeerExpiry.Equal(*e.PeerExpiry) {
		t.Errorf("%+v", c)
	}
	if s.ClientExpiry != nil {
		t.Errorf("a client certificate that ends %v", s.ClientExpiry)
	}
}

func TestTheMergedPercentileIsOfAllConnections(t *testing.T) {
	virtual(t, "a:1", nil, func(t *testing.T, p *pool.Pool, _ *network) {
		fast, slow := lease(t, p), lease(t, p)
		for range 61 {
			fast.Sample(time.Millisecond)
		}
		slow.Sample(time.Millisecond)
		slow.Sample(40 * time.Millisecond) // one of 63, one of 2
		s := p.Status()
		if s.P95Ms < 40 || s.MergedP95Us >= 40_000 || s.MergedP95Us == 0 {
			t.Errorf("largest p95 %d ms, merged %d us", s.P95Ms, s.MergedP95Us)
		}
		for _, c := range s.Connections {
			if c.P50Us == 0 || c.P50Us > c.P95Us || c.P95Us > c.P99Us || c.Samples < 2 {
				t.Errorf("%+v", c)
			}
		}
		fast.Release()
		slow.Release()
	})
}
