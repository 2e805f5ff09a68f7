package pool

import (
	"context"
	"slices"
	"time"
)

// warmer is a caller that waits for a number of open connections.
type warmer struct {
	want   int
	result chan error // room for one
}

// WarmUp opens connections until n are open, idle or lent, or MaxConnections if that
// is less. It ends early when every breaker opens; what was opened stays.
func (p *Pool) WarmUp(ctx context.Context, n int) error {
	limit := p.opts.AcquireTimeout
	if _, ok := ctx.Deadline(); ok {
		limit = maxDuration
	}
	return p.warmUp(n, limit, ctx.Done())
}

// WarmUpWithin is WarmUp with a limit instead of a context: negative is
// AcquireTimeout, zero starts nothing and reports what is there.
func (p *Pool) WarmUpWithin(n int, limit time.Duration) error {
	if limit < 0 {
		limit = p.opts.AcquireTimeout
	}
	return p.warmUp(n, limit, nil)
}

func (p *Pool) warmUp(n int, limit time.Duration, cancel <-chan struct{}) error {
	w := &warmer{want: n, result: make(chan error, 1)}
	p.lock()
	if p.state != running {
		p.unlock()
		return errPoolClosed()
	}
	w.want = min(n, p.max)
	if len(p.open) >= w.want {
		p.unlock()
		return nil
	}
	if limit == 0 {
		defer p.unlock()
		return p.shortfall(w)
	}
	p.warmers = append(p.warmers, w)
	p.pump()
	p.unlock()

	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-w.result:
		return err
	case <-timer.C:
	case <-cancel:
	}
	p.lock()
	defer p.unlock()
	select {
	case err := <-w.result:
		return err
	default:
	}
	p.warmers = slices.DeleteFunc(p.warmers, func(x *warmer) bool { return x == w })
	p.timeouts.Add(1)
	return p.shortfall(w)
}

func (p *Pool) shortfall(w *warmer) error {
	return errorf(ErrTimeout, p.lastCause(), "warm_up: %d of %d connections to %s open: %s", len(p.open), w.want, p.list, p.census())
}

// settleWarmers ends those that have what they want. The caller holds mu.
func (p *Pool) settleWarmers() {
	p.warmers = slices.DeleteFunc(p.warmers, func(w *warmer) bool {
		if len(p.open) < w.want {
			return false
		}
		w.result <- nil
		return true
	})
}

// failWarmers ends all with err. The caller holds mu.
func (p *Pool) failWarmers(err error) {
	for _, w := range p.warmers {
		w.result <- err
	}
	p.warmers = nil
}
