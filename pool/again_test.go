package pool_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// serve has the peers of all connections that were opened so far answer a line each.
// One that hears "die" ends its connection instead.
func (n *network) serve() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.peers {
		go answerLines(c)
	}
	n.peers = nil
}

func answerLines(c net.Conn) {
	defer c.Close()
	for lines := bufio.NewReader(c); ; {
		line, err := lines.ReadString('\n')
		if err != nil || line == "die\n" {
			return
		}
		if _, err := io.WriteString(c, "ok "+line); err != nil {
			return
		}
	}
}

// reused leases a connection whose peer is there for one more line, and that was used.
func reused(t testing.TB, p *pool.Pool, n *network) pool.Conn {
	t.Helper()
	lease(t, p).Release()
	n.serve()
	c := lease(t, p)
	if c.Uses() == 0 {
		t.Fatal("a fresh connection")
	}
	return c
}

// request sends a line.
func request(c *pool.Conn, line string, limit time.Duration, flags pool.RequestFlags) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	answer := make([]byte, 64)
	n, err := c.Request(ctx, []byte(line+"\n"), answer, flags)
	return string(answer[:n]), err
}

// answerAll is connect to peers that send back whatever comes.
func (n *network) answerAll(ctx context.Context, addr string) (net.Conn, error) {
	c, err := n.connect(ctx, addr)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	peer := n.peers[len(n.peers)-1]
	n.peers = n.peers[:len(n.peers)-1]
	go func() {
		defer peer.Close()
		buf := make([]byte, 64)
		for {
			k, err := peer.Read(buf)
			if err != nil {
				return
			}
			if _, err := peer.Write(buf[:k]); err != nil {
				return
			}
		}
	}()
	return c, nil
}

func TestAnIdempotentRequestIsSentOnceMoreOnAFreshConnection(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MaxConnections = 2 }, func(t *testing.T, p *pool.Pool, n *network) {
		idle := lease(t, p)
		c := reused(t, p, n)
		p.ConnectWith(n.answerAll)
		idle.Release()
		old := c.ID()
		got, err := request(&c, "die", time.Second, pool.Idempotent)
		if err != nil || got != "die\n" {
			t.Fatalf("%q, %v", got, err)
		}
		info, err := c.Info()
		if err != nil || c.ID() == old || c.ID() == idle.ID() || c.Uses() != 0 || info.Written != 4 || info.Read != 4 {
			t.Fatalf("%+v, %v", info, err)
		}
		s := p.Status()
		if s.Retries["success"] != 1 || s.Acquires != 3 || s.Reconnects != 1 || s.Lent != 1 || s.Idle != 1 || s.Closed["stale"] != 1 {
			t.Fatalf("%+v", s)
		}
		check(t, p)
		if got, err := request(&c, "more", time.Second, 0); err != nil || got != "more\n" {
			t.Fatalf("%q, %v", got, err)
		}
		c.Release()
		if s := p.Status(); s.Idle != 2 || s.Discards != 0 {
			t.Fatalf("%+v", s)
		}
	})
}

// The replacement of the lent connection had come before it died.
func TestAReplacementIsCountedOnceThoughTheOldOneWasSentAgain(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MaxConnections = 3 }, func(t *testing.T, p *pool.Pool, n *network) {
		startCleanup(t, p)
		c := reused(t, p, n)
		p.ConnectWith(n.answerAll)
		if err := p.Rotate(); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if s := p.Status(); s.Reconnects != 1 || s.Idle != 1 {
			t.Fatalf("%d reconnects, %d idle", s.Reconnects, s.Idle)
		}
		if got, err := request(&c, "die", time.Second, pool.Idempotent); err != nil || got != "die\n" {
			t.Fatalf("%q, %v", got, err)
		}
		if s := p.Status(); s.Reconnects != 1 || s.Closed["stale"] != 1 || s.Dials != 3 {
			t.Fatalf("%d reconnects, %v closed, %d dials", s.Reconnects, s.Closed, s.Dials)
		}
	})
}

