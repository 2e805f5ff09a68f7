// Package pool keeps a bounded set of warm, verified TLS connections and lends them.
//
// A Pool dials when it is asked to, hands an idle connection out only after a look
// at its liveness, serves callers strictly in their order, and never holds more
// connections than its bound, those being dialled or closed included. It starts
// nothing by itself: no goroutine runs while no dial is under way.
package pool

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/bitcoin-sprint/libsprint/internal/ticks"
)

// Pool is safe for use by any number of goroutines.
type Pool struct {
	// mu guards what follows, down to drained, and every channel's place in it. It is never
	// held over I/O: what is retired under it is closed by unlock. At any moment
	// idle + lent + dialing + closing <= max, but for a max that was just lowered.
	//
	// What every lease writes comes first, in one cache line, and then what it reads: where
	// two processors lease in turn, each line costs as much as the work.
	mu       sync.Mutex
	state    poolState
	paused   bool
	outdated bool // an idle connection may be of an old generation
	shut     bool // shelf is closed and empty
	lent     int
	idle     []*channel // the one used last is at the end
	max      int
	minIdle  int

	shelf      *Shelf // nil without one, or when the pool closes
	looking    int    // lent ones that sweep has taken out of idle for a moment
	dials      int    // under way
	closing    int
	generation uint64     // of keys: Rotate begins a new one
	gone       []*channel // retired, for unlock to close
	waiters    waitQueue
	redials    waitQueue  // leases that wait for a fresh connection, see Conn.Again
	open       []*channel // idle and lent
	owed       int        // dials for connections that made room for their own replacement
	cut        int        // lent ones whose socket was shut down by Close
	resending  int        // requests under way that are sent for the second time
	warmers    []*warmer
	vacancies  []uint64 // per lost connection not replaced yet: its reconnects
	discards   uint64
	closedBy   [len(reasonNames)]uint64
	slowSpared [len(spareNames)]uint64
	retries    [len(retryNames)]uint64
	leaks      uint64        // leases reported as held too long
	returned   uint64        // of these, leases that ended after all
	lastDial   error         // why the last dial failed; nil if it did not
	refused    error         // what refusal says; nil when it must be made anew
	watch      *watch        // nil unless the cleanup task has started it
	blind      error         // why a connection is not watched
	shelves    Shelves       // whose shelf it is
	alarm      *time.Timer   // for a dial that is wanted but has to wait
	drained    chan struct{} // closed when a closing pool has nothing left to wait for

	opts      Options
	lifo      bool   // opts.IdleOrder
	list      string // endpoints as given
	endpoints []*endpoint
	log       *slog.Logger
	epoch     time.Time // all instants are durations since
	monoEpoch int64     // the same moment on CLOCK_MONOTONIC, for embedders
	clock     ticks.Clock

	// connect opens a connection; tests put their own here.
	connect func(context.Context, *endpoint) (*channel, error)
	lookUp  func(ctx context.Context, host string) ([]netip.Addr, error)
	dialing context.Context // ends when the pool closes
	stop    context.CancelFunc

	timeouts     atomic.Uint64
	outcomes     [len(outcomeNames)]atomic.Uint64 // of Acquire
	waits        distribution                     // of Acquire, but for the direct ones
	answers      merged                           // request-to-response times of the last windows
	cleanup      cleanup
	spareWaiters sync.Pool // of *waiter
	lastID       atomic.Uint64
	toldBlind    sync.Once // see blind
	rescuing     atomic.Bool
}

type poolState uint8

const (
	running poolState = iota
	closingDown
	closed
)

// New makes a pool for "host:port[,host:port...]". All options are checked here;
// no connection is opened and nothing is started.
func New(endpoints string, o Options) (*Pool, error) {
	addrs, err := parseEndpoints(endpoints)
	if err != nil {
		return nil, err
	}
	if err := o.resolve(); err != nil {
		return nil, err
	}
	base, err := newTLSConfig(&o)
	if err != nil {
		return nil, err
	}
	p := &Pool{
		opts: o, list: endpoints, log: newJournal(&o, endpoints),
		epoch: time.Now(), monoEpoch: monotonic(),
		lifo: o.IdleOrder == OrderLIFO,
		max:  o.MaxConnections, minIdle: o.MinIdle,
		drained: make(chan struct{}),
	}
	p.clock.Start(p.epoch)
	p.waits.init(waitLayout)
	p.connect, p.lookUp = p.connectTLS, lookUp
	p.cleanup.retires, p.cleanup.wall = rate.NewLimiter(1, 1), time.Now
	p.spareWaiters.New = newWaiter
	p.dialing, p.stop = context.WithCancel(context.Background())
	for i, addr := range addrs {
		e := newEndpoint(addr, &p.opts)
		e.index = uint32(i)
		e.tls.Store(forEndpoint(base, addr))
		p.endpoints = append(p.endpoints, e)
	}
	return p, nil
}

// CheckEndpoints reports what is wrong with a list of endpoints.
func CheckEndpoints(list string) error {
	_, err := parseEndpoints(list)
	return err
}

// Endpoints is the number of endpoints.
func (p *Pool) Endpoints() int { return len(p.endpoints) }

// Options returns the options in force, with everything derived.
func (p *Pool) Options() Options { return p.opts }

// now is the instant of this moment.
func (p *Pool) now() time.Duration { return p.clock.Now() }

// How often contend tries, and for how many turns of a loop it waits before each: half a
// microsecond, some leases of whoever has mu.
const (
	tries = 4
	pause = 2000
)

// contend takes mu from somebody who has it. A sync.Mutex has the caller sleep at once if
// other goroutines are ready to run, and where several sleep it is soon handed from one to
// the next, a scheduling each. Trying without a pause is worse: the cache line goes to and
// fro with each try, and the leases of the other take twice as long.
func (p *Pool) contend() {
	for range tries {
		for range pause {
		}
		if p.mu.TryLock() {
			return
		}
	}
	p.mu.Lock()
}

