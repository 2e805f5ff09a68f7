package pool_test

import (
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// A machine that slept, or whose clock was set, has connections whose ages say nothing of how
// long the peer has seen nothing of them. None is closed for that: each is looked at before it
// is lent, as ever.
func TestALeapOfTheWallClockIsCountedAndClosesNothing(t *testing.T) {
	var log lines
	virtual(t, "a:1", func(o *pool.Options) {
		quiet(o)
		o.MinIdle, o.CleanupInterval, o.Logger = 3, time.Minute, log.logger(slog.LevelWarn)
	}, func(t *testing.T, p *pool.Pool, n *network) {
		var ahead atomic.Int64
		p.ReadWallClock(func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) })
		startCleanup(t, p)
		log.take(t) // a pipe cannot be watched
		for _, step := range []struct {
			by    time.Duration
			leaps uint64
			said  []string
		}{
			{0, 0, nil},
			{4 * time.Second, 0, nil}, // steered
			{8 * time.Hour, 1, []string{"WARN clock leapt by_ms=28804000 pool=a:1"}},
			{0, 1, nil},
			{-24 * time.Hour, 2, []string{"WARN clock leapt by_ms=-86400000 pool=a:1"}},
		} {
			ahead.Add(int64(step.by))
			pass(time.Minute + time.Second)
			if s := p.Status(); s.Cleanup.ClockLeaps != step.leaps || s.Idle != 3 || s.Dials != 3 {
				t.Errorf("after a step of %v: %d leaps, %d idle of %d", step.by, s.Cleanup.ClockLeaps, s.Idle, s.Dials)
			}
			wantLines(t, log.take(t), step.said...)
		}
		n.kill() // as the peer has, meanwhile
		lease(t, p).Release()
		if s := p.Status(); s.Errors != 0 {
			t.Errorf("%d errors", s.Errors)
		}
	})
}

func TestACleanupTaskThatComesLateSaysSo(t *testing.T) {
	p, err := pool.New("127.0.0.1:1", func() pool.Options {
		o := pool.Defaults()
		quiet(&o)
		o.MinIdle, o.CleanupInterval = 0, 100*time.Millisecond
		return o
	}())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(0)
	if err := p.StartCleanup(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the task is held up, and was late then", func() bool {
		p.Stall(300 * time.Millisecond)
		for end := time.Now().Add(200 * time.Millisecond); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if p.Status().Cleanup.LagMs >= 100 {
				return true
			}
		}
		return false
	})
}
