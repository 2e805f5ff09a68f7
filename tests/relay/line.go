package relay

import (
	"net"
	"sync/atomic"
)

// dripPiece is how many bytes pass at a time on a line that drips.
const dripPiece = 8

// line is the TCP side of a TLS connection, as bad as the switches of the moment want it.
type line struct {
	*net.TCPConn
	r *Relay
	// lost says that bytes fell into the hole: what comes after them makes no sense to TLS,
	// so nothing passes any more, in neither direction, though nobody is told.
	lost atomic.Bool
}

func (l *line) Read(p []byte) (int, error) {
	for {
		n, err := l.TCPConn.Read(p)
		if n > 0 && l.r.switches.Load().blackHole {
			l.lost.Store(true)
		}
		if !l.lost.Load() {
			return n, err
		}
		l.r.stats.bytesLost.Add(int64(n))
		if err != nil {
			return 0, err
		}
	}
}

func (l *line) Write(p []byte) (n int, err error) {
	sw := l.r.switches.Load()
	if sw.blackHole {
		l.lost.Store(true)
	}
	if l.lost.Load() {
		l.r.stats.bytesLost.Add(int64(len(p)))
		return len(p), nil
	}
	if sw.drip == 0 {
		return l.TCPConn.Write(p)
	}
	for n < len(p) && err == nil {
		if !l.r.pause(sw.drip) {
			return n, errEnded
		}
		var m int
		m, err = l.TCPConn.Write(p[n:min(n+dripPiece, len(p))])
		n += m
	}
	return n, err
}
