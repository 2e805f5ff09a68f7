package pool_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/pool/transport"
	"github.com/bitcoin-sprint/libsprint/tests/relay"
)

// embedder drives a detached connection as the C side does: it waits for the socket
// and feeds what came, at most step bytes at a time.
type embedder struct {
	pool.Conn
	t    testing.TB
	step int
}

func now() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return ts.Nano()
}

func (e embedder) poll(events int16) {
	e.t.Helper()
	p := []unix.PollFd{{Fd: int32(e.FD()), Events: events}}
	if n, err := unix.Poll(p, int(patience.Milliseconds())); n != 1 {
		e.t.Fatalf("poll: %d, %v", n, err)
	}
}

// read is one read; n = 0 without error is close_notify.
func (e embedder) read(p []byte) (int, error) {
	e.t.Helper()
	cipher := make([]byte, e.step)
	n, _, err := e.Receive(nil, nil, p, now())
	for errors.Is(err, pool.ErrWouldBlock) {
		e.poll(unix.POLLIN)
		got, recvErr := unix.Read(e.FD(), cipher)
		switch {
		case recvErr != nil:
			n, _, err = e.Receive(nil, recvErr, p, now())
		case got == 0:
			n, _, err = e.Receive(nil, transport.ErrTruncated, p, now())
		default:
			n, _, err = e.Receive(cipher[:got], nil, p, now())
			clear(cipher) // it was lent, not given
		}
	}
	return n, err
}

func (e embedder) readFull(n int) []byte {
	e.t.Helper()
	p := make([]byte, n)
	for have := 0; have < n; {
		got, err := e.read(p[have:])
		if err != nil {
			e.t.Fatal(err)
		}
		have += got
	}
	return p
}

func (e embedder) write(p []byte) {
	e.t.Helper()
	for len(p) > 0 {
		n, unsent, err := e.Send(p, now())
		for err == nil && unsent > 0 {
			e.poll(unix.POLLOUT)
			unsent, err = e.Flush()
		}
		if err != nil {
			e.t.Fatal(err)
		}
		p = p[n:]
	}
}

// embed leases a detached connection that echoes.
func embed(t testing.TB, p *pool.Pool, step int) embedder {
	t.Helper()
	e := embedder{Conn: acquire(t, p), t: t, step: step}
	if e.Uses() == 0 {
		e.write([]byte("ECHO\n"))
	}
	return e
}

func detached(t testing.TB, r *relay.Relay) *pool.Pool {
	return newPool(t, r, func(o *pool.Options) { o.Detach = true })
}

func TestDetachedEchoWhateverPiecesTheSocketBrings(t *testing.T) {
	p := detached(t, startRelay(t))
	message := bytes.Repeat([]byte("0123456789abcdef"), 2000)
	for _, step := range []int{1, 7, 4096, 1 << 16} {
		e := embed(t, p, step)
		e.write(message)
		if !bytes.Equal(e.readFull(len(message)), message) {
			t.Fatalf("step %d: the echo differs", step)
		}
		e.Release()
	}
	if s := p.Status(); s.Dials != 1 || s.Discards != 0 {
		t.Fatalf("%+v", s)
	}
}

func TestAnAnswerInOneRecordLeavesTheConnectionDrained(t *testing.T) {
	e := embed(t, detached(t, startRelay(t)), 1<<16)
	defer e.Release()
	e.write([]byte("first")) // its answer may come with the session tickets
	e.readFull(5)
	_, _, err := e.Receive(nil, nil, make([]byte, 1), now())
	if !errors.Is(err, pool.ErrWouldBlock) {
		t.Fatal(err)
	}
	e.write([]byte("hello"))
	e.poll(unix.POLLIN)
	cipher := make([]byte, 1<<16)
	n, err := unix.Read(e.FD(), cipher)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64)
	if n, _, err := e.Receive(cipher[:n], nil, buf, now()); n != 5 || err != nil || !e.Drained() {
		t.Fatalf("%d bytes, %v, drained %v", n, err, e.Drained())
	}
	e.write([]byte("hello"))
	if n, err := e.read(buf[:4]); n != 4 || err != nil || e.Drained() {
		t.Fatalf("%d bytes, %v, drained %v although a byte is left", n, err, e.Drained())
	}
	e.readFull(1)
}

