//go:build !linux

package transport

import (
	"errors"
	"syscall"
	"time"
)

// Detach is for Linux: elsewhere a connection stays with the poller.
func (c *Conn) Detach() error { return errors.ErrUnsupported }

// Control is for Linux.
func (c *Conn) Control(func(fd int) error) error { return errors.ErrUnsupported }

// HangUp ends the connection: whoever waits on it wakes.
func (c *Conn) HangUp() {
	_ = c.conn.Close()
}

// Quiet is what an idle connection's socket should be.
type Quiet int

// What Peek found.
const (
	Silent  Quiet = iota // alive, nothing to read
	Pending              // bytes wait, or may wait: a read must tell
	Gone                 // FIN or an error
)

// Peek cannot look without reading here: the caller has to read.
func (c *Conn) Peek() Quiet { return Pending }

type look struct{}

// Pull is for detached connections.
func (c *Conn) Pull([]byte) {}

func send(int, []byte) (int, error) { return 0, errors.ErrUnsupported }

func closeFD(int) error { return nil }

// LimitUnacknowledged does nothing here.
func LimitUnacknowledged(syscall.RawConn, time.Duration) error { return nil }
