package securemem

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bitcoin-sprint/libsprint/internal/list"
)

// Flags choose how a buffer is kept. They can be combined; unknown ones are
// [ErrUnsupported].
type Flags uint32

// Flags of a new buffer. Numbers are those of SPRINT_BUFFER_* in sprint.h.
const (
	// Fast leaves the pages readable and writable after they were wiped, which saves
	// two system calls. What is given up: a stale pointer reads zeros or the next
	// secret instead of faulting.
	Fast Flags = 1
	// NoAccess keeps the pages without access whenever the buffer is not open or in
	// use, so that a stray read or write faults.
	NoAccess Flags = 2
	// Degrade takes pages that are not locked, and can be swapped out, where locked
	// ones are refused. [Buffer.Locked] tells, and [Stats] counts them.
	Degrade Flags = 4

	knownFlags = Fast | NoAccess | Degrade
)

const maxSize = 1 << 30

// Buffer is a secret in a slot of its own, or sealed.
//
// It has owners, who free it, borrows, which a host opens and closes, and uses: calls
// of this package that work on the secret. Uses wait for each other; none of them
// waits for a borrow, and a borrow waits for nothing. When the last owner is gone
// every new call but Close is [ErrFreed], and the last borrow or use that ends wipes
// the secret. Expiry does the same with [ErrExpired], and leaves Free to the owners.
type Buffer struct {
	id    uint64  // order in which several are locked; what a sealed secret is bound to
	name  [8]byte // id, for the cipher
	size  int
	flags Flags
	ours  bool // the key of what is sealed: not counted, not told

	// use is held by uses while they touch the secret, and by nobody else. Always
	// taken after being counted under mu, and never with mu held.
	use sync.RWMutex

	mu       sync.Mutex // held for moments; guards what follows
	owners   int
	readers  int // borrows for reading
	writer   bool
	reading  int // uses that read, waiting for use or holding it
	writing  int
	slot     *slot  // nil: sealed or wiped
	seat     *slot  // of a sealed secret: where it was, wiped, and another's if that wanted it
	data     []byte // of the slot
	sealed   []byte // nil: in the slot or wiped
	spare    []byte // what sealed was, for the next time
	deadline time.Time
	timer    *time.Timer
	expired  bool
	damage   error                       // found when an expired secret was wiped
	public   *[Ed25519PublicKeySize]byte // of the secret as a seed; nil: not computed

	place list.Node[*Buffer] // among residents, guarded by their mu
}

var lastID atomic.Uint64

// Alloc returns a buffer of n zeros, 1 byte to 1 GiB.
//
// It fails with [ErrSize], [ErrUnsupported] (flags), [ErrLimit], [ErrNoMemory] or
// [ErrNoReplace], and then nothing has changed for any other buffer.
func Alloc(n int, f Flags) (*Buffer, error) {
	// Wiped before, but a stray write may have hit what was the unused part.
	return alloc(n, f, func(p []byte) { clear(p) })
}

// From moves a secret into a new buffer: src is wiped, also when the memory cannot
// be had. Only a wrong argument leaves src as it was. Errors are those of [Alloc].
func From(src []byte, f Flags) (*Buffer, error) {
	b, err := alloc(len(src), f, func(p []byte) { copy(p, src) })
	if err == nil || !isArgument(err) {
		Wipe(src)
	}
	return b, err
}

func isArgument(err error) bool {
	return errors.Is(err, ErrSize) || errors.Is(err, ErrUnsupported)
}

// Random returns a buffer of n bytes from the kernel's random generator. Errors are
// those of [Alloc].
func Random(n int, f Flags) (*Buffer, error) {
	return alloc(n, f, func(p []byte) { _, _ = rand.Read(p) }) // never fails
}

