package securemem

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/bitcoin-sprint/libsprint/internal/list"
)

// AtLimit is what an allocation does when no more memory can be locked. Numbers are
// those of SPRINT_LIMIT_* in sprint.h.
type AtLimit uint32

// Answers to the limit.
const (
	// LimitFail is [ErrLimit].
	LimitFail AtLimit = 0
	// LimitSeal seals buffers that are not in use, those first that came into locked
	// pages first, until there is room.
	LimitSeal AtLimit = 1
	// LimitDegrade takes unlocked pages, as the flag [Degrade] does for one buffer.
	LimitDegrade AtLimit = 2
)

var policy struct {
	atLimit atomic.Uint32
	budget  atomic.Int64 // most bytes that are locked; 0: as the system allows
}

// SetBudget bounds what is locked for secrets, free slots included; 0 is as the system
// allows. Buffers that live stay, also above a lower bound.
func SetBudget(bytes int64) {
	policy.budget.Store(max(bytes, 0))
	if bytes > 0 && count.lockedBytes.Load() > bytes {
		Trim()
	}
}

// SetAtLimit chooses for later allocations. [LimitSeal] takes one slot for the sealing
// key at once, because at the limit there would be none; its errors are those of
// [Alloc].
func SetAtLimit(a AtLimit) error {
	if a > LimitDegrade {
		return fmt.Errorf("%w: limit policy %d", ErrUnsupported, a)
	}
	if a == LimitSeal {
		if err := sealing.hold(); err != nil {
			return err
		}
	} else {
		sealing.letGo()
	}
	policy.atLimit.Store(uint32(a))
	return nil
}

// fitBudget is fit for the budget that was set.
func fitBudget(size int) (int, error) {
	budget := policy.budget.Load()
	if budget == 0 {
		return batchSlots, nil
	}
	locked := count.lockedBytes.Load()
	if free := budget - locked; free < int64(size) {
		return 0, fmt.Errorf("%w: %d bytes asked for, %d of a budget of %d are locked", ErrLimit, size, locked, budget)
	}
	return int((budget - locked) / int64(size)), nil
}

// residents are the buffers whose secret is in a slot, those first that came first. A
// buffer's place is changed with its mu held.
var residents struct {
	mu sync.Mutex
	list.List[*Buffer]
}

func (b *Buffer) arrive() {
	residents.mu.Lock()
	defer residents.mu.Unlock()
	b.place.Value = b
	residents.PushBack(&b.place)
}

func (b *Buffer) depart() {
	residents.mu.Lock()
	defer residents.mu.Unlock()
	if b.place.Listed() {
		residents.Remove(&b.place)
	}
}

// takeSlotFor is the slot that b left when it was sealed, or takeSlot with what the
// policy says about the limit.
func takeSlotFor(b *Buffer) (*slot, error) {
	if s := b.detach(); s != nil {
		return s, nil
	}
	flags := b.flags
	if AtLimit(policy.atLimit.Load()) == LimitDegrade {
		flags |= Degrade
	}
	s, err := takeSlot(b.size, flags)
	for errors.Is(err, ErrLimit) && AtLimit(policy.atLimit.Load()) == LimitSeal && sealOne(b) {
		s, err = takeSlot(b.size, flags)
	}
	return s, err
}

// sealOne seals the buffer that came first and can be sealed now, other than b; false
// if there is none. It waits for no buffer: two calls that hold one each and want the
// other's would wait for ever.
func sealOne(b *Buffer) bool {
	residents.mu.Lock()
	candidates := make([]*Buffer, 0, residents.Len())
	for n := residents.Front(); n != nil; n = n.Next() {
		if n.Value != b {
			candidates = append(candidates, n.Value)
		}
	}
	residents.mu.Unlock()
	for _, c := range candidates {
		if !c.mu.TryLock() {
			continue
		}
		if c.slot == nil || !c.slot.locked || !c.idle() {
			c.mu.Unlock()
			continue
		}
		if err := c.sealLocked(); err == nil {
			return true
		}
	}
	return false
}
