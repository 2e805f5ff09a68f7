package pool

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
	"github.com/bitcoin-sprint/libsprint/pool/transport"
)

// ConnectWith has dials use connect, without TLS, and resolves no names.
func (p *Pool) ConnectWith(connect func(ctx context.Context, addr string) (net.Conn, error)) {
	p.lookUp = func(context.Context, string) ([]netip.Addr, error) { return nil, net.UnknownNetworkError("none") }
	p.connect = func(ctx context.Context, e *endpoint) (*channel, error) {
		c, err := connect(ctx, e.addr)
		if err != nil {
			return nil, err
		}
		t := transport.New(c)
		return newChannel(p, e, t, t), nil
	}
}

// ResolveWith has names resolved by answer, for connections whose peer is at address.
func (p *Pool) ResolveWith(address func() netip.Addr, answer func() ([]netip.Addr, error)) {
	p.lookUp = func(context.Context, string) ([]netip.Addr, error) { return answer() }
	connect := p.connect
	p.connect = func(ctx context.Context, e *endpoint) (*channel, error) {
		ch, err := connect(ctx, e)
		if ch != nil {
			ch.address = address()
		}
		return ch, err
	}
}

// Check reports what is wrong with the state machine at this moment. A bound that was
// just lowered may be exceeded.
func (p *Pool) Check(lowered bool) error {
	p.lock()
	defer p.unlock()
	idle := 0
	for i, ch := range p.open {
		if ch.place != i || ch.retired != stays {
			return errorf(ErrState, nil, "connection %d is not in its place", ch.id)
		}
		if ch.idle {
			idle++
		}
	}
	dialing := 0
	for _, e := range p.endpoints {
		dialing += e.dialing
	}
	switch {
	case idle != len(p.idle) || idle+p.lent != len(p.open) || dialing != p.dials:
		return errorf(ErrState, nil, "%s, but %d open, %d idle, %d dialing", p.census(), len(p.open), idle, dialing)
	case p.redials.len > p.resending:
		return errorf(ErrState, nil, "%s: %d wait to send again, %d permits", p.census(), p.redials.len, p.resending)
	case p.total() > p.max && !lowered:
		return errorf(ErrState, nil, "%s: above the bound", p.census())
	case p.waiters.len > 0 && len(p.idle) > 0 && !p.paused:
		return errorf(ErrState, nil, "%s: idle ones while callers wait", p.census())
	}
	return nil
}

// ReadWallClock has the cleanup task read another wall clock.
func (p *Pool) ReadWallClock(wall func() time.Time) { p.cleanup.wall = wall }

// PanicLocked is a bug of ours in a goroutine of the pool that holds its mutex.
func (p *Pool) PanicLocked() {
	var panicked sync.WaitGroup
	panicked.Add(1)
	spawn.Go("test", func() {
		defer panicked.Done()
		defer p.caught("test")
		p.lock()
		panic("on demand")
	})
	panicked.Wait()
}

// Stall keeps the pool's mutex for so long.
func (p *Pool) Stall(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	time.Sleep(d)
}

// Number is the lease's.
func (c Conn) Number() uint64 { return c.lease }

// Trace is the line of a read.
func (c Conn) Trace() { c.ch.trace("read", 1) }

// Sample adds a request-to-response time.
func (c Conn) Sample(d time.Duration) {
	c.ch.passage().Asked.Store(int64(c.ch.pool.now() - d))
	c.ch.didRead(0, c.ch.pool.now())
}

// Mono is this moment on the clock of embedders.
func (p *Pool) Mono() int64 { return p.mono(p.now()) }

// HoldCell is where a hold time is counted.
func HoldCell(d time.Duration) int { return holdLayout.cell(d) }

// Empty says that the seat keeps no connection.
func (s *Seat) Empty() bool { return s.ch.Load() == nil }
