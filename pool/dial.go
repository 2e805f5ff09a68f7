package pool

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
	"github.com/bitcoin-sprint/libsprint/pool/transport"
)

// keepAlive finds a peer that vanished without a FIN within about a minute.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 3}

// unacknowledged is how long sent bytes may go without an acknowledgement, about as long
// as keepAlive gives a silent peer: while bytes are under way keepalives are not sent.
const unacknowledged = time.Minute

// startDial opens one connection to e in a goroutine of its own, in place of
// replaces if that is not nil. The caller holds mu and has e's permit.
func (p *Pool) startDial(e *endpoint, replaces *channel) {
	p.dials++
	e.dialing++
	if replaces != nil {
		replaces.replacing = true
	}
	generation := p.generation
	spawn.Go("dial", func() {
		defer p.caught("dial")
		ch, err := p.dial(e)
		if ch != nil {
			ch.generation = generation
		}
		p.dialed(e, replaces, ch, err)
	})
}

// dialed takes the result of a dial in: whoever waits first is served, whoever it was
// started for.
func (p *Pool) dialed(e *endpoint, replaces, ch *channel, err error) {
	p.lock()
	now := p.now()
	p.dials--
	e.dialing--
	if replaces != nil {
		replaces.replacing = false
	}
	closing := p.state != running
	var changed bool // the breaker opened, or closed
	failed, until := e.failedDials, time.Duration(0)
	switch {
	case err != nil && closing:
	case err != nil:
		changed = p.dialFailed(e, err, now)
		until = e.breaker.opensUntil()
	case closing:
		p.enlist(ch, now, nil)
		p.retire(ch, closedDrain, false)
	default:
		changed = e.succeeded(&ch.session)
		p.lastDial, p.refused, p.owed = nil, nil, 0
		p.swapIn(ch, replaces, now)
		p.settleWarmers()
	}
	p.pump()
	p.unlock()
	p.cleanup.nudge()
	switch {
	case closing:
	case err != nil:
		p.logDialFailed(e, err, changed, now, until)
	default:
		p.logWorksAgain(e, changed, failed)
	}
}

// swapIn puts a new connection into service: a waiter comes first, else the old one it
// replaces goes, now if it is idle and at its return if it is lent. The caller holds mu.
func (p *Pool) swapIn(ch, replaces *channel, now time.Duration) {
	if replaces != nil && (replaces.retired != stays || p.redials.len > 0 || p.waiters.len > 0 && !p.paused) {
		replaces = nil
	}
	p.enlist(ch, now, replaces)
	p.offer(ch, now, true)
	switch {
	case replaces == nil:
	case replaces.idle:
		p.retireIdle(replaces, replaces.dueFor, false)
	default:
		replaces.condemned = replaces.dueFor
		replaces.replaced = true
		replaces.callHome()
	}
}

// succeeded says whether it closed the breaker. The caller holds the pool's mutex.
func (e *endpoint) succeeded(s *session) (closed bool) {
	e.dials.Add(1)
	e.handshakes.add(s)
	e.peerExpiry = s.peerExpiry
	e.retries.Reset()
	e.retryAt, e.lastErr, e.failedDials = 0, nil, 0
	return e.breaker.success()
}

// dialFailed counts, and says when to try again. A handshake that failed will fail
// again: the breaker opens, and who waits learns it at once unless another
// endpoint may do. It says whether the breaker opened just now. The caller holds mu.
func (p *Pool) dialFailed(e *endpoint, err error, now time.Duration) (opened bool) {
	final := kindOf(err).final()
	e.dialErrors.Add(1)
	e.failures[failureOf(kindOf(err), err)].Add(1)
	e.lastErr, p.lastDial, p.refused = err, err, nil
	e.failedDials++
	opened = e.breaker.failure(now, final)
	e.retryAt = now + e.retries.NextBackOff()
	if e.breaker.state(now) == BreakerOpen {
		e.retryAt = 0 // it is the breaker's turn to say when
	}
	if !final {
		return opened
	}
	for _, other := range p.endpoints {
		if other != e && other.breaker.state(now) != BreakerOpen {
			return opened
		}
	}
	p.failAll(err, outDialFailed)
	return opened
}

// dial opens one connection within ConnectTimeout.
func (p *Pool) dial(e *endpoint) (ch *channel, err error) {
	defer spawn.Recover("dial", &err)
	ctx, cancel := context.WithTimeout(p.dialing, p.opts.ConnectTimeout)
	defer cancel()
	if ch, err = p.connect(ctx, e); err == nil {
		ch.number(p.lastID.Add(1))
		ch.logOpened()
	}
	return ch, err
}

func (p *Pool) connectTLS(ctx context.Context, e *endpoint) (*channel, error) {
	fail := func(kind Kind, err error) error {
		if kind == ErrTimeout {
			return errorf(kind, nil, "connect to %s: timed out after %v", e.addr, p.opts.ConnectTimeout)
		}
		return errorf(kind, err, "connect to %s", e.addr)
	}
	var resolved atomic.Int64 // when the first address was tried
	began := p.now()
	d := net.Dialer{KeepAliveConfig: keepAlive, ControlContext: func(_ context.Context, _, _ string, c syscall.RawConn) error {
		resolved.CompareAndSwap(0, int64(p.now()))
		return transport.LimitUnacknowledged(c, unacknowledged)
	}}
	raw, err := d.DialContext(ctx, "tcp", e.addr)
	if err != nil {
		return nil, fail(connectKind(err), err)
	}
	connected := p.now()
	if tried := time.Duration(resolved.Load()); e.named {
		e.connect[phaseDNS].record(tried - began)
		began = tried
	}
	e.connect[phaseTCP].record(connected - began)
	t := transport.New(raw)
	c := tls.Client(t, e.tls.Load())
	var refusal error // of the client's key
	if err := c.HandshakeContext(context.WithValue(ctx, refusalOf{}, &refusal)); err != nil {
		_ = t.Close()
		if refusal != nil {
			return nil, fail(ErrKey, refusal)
		}
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fail(handshakeKind(err), err)
	}
	e.connect[phaseTLS].record(p.now() - connected)
	if p.opts.Detach {
		if err := t.Detach(); err != nil {
			_ = t.Close()
			return nil, fail(ErrIO, fmt.Errorf("taking the socket over: %w", err))
		}
	}
	ch := newChannel(p, e, t, c)
	ch.session = sessionOf(c.ConnectionState())
	if peer, ok := raw.RemoteAddr().(*net.TCPAddr); ok {
		ch.address = peer.AddrPort().Addr().Unmap().WithZone("")
	}
	return ch, nil
}
