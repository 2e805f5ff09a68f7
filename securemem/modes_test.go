package securemem

import (
	"bytes"
	"errors"
	"testing"
	"time"
	"unsafe"
)

func TestEveryFlagKeepsASecretThroughEveryCall(t *testing.T) {
	eachBackend(t, func(t *testing.T, _ Backend) {
		for f := range knownFlags + 1 {
			for _, n := range []int{1, 4096, 2 << 20} {
				b, err := From(pattern(n), f)
				if err != nil {
					t.Fatal(err)
				}
				wantPattern(t, b)
				if err := b.WriteAt([]byte{pattern(1)[0]}, 0); err != nil {
					t.Errorf("flags %d: %v", f, err)
				}
				for _, m := range []Mode{Write, Read} {
					p, err := b.Open(m)
					if err != nil || !bytes.Equal(p, pattern(n)) {
						t.Errorf("flags %d, mode %d: borrow differs, %v", f, m, err)
					}
					if err := b.Close(); err != nil {
						t.Errorf("flags %d: %v", f, err)
					}
				}
				if !b.Locked() {
					t.Errorf("flags %d: not locked", f)
				}
				wantPattern(t, b)
				free(t, b)
			}
		}
	})
}

func TestAFastSlotStaysOpenAndWiped(t *testing.T) {
	Trim()
	b, err := From(pattern(32), Fast)
	if err != nil {
		t.Fatal(err)
	}
	s, stale := b.slot, b.data
	free(t, b)
	if s.access != readWrite {
		t.Error("the pages were closed")
	}
	if !bytes.Equal(stale, make([]byte, 32)) {
		t.Error("not wiped")
	}
	// The next strict buffer takes another slot as long as there is one, and closes it.
	strict := newPattern(t, 32)
	s = strict.slot
	free(t, strict)
	if s.access != none {
		t.Error("a strict slot stays open")
	}
}

func TestFastBorrowsForReadingAreReadOnly(t *testing.T) {
	b, err := From(pattern(32), Fast)
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.Open(Read)
	if err != nil {
		t.Fatal(err)
	}
	if at := faultAddress(t, func() { p[0] = 1 }); at != uintptr(unsafe.Pointer(&p[0])) {
		t.Errorf("fault at %#x", at)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	free(t, b)
}

func TestNoAccessPagesAreClosedWheneverNobodyNeedsThem(t *testing.T) {
	b, err := From(pattern(32), NoAccess)
	if err != nil {
		t.Fatal(err)
	}
	data := b.data
	closed := func(after string) {
		t.Helper()
		if at := faultAddress(t, func() { sink = data[0] }); at != uintptr(unsafe.Pointer(&data[0])) {
			t.Errorf("after %s: fault at %#x", after, at)
		}
	}
	closed("From")
	wantPattern(t, b)
	closed("ReadAt")
	if err := b.WriteAt(pattern(2), 0); err != nil {
		t.Error(err)
	}
	closed("WriteAt")
	if _, err := b.HMAC(SHA256, nil, make([]byte, 32)); err != nil {
		t.Error(err)
	}
	closed("HMAC")
	if _, err := Equal(b, b); err != nil {
		t.Error(err)
	}
	closed("Equal")
	for range 2 {
		if _, err := b.Open(Read); err != nil {
			t.Fatal(err)
		}
	}
	wantPattern(t, b)
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if data[0] != pattern(1)[0] {
		t.Error("a borrow lost its pages")
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	closed("the last Close")
	if _, err := b.Open(Write); err != nil {
		t.Fatal(err)
	}
	if err := b.ReadAt(make([]byte, 1), 0); !errors.Is(err, ErrState) {
		t.Errorf("read of a buffer open for writing: %v", err)
	}
	data[0] = pattern(1)[0]
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	closed("Close of a borrow for writing")
	wantPattern(t, b)
	free(t, b)
}

func TestAnExpiredSecretIsWipedByItself(t *testing.T) {
	b := newPattern(t, 32)
	if err := b.ExpireAfter(time.Millisecond); err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(5 * time.Second)
	for wiped := false; !wiped; {
		b.mu.Lock()
		wiped = b.slot == nil
		b.mu.Unlock()
		if time.Now().After(until) {
			t.Fatal("not wiped")
		}
		time.Sleep(time.Millisecond)
	}
	wantExpired(t, b)
	free(t, b)
	if err := b.ReadAt(make([]byte, 1), 0); !errors.Is(err, ErrFreed) {
		t.Errorf("after Free: %v", err)
	}
}

func wantExpired(t *testing.T, b *Buffer) {
	t.Helper()
	_, openErr := b.Open(Read)
	_, macErr := b.HMAC(SHA256, nil, make([]byte, 32))
	_, eqErr := Equal(b, b)
	for name, err := range map[string]error{
		"ReadAt": b.ReadAt(make([]byte, 1), 0), "WriteAt": b.WriteAt([]byte{1}, 0), "Open": openErr, "HMAC": macErr, "Equal": eqErr,
		"Use": b.Use(func([]byte) error { return nil }), "Seal": b.Seal(), "ExpireAfter": b.ExpireAfter(time.Hour),
	} {
		if !errors.Is(err, ErrExpired) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestExpiryIsSeenOnAccessBeforeAnyTimerRuns(t *testing.T) {
	b := newPattern(t, 32)
	if err := b.ExpireAfter(time.Hour); err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	b.deadline = time.Now()
	b.mu.Unlock()
	wantExpired(t, b)
	if b.slot != nil {
		t.Error("not wiped on access")
	}
	free(t, b)
}

func TestExpiryWaitsForABorrowAndAdmitsNoOther(t *testing.T) {
	b := newPattern(t, 32)
	p, err := b.Open(Read)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.ExpireAfter(0); err != nil {
		t.Fatal(err)
	}
	wantExpired(t, b)
	if !bytes.Equal(p, pattern(32)) {
		t.Error("wiped under the borrow")
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if b.slot != nil {
		t.Error("not wiped by the last Close")
	}
	free(t, b)
}

func TestALaterDeadlineReplacesTheFirst(t *testing.T) {
	b := newPattern(t, 32)
	if err := b.ExpireAfter(time.Hour); err != nil {
		t.Fatal(err)
	}
	first := b.timer
	if err := b.ExpireAfter(2 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if first.Stop() {
		t.Error("the first timer still ran")
	}
	b.expire() // as the first timer would, had it been late
	wantPattern(t, b)
	second := b.timer
	free(t, b)
	if second.Stop() {
		t.Error("a timer runs after Free")
	}
}

func TestDamageOfAnExpiredSecretIsToldByFree(t *testing.T) {
	b := newPattern(t, 32)
	*(*byte)(unsafe.Add(unsafe.Pointer(&b.data[0]), -1)) ^= 1
	if err := b.ExpireAfter(time.Hour); err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	b.deadline = time.Now()
	b.mu.Unlock()
	b.expire()
	if err := b.Free(); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Free: %v", err)
	}
}
