package pool_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// Callers that acquire, fail, discard and give up at random never bring the pool over
// its bound, lose no place in it, and leave it as it was.
func TestTheBoundHoldsUnderAStorm(t *testing.T) {
	const bound, callers, rounds = 4, 16, 60
	r := startRelay(t)
	p := newPool(t, r, func(o *pool.Options) { o.MaxConnections = bound })

	watching := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for {
			select {
			case <-watching:
				return
			default:
			}
			s := p.Status()
			if total := s.Idle + s.Lent + s.Dialing + s.Closing; total > bound || s.Active != s.Idle+s.Lent {
				t.Errorf("%d of %d: %+v", total, bound, s)
				return
			}
		}
	}()

	var wg sync.WaitGroup
	for caller := range callers {
		random := rand.New(rand.NewPCG(uint64(caller), 7))
		wg.Go(func() {
			for range rounds {
				c, err := p.AcquireWithin(time.Duration(random.IntN(20)) * time.Millisecond)
				if err != nil {
					continue
				}
				switch random.IntN(4) {
				case 0:
					c.Discard()
				case 1:
					_, _ = c.Write([]byte("PING\n")) // answered with bytes that nobody reads
					c.Release()
				default:
					c.Release()
				}
			}
		})
	}
	wg.Wait()
	close(watching)
	<-watched
	for range bound {
		acquire(t, p)
	}
	if s := p.Status(); s.Lent != bound || s.Waiting != 0 || s.Dialing != 0 {
		t.Fatalf("%+v", s)
	}
}