// settled says that unlock has nothing to do but to give mu free, which those do without it
// for whom a call counts.
func (p *Pool) settled() bool { return p.gone == nil && len(p.waiters.rung) == 0 && !p.shut }

// unlock gives mu free, rings for those served under it and closes what was retired.
func (p *Pool) unlock() {
	if p.shut {
		p.reopen()
	}
	if p.gone == nil && len(p.waiters.rung) == 0 {
		p.mu.Unlock()
		return
	}
	gone := p.gone
	p.gone = nil
	var few [4]Bell
	bells := append(few[:0], p.waiters.rung...)
	clear(p.waiters.rung)
	p.waiters.rung = p.waiters.rung[:0]
	p.mu.Unlock()
	for _, b := range bells {
		b.Ring()
	}
	for _, ch := range gone {
		p.finish(ch)
	}
}

// total counts what the bound is about.
func (p *Pool) total() int { return p.staying() + p.closing }

// staying counts those that are not about to go.
func (p *Pool) staying() int { return len(p.idle) + p.lent + p.dialingPlaces() }

// dialingPlaces counts the places that dials have, or will have: a lease that waits for
// a fresh connection keeps its place while no dial may start.
func (p *Pool) dialingPlaces() int { return max(p.dials, p.redials.len) }

// lend marks ch as leased, in the embedder's seat if that is not nil. The caller holds mu.
func (p *Pool) lend(ch *channel, now time.Duration, seat *Seat) {
	p.lent++
	ch.idle = false
	ch.lentAt = now
	if seat != nil {
		ch.sit(seat)
	}
}

// offer gives a connection that is alive to the first waiter, or makes it idle. A fresh
// one goes to those first who can use no other. The caller holds mu and has taken it out
// of whatever it was counted in.
func (p *Pool) offer(ch *channel, now time.Duration, fresh bool) (served bool) {
	if fresh && p.redials.len > 0 {
		p.lend(ch, now, p.redials.head.seat)
		p.redials.serve(handOff{ch: ch, out: outDialed})
		return true
	}
	if p.waiters.len > 0 && !p.paused {
		out := outWaited
		if fresh {
			out = outDialed
		}
		p.lend(ch, now, p.waiters.head.seat)
		p.waiters.serve(handOff{ch: ch, out: out})
		return true
	}
	p.rest(ch, now)
	return false
}

// rest makes a connection idle. The caller holds mu.
func (p *Pool) rest(ch *channel, now time.Duration) {
	ch.idle, ch.rested = true, now
	p.idle = append(p.idle, ch)
}

// enlist enters a connection that was just opened. The caller holds mu.
func (p *Pool) enlist(ch *channel, now time.Duration, predecessor *channel) {
	n := len(p.vacancies)
	switch {
	case predecessor != nil:
		ch.reconnects = predecessor.reconnects + 1
		ch.endpoint.reconnects.Add(1)
	case n > 0:
		ch.reconnects = p.vacancies[n-1] + 1
		p.vacancies = p.vacancies[:n-1]
		ch.endpoint.reconnects.Add(1)
	}
	ch.setAge(now)
	ch.place = len(p.open)
	p.open = append(p.open, ch)
	ch.endpoint.active++
	p.watchOver(ch)
}

// retire takes a connection out for good and counts it as closing; lost says that
// the next dial replaces it. The caller holds mu and leaves it with unlock.
func (p *Pool) retire(ch *channel, why reason, lost bool) {
	p.strike(ch, why, lost)
	p.closing++
	p.gone = append(p.gone, ch)
}

// strike is retire for a connection that is closed by its lease. The caller holds mu.
func (p *Pool) strike(ch *channel, why reason, lost bool) {
	last := len(p.open) - 1
	p.open[ch.place] = p.open[last]
	p.open[ch.place].place = ch.place
	p.open[last] = nil
	p.open = p.open[:last]
	ch.endpoint.active--
	ch.retired = why
	p.watch.forget(ch)
	p.closedBy[why]++
	if why == closedRotated {
		ch.endpoint.rotations.Add(1)
	}
	if lost && len(p.vacancies) < p.max {
		p.vacancies = append(p.vacancies, ch.reconnects)
	}
}

// closeStruck closes what strike has taken out.
func (p *Pool) closeStruck(ch *channel, now time.Duration) {
	ch.endpoint.age.record(now - ch.opened)
	ch.close(false, func() {})
}

// retireIdle is retire for a connection that is idle.
func (p *Pool) retireIdle(ch *channel, why reason, lost bool) {
	i := slices.Index(p.idle, ch)
	p.idle = slices.Delete(p.idle, i, i+1)
	ch.idle = false
	p.retire(ch, why, lost)
}

// hungUp notes that the peer has ended a connection, nil if it is known no more. The
// caller holds mu.
func (p *Pool) hungUp(ch *channel) {
	switch {
	case ch == nil:
	case ch.idle:
		ch.lostTo = errIdleLost
		p.retireIdle(ch, closedStale, true)
	default:
		ch.lostTo = errIdleLost
		ch.condemned = closedStale // whatever is still to be read may be
		ch.callHome()
	}
}

// finish closes a retired connection and gives its place free.
func (p *Pool) finish(ch *channel) {
	now := p.now()
	if ch.retired == closedStale {
		ch.logLost(slog.LevelInfo, "idle", ch.lostTo, now)
	}
	ch.logClosed(now)
	ch.endpoint.age.record(now - ch.opened)
	ch.close(ch.retired != closedStale, func() {
		p.lock()
		p.closing--
		p.pump()
		p.unlock()
	})
}
