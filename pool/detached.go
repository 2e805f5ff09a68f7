package pool

import (
	"sync/atomic"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool/transport"
)

// This file is the side of a Conn that an embedder uses which waits for sockets by
// itself (Options.Detach). Nothing here waits. Instants are nanoseconds of
// CLOCK_MONOTONIC, so that one reading of the clock serves the embedder and the pool.

// maxSend bounds what one Send encrypts: more would only sit in memory while the
// socket is full.
const maxSend = 64 << 10

// FD is the socket to wait on, for as long as the lease is out.
func (c Conn) FD() int { return c.ch.socket.FD() }

// Note is a word of the embedder's that stays with the connection across leases; 0
// on a fresh one.
func (c Conn) Note() *atomic.Uint64 { return &c.ch.note }

// BusyPoll is the option of its pool.
func (c Conn) BusyPoll() time.Duration { return c.ch.pool.opts.BusyPoll }

// Drained says that Receive without ciphertext would return nothing.
func (c Conn) Drained() bool { return c.ch.drained.Load() }

// Send encrypts up to 64 KiB of p and gives the socket what it takes. While unsent
// is above 0 nothing more is taken: wait for room, then call Flush.
func (c Conn) Send(p []byte, mono int64) (n, unsent int, err error) {
	ch, err := c.live()
	if err != nil {
		return 0, 0, err
	}
	if ch.failed.Load() {
		return 0, 0, errBroken
	}
	if unsent, err = ch.flush(); unsent > 0 || err != nil || len(p) == 0 {
		return 0, unsent, err
	}
	ch.willWrite(time.Duration(mono - ch.pool.monoEpoch))
	n, err = ch.tls.Write(p[:min(len(p), maxSend)])
	ch.didWrite(n)
	if n >= transport.BulkyWrite {
		ch.callHome() // where Settle is
	}
	if err != nil {
		return n, 0, ch.streamError("write", err)
	}
	unsent, err = ch.flush()
	return n, unsent, err
}

// Flush gives the socket what it takes of what is unsent.
func (c Conn) Flush() (unsent int, err error) {
	ch, err := c.live()
	if err != nil {
		return 0, err
	}
	return ch.flush()
}

func (ch *channel) flush() (int, error) {
	left, err := ch.socket.Flush()
	if err != nil {
		return 0, ch.streamError("write", err)
	}
	return left, nil
}

// Receive decrypts into p what it holds already and then cipher, which the embedder
// has received. ErrWouldBlock asks for more ciphertext, n > 0 is a success whatever
// else is there, and io.EOF is the peer's close_notify. end, if not nil, says why the
// socket will bring no more (transport.ErrTruncated for a FIN). unsent is as of Send:
// answering a KeyUpdate may leave some.
func (c Conn) Receive(cipher []byte, end error, p []byte, mono int64) (n, unsent int, err error) {
	ch, err := c.live()
	if err != nil {
		return 0, 0, err
	}
	if len(cipher) > 0 {
		ch.drained.Store(false)
		ch.socket.Feed(cipher)
	}
	if end != nil {
		ch.drained.Store(false)
		ch.socket.End(end)
	}
	for n < len(p) && err == nil {
		var m int
		asked := len(p) - n
		m, err = ch.tls.Read(p[n:])
		n += m
		if err == nil && m < asked && ch.socket.LastRecordRead() {
			ch.markDrained()
			break
		}
	}
	ch.socket.Keep()
	if ch.socket.Bulky() {
		ch.callHome()
	}
	if err == transport.ErrWouldBlock {
		ch.markDrained()
	}
	if n > 0 {
		ch.didRead(n, time.Duration(mono-ch.pool.monoEpoch))
		err = nil
	} else if err != nil {
		err = ch.readError(err)
	}
	if ch.failed.Load() {
		return n, 0, err
	}
	unsent, flushErr := ch.socket.Flush()
	if flushErr != nil && n == 0 && err == nil {
		err = ch.streamError("write", flushErr)
	}
	return n, unsent, err
}

// TimedOut notes that the embedder's wait ended without result and gives the error
// to report. A write that was broken off leaves a hole in the stream: the connection
// is not used again.
func (c Conn) TimedOut(verb string, limit time.Duration) error {
	ch, err := c.live()
	if err != nil {
		return err
	}
	ch.pool.timeouts.Add(1)
	timeout := errorf(ErrTimeout, nil, "%s on connection %d to %s: nothing within %v", verb, ch.id, ch.endpoint.addr, limit)
	if verb == "write" {
		ch.fail(failTimeout, timeout)
	}
	return timeout
}

// EndedEarly is the error of a peer that ended the stream in order, but before all
// that was to come.
func (c Conn) EndedEarly(have, want int64) error {
	ch, err := c.live()
	if err != nil {
		return err
	}
	return errorf(ErrTruncated, nil, "read_exact on connection %d to %s: the peer ended the stream after %d of %d bytes",
		ch.id, ch.endpoint.addr, have, want)
}

// Cut shuts the socket down: whoever waits on it, or in Again, wakes. The lease must
// still be ended.
func (c Conn) Cut() {
	if ch, err := c.live(); err == nil {
		ch.spoil()
		ch.socket.Shutdown()
		ch.pool.abandon(ch)
	}
}
