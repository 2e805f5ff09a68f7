package securemem

import (
	"time"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
)

// ExpireAfter limits the lifetime of the secret to ttl from now on, instead of what
// was set before. Zero or less ends it at once. When it is over the secret is wiped,
// by a timer of its own or by the next call, whichever comes first; if it is borrowed
// or used at that moment, when that ends. Every use is then [ErrExpired]; Free is
// still the owner's to call.
//
// The clock is monotonic: it stands still while the machine sleeps.
//
// Errors: [ErrFreed], [ErrExpired]; [ErrCorrupt] if the secret was wiped by this call
// and its canary was damaged.
func (b *Buffer) ExpireAfter(ttl time.Duration) error {
	b.mu.Lock()
	if err := b.present(); err != nil {
		_ = b.unlock()
		return err
	}
	if b.timer != nil {
		b.timer.Stop()
	}
	b.deadline = time.Now().Add(ttl)
	b.timer = nil
	if !b.lifetimeIsOver() {
		b.timer = time.AfterFunc(ttl, b.expire)
	}
	return b.unlock()
}

// lifetimeIsOver also makes it final. mu is held; unlock wipes.
func (b *Buffer) lifetimeIsOver() bool {
	if !b.expired && !b.deadline.IsZero() && !time.Now().Before(b.deadline) {
		b.expired = true
		b.tell("expire", nil)
	}
	return b.expired
}

// expire is run by the timer. One that was set before the present deadline changes
// nothing.
func (b *Buffer) expire() {
	var err error
	defer spawn.Recover("expiry", &err)
	b.mu.Lock()
	b.lifetimeIsOver()
	if damage := b.unlock(); damage != nil {
		b.mu.Lock()
		b.damage = damage
		b.mu.Unlock()
	}
}
