package pool_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// crowd is a pool of n connections to nowhere, each with so many samples.
func crowd(b *testing.B, n, samples int) (*pool.Pool, []pool.Conn) {
	b.Helper()
	o := pool.Defaults()
	o.MaxConnections = n
	p, err := pool.New("a:1", o)
	if err != nil {
		b.Fatal(err)
	}
	p.ConnectWith(func(context.Context, string) (net.Conn, error) {
		ours, _ := net.Pipe()
		return ours, nil
	})
	var all []pool.Conn
	for range n {
		c, err := p.AcquireWithin(time.Minute)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, c)
		for i := range samples {
			c.Sample(time.Duration(100+i*7919%20_000) * time.Microsecond)
		}
	}
	b.Cleanup(func() { p.Close(0) })
	return p, all
}

// BenchmarkStatus: quiet connections have no sample since the last snapshot, busy ones have.
func BenchmarkStatus(b *testing.B) {
	const n = 10_000
	for _, samples := range []int{0, 1, 1000} {
		for _, busy := range []bool{false, true} {
			b.Run(fmt.Sprintf("samples=%d/busy=%v", samples, busy), func(b *testing.B) {
				p, all := crowd(b, n, samples)
				p.Status()
				for b.Loop() {
					if busy {
						b.StopTimer()
						for i, c := range all {
							c.Sample(time.Duration(i) * time.Microsecond)
						}
						b.StartTimer()
					}
					p.Status()
				}
			})
		}
	}
}

func TestPercentilesAreOfTheCurrentWindowAndTheOneBefore(t *testing.T) {
	virtual(t, "a:1", func(o *pool.Options) {
		o.HistogramRotationInterval = time.Minute
		o.MaxLifetime, o.KeyRotationInterval = 0, 0
	}, func(t *testing.T, p *pool.Pool, _ *network) {
		c, other := lease(t, p), lease(t, p)
		want := func(samples, p50Us, mergedUs int64) {
			t.Helper()
			for range 2 { // the second answer is kept from the first
				s := p.Status()
				one := s.Connections[0]
				if one.Samples != samples || one.P50Us/100 != p50Us/100 || s.MergedP95Us/100 != mergedUs/100 {
					t.Errorf("%d samples, p50 %d us, merged p95 %d us, not %d, %d, %d",
						one.Samples, one.P50Us, s.MergedP95Us, samples, p50Us, mergedUs)
				}
			}
		}
		want(0, 0, 0)
		c.Sample(time.Millisecond)
		want(1, 1000, 1000)
		pass(61 * time.Second)
		c.Sample(4 * time.Millisecond) // a new window: the one before counts
		c.Sample(4 * time.Millisecond)
		want(3, 4000, 4000)
		pass(61 * time.Second)
		c.Sample(2 * time.Millisecond) // the first one no more
		want(3, 4000, 4000)
		pass(61 * time.Second)
		c.Sample(time.Millisecond)
		want(2, 1000, 2000)
		other.Sample(9 * time.Millisecond) // merged with it, its percentiles are its own
		want(2, 1000, 9000)
		other.Discard() // what was answered stays so
		want(2, 1000, 9000)
		pass(5 * time.Minute)
		want(2, 1000, 0) // the last ones of a connection are shown until there are others
		c.Sample(3 * time.Millisecond)
		want(1, 3000, 3000)
		c.Release()
	})
}
