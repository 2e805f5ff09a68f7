package pool_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// model is what a pool must agree with, whatever happens to it: who holds a lease, who
// waits, and the bound.
type model struct {
	t       *testing.T
	p       *pool.Pool
	n       *network
	max     int
	total   int                        // as of the last step
	h       *host                      // nil: callers are in Go, and no lease rests
	held    map[uint64]held            // by connection
	waiting map[int]context.CancelFunc // by turn
	turns   int
	results chan result
	stale   uint64
	closed  bool
	killed  bool // a peer; from then on each lease from the shelf is looked at by the pool

	given, ended uint64            // leases
	uses         map[uint64]uint64 // by connection
}

// result is how a wait ended.
type result struct {
	turn int
	conn held
	err  error
}

const modelMax = 4

func newModel(t *testing.T, shelf bool) *model {
	n := &network{t: t, began: time.Now(), down: map[string]error{}, slow: map[string]time.Duration{}}
	o := pool.Defaults()
	o.MaxConnections, o.MinIdle, o.MaxWaiters = modelMax, 2, 1000
	o.ConnectTimeout, o.BreakerCooldown = time.Second, 2*time.Second
	o.MaxLifetime, o.IdleTimeout, o.LeakAfter = 20*time.Second, 10*time.Second, 5*time.Second
	p, err := pool.New("a:1,b:1", o)
	if err != nil {
		t.Fatal(err)
	}
	p.ConnectWith(n.connect)
	m := &model{
		t: t, p: p, n: n, max: modelMax, uses: map[uint64]uint64{},
		held: map[uint64]held{}, waiting: map[int]context.CancelFunc{}, results: make(chan result, 4096),
	}
	if shelf {
		m.h = newHost(p)
		m.h.silent = func(pool.Conn) bool { return !m.killed }
	}
	return m
}

// step does what two bytes say.
func (m *model) step(op, arg byte) {
	arg16 := time.Duration(arg)
	switch op % 16 {
	case 0, 1, 2:
		m.acquire()
	case 3, 4:
		m.end(arg, true)
	case 5:
		m.end(arg, false)
	case 6: // one caller gives up
		if turns := slices.Sorted(maps.Keys(m.waiting)); len(turns) > 0 {
			m.waiting[turns[int(arg)%len(turns)]]()
		}
	case 7:
		m.n.kill()
		m.killed = true
	case 8:
		m.n.set([]string{"a:1", "b:1"}[arg%2], []error{errDown, nil, &pool.Error{Kind: pool.ErrCert, Text: "refused"}}[arg/2%3])
	case 9:
		time.Sleep(arg16 * time.Millisecond)
	case 10:
		time.Sleep(arg16 * 100 * time.Millisecond)
	case 11:
		m.want(m.p.Rotate())
	case 12:
		m.max = 1 + int(arg)%8
		m.want(m.p.Resize(m.max, min(m.max, int(arg)/8%3)))
	case 13:
		m.want(map[bool]func() error{true: m.p.Pause, false: m.p.Resume}[arg%2 == 0]())
	case 14:
		if arg%2 == 0 {
			m.want(m.p.StartCleanup())
		} else {
			m.p.StopCleanup()
		}
	case 15:
		switch arg % 8 {
		case 0:
			m.p.Close(arg16 * time.Millisecond)
			m.closed = true
		case 1, 2, 3:
			m.want(m.p.EvictEndpoint("a:1"))
		case 4:
			m.want(m.p.Reset())
		case 5:
			m.request(arg / 8)
		default:
			m.n.mu.Lock()
			m.n.slow["a:1"] = arg16 * 10 * time.Millisecond
			m.n.mu.Unlock()
		}
	}
	m.settle()
}

func (m *model) want(err error) {
	if m.closed {
		wantKind(m.t, err, pool.ErrClosed)
	} else if err != nil {
		m.t.Fatal(err)
	}
}

func (m *model) acquire() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	turn := m.turns
	m.turns++
	m.waiting[turn] = cancel
	go func() {
		if m.h != nil && turn%4 > 0 { // the others wait as callers in Go
			c, err := m.h.acquire(time.Hour)
			m.results <- result{turn, c, err}
			return
		}
		c, err := m.p.Acquire(ctx)
		m.results <- result{turn, held{c, -1}, err}
	}()
}

func (m *model) end(arg byte, keep bool) {
	ids := slices.Sorted(maps.Keys(m.held))
	if len(ids) == 0 {
		return
	}
	id := ids[int(arg)%len(ids)]
	c := m.held[id]
	delete(m.held, id)
	m.over(c, keep)
}

// over ends a lease.
func (m *model) over(c held, keep bool) {
	m.ended++
	m.uses[c.ID()]++
	how := pool.Conn.Discard
	if keep {
		how = pool.Conn.Release
	}
	if c.slot < 0 {
		how(c.Conn)
		how(c.Conn) // a lease ends once
	} else {
		m.h.end(c, keep)
	}
}

// request asks a peer that never answers, and again on a fresh connection if the one that
// is held was killed.
func (m *model) request(arg byte) {
	ids := slices.Sorted(maps.Keys(m.held))
	if len(ids) == 0 {
		return
	}
	id := ids[int(arg)%len(ids)]
	c := m.held[id]
	delete(m.held, id)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if n, err := c.Request(ctx, []byte("?"), make([]byte, 1), pool.Idempotent); err == nil {
		m.t.Fatalf("%d bytes from a peer that never answers", n)
	}
	if c.ID() != id {
		m.ended++
		if c.slot >= 0 {
			m.h.seats[c.slot].Put(c.Conn)
		}
	}
	m.over(c, true)
}

