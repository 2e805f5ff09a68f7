package pool

import (
	"errors"
	"io"
	"net"
	"runtime"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool/transport"
)

// Conn is a connection on lease. It is a small value: copy it freely; when the lease
// ends, every copy of it is dead. One goroutine may read and one may write at the
// same time.
type Conn struct {
	ch    *channel
	lease uint64
}

// live gives the connection while the lease is out.
func (c Conn) live() (*channel, error) {
	if c.ch == nil || c.ch.lease.Load() != c.lease {
		return nil, errorf(ErrClosed, nil, "the lease has ended")
	}
	return c.ch, nil
}

// ID numbers the connection within its pool; never reused.
func (c Conn) ID() uint64 { return c.ch.id }

// Uses counts the leases of this connection that came before this one: 0 is a fresh
// connection, on which a protocol with a login logs in first. 0 once the lease has ended.
func (c Conn) Uses() uint64 {
	if ch, err := c.live(); err == nil {
		return ch.usesNow()
	}
	return 0
}

// Endpoint is the host:port it was opened to.
func (c Conn) Endpoint() string { return c.ch.endpoint.addr }

// Read implements io.Reader; io.EOF is the peer's close_notify, a truncated stream
// is ErrTruncated.
func (c Conn) Read(p []byte) (int, error) {
	ch, err := c.live()
	if err != nil {
		return 0, err
	}
	ch.touch()
	n, err := ch.tls.Read(p)
	if n > 0 {
		ch.drained.Store(false)
		ch.didRead(n, ch.pool.now())
	}
	if err == nil {
		return n, nil
	}
	return n, ch.readError(err)
}

// Write implements io.Writer. After an error the stream cannot be continued.
func (c Conn) Write(p []byte) (int, error) {
	ch, err := c.live()
	if err != nil {
		return 0, err
	}
	if ch.failed.Load() {
		return 0, errBroken
	}
	ch.willWrite(ch.pool.now())
	n, err := ch.tls.Write(p)
	ch.didWrite(n)
	if err != nil {
		return n, ch.streamError("write", err)
	}
	return n, nil
}

// SetDeadline sets an absolute limit for Read and Write, as on a net.Conn. A Write
// that passes it breaks the connection. It ends with the lease.
func (c Conn) SetDeadline(t time.Time) error {
	ch, err := c.live()
	if err != nil {
		return err
	}
	ch.limited.Store(true)
	return ch.tls.SetDeadline(t)
}

// Release ends the lease. The connection goes back to the pool, or is closed if it
// failed or holds bytes that were not read or sent. Further calls do nothing.
func (c Conn) Release() { ring(c.end(true)) }

// Discard ends the lease and closes the connection, for protocols that lost their
// place in it. Further calls do nothing.
func (c Conn) Discard() { ring(c.end(false)) }

// end ends the lease. The bell of whoever got the connection is to be rung.
func (c Conn) end(keep bool) (next Bell) {
	ch := c.ch
	if ch == nil {
		return nil
	}
	p := ch.pool
	now := p.now() // first, for the processor computes with it while it waits for the rest
	if !ch.lease.CompareAndSwap(c.lease, c.lease+1) {
		return nil
	}
	why := closedDiscarded
	if keep {
		why = ch.returnable()
	}
	if !p.mu.TryLock() { // as in direct
		p.contend()
	}
	if p.laden() {
		p.takeIn()
	}
	ch.unseat()
	ch.uses++
	ch.endpoint.hold.record(now - ch.lentAt)
	if ch.retired != stays { // Again has taken it out
		p.discards++
		p.unlock()
		p.closeStruck(ch, now)
		return nil
	}
	p.leaseEnds(ch)
	if why == stays {
		why = p.leaves(ch, now)
	}
	if why == stays && (p.waiters.len == 0 || p.paused) {
		p.rest(ch, now)
		if p.settled() {
			p.mu.Unlock()
		} else {
			p.unlock()
		}
		return nil
	}
	if why == stays {
		p.offer(ch, now, false)
		next = p.waiters.unring()
		p.unlock()
		if !p.opts.Detach {
			// Who waited runs before this goroutine goes on with something else. An
			// embedder's thread leaves Go at once anyway.
			runtime.Gosched()
		}
		return next
	}
	if why != closedDrain {
		p.discards++
	}
	p.dismiss(ch, why)
	p.unlock()
	return nil
}

// dismiss is retire for a connection whose lease has just ended. The caller holds mu.
func (p *Pool) dismiss(ch *channel, why reason) {
	if ch.cutOff {
		p.cut--
	}
	p.retire(ch, why, !ch.replaced && why != closedDrain && why != closedResized)
}