func TestAFullSocketLeavesSomethingUnsentAndTakesNoMore(t *testing.T) {
	// A server that reads nothing until it is told to.
	r := startRelay(t)
	cert, err := tls.LoadX509KeyPair(filepath.Join(r.Dir(), "server.pem"), filepath.Join(r.Dir(), "server-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	read, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if err := c.(*tls.Conn).Handshake(); err != nil {
			t.Error(err)
		}
		<-read
		_, _ = io.Copy(io.Discard, c)
	}()
	defer func() { l.Close(); <-done }()

	o := pool.Defaults()
	o.CAPEM, o.Detach = r.CAPEM(), true
	p, err := pool.New(l.Addr().String(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close(0)
	e := embedder{Conn: acquire(t, p), t: t, step: 1 << 16}
	defer e.Discard()
	chunk := bytes.Repeat([]byte("x"), 1<<20)
	for unsent := 0; unsent == 0; {
		if _, unsent, err = e.Send(chunk, now()); err != nil {
			t.Fatal(err)
		}
	}
	if n, unsent, err := e.Send(chunk, now()); n != 0 || unsent == 0 || err != nil {
		t.Fatalf("%d taken, %d unsent, %v", n, unsent, err)
	}
	close(read)
	for unsent := 1; unsent > 0; {
		e.poll(unix.POLLOUT)
		if unsent, err = e.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if n, _, err := e.Send(chunk, now()); n == 0 || err != nil {
		t.Fatalf("%d taken, %v", n, err)
	}
}

func TestTruncationIsNeverAnOrderlyEnd(t *testing.T) {
	for name, want := range map[string]error{
		"close_after": io.EOF, "truncate_after": pool.ErrTruncated, "reset_after": pool.ErrIO,
	} {
		r := startRelay(t)
		if err := r.Set(name, "5"); err != nil {
			t.Fatal(err)
		}
		for _, detach := range []bool{false, true} {
			p := newPool(t, r, func(o *pool.Options) { o.Detach = detach })
			c := acquire(t, p)
			read := c.Read
			if detach {
				e := embedder{Conn: c, t: t, step: 1 << 16}
				e.write([]byte("ECHO\nhello"))
				read = e.read
			} else if _, err := io.WriteString(c, "ECHO\nhello"); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 64)
			var err error
			for n := 1; n > 0 && err == nil; {
				n, err = read(buf)
			}
			if !errors.Is(err, want) {
				t.Errorf("%s, detach %v: %v", name, detach, err)
			}
			c.Release()
			if s := p.Status(); s.Idle != 0 || s.Discards != 1 {
				t.Errorf("%s, detach %v: the connection went back to the pool", name, detach)
			}
		}
	}
}

func TestAReusedConnectionThatDiesBeforeAnyAnswerIsStale(t *testing.T) {
	for _, how := range []string{"close_after", "truncate_after"} {
		r := startRelay(t)
		p := newPool(t, r, nil)
		c := acquire(t, p)
		startEcho(t, c)
		echo(t, c, "hello")
		c.Release()
		c = acquire(t, p)
		if err := r.Set(how, "5"); err != nil { // the next echo passes it
			t.Fatal(err)
		}
		if err := r.Set("drop_idle", "1"); err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, "lost?")
		_, err := c.Read(make([]byte, 5))
		if err == nil {
			t.Fatal("an answer from a dead connection")
		}
		wantKind(t, err, pool.ErrStale, "connection 1", r.Addr(), "0 read")
		c.Release()
	}
}

func TestALeaseCycleAllocatesNothing(t *testing.T) {
	p := detached(t, startRelay(t))
	c := acquire(t, p)
	e := embedder{Conn: c, t: t, step: 1 << 16}
	e.write([]byte("ECHO\nhello"))
	e.readFull(5)
	c.Release()
	if n := testing.AllocsPerRun(1000, func() {
		c, err := p.AcquireWithin(0)
		if err != nil {
			t.Fatal(err)
		}
		c.Release()
	}); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func TestTheKernelGivesUpAPeerThatAcknowledgesNothing(t *testing.T) {
	p := newPool(t, startRelay(t), func(o *pool.Options) { o.Detach = true })
	c := acquire(t, p)
	for option, want := range map[int]int{unix.TCP_USER_TIMEOUT: 60000, unix.TCP_KEEPIDLE: 15, unix.TCP_KEEPINTVL: 15, unix.TCP_KEEPCNT: 3} {
		if got, err := unix.GetsockoptInt(c.FD(), unix.IPPROTO_TCP, option); err != nil || got != want {
			t.Errorf("option %d is %d, not %d: %v", option, got, want, err)
		}
	}
}
