package pool

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// LevelTrace is below slog.LevelDebug: a line for each read and each write.
const LevelTrace = slog.Level(-8)

// This file says what is logged. No line is written under a lock, and none holds what
// was sent or received. WARN and INFO are for whoever is on call, DEBUG follows each
// connection.

// newJournal marks the lines of a pool.
func newJournal(o *Options, list string) *slog.Logger {
	if o.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	name := o.Name
	if name == "" {
		name = list
	}
	return o.Logger.With("pool", name)
}

var background = context.Background()

func (ch *channel) logOpened() {
	ch.pool.log.LogAttrs(background, slog.LevelDebug, "connection opened", ch.attrs()...)
}

func (ch *channel) logClosed(now time.Duration) {
	ch.pool.log.LogAttrs(background, slog.LevelDebug, "connection closed", append(ch.attrs(),
		slog.String("reason", ch.retired.String()), slog.Int64("age_ms", (now-ch.opened).Milliseconds()),
		slog.Uint64("uses", ch.uses))...)
}

// logLost tells of a connection that ended by itself; state is what it was then.
func (ch *channel) logLost(level slog.Level, state string, cause error, now time.Duration) {
	if repeated, ok := ch.endpoint.losses.pass(now); ok {
		ch.pool.log.LogAttrs(background, level, "connection lost", append(ch.attrs(),
			slog.String("state", state), slog.Any("cause", cause), slog.Uint64("repeated", repeated))...)
	}
}

func (ch *channel) attrs() []slog.Attr {
	return []slog.Attr{slog.Uint64("connection", ch.id), slog.String("endpoint", ch.endpoint.addr)}
}

// trace costs a comparison while nobody wants to know.
func (ch *channel) trace(what string, n int) {
	if ch.pool.log.Enabled(background, LevelTrace) {
		ch.pool.log.LogAttrs(background, LevelTrace, what, append(ch.attrs(), slog.Int("bytes", n))...)
	}
}

// logDialFailed tells when the breaker opened, for good measure of why.
func (p *Pool) logDialFailed(e *endpoint, err error, opened bool, now, until time.Duration) {
	if opened {
		p.log.Warn("circuit breaker opened", "endpoint", e.addr, "cause", err, "for_ms", (until - now).Milliseconds())
		return
	}
	if repeated, ok := e.dialLosses.pass(now); ok {
		p.log.Warn("dial failed", "endpoint", e.addr, "cause", err, "repeated", repeated)
	}
}

// logWorksAgain tells of the first dial that succeeded after failed ones.
func (p *Pool) logWorksAgain(e *endpoint, closed bool, failed uint64) {
	switch {
	case closed:
		p.log.Info("circuit breaker closed", "endpoint", e.addr, "failed_dials", failed)
	case failed > 0:
		p.log.Info("endpoint works again", "endpoint", e.addr, "failed_dials", failed)
	}
}

// repeats lets a line about the same thing pass once in a while.
type repeats struct {
	mu     sync.Mutex
	logged time.Duration
	held   uint64 // lines since
	begun  bool
}

// repeatEvery is how often a line may be repeated.
const repeatEvery = time.Second

// pass says whether to write now, and how many lines were not written before.
func (r *repeats) pass(now time.Duration) (held uint64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.begun && now-r.logged < repeatEvery {
		r.held++
		return 0, false
	}
	held = r.held
	r.begun, r.logged, r.held = true, now, 0
	return held, true
}
