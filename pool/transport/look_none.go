//go:build !linux && !windows

package transport

// Peek cannot look without reading here: the caller has to read.
func (c *Conn) Peek() Quiet { return Pending }

type look struct{}
