//go:build !linux && !windows

package transport

// Peek cannot look without reading here: the caller has to read.
func (c *Conn) Peek() Quiet { return Pending }

// Unread cannot tell either.
func (c *Conn) Unread() bool { return false }

type look struct{}
