package securemem

import (
	"bytes"
	"errors"
	"testing"
	"unsafe"
)

func TestASealedSecretHoldsNoSlotAndComesBack(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend Backend) {
		for _, f := range []Flags{0, Fast, NoAccess} {
			for _, n := range []int{1, 32, 5000, 2 << 20} {
				b, err := From(pattern(n), f)
				if err != nil {
					t.Fatal(err)
				}
				before := ReadStats()
				for range 2 {
					if err := b.Seal(); err != nil {
						t.Fatal(err)
					}
				}
				if b.slot != nil || b.Backend() != BackendAuto || !b.Locked() {
					t.Error("still in a slot")
				}
				if got := ReadStats(); got.Sealed != before.Sealed+1 || got.Buffers != before.Buffers {
					t.Errorf("stats %+v, were %+v", got, before)
				}
				if bytes.Contains(b.sealed, pattern(n)[:min(n, 16)]) && n > 8 {
					t.Error("not encrypted")
				}
				wantPattern(t, b)
				if got := ReadStats(); got.Sealed != before.Sealed {
					t.Errorf("%d sealed after use", got.Sealed)
				}
				if b.Backend() != backend {
					t.Errorf("came back on backend %d", b.Backend())
				}
				if err := b.Seal(); err != nil {
					t.Fatal(err)
				}
				p, err := b.Open(Read)
				if err != nil || !bytes.Equal(p, pattern(n)) {
					t.Errorf("borrow of a sealed secret: %v", err)
				}
				if err := b.Seal(); !errors.Is(err, ErrState) {
					t.Errorf("sealing an open buffer: %v", err)
				}
				if err := b.Close(); err != nil {
					t.Error(err)
				}
				free(t, b)
			}
		}
	})
}

func TestAFreedOrExpiredSealedSecretGivesTheKeyBack(t *testing.T) {
	for _, end := range []func(b *Buffer){
		func(*Buffer) {},
		func(b *Buffer) {
			if err := b.ExpireAfter(0); err != nil {
				t.Error(err)
			}
		},
	} {
		a, b := newPattern(t, 32), newPattern(t, 32)
		for _, x := range []*Buffer{a, b} {
			if err := x.Seal(); err != nil {
				t.Fatal(err)
			}
		}
		if sealing.key == nil {
			t.Fatal("no key")
		}
		end(a)
		end(b)
		free(t, a, b)
		if sealing.key != nil || sealing.users != 0 || ReadStats().Sealed != 0 {
			t.Errorf("key %v, %d users, %d sealed", sealing.key, sealing.users, ReadStats().Sealed)
		}
	}
}

func TestAChangedOrSwappedSealedSecretIsRefused(t *testing.T) {
	a, b := newPattern(t, 32), newPattern(t, 32)
	for _, x := range []*Buffer{a, b} {
		if err := x.Seal(); err != nil {
			t.Fatal(err)
		}
	}
	a.sealed, b.sealed = b.sealed, a.sealed
	for _, x := range []*Buffer{a, b} {
		if err := x.ReadAt(make([]byte, 1), 0); !errors.Is(err, ErrCrypto) {
			t.Errorf("swapped: %v", err)
		}
	}
	a.sealed, b.sealed = b.sealed, a.sealed
	for i := range a.sealed {
		a.sealed[i] ^= 1
		if err := a.ReadAt(make([]byte, 1), 0); !errors.Is(err, ErrCrypto) {
			t.Errorf("byte %d changed: %v", i, err)
		}
		a.sealed[i] ^= 1
	}
	wantPattern(t, a)
	wantPattern(t, b)
	free(t, a, b)
}

