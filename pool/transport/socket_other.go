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

// Pull is for detached connections.
func (c *Conn) Pull([]byte) {}

func send(int, []byte) (int, error) { return 0, errors.ErrUnsupported }

func closeFD(int) error { return nil }

// LimitUnacknowledged does nothing here.
func LimitUnacknowledged(syscall.RawConn, time.Duration) error { return nil }
