package pool_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// Close takes its grace for leases that stay out, and no time for anything else that the
// pool may be doing.
func TestCloseTakesItsGraceForLeasesAndNothingElse(t *testing.T) {
	const grace = 10 * time.Second
	acquiring := func(t *testing.T, p *pool.Pool) {
		go func() {
			_, err := p.AcquireWithin(time.Hour)
			wantKind(t, err, pool.ErrClosed)
		}()
	}
	states := map[string]struct {
		enter func(*testing.T, *pool.Pool, *network)
		lent  int
	}{
		"nothing": {enter: func(*testing.T, *pool.Pool, *network) {}},
		"dialing for a caller": {enter: func(t *testing.T, p *pool.Pool, n *network) {
			n.slow["a:1"] = time.Hour
			acquiring(t, p)
		}},
		"dialing to keep min_idle": {enter: func(t *testing.T, p *pool.Pool, n *network) {
			n.slow["a:1"] = time.Hour
			startCleanup(t, p)
		}},
		"waiting to dial once more": {enter: func(t *testing.T, p *pool.Pool, n *network) {
			n.set("a:1", errDown)
			acquiring(t, p)
		}},
		"shut out by its breaker": {enter: func(t *testing.T, p *pool.Pool, n *network) {
			n.set("a:1", errDown)
			_, err := p.AcquireWithin(time.Minute)
			wantKind(t, err, pool.ErrBreakerOpen)
			startCleanup(t, p) // and its probe
		}},
		"paused": {enter: func(t *testing.T, p *pool.Pool, _ *network) {
			lease(t, p).Release()
			if err := p.Pause(); err != nil {
				t.Error(err)
			}
			acquiring(t, p)
		}},
		"replacing everything": {enter: func(t *testing.T, p *pool.Pool, n *network) {
			startCleanup(t, p)
			pass(time.Second)
			n.mu.Lock()
			n.slow["a:1"] = time.Hour
			n.mu.Unlock()
			if err := p.Rotate(); err != nil {
				t.Error(err)
			}
		}},
		"waiting for a lease": {lent: 2, enter: func(t *testing.T, p *pool.Pool, _ *network) {
			lease(t, p)
			lease(t, p)
			acquiring(t, p)
		}},
		"reading": {lent: 1, enter: func(t *testing.T, p *pool.Pool, _ *network) {
			c := lease(t, p)
			go func() {
				_, err := c.Read(make([]byte, 1))
				wantKind(t, err, pool.ErrClosed)
			}()
		}},
		"writing": {lent: 1, enter: func(t *testing.T, p *pool.Pool, _ *network) {
			c := lease(t, p)
			go func() {
				_, err := c.Write(make([]byte, 1<<20)) // to a pipe that nobody reads
				wantKind(t, err, pool.ErrClosed)
			}()
		}},
	}
	for name, state := range states {
		t.Run(name, func(t *testing.T) {
			virtual(t, "a:1", func(o *pool.Options) {
				quiet(o)
				o.MaxConnections, o.MinIdle, o.ConnectTimeout = 2, 1, 2*time.Hour
			}, func(t *testing.T, p *pool.Pool, n *network) {
				state.enter(t, p, n)
				synctest.Wait()
				began := time.Now()
				if forced := p.Close(grace); forced != state.lent {
					t.Errorf("%d leases were cut off", forced)
				}
				took := time.Duration(0)
				if state.lent > 0 {
					took = grace
				}
				within(t, "closing", time.Since(began), took, took)
				synctest.Wait() // callers have been told
			})
		})
	}
}
