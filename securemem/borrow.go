package securemem

import "fmt"

// Mode is what a borrow is for. Numbers are those of SPRINT_READ and SPRINT_WRITE.
type Mode int

// Modes of [Buffer.Open].
const (
	Read  Mode = 1
	Write Mode = 2
)

// Open borrows the locked memory itself. Borrows for reading share and are counted;
// one for writing is alone. Through a borrow for reading a write is a fault: the
// pages are read-only while it lasts. The slice is valid until the matching Close.
//
// It never waits: whatever stands in the way, another borrow or a use on another
// goroutine, is [ErrState]. Other errors: [ErrMode], [ErrFreed], [ErrExpired],
// [ErrNoMemory] and, for a sealed secret, [ErrLimit].
func (b *Buffer) Open(m Mode) ([]byte, error) {
	if m != Read && m != Write {
		return nil, fmt.Errorf("%w, not %d", ErrMode, int(m))
	}
	b.mu.Lock()
	err := b.lend(m)
	b.tell("open", err)
	if err != nil {
		_ = b.unlock()
		return nil, err
	}
	defer b.mu.Unlock()
	return b.data, nil
}

// lend counts a borrow. mu is held.
func (b *Buffer) lend(m Mode) error {
	if err := b.present(); err != nil {
		return err
	}
	switch {
	case b.writer:
		return fmt.Errorf("%w: open for writing", ErrState)
	case b.writing > 0:
		return fmt.Errorf("%w: being written", ErrState)
	case m == Write && b.readers > 0:
		return fmt.Errorf("%w: open for reading", ErrState)
	case m == Write && b.reading > 0:
		return fmt.Errorf("%w: being read", ErrState)
	}
	if m == Write {
		if err := b.reach(readWrite); err != nil {
			return err
		}
		b.writer, b.public = true, nil
		return nil
	}
	if err := b.reach(readOnly); err != nil {
		return err
	}
	if err := b.slot.allow(readOnly); err != nil {
		return err
	}
	b.readers++
	return nil
}

// Close gives one borrow back. If the buffer ended meanwhile the last one wipes the
// secret, and [ErrCorrupt] says that the canary was damaged. A buffer that is not
// open is [ErrState].
func (b *Buffer) Close() error {
	b.mu.Lock()
	switch {
	case b.writer:
		b.writer = false
	case b.readers > 0:
		b.readers--
	default:
		b.mu.Unlock()
		return fmt.Errorf("%w: not open", ErrState)
	}
	b.tell("close", nil)
	return b.unlock()
}
