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
	"sync"
	"sync/atomic"
	"time"
)

// Pool is safe for use by any number of goroutines.
type Pool struct {
	opts      Options
	list      string // endpoints as given
	endpoints []*endpoint
	log       *slog.Logger
	epoch     time.Time // all instants are durations since
	monoEpoch int64     // the same moment on CLOCK_MONOTONIC, for embedders

	dialing context.Context // ends when the pool closes
	stop    context.CancelFunc

	timeouts atomic.Uint64

	// mu guards all below and every channel's place in it. It is never held over
	// I/O. At any moment idle + lent + dials + closing <= MaxConnections.
	mu        sync.Mutex
	state     poolState
	idle      []*channel // the one used last is at the end
	open      []*channel // idle and lent
	lent      int
	dials     int // under way
	closing   int
	cut       int // lent ones whose socket was shut down by Close
	waiters   waitQueue
	warmers   []*warmer
	vacancies []uint64 // per lost connection not replaced yet: its reconnects
	lastID    uint64
	lastLease uint64
	acquires  uint64
	discards  uint64
	lastDial  error         // why the last dial failed; nil if it did not
	drained   chan struct{} // closed when a closing pool has nothing left to wait for
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
		opts: o, list: endpoints, log: o.Logger,
		epoch: time.Now(), monoEpoch: monotonic(),
		drained: make(chan struct{}),
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	p.dialing, p.stop = context.WithCancel(context.Background())
	for _, addr := range addrs {
		p.endpoints = append(p.endpoints, &endpoint{addr: addr, tls: forEndpoint(base, addr)})
	}
	return p, nil
}

// CheckEndpoints reports what is wrong with a list of endpoints.
func CheckEndpoints(list string) error {
	_, err := parseEndpoints(list)
	return err
}

// Options returns the options in force, with everything derived.
func (p *Pool) Options() Options { return p.opts }

// now is the instant of this moment.
func (p *Pool) now() time.Duration { return time.Since(p.epoch) }

// total counts what the bound is about.
func (p *Pool) total() int { return len(p.idle) + p.lent + p.dials + p.closing }

// pump starts the dials that are wanted and allowed. It is level-triggered: it
// compares what is wanted with what is there, so no event can be missed for good.
// The caller holds mu.
func (p *Pool) pump() {
	if p.state != running {
		p.noteDrained()
		return
	}
	wanted := p.waiters.len
	for _, w := range p.warmers {
		wanted = max(wanted, w.want-len(p.open))
	}
	n := min(wanted-p.dials, p.opts.MaxConnections-p.total(), p.opts.MaxDials-p.dials)
	for range n {
		p.dials++
		p.startDial()
	}
}

// lend marks ch as leased and returns the lease. The caller holds mu.
func (p *Pool) lend(ch *channel) {
	p.lent++
	p.acquires++
	p.lastLease++
	ch.lease.Store(p.lastLease)
}

// offer gives a connection that is alive to the first waiter, or makes it idle. The
// caller holds mu and has taken it out of whatever it was counted in.
func (p *Pool) offer(ch *channel, fresh bool) (handed bool) {
	if p.waiters.len > 0 {
		p.lend(ch)
		return p.waiters.serve(handOff{ch: ch, fresh: fresh})
	}
	p.idle = append(p.idle, ch)
	return false
}

// popIdle takes the idle connection used last, if there is one and nobody waits for
// it. The caller holds mu.
func (p *Pool) popIdle() *channel {
	n := len(p.idle)
	if n == 0 || p.waiters.len > 0 {
		return nil
	}
	ch := p.idle[n-1]
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	return ch
}

// enlist enters a connection that was just opened. The caller holds mu.
func (p *Pool) enlist(ch *channel) {
	p.lastID++
	ch.id = p.lastID
	if n := len(p.vacancies); n > 0 {
		ch.reconnects = p.vacancies[n-1] + 1
		p.vacancies = p.vacancies[:n-1]
		ch.endpoint.reconnects.Add(1)
	}
	ch.place = len(p.open)
	p.open = append(p.open, ch)
	ch.endpoint.active++
}

// retire takes a connection out for good and counts it as closing; lost says that
// the next dial replaces it. The caller holds mu and calls finish after unlocking.
func (p *Pool) retire(ch *channel, lost bool) {
	last := len(p.open) - 1
	p.open[ch.place] = p.open[last]
	p.open[ch.place].place = ch.place
	p.open[last] = nil
	p.open = p.open[:last]
	ch.endpoint.active--
	ch.endpoint.sent += ch.sent.Load()
	ch.endpoint.received += ch.received.Load()
	p.closing++
	if lost && len(p.vacancies) < p.opts.MaxConnections {
		p.vacancies = append(p.vacancies, ch.reconnects)
	}
}

// finish closes a retired connection and gives its place free.
func (p *Pool) finish(ch *channel, polite bool) {
	ch.close(polite, func() {
		p.mu.Lock()
		p.closing--
		p.pump()
		p.mu.Unlock()
	})
}
