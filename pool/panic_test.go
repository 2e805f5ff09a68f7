package pool_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// Bugs of ours, or of what we are made of: a panic in a goroutine of the pool ends neither
// the process nor the pool, and whoever waited for it learns of it.

func TestADialThatPanicsIsADialThatFailed(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { o.MaxConnections = 1 }, func(t *testing.T, p *pool.Pool, n *network) {
		var panics atomic.Int64
		p.ConnectWith(func(ctx context.Context, addr string) (net.Conn, error) {
			if panics.Add(-1) >= 0 {
				panic("on demand")
			}
			return n.connect(ctx, addr)
		})
		panics.Store(2)
		c, err := p.AcquireWithin(5 * time.Second) // tried again, in its place
		if err != nil {
			t.Fatal(err)
		}
		if s := p.Status(); s.Lent != 1 || s.Dialing != 0 || s.Endpoints[0].DialErrors != 2 {
			t.Errorf("%+v", s)
		}
		c.Discard()

		panics.Store(1 << 30)
		_, err = p.AcquireWithin(time.Minute)
		wantKind(t, err, pool.ErrBreakerOpen, "internal error in dial: on demand")
		panics.Store(0)
		time.Sleep(time.Minute)
		c, err = p.AcquireWithin(time.Second)
		if err != nil {
			t.Fatal(err)
		}
		c.Release()
	})
}

func TestAPanicThatLeavesThePoolLockedClosesIt(t *testing.T) {
	t.Parallel() // it waits
	var log lines
	p := newPool(t, startRelay(t), func(o *pool.Options) {
		o.MaxConnections, o.MinIdle, o.Logger = 1, 1, log.logger(slog.LevelWarn)
	})
	held := acquire(t, p)
	waits := make(chan error, 1)
	go func() {
		_, err := p.AcquireWithin(patience)
		waits <- err
	}()
	eventually(t, "somebody waits", func() bool { return p.Status().Waiting == 1 })
	p.PanicLocked()
	wantKind(t, <-waits, pool.ErrClosed)
	_, err := p.AcquireWithin(patience)
	wantKind(t, err, pool.ErrClosed)
	held.Release()
	if forced := p.Close(time.Minute); forced != 0 {
		t.Errorf("%d were left", forced)
	}
	wantLines(t, log.take(t, "pool"), "ERROR pool closed, as a panic had left it locked")
}

func TestAPanicThatLeavesThePoolUnlockedClosesNothing(t *testing.T) {
	p := newPool(t, startRelay(t), nil)
	acquire(t, p).Release()
	p.AfterPanic()
	p.AfterPanic()
	acquire(t, p).Release()
	if s := p.Status(); s.Dials != 1 || p.Closed() {
		t.Errorf("%d dials, closed %v", s.Dials, p.Closed())
	}
}

// badLogger panics at each warning.
type badLogger struct{ slog.Handler }

func (badLogger) Handle(context.Context, slog.Record) error { panic("on demand") }
func (l badLogger) WithAttrs([]slog.Attr) slog.Handler      { return l }
func (l badLogger) WithGroup(string) slog.Handler           { return l }

func TestTheCleanupTaskOutlivesALoggerThatPanics(t *testing.T) {
	logger := slog.New(badLogger{slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelWarn})})
	virtual(t, "a:1", func(o *pool.Options) {
		quiet(o)
		o.MinIdle, o.LeakAfter, o.Logger = 2, time.Second, logger
	}, func(t *testing.T, p *pool.Pool, n *network) {
		startCleanup(t, p)
		for range 3 { // each is a lease that is reported
			held := lease(t, p)
			pass(10 * time.Second)
			held.Discard()
			n.kill()
			pass(10 * time.Second)
			lease(t, p).Discard() // finds the dead ones
			pass(10 * time.Second)
			if s := p.Status(); s.Idle != 2 || s.Leaks == 0 {
				t.Fatalf("%d idle, %d leaks", s.Idle, s.Leaks)
			}
		}
		p.StopCleanup()
		if p.Status().Cleanup.Running {
			t.Error("it cannot be stopped")
		}
	})
}

func TestALookUpThatPanicsReplacesNothingAndIsAskedAgain(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { o.DNSRefresh, o.MinIdle = time.Second, 1 }, func(t *testing.T, p *pool.Pool, n *network) {
		here := netip.MustParseAddr("192.0.2.1")
		var asked atomic.Int64
		p.ResolveWith(func() netip.Addr { return here }, func() ([]netip.Addr, error) {
			asked.Add(1)
			panic("on demand")
		})
		startCleanup(t, p)
		pass(10 * time.Second)
		if s := p.Status(); asked.Load() < 5 || s.Active != 1 || s.Dials != 1 || !s.Cleanup.Running {
			t.Errorf("asked %d times, %d open of %d dialled, running %v", asked.Load(), s.Active, s.Dials, s.Cleanup.Running)
		}
		p.StopCleanup()
		synctest.Wait()
	})
}
