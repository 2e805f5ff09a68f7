package monitor

import (
	"net"
	"net/http"
	"sync"
)

// boundedListener bounds the connections that are open at once. One more waits for
// its turn and makes the server close those that are idle; the rest of a flood waits
// in the kernel.
type boundedListener struct {
	net.Listener
	slots   chan struct{}
	server  *http.Server
	closing <-chan struct{}
}

// Accept implements net.Listener.
func (l *boundedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	select {
	case l.slots <- struct{}{}:
	default:
		// While keep-alives are off, the connections that are busy now close after
		// their answer, so a slot becomes free within the timeouts of the server.
		l.server.SetKeepAlivesEnabled(false)
		select {
		case l.slots <- struct{}{}:
			l.server.SetKeepAlivesEnabled(true)
		case <-l.closing: // net/http closes connections only when Accept has returned
			_ = conn.Close()
			return nil, net.ErrClosed
		}
	}
	return &boundedConn{TCPConn: conn.(*net.TCPConn), slots: l.slots}, nil
}

// boundedConn gives its slot back when it is closed. net/http needs the CloseWrite of
// a TCPConn to get an early error across.
type boundedConn struct {
	*net.TCPConn
	slots chan struct{}
	once  sync.Once
}

// Close implements net.Conn.
func (c *boundedConn) Close() error {
	err := c.TCPConn.Close()
	c.once.Do(func() { <-c.slots })
	return err
}
