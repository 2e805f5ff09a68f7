package securemem

import (
	"sync"
	"unsafe"
)

// Outside is a free slot in the hands of an embedder that gives it out without a call
// into Go for each secret, as libsprint's C side does. The embedder places secret and
// canary as a slot does, checks and wipes them, and takes access from the pages of a
// slot that is free unless it is for Fast.
type Outside struct {
	Addr uintptr // of the pages between the guards
	Size int
}

// Holder is an embedder that holds slots outside. Its methods are called from any
// goroutine.
type Holder interface {
	// Pop takes one free slot back, when locked memory is short.
	Pop() (addr uintptr, ok bool)
	// Count says how many slots of a class of OutsideClasses hold secrets, and how many
	// are free.
	Count(class int) (alive, free uint64)
}

var outside struct {
	mu     sync.Mutex
	slots  map[uintptr]*slot
	holder Holder // nil until the first slot was taken
}

// OutsideClasses are the sizes of slots that can be taken outside, smallest first.
func OutsideClasses() []int {
	sizes := make([]int, outsideClasses)
	for i := range sizes {
		sizes[i] = classes[i].size
	}
	return sizes
}

const outsideClasses = 3

// CanarySize is how many bytes before a secret are its canary.
const CanarySize = canarySize

// TakeOutside fills dst with free slots for secrets of n bytes and says how many it
// had: one at least, or why not. keep is how many free ones of this kind the embedder
// should hold at most: they come out of what may be kept locked but unused.
func TakeOutside(h Holder, n int, f Flags, dst []Outside) (taken, keep int, err error) {
	taken, err = takeOutside(h, n, f, dst)
	if err != nil {
		return 0, 0, err
	}
	return taken, int(max(1, min(count.cacheLimit.Load()/4/int64(dst[0].Size), int64(len(dst))))), nil
}

func takeOutside(h Holder, n int, f Flags, dst []Outside) (int, error) {
	if kernel == nil {
		return 0, ErrNoReplace
	}
	first, err := takeSlot(n, f&Fast)
	if err != nil {
		return 0, err
	}
	if first.class == nil { // made to measure at the limit: not for stock
		first.giveBack()
		return 0, ErrLimit
	}
	count.newest.Store(uint32(first.backend))
	taken := []*slot{first}
	for len(taken) < len(dst) {
		s := first.class.pop(f & Fast)
		if s == nil {
			break
		}
		s.free = first.free
		taken = append(taken, s)
	}
	outside.mu.Lock()
	defer outside.mu.Unlock()
	outside.holder = h
	if outside.slots == nil {
		outside.slots = make(map[uintptr]*slot)
	}
	for i, s := range taken {
		_ = s.allow(s.free)
		addr := uintptr(unsafe.Pointer(unsafe.SliceData(s.mem)))
		outside.slots[addr] = s
		dst[i] = Outside{Addr: addr, Size: len(s.mem)}
	}
	return len(taken), nil
}

// ReturnOutside takes a slot back that the embedder has wiped and closed as it was.
func ReturnOutside(addr uintptr) {
	if s := takeBack(addr); s != nil {
		s.access = s.free
		s.giveBack()
	}
}

// QuarantineOutside takes a slot back whose canary was damaged: wiped and without
// access, it is never used again.
func QuarantineOutside(addr uintptr) {
	if takeBack(addr) != nil {
		count.canaryFailures.Add(1)
	}
}

// AdoptOutside makes a Buffer of a slot that holds a secret of n bytes behind canary,
// readable and writable.
func AdoptOutside(addr uintptr, n int, f Flags, canary [CanarySize]byte) *Buffer {
	s := takeBack(addr)
	if s == nil {
		return nil
	}
	s.access, s.canary = readWrite, canary
	at := len(s.mem) - n
	b := &Buffer{id: lastID.Add(1), size: n, flags: f, owners: 1, slot: s, data: s.mem[at:len(s.mem):len(s.mem)]}
	b.begin()
	b.arrive()
	return b
}

func takeBack(addr uintptr) *slot {
	outside.mu.Lock()
	defer outside.mu.Unlock()
	s := outside.slots[addr]
	delete(outside.slots, addr)
	return s
}

// recallOutside gets all slots back that are free outside.
func recallOutside() {
	h := holder()
	if h == nil {
		return
	}
	for addr, ok := h.Pop(); ok; addr, ok = h.Pop() {
		ReturnOutside(addr)
	}
}

// countOutside says how many secrets are there, how many slots are free, and how many
// bytes those are.
func countOutside() (alive, free uint64, freeBytes int64) {
	h := holder()
	if h == nil {
		return 0, 0, 0
	}
	for class := range outsideClasses {
		secrets, slots := h.Count(class)
		alive += secrets
		free += slots
		freeBytes += int64(slots) * int64(classes[class].size)
	}
	return alive, free, freeBytes
}

func holder() Holder {
	outside.mu.Lock()
	defer outside.mu.Unlock()
	return outside.holder
}
