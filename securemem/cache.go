package securemem

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
)

// Slots of a class are made some at a time, because each costs tens of microseconds,
// but never more than this many or this many bytes.
const (
	batchSlots = 16
	batchBytes = 64 << 10
)

// class is the wiped slots of one size.
type class struct {
	size     int
	closed   queue // without access
	open     queue // readable and writable, for Fast
	attached queue // of sealed secrets, who have them back if nobody needed them meanwhile
}

// A page, and what a secret of a round size needs with the canary before it.
var classes = [...]*class{newClass(1), newClass(4<<10 + 1), newClass(16<<10 + 1), newClass(64<<10 + 1), newClass(1<<20 + 1)}

func newClass(size int) *class { return &class{size: wholePages(size)} }

func wholePages(n int) int {
	page := os.Getpagesize()
	return (n + page - 1) &^ (page - 1)
}

// growing is held while slots are made: what the kernel says about locked memory is
// then true until they are. Nothing that frees takes it.
var growing sync.Mutex

// wanted is the Backend that SetBackend chose.
var wanted atomic.Uint32

// takeSlot returns a wiped slot that holds n bytes and their canary.
func takeSlot(n int, f Flags) (*slot, error) {
	need := n + canarySize
	s, err := lockedSlot(need, f)
	if f&Degrade != 0 && errors.Is(err, ErrLimit) {
		s, err = newUnlockedSlot(wholePages(need))
	}
	if err != nil {
		return nil, err
	}
	s.free = none
	if f&Fast != 0 {
		s.free = readWrite
	}
	return s, nil
}

func lockedSlot(need int, f Flags) (*slot, error) {
	for _, c := range classes {
		if need > c.size {
			continue
		}
		s := c.pop(f)
		if s == nil {
			s = c.popAttached()
		}
		if s != nil {
			return s, nil
		}
		s, err := c.grow(f)
		if errors.Is(err, ErrLimit) && wholePages(need) < c.size {
			break // less may still be had
		}
		return s, err
	}
	return makeToMeasure(wholePages(need))
}

func makeToMeasure(size int) (*slot, error) {
	growing.Lock()
	defer growing.Unlock()
	if _, err := room(size, 1); err != nil {
		return nil, err
	}
	return needSlot(size, nil)
}

// grow makes slots: one for the caller and some for the free list.
func (c *class) grow(f Flags) (*slot, error) {
	growing.Lock()
	defer growing.Unlock()
	if s := c.pop(f); s != nil {
		return s, nil // made while we waited
	}
	n, err := room(c.size, min(batchSlots, max(batchBytes/c.size, 1)))
	if err != nil {
		return nil, err
	}
	first, err := needSlot(c.size, c)
	if err != nil {
		return nil, err
	}
	for range n - 1 {
		s, err := newSlot(c.size, c)
		if err != nil {
			break // one is enough for now
		}
		s.giveBack()
	}
	return first, nil
}

// needSlot makes a slot. If the kernel refuses what the limits allowed (a capability
// that counts in a user namespace only, a lock that the host took meanwhile), free
// slots are given up for it.
func needSlot(size int, c *class) (*slot, error) {
	s, err := newSlot(size, c)
	if err != nil && reclaim(int64(size)) > 0 {
		return newSlot(size, c)
	}
	return s, err
}

// giveBack puts a wiped slot into its free list, without access, or returns it to
// the kernel if it is not to be kept.
func (s *slot) giveBack() {
	if !s.keep() {
		s.destroy()
		return
	}
	_ = s.allow(s.free) // a slot that could not be closed is still wiped
	if s.free == readWrite {
		s.class.open.push(s)
	} else {
		s.class.closed.push(s)
	}
}

// keep counts the slot among the free ones, if it may be one of them.
func (s *slot) keep() bool {
	if w := Backend(wanted.Load()); s.class == nil || (w != BackendAuto && w != s.backend) {
		return false
	}
	size := int64(len(s.mem))
	_, _, outside := countOutside()
	if count.cachedBytes.Add(size)+outside > count.cacheLimit.Load() {
		count.cachedBytes.Add(-size)
		return false
	}
	count.cachedSlots.Add(1)
	return true
}

// uncount ends keep.
func (s *slot) uncount() {
	count.cachedSlots.Add(-1)
	count.cachedBytes.Add(-int64(len(s.mem)))
}

