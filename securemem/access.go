package securemem

import (
	"crypto/subtle"
	"fmt"
)

// present returns nil if new calls may work on the secret. mu is held.
func (b *Buffer) present() error {
	switch {
	case b.owners == 0:
		return ErrFreed
	case b.lifetimeIsOver():
		return ErrExpired
	}
	return nil
}

// reach brings the secret into a slot whose pages allow at least a. mu is held, and
// present has said yes.
func (b *Buffer) reach(a access) error {
	if b.slot == nil {
		if err := b.unseal(); err != nil {
			return err
		}
	}
	if b.slot.access >= a {
		return nil
	}
	return b.slot.allow(a)
}

// enter begins a use: counted first, so that no borrow in its way can begin, then
// locked against other uses. It never waits for a borrow.
func (b *Buffer) enter(m Mode) error {
	b.mu.Lock()
	err := b.admit(m)
	b.tell("use", err)
	if err != nil {
		_ = b.unlock()
		return err
	}
	b.mu.Unlock()
	if m == Write {
		b.use.Lock()
	} else {
		b.use.RLock()
	}
	return nil
}

// admit counts a use. mu is held.
func (b *Buffer) admit(m Mode) error {
	if err := b.present(); err != nil {
		return err
	}
	switch {
	case b.writer:
		return fmt.Errorf("%w: open for writing", ErrState)
	case m == Write && b.readers > 0:
		return fmt.Errorf("%w: open for reading", ErrState)
	case m == Read:
		if err := b.reach(readOnly); err != nil {
			return err
		}
		b.reading++
		return nil
	}
	// Nobody makes the pages read-only again while this use is counted.
	if err := b.reach(readWrite); err != nil {
		return err
	}
	b.writing++
	b.public = nil
	return nil
}

// leave ends a use, whatever it left in registers included. Damage that is found because the buffer ended meanwhile is
// counted, but it is not an error of the use.
func (b *Buffer) leave(m Mode) {
	clearVectors()
	if m == Write {
		b.use.Unlock()
	} else {
		b.use.RUnlock()
	}
	b.mu.Lock()
	if m == Write {
		b.writing--
	} else {
		b.reading--
	}
	_ = b.unlock()
}

// ReadAt copies len(dst) bytes from offset off on, all or nothing. The copy is the
// caller's to protect and to wipe.
//
// Errors: [ErrRange], and those of every use: [ErrState] (open for writing),
// [ErrFreed], [ErrExpired]; for a sealed secret also [ErrLimit] and [ErrNoMemory].
func (b *Buffer) ReadAt(dst []byte, off int) error {
	if err := b.inside(off, len(dst)); err != nil {
		return err
	}
	if err := b.enter(Read); err != nil {
		return err
	}
	defer b.leave(Read)
	copy(dst, b.data[off:])
	return nil
}

// WriteAt copies src to offset off, all or nothing. src is not wiped. Errors are those
// of [Buffer.ReadAt]; any borrow is [ErrState].
func (b *Buffer) WriteAt(src []byte, off int) error {
	if err := b.inside(off, len(src)); err != nil {
		return err
	}
	if err := b.enter(Write); err != nil {
		return err
	}
	defer b.leave(Write)
	copy(b.data[off:], src)
	return nil
}

func (b *Buffer) inside(off, n int) error {
	if off < 0 || off > b.size || n > b.size-off {
		return fmt.Errorf("%w: offset %d and length %d, size %d", ErrRange, off, n, b.size)
	}
	return nil
}

// Use runs fn on the secret, for a short read such as the comparison of a token. fn
// must neither keep nor change the slice, nor call anything on b. Errors are those of
// every use (see [Buffer.ReadAt]), or what fn returns.
func (b *Buffer) Use(fn func(secret []byte) error) error {
	if err := b.enter(Read); err != nil {
		return err
	}
	defer b.leave(Read)
	return fn(b.data)
}

// Equal compares two secrets in a time that depends on their lengths only. Different
// lengths are not equal. Errors are those of every use (see [Buffer.ReadAt]).
func Equal(a, b *Buffer) (bool, error) {
	// In the order of their ids, so that two calls with the arguments swapped and a
	// writer waiting on each do not wait in a circle. One buffer is entered once.
	first, second := a, b
	if a.id > b.id {
		first, second = b, a
	}
	if err := first.enter(Read); err != nil {
		return false, err
	}
	defer first.leave(Read)
	if first == second {
		return true, nil
	}
	if err := second.enter(Read); err != nil {
		return false, err
	}
	defer second.leave(Read)
	return subtle.ConstantTimeCompare(a.data, b.data) == 1, nil
}
