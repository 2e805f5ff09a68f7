package main

import (
	"time"

	"golang.org/x/sync/errgroup"
)

// lender is a pool under measurement, with callers that each acquire and release.
type lender struct {
	callers int
	cycle   func() error // one acquire and release

	// held is one, held for so long. It returns how long the acquire took.
	held func(time.Duration) (time.Duration, error)
}

// block has every caller do ops cycles. A single one needs no goroutine.
func (l *lender) block(ops int) error {
	if l.callers == 1 {
		return l.cycles(ops)
	}
	return l.all(func(int) error { return l.cycles(ops) })
}

func (l *lender) cycles(ops int) error {
	for range ops {
		if err := l.cycle(); err != nil {
			return err
		}
	}
	return nil
}

// collect has every caller lease again and again and hold for so long, and fills
// samples with how long the acquires took, but for the first one of each caller: it
// meets a queue that is still growing.
func (l *lender) collect(samples []float64, hold time.Duration) error {
	each := len(samples) / l.callers
	return l.all(func(caller int) error {
		mine := samples[caller*each : (caller+1)*each]
		for k := -1; k < len(mine); k++ {
			took, err := l.held(hold)
			if err != nil {
				return err
			}
			if k >= 0 {
				mine[k] = float64(took)
			}
		}
		return nil
	})
}

// all runs work for every caller at the same time and returns the first error.
func (l *lender) all(work func(caller int) error) error {
	var callers errgroup.Group
	for caller := range l.callers {
		callers.Go(func() error { return work(caller) })
	}
	return callers.Wait()
}

// newLender makes a lender of an acquire that may wait and of a release, and has n
// connections opened: all are leased at once, once.
func newLender[L any](callers, n int, acquire func() (L, error), release func(L)) (*lender, error) {
	l := &lender{
		callers: callers,
		cycle: func() error {
			lease, err := acquire()
			if err == nil {
				release(lease)
			}
			return err
		},
		held: func(hold time.Duration) (time.Duration, error) {
			asked := time.Now()
			lease, err := acquire()
			took := time.Since(asked)
			if err == nil {
				time.Sleep(hold)
				release(lease)
			}
			return took, err
		},
	}
	var leases []L
	for range n {
		lease, err := acquire()
		if err != nil {
			return nil, err
		}
		leases = append(leases, lease)
	}
	for _, lease := range leases {
		release(lease)
	}
	return l, nil
}