func TestEqualSecretsDoNotSealAlike(t *testing.T) {
	b := newPattern(t, 32)
	other := newPattern(t, 32) // keeps the key
	if err := other.Seal(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range 20 {
		if err := b.Seal(); err != nil {
			t.Fatal(err)
		}
		if seen[string(b.sealed)] {
			t.Fatal("a nonce came twice")
		}
		seen[string(b.sealed)] = true
		wantPattern(t, b)
	}
	free(t, b, other)
}

// sealedOnce returns a sealed secret and the slot that it was in.
func sealedOnce(t *testing.T, f Flags) (*Buffer, *slot) {
	t.Helper()
	b, err := From(pattern(32), f)
	if err != nil {
		t.Fatal(err)
	}
	s := b.slot
	if err := b.Seal(); err != nil {
		t.Fatal(err)
	}
	return b, s
}

func TestASealedSecretLeavesItsSlotWipedAndFindsItAgain(t *testing.T) {
	eachBackend(t, func(t *testing.T, _ Backend) {
		for f, want := range map[Flags]access{0: readWrite, Fast: readWrite, NoAccess: none} {
			b, s := sealedOnce(t, f)
			if s.access != want {
				t.Errorf("flags %d: access %d while sealed, want %d", f, s.access, want)
			}
			if err := s.allow(readWrite); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(s.mem, make([]byte, len(s.mem))) {
				t.Errorf("flags %d: not wiped", f)
			}
			wantPattern(t, b)
			if b.slot != s {
				t.Errorf("flags %d: came back elsewhere", f)
			}
			free(t, b)
		}
	})
}

func TestSealingAndOpeningAllocateNothing(t *testing.T) {
	a := newPattern(t, 32)
	defer free(t, a)
	if got := testing.AllocsPerRun(100, func() {
		if err := a.Seal(); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Open(Write); err != nil {
			t.Fatal(err)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}); got != 0 {
		t.Errorf("%v allocations on the Go heap", got)
	}
}

func TestWhoNeedsASlotTakesThatOfTheSecretThatWasSealedFirst(t *testing.T) {
	Trim()
	first, slot1 := sealedOnce(t, 0)
	second, slot2 := sealedOnce(t, 0)
	for s := classes[0].pop(0); s != nil; s = classes[0].pop(0) {
		s.destroy()
	}
	made := count.slots.Load()
	other, another := newPattern(t, 32), newPattern(t, 32)
	if other.slot != slot1 || another.slot != slot2 {
		t.Error("not in the order of sealing")
	}
	if got := count.slots.Load(); got != made {
		t.Errorf("%d slots were made", got-made)
	}
	wantPattern(t, first)
	wantPattern(t, second)
	if first.slot == slot1 || second.slot == slot2 {
		t.Error("two secrets in one slot")
	}
	free(t, first, second, other, another)
}

func TestTrimTakesTheSlotsOfSealedSecrets(t *testing.T) {
	Trim()
	b, _ := sealedOnce(t, 0)
	before := ReadStats()
	got := uint64(Trim())
	if want := before.SlotsCached * uint64(classes[0].size); got != want {
		t.Errorf("%d bytes came back of %d", got, want)
	}
	if after := ReadStats(); after.LockedBytes != before.LockedBytes-got || after.SlotsCached != 0 {
		t.Errorf("%+v\nafter %+v", after, before)
	}
	wantPattern(t, b)
	free(t, b)
}

func TestTheSlotOfAFreedSealedSecretIsClosed(t *testing.T) {
	for name, end := range map[string]func(b *Buffer) error{
		"freed":   func(*Buffer) error { return nil },
		"expired": func(b *Buffer) error { return b.ExpireAfter(0) },
	} {
		b, s := sealedOnce(t, 0)
		if err := end(b); err != nil {
			t.Error(err)
		}
		free(t, b)
		if s.access != none || s.sealed != nil {
			t.Errorf("%s: access %d, attached to %p", name, s.access, s.sealed)
		}
	}
}

func TestDamageIsFoundWhenASecretIsSealed(t *testing.T) {
	b := newPattern(t, 32)
	s := b.slot
	*(*byte)(unsafe.Add(unsafe.Pointer(&b.data[0]), -1)) ^= 1
	if err := b.Seal(); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Seal: %v", err)
	}
	if s.access != none || s.place.Listed() {
		t.Error("the damaged slot is still used")
	}
	wantPattern(t, b)
	if b.slot == s {
		t.Error("came back into the damaged slot")
	}
	free(t, b)
}

func TestWhatFreeSlotsMayLockCountsThoseOfSealedSecrets(t *testing.T) {
	Trim()
	all := make([]*Buffer, 8)
	for i := range all {
		all[i] = newPattern(t, 32)
	}
	if err := sealing.hold(); err != nil { // the key's slot is made now
		t.Fatal(err)
	}
	defer sealing.letGo()
	limit := count.cacheLimit.Swap(int64(3 * classes[0].size))
	defer count.cacheLimit.Store(limit)
	for s := classes[0].pop(0); s != nil; s = classes[0].pop(0) {
		s.destroy()
	}
	for _, b := range all {
		if err := b.Seal(); err != nil {
			t.Fatal(err)
		}
	}
	if got := classes[0].attached.len(); got != 3 {
		t.Errorf("%d slots are attached, 3 may be", got)
	}
	for _, b := range all {
		wantPattern(t, b)
	}
	free(t, all...)
}