func TestWithoutTheFlagAStaleRequestIsNotSentAgainAndSaysHowFarItCame(t *testing.T) {
	virtual(t, "a:1", quiet, func(t *testing.T, p *pool.Pool, n *network) {
		c := reused(t, p, n)
		_, err := request(&c, "die", time.Second, 0)
		wantKind(t, err, pool.ErrStale, "connection 1", "4 bytes written", "0 read")
		if info, err := c.Info(); err != nil || info.Written != 4 || info.Read != 0 {
			t.Fatalf("%+v, %v", info, err)
		}
		c.Release()
		if s := p.Status(); s.Dials != 1 || s.Closed["stale"] != 1 || s.Discards != 1 {
			t.Fatalf("%+v", s)
		}
		_, err = c.Request(context.Background(), []byte("x"), make([]byte, 1), 2)
		wantKind(t, err, pool.ErrClosed)
	})
}

func TestRequestRefusesWhatItDoesNotKnow(t *testing.T) {
	virtual(t, "a:1", quiet, func(t *testing.T, p *pool.Pool, n *network) {
		c := lease(t, p)
		defer c.Release()
		for _, flags := range []pool.RequestFlags{2, 3, 1 << 31} {
			_, err := c.Request(context.Background(), []byte("x"), make([]byte, 1), flags)
			wantKind(t, err, pool.ErrOption, "flags")
		}
		_, err := c.Request(context.Background(), nil, make([]byte, 1), 0)
		wantKind(t, err, pool.ErrOption, "empty")
		_, err = c.Request(context.Background(), []byte("x"), nil, 0)
		wantKind(t, err, pool.ErrOption, "empty")
	})
}

func TestARequestIsSentTwiceAtMostAndOnlyAsTheFirstOfItsLease(t *testing.T) {
	virtual(t, "a:1", quiet, func(t *testing.T, p *pool.Pool, n *network) {
		c := reused(t, p, n)
		if got, err := request(&c, "hello", time.Second, pool.Idempotent); err != nil || got != "ok hello\n" {
			t.Fatalf("%q, %v", got, err)
		}
		_, err := request(&c, "die", time.Second, pool.Idempotent) // something was read before
		wantKind(t, err, pool.ErrTruncated)
		c.Discard()

		c = reused(t, p, n)
		if _, err := io.WriteString(c, "di"); err != nil {
			t.Fatal(err)
		}
		_, err = request(&c, "e", time.Second, pool.Idempotent) // something was sent before
		wantKind(t, err, pool.ErrStale)
		c.Discard()

		c = reused(t, p, n)
		p.ConnectWith(func(ctx context.Context, addr string) (net.Conn, error) {
			c, err := n.connect(ctx, addr)
			n.serve()
			return c, err
		})
		n.dialed()
		_, err = request(&c, "die", time.Second, pool.Idempotent) // the second one dies, too
		wantKind(t, err, pool.ErrTruncated)
		if s := p.Status(); len(n.dialed()) != 1 || s.Retries["failure"] != 1 || s.Retries["success"] != 0 {
			t.Fatalf("%+v", s)
		}
		c.Release()
	})
}

func TestTheOneDeadlineHoldsOverBothAttempts(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MaxConnections = 1 }, func(t *testing.T, p *pool.Pool, n *network) {
		c := reused(t, p, n)
		n.mu.Lock()
		n.slow["a:1"] = 3 * time.Second
		n.mu.Unlock()
		began := time.Now()
		_, err := request(&c, "die", 200*time.Millisecond, pool.Idempotent)
		wantKind(t, err, pool.ErrTimeout, "1 dialing")
		within(t, "the request", time.Since(began), 200*time.Millisecond, 210*time.Millisecond)
		check(t, p)
		c.Release()
		pass(3 * time.Second) // the dial went on
		if s := p.Status(); s.Idle != 1 || s.Lent != 0 || s.Retries["failure"] != 1 || s.Discards != 1 {
			t.Fatalf("%+v", s)
		}
	})
}