// pop returns a free slot, or nil: for Fast rather one that is open.
func (c *class) pop(f Flags) *slot {
	first, second := &c.closed, &c.open
	if f&Fast != 0 {
		first, second = second, first
	}
	s := first.pop()
	if s == nil {
		s = second.pop()
	}
	if s != nil {
		s.uncount()
	}
	return s
}

// popAttached takes a slot from the secret that was sealed first, or returns nil.
func (c *class) popAttached() *slot {
	s := c.attached.pop()
	if s != nil {
		s.uncount()
	}
	return s
}

// attach leaves a wiped slot to b, whose secret is sealed now; false if it is not to
// be kept. mu of b is held.
func (s *slot) attach(b *Buffer) bool {
	if !s.keep() {
		return false
	}
	s.class.attached.attach(s, b)
	b.seat = s
	return true
}

// detach returns the slot that was left to b, or nil if it is another's by now. mu of b
// is held.
func (b *Buffer) detach() *slot {
	s := b.seat
	b.seat = nil
	if s == nil || !s.class.attached.detach(s, b) {
		return nil
	}
	s.uncount()
	return s
}

// Trim returns all free slots to the kernel, those of sealed secrets included, and says
// how many bytes were locked for them. With no buffer alive nothing is locked afterwards
// but slots whose canary was damaged.
func Trim() int64 {
	return reclaim(1<<63 - 1)
}

// reclaim returns free slots to the kernel until it got back want bytes or has no
// more, large ones first.
func reclaim(want int64) (got int64) {
	recallOutside()
	for range unreturned.len() {
		if s := unreturned.pop(); s != nil {
			got += s.destroy()
		}
	}
	for i := len(classes) - 1; i >= 0 && got < want; i-- {
		for got < want {
			s := classes[i].pop(0)
			if s == nil {
				s = classes[i].popAttached()
			}
			if s == nil {
				break
			}
			got += s.destroy()
		}
	}
	return got
}

// room returns how many slots of size bytes may be made now, 1 to n. It gives up
// free slots if there is no room for one. growing is held.
func room(size, n int) (int, error) {
	if !mappingsToSpare() {
		return 0, fmt.Errorf("%w: the process has next to no mappings left (vm.max_map_count)", ErrNoMemory)
	}
	l := measure()
	fit, why := l.fit(size)
	if fit == 0 && reclaim(int64(size)) > 0 {
		l = measure()
		fit, why = l.fit(size)
	}
	count.cacheLimit.Store(l.cacheable())
	if fit == 0 {
		return 0, why
	}
	// Slots on stock must not eat up a small limit.
	spare := int(l.cacheable()-count.cachedBytes.Load()) / 8 / size
	return max(1, min(n, fit, spare+1)), nil
}

// fit returns how many slots of size bytes there is room for, and for 0 the reason.
func (l *limits) fit(size int) (int, error) {
	if uint64(size) > l.available {
		return 0, fmt.Errorf("%w: %d bytes asked for, %d available", ErrNoMemory, size, l.available)
	}
	most, err := fitBudget(size)
	if err != nil {
		return 0, err
	}
	fit := (l.maxMappings/8 - int(count.slots.Load())*mappingsPerSlot) / mappingsPerSlot
	if fit <= 0 {
		return 0, fmt.Errorf("%w: an eighth of the %d mappings of vm.max_map_count is in use for secrets", ErrLimit, l.maxMappings)
	}
	if l.bound {
		free := uint64(0)
		if l.lockLimit > l.locked {
			free = l.lockLimit - l.locked
		}
		if free < uint64(size) {
			return 0, fmt.Errorf("%w: %d bytes asked for, %d of %s %d are locked", ErrLimit, size, l.locked, lockLimitName, l.lockLimit)
		}
		fit = int(min(uint64(fit), free/uint64(size)))
	}
	return min(fit, most), nil
}

// mappingsPerSlot is the worst case: the pages and two guards, none of which merge
// with those of a neighbour.
const mappingsPerSlot = 3

// cacheable is how many bytes of free slots may be kept: half of what may be locked,
// the other half is the host's, and no more than 64 MiB.
func (l *limits) cacheable() int64 {
	const most = 64 << 20
	if !l.bound {
		return most
	}
	return int64(min(l.lockLimit/2, most))
}