// leaseEnds counts a connection as lent no more. The caller holds mu.
func (p *Pool) leaseEnds(ch *channel) {
	p.lent--
	if ch.leaked {
		ch.leaked = false
		p.returned++
	}
}

// leaves says whether a connection that could be kept is closed at its return, and
// why. The caller holds mu and has taken it out of lent.
func (p *Pool) leaves(ch *channel, now time.Duration) reason {
	switch {
	case p.state != running:
		return closedDrain
	case p.staying() >= p.max:
		return closedResized
	}
	if p.opts.judges() && now-ch.judged >= judgeEvery {
		p.judge(ch, now)
	}
	switch {
	case ch.slow && !p.cleanup.running.Load():
		if p.cleanup.retires.AllowN(p.epoch.Add(now), 1) {
			return closedSlow
		}
	case p.total()+1 == p.max && p.cleanup.running.Load():
		// There is no room to dial first.
		if why, _ := p.dueFor(ch, now); why != stays && p.cleanup.retires.AllowN(p.epoch.Add(now), 1) {
			p.owed++
			return why
		}
	}
	return p.expired(ch, now)
}

var errBroken = &Error{Kind: ErrState, Text: "an earlier call broke the connection: discard it"}

func (ch *channel) touch() {
	if !ch.touched.Load() {
		ch.touched.Store(true)
	}
}

// willWrite starts the clock of a request.
func (ch *channel) willWrite(now time.Duration) {
	ch.touch()
	ch.passage().Asked.CompareAndSwap(0, int64(now))
	ch.active.Store(int64(now))
}

func (ch *channel) didWrite(n int) {
	ch.sent.Add(uint64(n))
	ch.endpoint.sent.Add(uint64(n))
	ch.passage().Wrote.Add(uint64(n))
	ch.trace("write", n)
}

// didRead stops the clock of a request at its first byte.
func (ch *channel) didRead(n int, now time.Duration) {
	ch.touch()
	ch.received.Add(uint64(n))
	ch.endpoint.received.Add(uint64(n))
	went := ch.passage()
	went.Read.Add(uint64(n))
	ch.trace("read", n)
	ch.active.Store(int64(now))
	if asked := went.Asked.Swap(0); asked != 0 {
		took := now - time.Duration(asked)
		ch.latency.record(took, now, &ch.pool.opts)
		ch.endpoint.latency.record(took)
		ch.pool.answers.record(ch.id, took, now, ch.pool.opts.HistogramRotationInterval)
	}
}

// readError tells the end of a stream from its failures.
func (ch *channel) readError(err error) error {
	switch {
	case err == transport.ErrWouldBlock:
		return ErrWouldBlock
	case err == io.EOF && !ch.unanswered():
		ch.spoil() // an orderly end: not an error, but nothing to lend again
		return io.EOF
	}
	return ch.streamError("read", err)
}

// unanswered says that this lease sent something on a connection it did not open,
// and has read nothing.
func (ch *channel) unanswered() bool {
	went := ch.passage()
	return ch.usesNow() > 0 && went.Wrote.Load() > 0 && went.Read.Load() == 0
}

// streamError classifies and counts what ended a read or a write.
func (ch *channel) streamError(verb string, err error) error {
	kind := streamKind(err)
	switch {
	case ch.socket.Cut():
		ch.spoil()
		return errorf(ErrClosed, nil, "connection %d to %s: the pool was closed, or the lease ended", ch.id, ch.endpoint.addr)
	case kind == ErrTimeout:
		ch.pool.timeouts.Add(1)
		timeout := errorf(ErrTimeout, nil, "%s on connection %d to %s: timed out", verb, ch.id, ch.endpoint.addr)
		if verb == "write" {
			ch.fail(failTimeout, timeout)
		}
		return timeout
	case ch.failed.Load() && errors.Is(err, net.ErrClosed):
		return errBroken
	}
	if (kind == ErrTruncated || kind == ErrIO) && ch.unanswered() {
		stale := errorf(ErrStale, err, "%s on reused connection %d to %s: died before any answer, %d bytes written, 0 read",
			verb, ch.id, ch.endpoint.addr, ch.passage().Wrote.Load())
		ch.fail(failStale, stale)
		ch.stale.Store(stale)
		return stale
	}
	failed := errorf(kind, err, "%s on connection %d to %s", verb, ch.id, ch.endpoint.addr)
	ch.fail(failureOf(kind, err), failed)
	return failed
}
