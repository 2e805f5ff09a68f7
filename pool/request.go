package pool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// RequestFlags change what Request does.
type RequestFlags uint32

// Idempotent says that the peer may get the request twice. If the connection was reused
// and died before any answer, and nothing else was sent or read on this lease, the
// request is sent once more on a connection that is dialled for it, within the retry
// budget of the pool. c is then the lease of that one.
const Idempotent RequestFlags = 1

// Request writes all of data and then reads once, at least one byte or io.EOF. ctx
// bounds it all, in place of SetDeadline.
func (c *Conn) Request(ctx context.Context, data, answer []byte, flags RequestFlags) (int, error) {
	ch, err := c.live()
	switch {
	case err != nil:
		return 0, err
	case flags&^Idempotent != 0:
		return 0, errorf(ErrOption, nil, "request: unknown flags %#x", uint32(flags))
	case len(data) == 0 || len(answer) == 0:
		return 0, errorf(ErrOption, nil, "request: data or answer is empty")
	}
	once := flags&Idempotent == 0 || ch.touched.Load()
	n, err := c.exchange(ctx, data, answer)
	if once || !errors.Is(err, ErrStale) {
		return n, err
	}
	limit := time.Duration(-1)
	if at, ok := ctx.Deadline(); ok {
		limit = max(time.Until(at), 0)
	}
	fresh, err := c.again(limit, ctx.Done())
	if err != nil {
		return 0, err
	}
	*c = fresh
	n, err = c.exchange(ctx, data, answer)
	c.Resent(err == nil || err == io.EOF)
	return n, err
}

// exchange is one write of all and one read, until ctx ends.
func (c Conn) exchange(ctx context.Context, data, answer []byte) (n int, err error) {
	if ctx.Done() != nil {
		at, _ := ctx.Deadline() // the zero time is none
		_ = c.SetDeadline(at)
		var ending sync.WaitGroup
		ending.Add(1)
		stop := context.AfterFunc(ctx, func() {
			defer ending.Done()
			_ = c.SetDeadline(time.Unix(1, 0))
		})
		defer func() {
			if !stop() {
				ending.Wait()
			}
			_ = c.SetDeadline(time.Time{})
			if err != nil && err != io.EOF && ctx.Err() != nil {
				err = fmt.Errorf("%w (%w)", err, context.Cause(ctx))
			}
		}()
	}
	if _, err := c.Write(data); err != nil {
		return 0, err
	}
	return c.Read(answer)
}