func TestALeaseThatWaitsForAFreshConnectionKeepsItsPlace(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MaxConnections = 2 }, func(t *testing.T, p *pool.Pool, n *network) {
		held := lease(t, p)
		c := reused(t, p, n)
		waiting := make(chan pool.Conn)
		go func() { waiting <- lease(t, p) }()
		synctest.Wait()
		n.set("a:1", errDown) // and the dial of the lease waits for its turn
		p.ConnectWith(n.answerAll)
		time.AfterFunc(60*time.Millisecond, func() { n.set("a:1", nil) })
		got, err := request(&c, "die", time.Second, pool.Idempotent)
		if err != nil || got != "die\n" {
			t.Fatalf("%q, %v", got, err)
		}
		if s := p.Status(); s.Waiting != 1 || s.Lent != 2 || n.most > 2 {
			t.Fatalf("%+v", s)
		}
		held.Release()
		(<-waiting).Release()
		c.Release()
	})
}

func TestAPausedPoolStillServesTheLeasesThatAreOut(t *testing.T) {
	virtual(t, "a:1", quiet, func(t *testing.T, p *pool.Pool, n *network) {
		c := reused(t, p, n)
		p.ConnectWith(n.answerAll)
		if err := p.Pause(); err != nil {
			t.Fatal(err)
		}
		if got, err := request(&c, "die", time.Second, pool.Idempotent); err != nil || got != "die\n" {
			t.Fatalf("%q, %v", got, err)
		}
		c.Release()
	})
}

func TestARetryFailsAtOnceWhenNoDialCanHelp(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.BreakerThreshold = 1 }, func(t *testing.T, p *pool.Pool, n *network) {
		c := reused(t, p, n)
		n.set("a:1", errDown)
		began := time.Now()
		_, err := request(&c, "die", time.Minute, pool.Idempotent)
		wantKind(t, err, pool.ErrStale, "not sent again", "circuit breaker is open", "4 bytes written")
		within(t, "the request", time.Since(began), 0, 10*time.Millisecond)
		c.Release()
	})
}

func TestCloseAndCutEndAWaitForAFreshConnection(t *testing.T) {
	for name, end := range map[string]func(*pool.Pool, pool.Conn){
		"close": func(p *pool.Pool, _ pool.Conn) { p.Close(time.Hour) },
		"cut":   func(_ *pool.Pool, c pool.Conn) { c.Cut() },
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, "a:1", quiet, func(t *testing.T, p *pool.Pool, n *network) {
				c := reused(t, p, n)
				n.mu.Lock()
				n.slow["a:1"] = time.Hour
				n.mu.Unlock()
				lost := c
				time.AfterFunc(time.Second, func() { end(p, lost) })
				began := time.Now()
				_, err := request(&c, "die", time.Hour, pool.Idempotent)
				wantKind(t, err, pool.ErrClosed)
				within(t, "the request", time.Since(began), time.Second, time.Second+10*time.Millisecond)
				c.Release()
				c.Release()
			})
		})
	}
}

func TestTheRetryBudgetIsAFifthOfTheLeasesAndThreeAtLeast(t *testing.T) {
	for leases, budget := range map[int]int{5: 3, 15: 3, 40: 8} {
		virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MaxDials = 100 }, func(t *testing.T, p *pool.Pool, n *network) {
			if err := p.WarmUpWithin(leases, time.Minute); err != nil {
				t.Fatal(err)
			}
			var held []pool.Conn
			for range 2 {
				for range leases {
					held = append(held, lease(t, p))
				}
				if len(held) == leases {
					for _, c := range held {
						c.Release()
					}
				}
			}
			held = held[leases:]
			n.serve()
			n.mu.Lock()
			n.slow["a:1"] = time.Second
			n.mu.Unlock()
			p.ConnectWith(n.answerAll)
			var mu sync.Mutex
			var exhausted, answered int
			var all sync.WaitGroup
			for _, c := range held {
				all.Go(func() {
					defer func() { c.Release() }()
					got, err := request(&c, "die", time.Minute, pool.Idempotent)
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil && got == "die\n":
						answered++
					case strings.Contains(err.Error(), "retry budget is exhausted"):
						wantKind(t, err, pool.ErrStale, "4 bytes written")
						exhausted++
					default:
						t.Error(err)
					}
				})
			}
			all.Wait()
			s := p.Status()
			if answered != budget || exhausted != leases-budget || s.Retries["success"] != uint64(budget) ||
				s.Retries["budget_exhausted"] != uint64(exhausted) {
				t.Errorf("%d leases: %d answered, %d exhausted, %+v", leases, answered, exhausted, s.Retries)
			}
		})
	}
}
