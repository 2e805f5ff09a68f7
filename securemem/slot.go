package securemem

import (
	"crypto/subtle"
	"fmt"

	"github.com/awnumar/memcall"

	"github.com/bitcoin-sprint/libsprint/internal/list"
)

// access is what may be done with the pages of a slot at the moment.
type access uint8

const (
	none access = iota
	readOnly
	readWrite
)

// slot is locked pages between guard pages that hold one secret after another. It
// belongs to one goroutine, to one Buffer (whose mu guards it) or to a free list.
type slot struct {
	pages      pages
	mem        []byte           // between the guard pages
	class      *class           // nil: made to measure, not kept
	place      list.Node[*slot] // in a queue
	sealed     *Buffer          // whose secret was here, if in class.attached; guarded by its mu
	backend    Backend
	locked     bool
	access     access
	free       access // while it is free
	generation uint64
	canary     [canarySize]byte // of this use, as it was put before the secret
}

// pages are those of memguard, or those that Degrade took.
type pages interface{ Destroy() }

// newSlot asks the kernel; the budget has been asked before.
func newSlot(size int, c *class) (*slot, error) {
	pages, err := lockedPages(size)
	count.kernelRefused.Store(err != nil)
	if err != nil {
		return nil, err
	}
	s := &slot{pages: pages, mem: pages.Inner(), class: c, locked: true, access: readWrite}
	s.place.Value = s
	s.backend = Backend(kernel.Backend(s.mem))
	count.slots.Add(1)
	count.lockedBytes.Add(int64(size))
	s.enlist()
	return s, nil
}

// newUnlockedSlot is for Degrade. It is not kept: the next one may be locked again.
func newUnlockedSlot(size int) (*slot, error) {
	p, err := unlockedPages(size)
	if err != nil {
		return nil, err
	}
	count.slots.Add(1)
	count.unlocked.Add(1)
	s := &slot{pages: p, mem: p.inner, access: readWrite}
	s.place.Value = s
	s.enlist()
	return s, nil
}

// allow changes what may be done with the pages, if it differs.
func (s *slot) allow(a access) error {
	if s.access == a {
		return nil
	}
	flag := memcall.NoAccess()
	switch a {
	case readOnly:
		flag = memcall.ReadOnly()
	case readWrite:
		flag = memcall.ReadWrite()
	}
	if err := protect(s.mem, flag); err != nil {
		return err
	}
	s.access = a
	return nil
}

// begin makes a wiped slot ready for a secret of n bytes and returns its place.
func (s *slot) begin(n int) ([]byte, error) {
	if err := s.allow(readWrite); err != nil {
		return nil, err
	}
	s.renewCanary()
	at := len(s.mem) - n
	copy(s.mem[at-canarySize:at], s.canary[:])
	return s.mem[at:len(s.mem):len(s.mem)], nil
}

// end wipes the secret of n bytes and gives the slot back.
func (s *slot) end(n int) error {
	err := s.wipe(n)
	if err == nil {
		s.giveBack()
	}
	return err
}

// wipe checks the canary before the n bytes of the secret and wipes both. A damaged
// slot is wiped as a whole and never used again: whatever wrote there may write there
// again, and then meets pages without access.
func (s *slot) wipe(n int) error {
	if err := s.allow(readWrite); err != nil {
		return fmt.Errorf("sprint: secure buffer could not be wiped: %w", err)
	}
	at := len(s.mem) - n
	intact := subtle.ConstantTimeCompare(s.mem[at-canarySize:at], s.canary[:]) == 1
	if !intact {
		Wipe(s.mem)
		_ = s.allow(none)
		count.canaryFailures.Add(1)
		return ErrCorrupt
	}
	Wipe(s.mem[at-canarySize:])
	return nil
}

// unreturned are slots that the kernel did not take back: without a mapping to spare
// it cannot even unmap part of a larger one. Wiped, and tried again by reclaim.
var unreturned queue

// destroy returns the pages to the kernel and says how many bytes they were.
func (s *slot) destroy() int64 {
	size := int64(len(s.mem))
	s.strike()
	if guard(s.pages.Destroy) != nil {
		s.enlist()
		unreturned.push(s)
		return 0
	}
	s.mem, s.pages = nil, nil
	count.slots.Add(-1)
	if !s.locked {
		count.unlocked.Add(-1)
		return 0
	}
	count.lockedBytes.Add(-size)
	return size
}
