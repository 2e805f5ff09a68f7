package pool_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

var errDown = &pool.Error{Kind: pool.ErrIO, Text: "down"}

// network is what a pool in virtual time dials into: pipes, and endpoints that are up
// or down.
type network struct {
	t     testing.TB
	began time.Time

	mu    sync.Mutex
	down  map[string]error         // per address: why its dials fail
	slow  map[string]time.Duration // per address: how long its dials take
	dials []time.Duration          // when each began
	peers []net.Conn               // the other ends of what was opened, in order
	open  int
	most  int // open at the same time
}

func (n *network) connect(ctx context.Context, addr string) (net.Conn, error) {
	n.mu.Lock()
	n.dials = append(n.dials, time.Since(n.began))
	slow := n.slow[addr]
	n.mu.Unlock()
	if slow > 0 { // time.After(0) breaks the race detector: see .ci/race
		select {
		case <-ctx.Done():
			return nil, &pool.Error{Kind: pool.ErrTimeout, Text: "connect", Err: ctx.Err()}
		case <-time.After(slow):
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.down[addr]; err != nil {
		return nil, err
	}
	ours, theirs := net.Pipe()
	n.peers = append(n.peers, theirs)
	n.open++
	n.most = max(n.most, n.open)
	return &counted{Conn: ours, n: n}, nil
}

// counted is a connection that the network knows to be open.
type counted struct {
	net.Conn
	n    *network
	once sync.Once
}

// Write fails as a socket's does.
func (c *counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err == io.ErrClosedPipe {
		err = syscall.EPIPE
	}
	return n, err
}

func (c *counted) Close() error {
	c.once.Do(func() {
		c.n.mu.Lock()
		c.n.open--
		c.n.mu.Unlock()
	})
	return c.Conn.Close()
}

func (n *network) set(addr string, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down[addr] = err
}

// dialed returns when each dial began and forgets them.
func (n *network) dialed() []time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	d := n.dials
	n.dials = nil
	return d
}

// kill closes the peer's end of every connection that is open.
func (n *network) kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.peers {
		_ = c.Close()
	}
	n.peers = nil
}

// virtual runs test in a bubble of virtual time, with a pool to a:1 (or the endpoints
// given) and its network.
func virtual(t *testing.T, endpoints string, change func(*pool.Options), test func(*testing.T, *pool.Pool, *network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &network{t: t, began: time.Now(), down: map[string]error{}, slow: map[string]time.Duration{}}
		o := pool.Defaults()
		o.MinIdle = 0
		if change != nil {
			change(&o)
		}
		p, err := pool.New(endpoints, o)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close(0)
		p.ConnectWith(n.connect)
		test(t, p, n)
		check(t, p)
		p.Close(0)
		synctest.Wait()
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.open != 0 {
			t.Errorf("%d connections are left open", n.open)
		}
	})
}

func check(t testing.TB, p *pool.Pool) {
	t.Helper()
	if err := p.Check(false); err != nil {
		t.Fatal(err)
	}
}

func startCleanup(t testing.TB, p *pool.Pool) {
	t.Helper()
	if err := p.StartCleanup(); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

// pass lets virtual time go by and everything settle.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// lease acquires in virtual time.
func lease(t testing.TB, p *pool.Pool) pool.Conn {
	t.Helper()
	c, err := p.AcquireWithin(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func within(t testing.TB, what string, got, least, most time.Duration) {
	t.Helper()
	if got < least || got > most {
		t.Errorf("%s: %v is not within %v and %v", what, got, least, most)
	}
}

func wantCause(t testing.TB, err, cause error) {
	t.Helper()
	if !errors.Is(err, cause) {
		t.Errorf("%v is not caused by %v", err, cause)
	}
}
