// Package transport is the net.Conn under a tls.Conn that can leave the Go poller.
//
// Attached, it is a TCP connection like any other: the handshake runs on it, and Go
// callers keep it so. Detached, it does no I/O by itself any more: ciphertext that
// somebody else received is fed to it, Read serves that or answers ErrWouldBlock,
// and Write collects records for Flush. The embedder waits for the socket where it
// likes, which lets a C thread sleep in recv(2) instead of being parked in Go and
// woken across the runtime.
package transport

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// ErrTruncated is what Read answers at a FIN. It is not io.EOF, which crypto/tls
// would pass on at a record boundary as if a close_notify had come.
var ErrTruncated = errors.New("the peer closed the connection without close_notify")

// ErrWouldBlock is what a detached Read answers when everything fed was served.
// It is temporary to crypto/tls, which takes the Read up again when called again.
var ErrWouldBlock error = wouldBlock{}

type wouldBlock struct{}

func (wouldBlock) Error() string   { return "nothing to read now" }
func (wouldBlock) Timeout() bool   { return true }
func (wouldBlock) Temporary() bool { return true }

// keepCap bounds the buffers that an idle connection keeps.
const keepCap = 4 << 10

// Conn implements net.Conn in both states. One goroutine or thread may read and
// one may write at the same time, as with any net.Conn.
type Conn struct {
	conn     net.Conn // until Detach
	detached bool
	fd       int   // once detached; -1 after Close
	look     *look // Peek's

	local, remote net.Addr

	// Reader's side, only touched by the one reader.
	in    []byte // ciphertext not yet served: fed memory, or a part of store
	store []byte // what was left of fed memory, kept across calls
	end   error  // why no more will come
	seen  framing

	// Writer's side: a reader that answers a KeyUpdate meets the writer here.
	mu     sync.Mutex
	out    []byte // records that the socket has not taken; out[:sent] is gone
	sent   int
	broken error

	cut atomic.Bool // Shutdown was called
}

// New wraps an attached connection: TCP, if it is to be detached or looked at without
// reading.
func New(conn net.Conn) *Conn {
	return &Conn{conn: conn, fd: -1, local: conn.LocalAddr(), remote: conn.RemoteAddr()}
}

// Detached says whether the connection has left the poller.
func (c *Conn) Detached() bool { return c.detached }

// FD is the socket of a detached connection, to wait on; -1 if there is none.
func (c *Conn) FD() int { return c.fd }

// Read implements net.Conn. Detached, it never waits.
func (c *Conn) Read(p []byte) (int, error) {
	if !c.detached {
		n, err := c.conn.Read(p)
		if err == io.EOF {
			err = ErrTruncated
		}
		return n, err
	}
	if len(c.in) == 0 {
		if c.end != nil {
			return 0, c.end
		}
		return 0, ErrWouldBlock
	}
	n := copy(p, c.in)
	c.in = c.in[n:]
	return n, nil
}

// Feed lends ciphertext to the following Reads. Keep must be called before the
// memory of p is used for anything else.
func (c *Conn) Feed(p []byte) {
	c.seen.add(p)
	if len(c.in) == 0 {
		c.in = p
		return
	}
	c.store = append(c.store[:copy(c.store, c.in)], p...)
	c.in = c.store
}

// Keep copies what was fed and not read, so that the fed memory is free again.
func (c *Conn) Keep() {
	if len(c.in) == 0 {
		c.in = nil
		return
	}
	c.store = append(c.store[:0], c.in...)
	c.in = c.store
}

// End tells Read what to answer once all that was fed is served.
func (c *Conn) End(err error) { c.end = err }

// LastRecordRead says that, now that one Read of the tls.Conn has returned less
// than was asked, nothing is left in it: exactly one whole record was fed since the
// connection was last known to be drained.
func (c *Conn) LastRecordRead() bool { return c.seen.records == 1 && c.seen.boundary() }

// Drained notes that the tls.Conn holds nothing that a Read would return.
func (c *Conn) Drained() { c.seen.records = 0 }

// Write implements net.Conn. Detached, it takes all of p without sending it.
func (c *Conn) Write(p []byte) (int, error) {
	if !c.detached {
		return c.conn.Write(p)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return 0, c.broken
	}
	c.out = append(c.out, p...)
	return len(p), nil
}

// Flush sends what the socket takes now and reports how many bytes are left. An
// error is final: the stream has a hole.
func (c *Conn) Flush() (left int, err error) {
	if !c.detached {
		return 0, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flush()
}

func (c *Conn) flush() (int, error) {
	if c.broken != nil {
		return 0, c.broken
	}
	for c.sent < len(c.out) {
		n, err := send(c.fd, c.out[c.sent:])
		if err != nil {
			c.broken = err
			return 0, err
		}
		if n == 0 {
			return len(c.out) - c.sent, nil
		}
		c.sent += n
	}
	c.out, c.sent = c.out[:0], 0
	return 0, nil
}

// Bulky says that Settle would give up the reader's buffer. For the reader only.
func (c *Conn) Bulky() bool { return cap(c.store) > keepCap }

// BulkyWrite is a number of bytes that may leave the writer with a buffer that Settle gives
// up.
const BulkyWrite = keepCap / 2

// Settle makes a connection ready to be idle: it sends what the socket takes, and gives up
// buffers that are not needed. False: something is left that was not sent.
func (c *Conn) Settle() bool { return !c.detached || c.settle() }

func (c *Conn) settle() bool {
	if len(c.in) == 0 && cap(c.store) > keepCap {
		c.in, c.store = nil, nil
	}
	c.mu.Lock()
	left, err := c.flush()
	if cap(c.out) > keepCap && len(c.out) == 0 {
		c.out = nil
	}
	c.mu.Unlock()
	return left == 0 && err == nil
}

// Shutdown is HangUp by the owner: errors that follow are his doing.
func (c *Conn) Shutdown() {
	c.cut.Store(true)
	c.HangUp()
}

// Cut says whether Shutdown was called.
func (c *Conn) Cut() bool { return c.cut.Load() }

// Close implements net.Conn. Detached, it first sends what the socket still takes,
// a close_notify usually. No other call may be under way or follow.
func (c *Conn) Close() error {
	if !c.detached {
		return c.conn.Close()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd < 0 {
		return net.ErrClosed
	}
	_, _ = c.flush()
	fd := c.fd
	c.fd = -1
	if c.broken == nil {
		c.broken = net.ErrClosed
	}
	return closeFD(fd)
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn; detached, waiting is the embedder's.
func (c *Conn) SetDeadline(t time.Time) error {
	if !c.detached {
		return c.conn.SetDeadline(t)
	}
	return nil
}

// SetReadDeadline implements net.Conn; detached, waiting is the embedder's.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if !c.detached {
		return c.conn.SetReadDeadline(t)
	}
	return nil
}

// SetWriteDeadline implements net.Conn; detached, waiting is the embedder's.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if !c.detached {
		return c.conn.SetWriteDeadline(t)
	}
	return nil
}

// Quiet is what an idle connection's socket should be.
type Quiet int

// What Peek found.
const (
	Silent  Quiet = iota // alive, nothing to read
	Pending              // bytes wait, or may wait: a read must tell
	Gone                 // FIN or an error
)
