package pool_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// sluggish is a connection on a machine so slow that a deadline of a few milliseconds is over
// before anything is read.
type sluggish struct{ *net.TCPConn }

func (c sluggish) SetReadDeadline(t time.Time) error {
	err := c.TCPConn.SetReadDeadline(t)
	if t.After(time.Now()) {
		time.Sleep(5 * time.Millisecond)
	}
	return err
}

func TestALookThatComesTooLateIsTakenAgain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	o := pool.Defaults()
	quiet(&o)
	p, err := pool.New(l.Addr().String(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(0)
	p.ConnectWith(func(ctx context.Context, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err != nil {
			return nil, err
		}
		return sluggish{c.(*net.TCPConn)}, nil
	})
	acquire(t, p).Release()
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	if _, err := peer.Write([]byte("unasked")); err != nil {
		t.Fatal(err)
	}
	checks := func(name string) uint64 { return p.Totals().Endpoints[0].Checks[name] }
	eventually(t, "the bytes have come", func() bool {
		c := acquire(t, p)
		defer c.Release()
		return checks("unsolicited")+checks("ticket") > 0
	})
	if checks("unsolicited") != 1 {
		t.Errorf("bytes that nobody asked for were taken for life: %v", p.Totals().Endpoints[0].Checks)
	}
}