// alloc makes a buffer and has fill write its secret.
func alloc(n int, f Flags, fill func(p []byte)) (*Buffer, error) {
	switch {
	case f&^knownFlags != 0:
		return nil, fmt.Errorf("%w: flags %#x", ErrUnsupported, uint32(f))
	case n < 1 || n > maxSize:
		return nil, fmt.Errorf("%w, not %d", ErrSize, n)
	case kernel == nil:
		return nil, ErrNoReplace
	}
	// Filling is a use: at the limit another allocation must not seal what is half made.
	b := &Buffer{id: lastID.Add(1), size: n, flags: f, owners: 1, writing: 1}
	if err := b.occupy(); err != nil {
		return nil, err
	}
	fill(b.data)
	clearVectors()
	b.begin()
	b.tell("allocate", nil)
	b.mu.Lock()
	b.writing--
	return b, b.unlock()
}

// begin and end count the buffers of the host.
func (b *Buffer) begin() { count.buffers.Add(1) }

func (b *Buffer) end() {
	if count.buffers.Add(-1) == 0 {
		sealing.forgetUnused()
	}
}

// occupy gets b a slot, writable and with a new canary. mu is held, or b is new.
func (b *Buffer) occupy() error {
	s, err := takeSlotFor(b)
	if err != nil {
		if errors.Is(err, ErrLimit) {
			count.refused.Add(1)
		}
		b.tell("refuse", err)
		return err
	}
	data, err := s.begin(b.size)
	if err != nil {
		s.giveBack()
		return err
	}
	b.slot, b.data = s, data
	b.arrive()
	if s.locked {
		count.newest.Store(uint32(s.backend))
	}
	return nil
}

// Len is the size of the secret in bytes, also of a freed one.
func (b *Buffer) Len() int { return b.size }

// Backend is how the pages of the secret are kept, BackendAuto if it is in none:
// sealed, expired or freed, or in pages that are not locked.
func (b *Buffer) Backend() Backend {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.slot == nil {
		return BackendAuto
	}
	return b.slot.backend
}

// Locked reports whether the secret is safe from swapping: false for one that is in
// the pages that Degrade took.
func (b *Buffer) Locked() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.slot == nil || b.slot.locked
}

// Retain adds an owner, who must Free too, and returns b; or nil if the last owner is
// gone already.
func (b *Buffer) Retain() *Buffer {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.owners == 0 {
		return nil
	}
	b.owners++
	return b
}

// Free gives up one ownership. The last one ends the buffer: the secret is wiped now,
// or by the last borrow or use that ends. It never waits for any.
//
// [ErrCorrupt] says that the canary was damaged; the secret is wiped all the same.
// Without owners left it is [ErrFreed].
func (b *Buffer) Free() error {
	b.mu.Lock()
	if b.owners == 0 {
		b.mu.Unlock()
		return ErrFreed
	}
	b.owners--
	last := b.owners == 0
	damage := error(nil)
	if last {
		if !b.ours {
			defer b.end()
		}
		damage = b.damage
		if b.timer != nil {
			b.timer.Stop()
		}
	}
	err := errors.Join(damage, b.unlock())
	if last {
		b.tell("free", err)
	}
	return err
}

// idle reports whether no borrow and no use has a claim on the secret. mu is held.
func (b *Buffer) idle() bool {
	return b.readers == 0 && !b.writer && b.reading == 0 && b.writing == 0
}

// rest takes access from the pages where nobody needs it. mu is held, or b is new.
func (b *Buffer) rest() {
	if b.slot != nil && b.flags&NoAccess != 0 {
		_ = b.slot.allow(none) // access that could not be taken is given again anyway
	}
}

// unlock unlocks mu after any change, and wipes the secret if its time is over and
// nobody has a claim on it any more. The wiping itself is done unlocked: it may take
// long.
func (b *Buffer) unlock() error {
	if !b.idle() {
		b.mu.Unlock()
		return nil
	}
	if b.owners > 0 && !b.expired {
		b.rest()
		b.mu.Unlock()
		return nil
	}
	s, seat := b.slot, b.detach()
	b.slot, b.data = nil, nil
	b.depart()
	if b.sealed != nil {
		b.sealed = nil
		sealing.forget()
	}
	b.mu.Unlock()
	if seat != nil {
		seat.giveBack()
	}
	if s == nil {
		return nil
	}
	return s.end(b.size)
}
