package pool_test

import (
	"sync"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// warmPool holds n idle connections to a relay, the sockets out of the Go poller as for
// the C side.
func warmPool(t testing.TB, n int) *pool.Pool {
	t.Helper()
	p := newPool(t, startRelay(t), func(o *pool.Options) {
		o.Detach, o.MaxConnections, o.MinIdle, o.MaxWaiters = true, n, 0, 10_000
	})
	if err := p.WarmUpWithin(n, time.Minute); err != nil {
		t.Fatal(err)
	}
	for range 3 { // the tickets have been read, the waiters made
		var held []pool.Conn
		for range n {
			held = append(held, acquire(t, p))
		}
		for _, c := range held {
			c.Release()
		}
	}
	return p
}

func TestAcquireAndReleaseOfAnIdleConnectionAllocateNothing(t *testing.T) {
	p := warmPool(t, 2)
	for _, cleanup := range []bool{false, true} {
		if cleanup {
			if err := p.StartCleanup(); err != nil {
				t.Fatal(err)
			}
		}
		if n := testing.AllocsPerRun(1000, func() {
			c, err := p.AcquireWithin(time.Second)
			if err != nil {
				t.Fatal(err)
			}
			c.Release()
		}); n != 0 {
			t.Errorf("%v allocations with cleanup %v", n, cleanup)
		}
	}
}

func BenchmarkAcquireRelease(b *testing.B) {
	for _, c := range []struct {
		name                 string
		callers, connections int
	}{{"1on1", 1, 1}, {"32on32", 32, 32}, {"32on16", 32, 16}} {
		b.Run(c.name, func(b *testing.B) {
			p := warmPool(b, c.connections)
			b.ReportAllocs()
			b.ResetTimer()
			var all sync.WaitGroup
			for i := range c.callers {
				n := b.N / c.callers
				if i == 0 {
					n += b.N % c.callers
				}
				all.Go(func() {
					for range n {
						c, err := p.AcquireWithin(time.Minute)
						if err != nil {
							b.Error(err)
							return
						}
						c.Release()
					}
				})
			}
			all.Wait()
		})
	}
}
