//go:build linux || windows

package transport

import (
	"errors"
	"syscall"
)

// raw gives an attached connection's socket.
func (c *Conn) raw() (syscall.RawConn, error) {
	s, ok := c.conn.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return s.SyscallConn()
}

// Peek looks at the socket of an idle connection without waiting or reading. One caller at
// a time.
func (c *Conn) Peek() Quiet {
	if c.detached {
		return peek(c.fd)
	}
	if c.look == nil {
		if found, ok := c.prepareLook(); !ok {
			return found
		}
	}
	if c.look.standIn != nil {
		return c.look.standIn.Peek()
	}
	if err := c.look.raw.Control(c.look.peek); err != nil {
		return Gone
	}
	return c.look.found
}

// Unread says that bytes or an end wait in the socket of an attached connection; not where
// only a read can tell. It follows a Peek.
func (c *Conn) Unread() bool { return !c.detached && c.look != nil && c.Peek() != Silent }

// look is what Peek needs for a socket in the poller, kept so that it allocates once.
type look struct {
	standIn interface{ Peek() Quiet } // what is no socket, in tests
	raw     syscall.RawConn
	peek    func(fd uintptr)
	found   Quiet
}

// prepareLook makes look, or says what Peek answers without one.
func (c *Conn) prepareLook() (found Quiet, ok bool) {
	l := &look{}
	if l.standIn, ok = c.conn.(interface{ Peek() Quiet }); !ok {
		raw, err := c.raw()
		if err == errors.ErrUnsupported {
			return Pending, false
		}
		if err != nil {
			return Gone, false
		}
		l.raw = raw
		l.peek = func(fd uintptr) { l.found = peek(int(fd)) }
	}
	c.look = l
	return Silent, true
}
