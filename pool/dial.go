package pool

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
	"github.com/bitcoin-sprint/libsprint/pool/transport"
)

// keepAlive finds a peer that vanished without a FIN within about a minute.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 3}

// startDial opens one connection in a goroutine of its own. The caller holds mu and
// has counted it in dials.
func (p *Pool) startDial() {
	spawn.Go("dial", func() { p.dialed(p.dial()) })
}

// dialed takes the result of a dial in: the first waiter gets the connection or the
// error, whoever it was started for.
func (p *Pool) dialed(ch *channel, err error) {
	p.mu.Lock()
	p.dials--
	p.lastDial = err
	switch {
	case err != nil:
		p.waiters.serve(handOff{err: err})
		p.failWarmers(err)
	case p.state != running:
		p.enlist(ch)
		p.retire(ch, false)
		p.mu.Unlock()
		p.finish(ch, true)
		return
	default:
		p.enlist(ch)
		p.offer(ch, true)
	}
	p.settleWarmers()
	p.pump()
	p.mu.Unlock()
	if err == nil {
		p.log.Info("connected", "connection", ch.id, "endpoint", ch.endpoint.addr)
	}
}

// dial tries the endpoints in order; each has ConnectTimeout.
func (p *Pool) dial() (ch *channel, err error) {
	defer spawn.Recover("dial", &err)
	var failures []error
	for _, e := range p.endpoints {
		ch, err := p.dialEndpoint(e)
		if err == nil {
			e.dials.Add(1)
			return ch, nil
		}
		if p.dialing.Err() != nil {
			return nil, errorf(ErrClosed, nil, "the pool is closed")
		}
		e.dialErrors.Add(1)
		e.errors.Add(1)
		p.log.Warn("dial failed", "endpoint", e.addr, "cause", err)
		failures = append(failures, err)
	}
	if len(failures) == 1 {
		return nil, failures[0]
	}
	var last *Error
	errors.As(failures[len(failures)-1], &last)
	return nil, &Error{Kind: last.Kind, Text: oneLine(failures)}
}

func (p *Pool) dialEndpoint(e *endpoint) (*channel, error) {
	ctx, cancel := context.WithTimeout(p.dialing, p.opts.ConnectTimeout)
	defer cancel()
	fail := func(kind Kind, err error) error {
		if kind == ErrTimeout {
			return errorf(kind, nil, "connect to %s: timed out after %v", e.addr, p.opts.ConnectTimeout)
		}
		return errorf(kind, err, "connect to %s", e.addr)
	}
	d := net.Dialer{KeepAliveConfig: keepAlive}
	raw, err := d.DialContext(ctx, "tcp", e.addr)
	if err != nil {
		return nil, fail(connectKind(err), err)
	}
	t := transport.New(raw.(*net.TCPConn))
	c := tls.Client(t, e.tls)
	if err := c.HandshakeContext(ctx); err != nil {
		_ = t.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fail(handshakeKind(err), err)
	}
	if p.opts.Detach {
		if err := t.Detach(); err != nil {
			_ = t.Close()
			return nil, fail(ErrIO, fmt.Errorf("taking the socket over: %w", err))
		}
	}
	return newChannel(p, e, t, c), nil
}
