package pool_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// bell counts how often it was rung.
type bell struct{ rung int }

func (b *bell) Ring() { b.rung++ }

// queue has a caller wait for its turn.
func queue(t *testing.T, p *pool.Pool, limit time.Duration, b *bell) pool.Turn {
	t.Helper()
	c, turn, err := p.AcquireOrQueue(limit, b, nil)
	if err != nil || c != (pool.Conn{}) || !turn.Waits() {
		t.Fatalf("not in line: %v, %v, waits %v", c, err, turn.Waits())
	}
	return turn
}

func one(o *pool.Options) { quiet(o); o.MaxConnections = 1 }

func TestATurnIsServedInItsOrderAndItsBellRingsOnce(t *testing.T) {
	virtual(t, "a:1", one, func(t *testing.T, p *pool.Pool, _ *network) {
		held := lease(t, p)
		var bells [3]bell
		var turns [3]pool.Turn
		for i := range turns {
			turns[i] = queue(t, p, time.Second, &bells[i])
		}
		if c, err := turns[0].Take(); err != nil || c != (pool.Conn{}) || !turns[0].Waits() {
			t.Fatalf("taken before it was served: %v, %v", c, err)
		}
		for i := range turns {
			held.Release()
			for other, b := range bells {
				if want := map[bool]int{true: 1}[other <= i]; b.rung != want {
					t.Fatalf("after %d returns bell %d was rung %d times", i+1, other, b.rung)
				}
			}
			var err error
			if held, err = turns[i].Take(); err != nil || turns[i].Waits() {
				t.Fatalf("turn %d: %v", i, err)
			}
		}
		held.Release()
		check(t, p)
	})
}

func TestReturnLeavesTheBellToTheEmbedder(t *testing.T) {
	virtual(t, "a:1", one, func(t *testing.T, p *pool.Pool, _ *network) {
		held := lease(t, p)
		b := new(bell)
		turn := queue(t, p, time.Second, b)
		if next := held.Return(true); next != b || b.rung != 0 {
			t.Fatalf("%v, rung %d times", next, b.rung)
		}
		c, err := turn.Take()
		if err != nil {
			t.Fatal(err)
		}
		if next := c.Return(true); next != nil {
			t.Fatal("a bell, and nobody waits")
		}
	})
}

func TestATurnEndsAtItsDeadline(t *testing.T) {
	virtual(t, "a:1", one, func(t *testing.T, p *pool.Pool, _ *network) {
		held := lease(t, p)
		turn := queue(t, p, time.Second, new(bell))
		pass(time.Second - 1)
		if _, err := turn.Take(); err != nil || !turn.Waits() {
			t.Fatalf("too early: %v", err)
		}
		pass(1)
		if _, err := turn.Take(); !errors.Is(err, pool.ErrTimeout) || turn.Waits() {
			t.Fatalf("at its deadline: %v", err)
		}
		held.Release()
		check(t, p)
		wantAllPermits(t, p, 1)
	})
}

func TestATurnGoesOnWhenItWasServedWithADeadConnection(t *testing.T) {
	virtual(t, "a:1", one, func(t *testing.T, p *pool.Pool, n *network) {
		held := lease(t, p)
		b := new(bell)
		turn := queue(t, p, time.Second, b)
		next := held.Return(true)
		n.peers[0].Close()
		if next != b {
			t.Fatal("not served")
		}
		if _, err := turn.Take(); err != nil || !turn.Waits() {
			t.Fatalf("a dead connection ended the turn: %v", err)
		}
		synctest.Wait() // for the dial that replaces it
		c, err := turn.Take()
		if err != nil || b.rung != 1 || c.Uses() != 0 {
			t.Fatalf("%v, rung %d times", err, b.rung)
		}
		c.Release()
		check(t, p)
	})
}

func TestCloseEndsTurns(t *testing.T) {
	virtual(t, "a:1", one, func(t *testing.T, p *pool.Pool, _ *network) {
		held := lease(t, p)
		b := new(bell)
		turn := queue(t, p, time.Hour, b)
		time.AfterFunc(time.Second, held.Release)
		p.Close(time.Minute)
		if _, err := turn.Take(); !errors.Is(err, pool.ErrClosed) || b.rung != 1 {
			t.Fatalf("%v, rung %d times", err, b.rung)
		}
	})
}
