//go:build sprint_bench

package pool

import (
	"context"
	"net"

	"github.com/bitcoin-sprint/libsprint/pool/transport"
)

// NewUnprobed is New with stand-ins for connections that have no socket and count as
// alive: it shows benchmarks what the state machine costs by itself.
func NewUnprobed(endpoints string, o Options) (*Pool, error) {
	p, err := New(endpoints, o)
	if err != nil {
		return nil, err
	}
	p.connect = func(_ context.Context, e *endpoint) (*channel, error) {
		t := transport.New(standIn{})
		ch := newChannel(p, e, t, t)
		ch.drained.Store(true)
		return ch, nil
	}
	return p, nil
}

type standIn struct{ net.Conn }

func (standIn) Peek() transport.Quiet { return transport.Silent }
func (standIn) LocalAddr() net.Addr   { return nil }
func (standIn) RemoteAddr() net.Addr  { return nil }
func (standIn) Close() error          { return nil }
