package ticks

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func start() *Clock {
	c := new(Clock)
	c.Start(time.Now())
	return c
}

// settle reads the clock until it follows the counter, if it ever will.
func settle(t testing.TB, c *Clock) {
	t.Helper()
	for began := time.Now(); time.Since(began) < 10*time.Second; c.Now() {
		if c.refused.Load() || c.places[c.current.Load()%2].span.Load() > 0 {
			return
		}
	}
	t.Fatal("the counter is neither followed nor refused")
}

func TestTheCounterIsFollowedWhereTheKernelDoes(t *testing.T) {
	c := start()
	settle(t, c)
	if c.refused.Load() == kernelTrustsCounter() {
		t.Errorf("refused %v, the kernel trusts it: %v", c.refused.Load(), kernelTrustsCounter())
	}
}

func TestTheClockAgreesWithTheKernels(t *testing.T) {
	c := start()
	for began := time.Now(); time.Since(began) < 300*time.Millisecond; {
		before := time.Since(c.epoch)
		now := c.Now()
		after := time.Since(c.epoch)
		if now < before-accuracy || now > after+accuracy {
			t.Fatalf("%v, the kernel's between %v and %v", now, before, after)
		}
	}
}

// The counter may be read while a load before it still waits for its cache line, so between
// goroutines a little is allowed; and nothing within one, wherever it runs.
func TestTheClockNeverRunsBackwards(t *testing.T) {
	c := start()
	var latest atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for range 8 {
		all.Go(func() {
			last := time.Duration(0)
			for time.Since(began) < 200*time.Millisecond {
				for range 100 {
					others := time.Duration(latest.Load())
					now := c.Now()
					if now < last || now < others-accuracy {
						t.Errorf("%v after %v, and %v elsewhere", now, last, others)
						return
					}
					last = now
					if now > others {
						latest.CompareAndSwap(int64(others), int64(now))
					}
				}
			}
		})
	}
	all.Wait()
}

func TestVirtualTimeIsFollowedExactly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start()
		if !c.refused.Load() {
			t.Fatal("the counter is used")
		}
		for i := range 100 {
			time.Sleep(time.Duration(i) * 777 * time.Microsecond)
			if got, want := c.Now(), time.Since(c.epoch); got != want {
				t.Fatalf("%v, want %v", got, want)
			}
		}
	})
}

func TestAReadingAllocatesNothing(t *testing.T) {
	c := start()
	for began := time.Now(); time.Since(began) < 20*time.Millisecond; {
		if n := testing.AllocsPerRun(100, func() { c.Now() }); n != 0 {
			t.Fatalf("%v allocations", n)
		}
	}
}

func BenchmarkNow(b *testing.B) {
	c := start()
	settle(b, c)
	for b.Loop() {
		c.Now()
	}
}

func BenchmarkTimeSince(b *testing.B) {
	epoch := time.Now()
	for b.Loop() {
		time.Since(epoch)
	}
}
