package pool_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// Permits that users of other pools saw lost, given twice, or left lying.

// wantAllPermits leases as many connections as the bound allows, and not one more.
func wantAllPermits(t *testing.T, p *pool.Pool, bound int) {
	t.Helper()
	var held []pool.Conn
	for range bound {
		held = append(held, lease(t, p))
	}
	if _, err := p.AcquireWithin(0); err == nil {
		t.Error("one more than the bound was lent")
	}
	for _, c := range held {
		c.Release()
	}
}

// djc/bb8#67: callers that were cancelled, some of them at the moment they were served,
// left the pool without connections for good.
func TestCallersThatAreCancelledTakeNoPermitWithThem(t *testing.T) {
	t.Attr("failure", "bb8#67")
	const bound, callers, rounds = 4, 32, 50
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MaxConnections, o.MaxWaiters = bound, callers }, func(t *testing.T, p *pool.Pool, n *network) {
		n.slow["a:1"] = 3 * time.Millisecond
		var all sync.WaitGroup
		for caller := range callers {
			random := rand.New(rand.NewPCG(uint64(caller), 67))
			all.Go(func() {
				for range rounds {
					ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+random.IntN(5))*time.Millisecond)
					if c, err := p.Acquire(ctx); err == nil {
						time.Sleep(time.Duration(random.IntN(3)) * time.Millisecond)
						if random.IntN(8) == 0 {
							c.Discard()
						} else {
							c.Release()
						}
					}
					cancel()
				}
			})
		}
		all.Wait()
		pass(time.Second)
		check(t, p)
		wantAllPermits(t, p, bound)
	})
}

// djc/bb8#122: a connection that came back just after a caller had found none, and just
// before it queued, woke nobody. Here no caller misses one: none reaches its limit.
func TestAReturnBetweenTheLookAndTheQueueIsNotMissed(t *testing.T) {
	t.Attr("failure", "bb8#122")
	const bound, callers, rounds = 8, 64, 500
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MaxConnections, o.MaxWaiters = bound, callers }, func(t *testing.T, p *pool.Pool, n *network) {
		if err := p.WarmUpWithin(bound, time.Minute); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				for range rounds {
					c, err := p.AcquireWithin(time.Hour)
					if err != nil {
						t.Error(err)
						return
					}
					c.Release()
				}
			})
		}
		all.Wait()
		wantAllPermits(t, p, bound)
	})
}

// redis/go-redis#3625: with tight deadlines the place of a dial whose caller had gone was
// given back twice, and the pool was stuck or over its bound.
func TestAPlaceIsGivenBackOnceWhoeverIsGone(t *testing.T) {
	t.Attr("failure", "go-redis#3625")
	const bound = 3
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MaxConnections, o.BreakerThreshold = bound, 0 }, func(t *testing.T, p *pool.Pool, n *network) {
		for round := range 200 {
			n.mu.Lock()
			n.slow["a:1"] = time.Duration(1+round%4) * time.Millisecond
			n.down["a:1"] = []error{nil, nil, errDown}[round%3]
			n.mu.Unlock()
			var all sync.WaitGroup
			for range 3 * bound {
				all.Go(func() {
					if c, err := p.AcquireWithin(2 * time.Millisecond); err == nil {
						c.Discard()
						c.Discard() // and not twice by its holder either
						c.Release()
					}
				})
			}
			all.Wait()
			check(t, p)
		}
		n.set("a:1", nil)
		pass(5 * time.Second)
		if n.most > bound {
			t.Errorf("%d were open at once", n.most)
		}
		wantAllPermits(t, p, bound)
	})
}

// A copy that outlives its lease must not reach whoever has the connection next, and where
// two words are read one by one (Seat), not another connection's lease either.
func TestEveryLeaseHasANumberOfItsOwn(t *testing.T) {
	const connections, rounds = 4, 50
	virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MaxConnections = connections }, func(t *testing.T, p *pool.Pool, n *network) {
		numbers := map[uint64]bool{}
		var ended []pool.Conn
		for round := range rounds {
			var held []pool.Conn
			for range connections {
				c := lease(t, p)
				if numbers[c.Number()] {
					t.Fatalf("number %d was given twice", c.Number())
				}
				numbers[c.Number()] = true
				held = append(held, c)
			}
			for _, c := range ended {
				c.Discard() // nothing, or a connection that is held would be gone
				if _, err := c.Info(); !errors.Is(err, pool.ErrClosed) {
					t.Fatalf("a lease that has ended answers %v", err)
				}
			}
			for i, c := range held {
				if _, err := c.Info(); err != nil {
					t.Fatal(err)
				}
				if round%10 == 9 && i == 0 {
					c.Discard() // the next in its place is another
				} else {
					c.Release()
				}
			}
			ended = append(ended, held...)
		}
	})
}

// launchbadge/sqlx#622: a waiter that was woken and gave up did not wake the next, who
// waited on beside an idle connection.
func TestAConnectionForOneWhoGaveUpGoesToTheNext(t *testing.T) {
	t.Attr("failure", "sqlx#622")
	for range 200 { // which of the two comes first is chance
		virtual(t, "a:1", func(o *pool.Options) { quiet(o); o.MaxConnections = 1 }, func(t *testing.T, p *pool.Pool, n *network) {
			held := lease(t, p)
			ctx, cancel := context.WithCancel(context.Background())
			gone, served := make(chan struct{}), make(chan pool.Conn)
			go func() {
				defer close(gone)
				if c, err := p.Acquire(ctx); err == nil {
					c.Release()
				}
			}()
			synctest.Wait()
			go func() { served <- lease(t, p) }()
			synctest.Wait()
			go cancel()
			go held.Release()
			<-gone
			(<-served).Release()
			cancel()
		})
	}
}

// jackc/puddle#46: a connection that was handed to a waiter lay there for as long as the
// goroutine that had returned it kept the processor.
func TestAWaiterRunsThoughTheReleaserKeepsTheProcessor(t *testing.T) {
	t.Attr("failure", "puddle#46")
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const rounds = 20
	p := newPool(t, startRelay(t), func(o *pool.Options) { o.MaxConnections = 1 })
	ran := 0
	for range rounds {
		held := acquire(t, p)
		var served atomic.Bool
		done := make(chan struct{})
		go func() {
			defer close(done)
			c := acquire(t, p)
			served.Store(true)
			c.Release()
		}()
		eventually(t, "the caller waits", func() bool { return p.Status().Waiting == 1 })
		held.Release()
		if served.Load() { // nothing here lets another goroutine run
			ran++
		}
		<-done
	}
	if ran < rounds/2 { // now and then the scheduler takes another one first
		t.Errorf("%d of %d waiters ran when they were served", ran, rounds)
	}
}