// settle compares the pool with the model when everything has come to rest.
func (m *model) settle() {
	m.t.Helper()
	synctest.Wait()
	served := m.collect()
	s := m.p.Status()
	for range 100 { // looking at a pipe takes a millisecond
		if m.closed || s.Lent == len(m.held) {
			break
		}
		pass(time.Millisecond)
		served = max(served, m.collect())
		s = m.p.Status()
	}
	total := s.Idle + s.Lent + s.Dialing + s.Closing
	if err := m.p.Check(total <= m.total); err != nil {
		m.t.Fatal(err)
	}
	m.total = total
	if !m.closed && (s.Lent != len(m.held) || s.Waiting != len(m.waiting)) {
		m.t.Fatalf("%d lent and %d waiting, not %d and %d", s.Lent, s.Waiting, len(m.held), len(m.waiting))
	}
	m.count(s)
	// One who is handed a dead connection waits on while others are served.
	if stale := s.Closed["stale"]; stale == m.stale {
		for turn := range m.waiting {
			if turn < served {
				m.t.Fatalf("caller %d was served before caller %d", served, turn)
			}
		}
	} else {
		m.stale = stale
	}
}

// count compares what was counted with the leases that there were.
func (m *model) count(s pool.Status) {
	m.t.Helper()
	hold := s.Endpoints[0].Hold.Count() + s.Endpoints[1].Hold.Count()
	if s.Acquires != m.given || hold != m.ended {
		m.t.Fatalf("%d leases and %d ends are counted, of %d and %d", s.Acquires, hold, m.given, m.ended)
	}
	for _, c := range s.Connections {
		if c.Uses != m.uses[c.ID] {
			m.t.Fatalf("connection %d: %d uses are counted, of %d", c.ID, c.Uses, m.uses[c.ID])
		}
	}
}

// collect takes in how waits ended and returns the last turn that was served.
func (m *model) collect() (served int) {
	served = -1
	for len(m.results) > 0 {
		r := <-m.results
		m.waiting[r.turn]()
		delete(m.waiting, r.turn)
		if r.err != nil {
			continue
		}
		if _, twice := m.held[r.conn.ID()]; twice {
			m.t.Fatalf("connection %d is lent twice", r.conn.ID())
		}
		m.given++
		m.held[r.conn.ID()] = r.conn
		served = max(served, r.turn)
	}
	return served
}

// finish brings quiet and then wants everything to work.
func (m *model) finish() {
	if m.closed {
		for _, c := range m.held {
			m.over(c, true)
		}
		clear(m.held)
		m.settle()
		if len(m.waiting) != 0 {
			m.t.Fatalf("%d wait on a closed pool", len(m.waiting))
		}
		return
	}
	m.n.set("a:1", nil)
	m.n.set("b:1", nil)
	m.n.mu.Lock()
	m.n.slow["a:1"] = 0
	m.n.mu.Unlock()
	m.max = modelMax
	m.want(m.p.Resize(modelMax, 1))
	m.want(m.p.Resume())
	m.want(m.p.StartCleanup())
	for len(m.held) > 0 {
		m.end(0, true)
		m.settle()
	}
	for range 5 {
		pass(time.Second)
		m.settle()
		for len(m.held) > 0 {
			m.end(0, true)
			m.settle()
		}
	}
	if h := m.p.Health(); !h.Healthy || !h.Ready || len(m.waiting) != 0 {
		m.t.Fatalf("after five quiet seconds %d wait: %+v", len(m.waiting), h)
	}
	for range modelMax { // no permit was lost, none is there twice
		m.acquire()
		pass(time.Second)
		m.settle()
	}
	if len(m.held) != modelMax {
		m.t.Fatalf("%d of %d can be lent: %+v", len(m.held), modelMax, m.p.Status())
	}
	if _, err := m.p.AcquireWithin(0); err == nil {
		m.t.Fatal("one more than the bound was lent")
	}
	m.p.Close(0)
	for _, c := range m.held {
		m.over(c, true)
	}
	synctest.Wait()
	if m.n.open != 0 {
		m.t.Fatalf("%d connections are left open", m.n.open)
	}
}

// FuzzPoolAgainstTheModel does what the input says, two bytes a step, and compares the
// pool with the model after each.
func FuzzPoolAgainstTheModel(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x00\x03\x00\x04\x01"))
	f.Add([]byte("\x0e\x00\x0a\x64\x0b\x00\x0a\xff\x0a\xff"))                         // cleanup, rotate, ages
	f.Add([]byte("\x0e\x00\x08\x00\x08\x01\x07\x00\x00\x00\x0a\x50\x00\x00\x0a\x50")) // both down
	f.Add([]byte("\x00\x00\x0c\x07\x00\x00\x00\x00\x0c\x00\x03\x00\x03\x00\x0c\x04")) // resize
	f.Add([]byte("\x00\x00\x03\x00\x00\x00\x07\x00\x0f\x05\x0a\x01"))                 // send again
	f.Add([]byte("\x0d\x00\x00\x00\x00\x00\x06\x00\x0d\x01\x0f\x00"))                 // pause, cancel, close
	f.Add([]byte("\x00\x00\x0f\x05\x00\x00\x08\x04\x0f\x04\x0f\x01\x0f\xff\x09\x10\x0f\x08"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 400 {
			return // longer inputs find nothing that shorter ones do not
		}
		for _, shelf := range []bool{false, true} {
			runModel(t, data, shelf)
		}
	})
}

func runModel(t *testing.T, data []byte, shelf bool) {
	synctest.Test(t, func(t *testing.T) {
		m := newModel(t, shelf)
		defer m.p.Close(0)
		defer func() {
			for _, cancel := range m.waiting {
				cancel()
			}
		}()
		for len(data) >= 2 {
			m.step(data[0], data[1])
			data = data[2:]
		}
		m.finish()
	})
}
