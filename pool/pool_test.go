package pool_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/tests/leak"
	"github.com/bitcoin-sprint/libsprint/tests/relay"
)

func TestMain(m *testing.M) { leak.Main(m) }

// patience bounds what a test waits for that must happen.
const patience = 30 * time.Second

func startRelay(t testing.TB) *relay.Relay {
	t.Helper()
	r, err := relay.Start(relay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// newPool makes a pool to r that trusts it, with what change says.
func newPool(t testing.TB, r *relay.Relay, change func(*pool.Options)) *pool.Pool {
	t.Helper()
	o := pool.Defaults()
	o.CAPEM = r.CAPEM()
	if change != nil {
		change(&o)
	}
	p, err := pool.New(r.Addr(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close(0) })
	return p
}

func acquire(t testing.TB, p *pool.Pool) pool.Conn {
	t.Helper()
	c, err := p.AcquireWithin(patience)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// startEcho makes a fresh lease echo.
func startEcho(t testing.TB, c pool.Conn) {
	t.Helper()
	if c.Uses() > 0 {
		return
	}
	if _, err := io.WriteString(c, "ECHO\n"); err != nil {
		t.Fatal(err)
	}
}

// echo checks one message.
func echo(t testing.TB, c pool.Conn, message string) {
	t.Helper()
	if _, err := io.WriteString(c, message); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(message))
	if _, err := io.ReadFull(c, got); err != nil {
		t.Fatal(err)
	}
	if string(got) != message {
		t.Fatalf("echo of %q is %q", message, got)
	}
}

func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func wantKind(t testing.TB, err error, kind pool.Kind, mentions ...string) {
	t.Helper()
	var classed *pool.Error
	if !asError(err, &classed) || classed.Kind != kind {
		t.Fatalf("error %v is not of kind %q", err, kind)
	}
	for _, m := range mentions {
		if !strings.Contains(err.Error(), m) {
			t.Errorf("error %q does not mention %q", err, m)
		}
	}
}

func TestALeaseIsReusedAfterRelease(t *testing.T) {
	p := newPool(t, startRelay(t), nil)
	for uses := range uint64(3) {
		c := acquire(t, p)
		if c.ID() != 1 || c.Uses() != uses {
			t.Fatalf("lease %d is connection %d with %d uses", uses, c.ID(), c.Uses())
		}
		startEcho(t, c)
		echo(t, c, "hello")
		c.Release()
	}
	s := p.Status()
	if s.Dials != 1 || s.Acquires != 3 || s.Idle != 1 || s.Lent != 0 || s.Discards != 0 {
		t.Fatalf("%+v", s)
	}
}

func TestAReleasedLeaseIsDeadInEveryCopy(t *testing.T) {
	p := newPool(t, startRelay(t), nil)
	c := acquire(t, p)
	startEcho(t, c)
	echo(t, c, "first")
	copied := c
	c.Release()
	second := acquire(t, p)
	copied.Release() // must not end the second lease of the same connection
	copied.Discard()
	_, err := copied.Write([]byte("x"))
	wantKind(t, err, pool.ErrClosed)
	_, err = copied.Read(make([]byte, 1))
	wantKind(t, err, pool.ErrClosed)
	echo(t, second, "still lent")
	second.Release()
	if s := p.Status(); s.Idle != 1 || s.Lent != 0 {
		t.Fatalf("%+v", s)
	}
}

func TestADeadlineEndsWithItsLease(t *testing.T) {
	p := newPool(t, startRelay(t), nil)
	c := acquire(t, p)
	startEcho(t, c)
	echo(t, c, "hello")
	c.Release()
	c = acquire(t, p)
	if err := c.SetDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	c.Release()
	next := acquire(t, p)
	if next.ID() != c.ID() {
		t.Fatal("not the connection that had the deadline")
	}
	echo(t, next, "no limit was set in this lease")
	next.Release()
}

func TestADiscardedConnectionIsReplacedAndCountsAsReconnect(t *testing.T) {
	p := newPool(t, startRelay(t), nil)
	for range 2 {
		acquire(t, p).Discard()
	}
	c := acquire(t, p)
	defer c.Release()
	s := p.Status()
	if c.ID() != 3 || s.Reconnects != 2 || s.Discards != 2 || s.Connections[0].Reconnects != 2 {
		t.Fatalf("connection %d, %+v", c.ID(), s)
	}
}

func TestAnIdleConnectionThatDiedIsNeverHandedOut(t *testing.T) {
	for _, detach := range []bool{false, true} {
		r := startRelay(t)
		p := newPool(t, r, func(o *pool.Options) { o.Detach = detach })
		c := acquire(t, p)
		c.Release()
		if err := r.Set("drop_idle", "1"); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the relay dropped the connection", func() bool { return r.Stats().Open == 0 })
		eventually(t, "a fresh connection is lent", func() bool {
			c := acquire(t, p)
			defer c.Release()
			return c.ID() == 2
		})
		if s := p.Status(); s.Reconnects != 1 || s.Errors != 0 {
			t.Fatalf("detach %v: %+v", detach, s)
		}
	}
}

func TestSessionTicketsAreLife(t *testing.T) {
	for _, detach := range []bool{false, true} {
		p := newPool(t, startRelay(t), func(o *pool.Options) { o.Detach = detach })
		// The relay's tickets arrive after the handshake and nobody reads them.
		for range 50 {
			c := acquire(t, p)
			if c.ID() != 1 {
				t.Fatalf("detach %v: connection 1 was given up", detach)
			}
			c.Release()
		}
	}
}

func TestBytesThatNobodyAskedForKeepAConnectionFromThePool(t *testing.T) {
	for _, detach := range []bool{false, true} {
		r := startRelay(t)
		if err := r.Set("unsolicited", "1"); err != nil {
			t.Fatal(err)
		}
		p := newPool(t, r, func(o *pool.Options) { o.Detach = detach })
		acquire(t, p).Release()
		r.Reset()
		eventually(t, "a fresh connection is lent", func() bool {
			c := acquire(t, p)
			defer c.Release()
			return c.ID() > 1
		})
	}
}

func TestTheBoundHoldsAndWaitersAreServedInOrder(t *testing.T) {
	p := newPool(t, startRelay(t), func(o *pool.Options) { o.MaxConnections = 1; o.MaxWaiters = 100 })
	held := acquire(t, p)
	const callers = 20
	order := make(chan int, callers)
	for i := range callers {
		go func() {
			c, err := p.AcquireWithin(patience)
			if err != nil {
				t.Error(err)
				return
			}
			order <- i
			c.Release()
		}()
		eventually(t, "the caller waits", func() bool { return p.Status().Waiting == i+1 })
	}
	held.Release()
	for want := range callers {
		if got := <-order; got != want {
			t.Fatalf("caller %d was served in place %d", got, want)
		}
	}
	if s := p.Status(); s.Dials != 1 || s.Active != 1 {
		t.Fatalf("%+v", s)
	}
}

func TestAcquireWithZeroTakesOnlyWhatIsIdle(t *testing.T) {
	r := startRelay(t)
	p := newPool(t, r, nil)
	_, err := p.AcquireWithin(0)
	wantKind(t, err, pool.ErrExhausted, "0 idle")
	if r.Stats().Accepted != 0 {
		t.Fatal("a dial was started")
	}
	acquire(t, p).Release()
	c, err := p.AcquireWithin(0)
	if err != nil {
		t.Fatal(err)
	}
	c.Release()
}

func TestTooManyWaitersAreRefusedAtOnce(t *testing.T) {
	p := newPool(t, startRelay(t), func(o *pool.Options) { o.MaxConnections, o.MaxWaiters = 1, 1 })
	held := acquire(t, p)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := p.AcquireWithin(patience)
		if err == nil {
			c.Release()
		}
	}()
	eventually(t, "one waits", func() bool { return p.Status().Waiting == 1 })
	_, err := p.AcquireWithin(patience)
	wantKind(t, err, pool.ErrExhausted, "max_waiters")
	held.Release()
	<-done
}

func TestAcquireEndsAtItsDeadlineAndSaysWhereConnectionsAre(t *testing.T) {
	r := startRelay(t)
	p := newPool(t, r, func(o *pool.Options) { o.MaxConnections = 1 })
	held := acquire(t, p)
	defer held.Release()
	began := time.Now()
	_, err := p.AcquireWithin(100 * time.Millisecond)
	wantKind(t, err, pool.ErrTimeout, r.Addr(), "1 lent", "max_connections 1")
	if took := time.Since(began); took < 99*time.Millisecond { // by another clock than the pool's
		t.Fatalf("ended after %v", took)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := p.Acquire(ctx); !isCanceled(err) {
		t.Fatal(err)
	}
	if s := p.Status(); s.Timeouts != 1 || s.Waiting != 0 {
		t.Fatalf("%+v", s)
	}
}

func TestADialGoesOnWhenItsCallerGivesUp(t *testing.T) {
	r := startRelay(t)
	if err := r.Set("stall_handshake", "1"); err != nil {
		t.Fatal(err)
	}
	p := newPool(t, r, func(o *pool.Options) { o.ConnectTimeout = patience })
	if _, err := p.AcquireWithin(20 * time.Millisecond); err == nil {
		t.Fatal("acquired through a stalled handshake")
	}
	if s := p.Status(); s.Dialing != 1 {
		t.Fatalf("%+v", s)
	}
}

func TestAnEndpointThatRefusesOpensTheBreakerAndTheErrorHoldsTheCause(t *testing.T) {
	p, err := pool.New("127.0.0.1:1", pool.Defaults())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(0)
	_, err = p.AcquireWithin(patience)
	wantKind(t, err, pool.ErrBreakerOpen, "127.0.0.1:1", "refused")
	if !errors.Is(err, pool.ErrIO) {
		t.Fatalf("%v is not an I/O error inside", err)
	}
	s := p.Status()
	if s.DialErrors != 5 || s.Errors != 5 || s.Active != 0 || p.Health().Healthy {
		t.Fatalf("%+v", s)
	}
	wantKind(t, p.WarmUpWithin(1, patience), pool.ErrBreakerOpen, "127.0.0.1:1")
}

func TestCertificatesThatAreNotTrustedAreRefusedEachWithItsReason(t *testing.T) {
	for cert, mentions := range map[string]string{
		"expired":   "expired",
		"wrongname": "127.0.0.1",
		"untrusted": "unknown authority",
	} {
		t.Run(cert, func(t *testing.T) {
			r := startRelay(t)
			if err := r.Set("cert", cert); err != nil {
				t.Fatal(err)
			}
			_, err := newPool(t, r, nil).AcquireWithin(patience)
			wantKind(t, err, pool.ErrCert, r.Addr(), mentions)
		})
	}
}

func TestAnUnknownHostIsNamed(t *testing.T) {
	p, err := pool.New("no..host:443", pool.Defaults()) // nobody is asked about such a name
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(0)
	_, err = p.AcquireWithin(patience)
	wantKind(t, err, pool.ErrBreakerOpen, "no..host", "no such host")
}

func TestAStalledHandshakeEndsAtTheConnectTimeout(t *testing.T) {
	r := startRelay(t)
	if err := r.Set("stall_handshake", "1"); err != nil {
		t.Fatal(err)
	}
	p := newPool(t, r, func(o *pool.Options) { o.ConnectTimeout, o.BreakerThreshold = 50*time.Millisecond, 1 })
	_, err := p.AcquireWithin(patience)
	wantKind(t, err, pool.ErrBreakerOpen, r.Addr(), "50ms")
}

func TestTheNextEndpointIsTriedWhenOneFails(t *testing.T) {
	r := startRelay(t)
	o := pool.Defaults()
	o.CAPEM = r.CAPEM()
	p, err := pool.New("127.0.0.1:1, "+r.Addr(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(0)
	c := acquire(t, p)
	defer c.Release()
	s := p.Status()
	if c.Endpoint() != r.Addr() || s.Endpoints[0].DialErrors != 1 || s.Endpoints[1].Dials != 1 {
		t.Fatalf("%s: %+v", c.Endpoint(), s)
	}
}

func TestWarmUpOpensWhatWasAskedAndNoMoreThanTheBound(t *testing.T) {
	p := newPool(t, startRelay(t), func(o *pool.Options) { o.MaxConnections = 3 })
	wantKind(t, p.WarmUpWithin(2, 0), pool.ErrTimeout, "0 of 2")
	if err := p.WarmUpWithin(2, patience); err != nil {
		t.Fatal(err)
	}
	if s := p.Status(); s.Idle != 2 {
		t.Fatalf("%+v", s)
	}
	if err := p.WarmUpWithin(50, patience); err != nil {
		t.Fatal(err)
	}
	if s := p.Status(); s.Idle != 3 {
		t.Fatalf("%+v", s)
	}
}

func TestLatencyIsFromTheFirstWriteToTheFirstByteOfTheAnswer(t *testing.T) {
	r := startRelay(t)
	p := newPool(t, r, nil)
	c := acquire(t, p)
	defer c.Release()
	startEcho(t, c)
	echo(t, c, "warm")
	if err := r.Set("delay_ms", "30"); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		echo(t, c, "slow")
	}
	s := p.Status()
	if got := s.P95Ms; got < 30 || got > 5000 {
		t.Fatalf("p95 is %d ms", got)
	}
	samples := s.Endpoints[0].Latency.Count()
	if samples != 21 || s.Endpoints[0].Latency.Sum < 600 {
		t.Fatalf("%d samples, %v ms in all", samples, s.Endpoints[0].Latency.Sum)
	}
}

func TestCloseWaitsForLeasesThatAreReturnedInTime(t *testing.T) {
	virtual(t, "a:1", nil, func(t *testing.T, p *pool.Pool, _ *network) {
		drains, stays := lease(t, p), lease(t, p)
		time.AfterFunc(200*time.Millisecond, drains.Release)
		time.AfterFunc(400*time.Millisecond, stays.Release)
		if forced := p.Close(300 * time.Millisecond); forced != 1 {
			t.Fatalf("%d leases were cut", forced)
		}
		pass(200 * time.Millisecond)
		if s := p.Status(); s.Active != 0 || s.Lent != 0 || s.Closing != 0 {
			t.Fatalf("%+v", s)
		}
	})
}

func TestCloseCutsALeaseThatStays(t *testing.T) {
	r := startRelay(t)
	p := newPool(t, r, nil)
	stays := acquire(t, p)
	acquire(t, p).Release()

	reading := make(chan error, 1)
	go func() {
		_, err := stays.Read(make([]byte, 1))
		reading <- err
	}()
	if forced := p.Close(100 * time.Millisecond); forced != 1 {
		t.Fatalf("%d leases were cut", forced)
	}
	wantKind(t, <-reading, pool.ErrClosed)
	_, err := p.AcquireWithin(patience)
	wantKind(t, err, pool.ErrClosed)
	if forced := p.Close(0); forced != 0 {
		t.Fatalf("the second close cut %d", forced)
	}
	stays.Release()
	eventually(t, "every connection is closed", func() bool { return r.Stats().Open == 0 })
	if s := p.Status(); s.Active != 0 || s.Lent != 0 || s.Closing != 0 {
		t.Fatalf("%+v", s)
	}
}

func TestCloseWakesWaitersAndBreaksOffDials(t *testing.T) {
	r := startRelay(t)
	if err := r.Set("stall_handshake", "1"); err != nil {
		t.Fatal(err)
	}
	p := newPool(t, r, func(o *pool.Options) { o.ConnectTimeout = time.Hour })
	waiting := make(chan error, 1)
	go func() {
		_, err := p.AcquireWithin(time.Hour)
		waiting <- err
	}()
	eventually(t, "a dial is under way", func() bool { return p.Status().Dialing == 1 })
	began := time.Now()
	p.Close(time.Hour)
	if took := time.Since(began); took > 5*time.Second {
		t.Fatalf("close took %v", took)
	}
	wantKind(t, <-waiting, pool.ErrClosed)
}
