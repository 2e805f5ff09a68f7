package pool

import "time"

// This file is the side of a Conn that an embedder uses whose connections stay in Go's
// poller: each call has a limit of its own, negative for none, so that one that reads and
// one that writes do not move each other's deadline.

// atOnce is what a limit of 0 waits: a deadline that has passed lets nothing through.
const atOnce = time.Millisecond

func deadline(limit time.Duration) time.Time {
	if limit < 0 {
		return time.Time{}
	}
	return time.Now().Add(max(limit, atOnce))
}

// ReadWithin is Read that ends when limit has passed. That loses nothing: read again.
func (c Conn) ReadWithin(p []byte, limit time.Duration) (int, error) {
	ch, err := c.live()
	if err != nil {
		return 0, err
	}
	ch.limited.Store(true)
	_ = ch.tls.SetReadDeadline(deadline(limit)) // on a closed one Read tells
	return c.Read(p)
}

// WriteWithin is Write of all of p; one that limit ends breaks the connection.
func (c Conn) WriteWithin(p []byte, limit time.Duration) error {
	ch, err := c.live()
	if err != nil {
		return err
	}
	switch {
	case ch.failed.Load():
		return errBroken
	case len(p) == 0: // no request that an answer is timed from
		return nil
	}
	ch.limited.Store(true)
	_ = ch.tls.SetWriteDeadline(deadline(limit))
	_, err = c.Write(p)
	return err
}
