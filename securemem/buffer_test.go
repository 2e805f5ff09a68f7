package securemem

import (
	"bytes"
	"errors"
	"math"
	"testing"
)

func TestAllocIsZeroAndWritable(t *testing.T) {
	for _, n := range []int{1, 31, 32, 4080, 4081, 16 << 10, 64 << 10, 1<<20 - canarySize, 1 << 20, 3<<20 + 5} {
		b, err := Alloc(n, 0)
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		got := pattern(n)
		if err := b.ReadAt(got, 0); err != nil || !bytes.Equal(got, make([]byte, n)) {
			t.Errorf("%d bytes: not zero (%v)", n, err)
		}
		if err := b.WriteAt(pattern(n), 0); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
		wantPattern(t, b)
		if b.Len() != n {
			t.Errorf("length %d, want %d", b.Len(), n)
		}
		free(t, b)
	}
}

func TestAllocIsZeroThoughTheUnusedPartWasHit(t *testing.T) {
	Trim()
	first := newPattern(t, 8)
	mem := first.slot.mem
	for i := range mem[:2000] {
		mem[i] = 0xee
	}
	free(t, first)
	for { // until the slot comes round again
		b, err := Alloc(4000, 0)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 4000)
		if err := b.ReadAt(got, 0); err != nil || !bytes.Equal(got, make([]byte, 4000)) {
			t.Fatalf("not zero (%v)", err)
		}
		same := &b.slot.mem[0] == &mem[0]
		free(t, b)
		if same {
			return
		}
	}
}

func TestSizesOutsideTheBoundsAreErrSizeAndLeaveTheSource(t *testing.T) {
	for _, n := range []int{0, -1, maxSize + 1, math.MaxInt} {
		if _, err := Alloc(n, 0); !errors.Is(err, ErrSize) {
			t.Errorf("Alloc(%d): %v", n, err)
		}
		if _, err := Random(n, 0); !errors.Is(err, ErrSize) {
			t.Errorf("Random(%d): %v", n, err)
		}
	}
	if _, err := From(nil, 0); !errors.Is(err, ErrSize) {
		t.Errorf("From(nil): %v", err)
	}
	src := pattern(16)
	if _, err := From(src, 1<<31); !errors.Is(err, ErrUnsupported) {
		t.Errorf("unknown flag: %v", err)
	}
	if !bytes.Equal(src, pattern(16)) {
		t.Error("source wiped though the argument was wrong")
	}
}

