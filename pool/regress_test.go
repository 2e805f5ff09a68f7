package pool_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// Failures that users of other pools have met, each by its number there, which `go test -v`
// prints as an attribute of the test that has ours survive it.

// jackc/pgx#1259, launchbadge/sqlx#3132: callers that gave up had their dials thrown
// away and new ones begun, thousands a second.
func TestCallersThatGiveUpCauseNoStormOfDials(t *testing.T) {
	t.Attr("failure", "pgx#1259 sqlx#3132")
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MaxConnections = 10 }, func(t *testing.T, p *pool.Pool, n *network) {
		n.slow["a:1"] = 2 * time.Second
		for range 100 {
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
					defer cancel()
					if c, err := p.Acquire(ctx); err == nil {
						c.Release()
					}
				})
			}
			all.Wait()
			check(t, p)
		}
		pass(3 * time.Second)
		if s := p.Status(); s.Dials > 10 || s.Active != int(s.Dials) {
			t.Fatalf("%+v", s)
		}
	})
}

// sidorares/node-mysql2#4498, HikariCP#588: a caller who was served a dead connection
// began to wait for his whole limit anew.
func TestOneDeadlineHoldsThroughConnectionsThatAreDead(t *testing.T) {
	t.Attr("failure", "node-mysql2#4498 HikariCP#588")
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MaxConnections = 20 }, func(t *testing.T, p *pool.Pool, n *network) {
		if err := p.WarmUpWithin(20, time.Minute); err != nil {
			t.Fatal(err)
		}
		n.mu.Lock()
		n.slow["a:1"] = time.Hour
		n.mu.Unlock()
		n.kill()
		began := time.Now()
		_, err := p.AcquireWithin(200 * time.Millisecond)
		wantKind(t, err, pool.ErrTimeout)
		within(t, "waiting", time.Since(began), 200*time.Millisecond, 220*time.Millisecond)
	})
}

// Those who were handed dead connections wait on, and in their order.
func TestWaitersWhoWereHandedDeadConnectionsKeepTheirTurns(t *testing.T) {
	const callers = 4
	for range 20 { // who finds the death first is chance
		virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MaxConnections, o.MaxDials = callers, 1 }, func(t *testing.T, p *pool.Pool, n *network) {
			if err := p.WarmUpWithin(callers, time.Minute); err != nil {
				t.Fatal(err)
			}
			if err := p.Pause(); err != nil {
				t.Fatal(err)
			}
			served := make(chan int, callers)
			for turn := range callers {
				go func() {
					lease(t, p)
					served <- turn
				}()
				synctest.Wait()
			}
			n.kill()
			n.mu.Lock()
			n.slow["a:1"] = time.Second // one comes after the other
			n.mu.Unlock()
			if err := p.Resume(); err != nil {
				t.Fatal(err)
			}
			for want := range callers {
				if turn := <-served; turn != want {
					t.Fatalf("caller %d was served in place %d", turn, want)
				}
			}
		})
	}
}

// HikariCP#1287, #1896: one adder thread took 200 s for 100 connections of 2 s each.
func TestSlowDialsRunSideBySide(t *testing.T) {
	t.Attr("failure", "HikariCP#1287 HikariCP#1896")
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MaxDials, o.BreakerThreshold = 25, 0 }, func(t *testing.T, p *pool.Pool, n *network) {
		n.slow["a:1"] = 2 * time.Second
		began := time.Now()
		if err := p.WarmUpWithin(100, time.Minute); err != nil {
			t.Fatal(err)
		}
		within(t, "filling", time.Since(began), 8*time.Second, 8*time.Second+100*time.Millisecond)
	})
}

// A connection that comes back serves the first in line, whoever the dial under way was
// begun for; jackc/puddle binds a waiter to its dial.
func TestAReturnedConnectionOvertakesADial(t *testing.T) {
	virtual(t, "a:1", quiet, func(t *testing.T, p *pool.Pool, n *network) {
		held := lease(t, p)
		n.mu.Lock()
		n.slow["a:1"] = 3 * time.Second
		n.mu.Unlock()
		time.AfterFunc(time.Second, held.Release)
		began := time.Now()
		c := lease(t, p)
		within(t, "waiting", time.Since(began), time.Second, time.Second+10*time.Millisecond)
		pass(3 * time.Second)
		if s := p.Status(); c.ID() != held.ID() || s.Idle != 1 {
			t.Fatalf("connection %d, %+v", c.ID(), s)
		}
		c.Release()
	})
}

// djc/bb8#243: with 1000 tasks on 50 connections the slowest waited 300 times as long as
// the median.
func TestAThousandCallersOnFiftyConnectionsWaitAlike(t *testing.T) {
	t.Attr("failure", "bb8#243")
	const callers, connections, rounds = 1000, 50, 5
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MaxConnections, o.MaxWaiters = connections, callers }, func(t *testing.T, p *pool.Pool, n *network) {
		if err := p.WarmUpWithin(connections, time.Minute); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var longest time.Duration
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				for range rounds {
					began := time.Now()
					c, err := p.AcquireWithin(time.Minute)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					longest = max(longest, time.Since(began))
					mu.Unlock()
					time.Sleep(time.Millisecond)
					c.Release()
				}
			})
		}
		all.Wait()
		// A turn is 2 ms here, one of them for looking at a pipe; 20 turns serve everyone.
		within(t, "the longest wait", longest, 10*time.Millisecond, 60*time.Millisecond)
	})
}
