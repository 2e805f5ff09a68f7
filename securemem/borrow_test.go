package securemem

import (
	"bytes"
	"errors"
	"runtime"
	"runtime/debug"
	"testing"
	"unsafe"
)

// What each state of a buffer allows. Nothing here may wait: a call that did would
// hang the test.
func TestBorrowMatrix(t *testing.T) {
	calls := map[string]func(b *Buffer) error{
		"open read": func(b *Buffer) error {
			_, err := b.Open(Read)
			if err == nil {
				err = b.Close()
			}
			return err
		},
		"open write": func(b *Buffer) error {
			_, err := b.Open(Write)
			if err == nil {
				err = b.Close()
			}
			return err
		},
		"read":  func(b *Buffer) error { return b.ReadAt(make([]byte, 8), 0) },
		"write": func(b *Buffer) error { return b.WriteAt(pattern(8), 0) },
		"use":   func(b *Buffer) error { return b.Use(func([]byte) error { return nil }) },
		"hmac":  func(b *Buffer) error { _, err := b.HMAC(SHA256, nil, make([]byte, 32)); return err },
		"equal": func(b *Buffer) error { _, err := Equal(b, b); return err },
	}
	for _, c := range []struct {
		state   string
		open    []Mode
		refused []string
	}{
		{"closed", nil, nil},
		{"open for reading", []Mode{Read}, []string{"open write", "write"}},
		{"open for reading twice", []Mode{Read, Read}, []string{"open write", "write"}},
		{"open for writing", []Mode{Write}, []string{"open read", "open write", "read", "write", "use", "hmac", "equal"}},
	} {
		t.Run(c.state, func(t *testing.T) {
			b := newPattern(t, 32)
			for _, m := range c.open {
				if _, err := b.Open(m); err != nil {
					t.Fatal(err)
				}
			}
			refused := map[string]bool{}
			for _, name := range c.refused {
				refused[name] = true
			}
			for name, call := range calls {
				err := call(b)
				if refused[name] && !errors.Is(err, ErrState) {
					t.Errorf("%s: %v, want ErrState", name, err)
				}
				if !refused[name] && err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			for range c.open {
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			}
			if err := b.Close(); !errors.Is(err, ErrState) {
				t.Errorf("one Close too many: %v", err)
			}
			free(t, b)
		})
	}
}

func TestOpenDuringAUseIsErrStateWhereItConflicts(t *testing.T) {
	b := newPattern(t, 32)
	defer free(t, b)
	if err := b.Use(func([]byte) error {
		if _, err := b.Open(Write); !errors.Is(err, ErrState) {
			t.Errorf("open for writing: %v", err)
		}
		if _, err := b.Open(Read); err != nil {
			t.Errorf("open for reading: %v", err)
		}
		return b.Close()
	}); err != nil {
		t.Error(err)
	}
}

func TestOpenRefusesUnknownModes(t *testing.T) {
	b := newPattern(t, 32)
	defer free(t, b)
	for _, m := range []Mode{0, 3, -1} {
		if _, err := b.Open(m); !errors.Is(err, ErrMode) {
			t.Errorf("mode %d: %v", m, err)
		}
	}
}

func TestWritesThroughABorrowStay(t *testing.T) {
	b, err := Alloc(100, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer free(t, b)
	p, err := b.Open(Write)
	if err != nil {
		t.Fatal(err)
	}
	if len(p) != 100 || cap(p) != 100 {
		t.Errorf("borrow of %d bytes, capacity %d", len(p), cap(p))
	}
	copy(p, pattern(100))
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	wantPattern(t, b)
}

func TestABufferFreedWhileOpenLivesUntilTheLastClose(t *testing.T) {
	for _, m := range []Mode{Read, Write} {
		b := newPattern(t, 32)
		p, err := b.Open(m)
		if err != nil {
			t.Fatal(err)
		}
		borrows := 1
		if m == Read {
			if _, err := b.Open(Read); err != nil {
				t.Fatal(err)
			}
			borrows = 2
		}
		s := b.slot
		free(t, b)
		for i := range borrows {
			if !bytes.Equal(p, pattern(32)) {
				t.Fatalf("mode %d: wiped with %d borrows open", m, borrows-i)
			}
			if _, err := b.Open(Read); !errors.Is(err, ErrFreed) {
				t.Errorf("mode %d: a dying buffer was opened: %v", m, err)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		}
		if b.slot != nil || s.access != none {
			t.Errorf("mode %d: slot not given back by the last Close", m)
		}
		if err := b.Close(); !errors.Is(err, ErrState) {
			t.Errorf("mode %d: Close after the last: %v", m, err)
		}
	}
}

func TestABufferFreedDuringAUseLivesUntilItsEnd(t *testing.T) {
	b := newPattern(t, 32)
	if err := b.Use(func(p []byte) error {
		free(t, b)
		if !bytes.Equal(p, pattern(32)) {
			t.Error("wiped in use")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if b.slot != nil {
		t.Error("slot not given back by the end of the use")
	}
}

// faultAddress runs fn, which must fault, and returns where.
func faultAddress(t *testing.T, fn func()) (at uintptr) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		fault, ok := recover().(interface{ Addr() uintptr })
		if !ok {
			t.Error("no fault")
			return
		}
		at = fault.Addr()
	}()
	fn()
	return 0
}

var sink byte

func TestTheGuiltyAddressFaults(t *testing.T) {
	eachBackend(t, func(t *testing.T, _ Backend) {
		for _, n := range []int{1, 32, 4080, 20 << 10, 2 << 20} {
			b := newPattern(t, n)
			data := unsafe.Pointer(&b.data[0])
			mem := unsafe.Pointer(&b.slot.mem[0])
			past, before := unsafe.Add(data, n), unsafe.Add(mem, -1)
			for name, c := range map[string]struct {
				p  unsafe.Pointer
				fn func(p *byte)
			}{
				"read past the end":      {past, func(p *byte) { sink = *p }},
				"write past the end":     {past, func(p *byte) { *p = 1 }},
				"read before the pages":  {before, func(p *byte) { sink = *p }},
				"write before the pages": {before, func(p *byte) { *p = 1 }},
			} {
				if at := faultAddress(t, func() { c.fn((*byte)(c.p)) }); at != uintptr(c.p) {
					t.Errorf("%d bytes: %s: fault at %#x, want %#x", n, name, at, c.p)
				}
			}
			p, err := b.Open(Read)
			if err != nil {
				t.Fatal(err)
			}
			if at := faultAddress(t, func() { p[n/2] = 1 }); at != uintptr(unsafe.Pointer(&p[n/2])) {
				t.Errorf("%d bytes: write through a borrow for reading: fault at %#x", n, at)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
			wantPattern(t, b)
			free(t, b)
		}
	})
}

func TestAStalePointerFaults(t *testing.T) {
	eachBackend(t, func(t *testing.T, _ Backend) {
		b := newPattern(t, 32)
		p, err := b.Open(Read)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		free(t, b)
		if at := faultAddress(t, func() { sink = p[0] }); at != uintptr(unsafe.Pointer(&p[0])) {
			t.Errorf("fault at %#x", at)
		}
	})
}

func TestDamageIsErrCorruptAndTouchesNoOtherBuffer(t *testing.T) {
	eachBackend(t, func(t *testing.T, _ Backend) {
		before := ReadStats()
		others := []*Buffer{newPattern(t, 32), newPattern(t, 5000), newPattern(t, 2<<20)}
		for name, end := range map[string]func(b *Buffer) error{
			"at Free": (*Buffer).Free,
			"at the last Close": func(b *Buffer) error {
				if _, err := b.Open(Write); err != nil {
					return err
				}
				if err := b.Free(); err != nil {
					return err
				}
				return b.Close()
			},
		} {
			for _, distance := range []int{1, canarySize} {
				b := newPattern(t, 32)
				s := b.slot
				*(*byte)(unsafe.Add(unsafe.Pointer(&b.data[0]), -distance)) ^= 1
				if err := end(b); !errors.Is(err, ErrCorrupt) {
					t.Errorf("%s, %d bytes before: %v", name, distance, err)
				}
				if s.access != none {
					t.Error("the damaged slot can be accessed")
				}
				if s.place.Listed() {
					t.Error("the damaged slot is in a free list")
				}
			}
		}
		for _, b := range others {
			wantPattern(t, b)
		}
		free(t, others...)
		after := ReadStats()
		if got := after.CanaryFailures - before.CanaryFailures; got != 4 {
			t.Errorf("%d canary failures counted, want 4", got)
		}
		if after.Buffers != before.Buffers {
			t.Errorf("%d buffers alive, want %d", after.Buffers, before.Buffers)
		}
	})
}

func TestCanariesDifferInEverySlotAndEveryUse(t *testing.T) {
	seen := map[[canarySize]byte]bool{}
	for range 50 {
		a, b := newPattern(t, 32), newPattern(t, 32)
		for _, c := range []*Buffer{a, b} {
			if seen[c.slot.canary] {
				t.Fatal("a canary came twice")
			}
			seen[c.slot.canary] = true
		}
		free(t, a, b)
	}
}
