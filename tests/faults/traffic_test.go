package faults

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

const (
	workers = 4
	// calm is what a caller grants an acquire, and then a request with its answer: more than
	// any machine needs where nothing is wrong.
	calm = 10 * time.Second
	// budget is the same where waiting is the fault.
	budget = 1500 * time.Millisecond
	// stuck is what no call may take, however busy the machine is.
	stuck = 3 * calm
)

// garbled is the "kind" of an answer that is not the echo: bytes that nobody asked for.
const garbled pool.Kind = 0

// traffic is callers that lease, ask, check the echo and give back, all the time.
type traffic struct {
	p    *pool.Pool
	stop chan struct{}
	all  sync.WaitGroup

	asking sync.RWMutex // held, for reading, by each request that is under way
	limit  time.Duration

	mu      sync.Mutex
	good    int
	bad     map[pool.Kind]error // one of each kind
	longest time.Duration
}

func startTraffic(p *pool.Pool) *traffic {
	tr := &traffic{p: p, stop: make(chan struct{}), limit: calm, bad: map[pool.Kind]error{}}
	for range workers {
		tr.all.Go(func() {
			for {
				tr.ask()
				select {
				case <-tr.stop:
					return
				case <-time.After(20 * time.Millisecond): // a caller's own work
				}
			}
		})
	}
	return tr
}

func (tr *traffic) ask() {
	tr.asking.RLock()
	defer tr.asking.RUnlock()
	began := time.Now()
	err := request(tr.p, tr.limit)
	tr.note(err, time.Since(began))
}

// grant has callers take so long from now on; none is left that began with another limit.
func (tr *traffic) grant(limit time.Duration) {
	tr.asking.Lock()
	defer tr.asking.Unlock()
	tr.limit = limit
}

// request is one echo on a lease.
func request(p *pool.Pool, limit time.Duration) error {
	c, err := p.AcquireWithin(limit)
	if err != nil {
		return err
	}
	defer c.Release()
	if err := c.SetDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	message := []byte("a message of some length, to be cut somewhere")
	if c.Uses() == 0 {
		message = append([]byte("ECHO\n"), message...)
	}
	if _, err := c.Write(message); err != nil {
		return err
	}
	message = bytes.TrimPrefix(message, []byte("ECHO\n"))
	got := make([]byte, len(message))
	if _, err := io.ReadFull(c, got); err != nil {
		c.Discard()
		return err
	}
	if !bytes.Equal(got, message) {
		c.Discard()
		return &pool.Error{Kind: garbled, Text: string(got)}
	}
	return nil
}

func (tr *traffic) note(err error, took time.Duration) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.longest = max(tr.longest, took)
	if err == nil {
		tr.good++
		return
	}
	tr.bad[kindOf(err)] = err
}

// kindOf is the kind of an error of the pool. The end of a stream in order is one too:
// the answer did not come.
func kindOf(err error) pool.Kind {
	var classed *pool.Error
	switch {
	case errors.As(err, &classed):
		return classed.Kind
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return pool.ErrTruncated
	}
	panic("an error without a kind: " + err.Error())
}

// take returns one error of each kind that came since the last time.
func (tr *traffic) take() map[pool.Kind]error {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	bad := tr.bad
	tr.bad = map[pool.Kind]error{}
	return bad
}

// saw says whether an error of this kind came since take.
func (tr *traffic) saw(kind pool.Kind) bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.bad[kind] != nil
}

// count says how many requests went well.
func (tr *traffic) count() int {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.good
}

// end stops all callers; one that hangs fails the test.
func (tr *traffic) end(t *testing.T) {
	t.Helper()
	close(tr.stop)
	ended := make(chan struct{})
	go func() {
		tr.all.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(stuck):
		t.Fatal("a caller is stuck")
	}
	if tr.longest > stuck {
		t.Errorf("a call took %v", tr.longest)
	}
	for _, err := range tr.take() {
		t.Errorf("of the last requests: %v", err)
	}
}