func TestFromWipesItsSource(t *testing.T) {
	src := pattern(100)
	b, err := From(src, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(src, make([]byte, 100)) {
		t.Error("source not wiped")
	}
	wantPattern(t, b)
	free(t, b)
}

func TestRandomFillsAndDiffers(t *testing.T) {
	a, err := Random(64, 0)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Random(64, 0)
	if err != nil {
		t.Fatal(err)
	}
	zero, err := Alloc(64, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range [][2]*Buffer{{a, b}, {a, zero}, {b, zero}} {
		if same, err := Equal(pair[0], pair[1]); err != nil || same {
			t.Errorf("equal %t, %v", same, err)
		}
	}
	free(t, a, b, zero)
}

func TestRangesAreExactAndErrorsNameThem(t *testing.T) {
	b, target := newPattern(t, 10), newPattern(t, 10)
	defer free(t, b, target)
	for _, c := range []struct {
		off, n int
		ok     bool
	}{
		{0, 10, true},
		{9, 1, true},
		{10, 0, true},
		{0, 0, true},
		{0, 11, false},
		{10, 1, false},
		{11, 0, false},
		{-1, 1, false},
		{math.MaxInt, 2, false},
		{math.MinInt, 1, false},
	} {
		for name, err := range map[string]error{
			"ReadAt":  b.ReadAt(make([]byte, c.n), c.off),
			"WriteAt": target.WriteAt(make([]byte, c.n), c.off),
		} {
			if c.ok && err != nil {
				t.Errorf("%s(%d at %d): %v", name, c.n, c.off, err)
			}
			if !c.ok && !errors.Is(err, ErrRange) {
				t.Errorf("%s(%d at %d): %v", name, c.n, c.off, err)
			}
		}
	}
	err := b.ReadAt(make([]byte, 7), 5)
	for _, part := range []string{"offset 5", "length 7", "size 10"} {
		if !bytes.Contains([]byte(err.Error()), []byte(part)) {
			t.Errorf("%q does not name %q", err, part)
		}
	}
	got := make([]byte, 3)
	if err := b.ReadAt(got, 4); err != nil || !bytes.Equal(got, pattern(10)[4:7]) {
		t.Errorf("read %v, %v", got, err)
	}
}

func TestTheLastOfSeveralOwnersWipes(t *testing.T) {
	b := newPattern(t, 32)
	for range 2 {
		if b.Retain() != b {
			t.Fatal("Retain returns another buffer")
		}
	}
	free(t, b, b)
	wantPattern(t, b)
	free(t, b)
	if err := b.ReadAt(make([]byte, 1), 0); !errors.Is(err, ErrFreed) {
		t.Errorf("after the last Free: %v", err)
	}
	if b.Retain() != nil {
		t.Error("a dead buffer got an owner")
	}
}

func TestEveryCallOnAFreedBufferIsErrFreed(t *testing.T) {
	b, other := newPattern(t, 32), newPattern(t, 32)
	free(t, b)
	_, openErr := b.Open(Read)
	_, macErr := b.HMAC(SHA256, nil, make([]byte, 32))
	_, leftErr := Equal(b, other)
	_, rightErr := Equal(other, b)
	for name, err := range map[string]error{
		"Free": b.Free(), "ReadAt": b.ReadAt(make([]byte, 1), 0), "WriteAt": b.WriteAt([]byte{1}, 0),
		"Use": b.Use(func([]byte) error { return nil }), "Open": openErr, "HMAC": macErr, "Equal left": leftErr, "Equal right": rightErr,
	} {
		if !errors.Is(err, ErrFreed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := b.Close(); !errors.Is(err, ErrState) {
		t.Errorf("Close: %v", err)
	}
	free(t, other)
}

func TestAFreedSecretIsGoneFromItsSlot(t *testing.T) {
	eachBackend(t, func(t *testing.T, _ Backend) {
		b := newPattern(t, 1000)
		s := b.slot
		free(t, b)
		if err := s.allow(readWrite); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(s.mem, make([]byte, len(s.mem))) {
			t.Error("something is left")
		}
		if err := s.allow(none); err != nil {
			t.Fatal(err)
		}
	})
}

func TestFreeSlotsAreReusedOldestFirst(t *testing.T) {
	Trim()
	a, b := newPattern(t, 32), newPattern(t, 32)
	oldest := a.slot
	free(t, a, b)
	cached := int(ReadStats().SlotsCached)
	if cached < 2 {
		t.Fatalf("%d slots cached", cached)
	}
	var taken []*Buffer
	for range cached {
		taken = append(taken, newPattern(t, 32))
	}
	at := -1
	for i, b := range taken {
		if b.slot == oldest {
			at = i
		}
	}
	if want := cached - 2; at != want {
		t.Errorf("the last slot but one of the list came at %d, want %d", at, want)
	}
	free(t, taken...)
}

func TestEqualIsByContentAndLength(t *testing.T) {
	a, b, c := newPattern(t, 32), newPattern(t, 32), newPattern(t, 33)
	defer free(t, a, b, c)
	check := func(x, y *Buffer, want bool) {
		t.Helper()
		if got, err := Equal(x, y); err != nil || got != want {
			t.Errorf("equal %t, %v; want %t", got, err, want)
		}
	}
	check(a, a, true)
	check(a, b, true)
	check(b, a, true)
	check(a, c, false)
	if err := b.WriteAt([]byte{0}, 31); err != nil {
		t.Fatal(err)
	}
	check(a, b, false)
}

func TestUseSeesTheSecretAndPassesTheErrorOn(t *testing.T) {
	b := newPattern(t, 32)
	defer free(t, b)
	want := errors.New("from fn")
	if err := b.Use(func(p []byte) error {
		if !bytes.Equal(p, pattern(32)) {
			t.Error("another secret")
		}
		return want
	}); !errors.Is(err, want) {
		t.Errorf("error is %v", err)
	}
}

func TestWipeOverwrites(t *testing.T) {
	p := pattern(1000)
	Wipe(p[1:999])
	if p[0] == 0 || p[999] == 0 || !bytes.Equal(p[1:999], make([]byte, 998)) {
		t.Error("not exactly the slice was wiped")
	}
	Wipe(nil)
}
