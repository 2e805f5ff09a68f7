package pool

import (
	"time"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
)

// A panic is a bug of ours. One that came while the pool's mutex was held leaves it locked,
// and every caller would wait for it for ever: such a pool is closed instead.

// No goroutine holds the mutex over I/O, so one that cannot be had in all these turns is
// nobody's. In turns, because a process that was stopped has not tried meanwhile.
const (
	orphanTurn  = 50 * time.Millisecond
	orphanTurns = 40
)

// AfterPanic is for who has recovered from a panic in a call of the pool. It returns at once;
// if the panic has left the pool locked, the pool is closed within a few seconds.
func (p *Pool) AfterPanic() {
	if !p.rescuing.CompareAndSwap(false, true) {
		return
	}
	spawn.Go("rescue", func() {
		defer p.rescuing.Store(false)
		for range 3 { // what the panic left behind may make closing panic, too
			if p.canBeLocked() {
				return
			}
			p.mu.Unlock()
			p.closeBroken()
		}
	})
}

func (p *Pool) canBeLocked() bool {
	had := make(chan struct{})
	spawn.Go("rescue", func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		close(had)
	})
	for range orphanTurns {
		turn := time.NewTimer(orphanTurn)
		select {
		case <-had:
			turn.Stop()
			return true
		case <-turn.C:
		}
	}
	return false
}

func (p *Pool) closeBroken() {
	var err error
	defer spawn.Recover("rescue", &err)
	p.log.Error("pool closed, as a panic had left it locked")
	p.Close(0)
}

// caught, deferred, ends a panic in a goroutine of the pool.
func (p *Pool) caught(name string) {
	if r := recover(); r != nil {
		_ = spawn.Caught(name, r)
		p.AfterPanic()
	}
}
