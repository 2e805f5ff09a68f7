package memcall

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
)

// failureOf returns the Failure that fn panics with, or nil.
func failureOf(t *testing.T, fn func()) (f *Failure) {
	t.Helper()
	defer func() {
		switch v := recover().(type) {
		case nil:
		case *Failure:
			f = v
		default:
			panic(v)
		}
	}()
	fn()
	return nil
}

func alloc(t *testing.T, n int) []byte {
	t.Helper()
	b, err := Alloc(n)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAllocGivesExactlyThatManyZeros(t *testing.T) {
	b := alloc(t, 5000)
	defer Free(b)
	if len(b) != 5000 || cap(b) != 5000 {
		t.Fatalf("len %d, cap %d, want 5000", len(b), cap(b))
	}
	if !bytes.Equal(b, make([]byte, 5000)) {
		t.Fatal("not zero")
	}
}

func TestAllocOfNothingIsAnError(t *testing.T) {
	for _, n := range []int{0, -1} {
		if _, err := Alloc(n); err == nil {
			t.Errorf("Alloc(%d) succeeded", n)
		}
	}
}

func TestRefusedAllocIsAFailureWithTheKernelsAnswer(t *testing.T) {
	f := failureOf(t, func() { _, _ = Alloc(1 << 47) })
	if f == nil {
		t.Fatal("128 TiB were mapped")
	}
	if f.Operation() != OpAlloc || f.Bytes != 1<<47 || errors.Unwrap(f) == nil {
		t.Fatalf("failure is %+v", f)
	}
	if !strings.Contains(f.Error(), "allocate") {
		t.Fatalf("text %q does not name the operation", f)
	}
}

func TestLockKeepsTheContentOnEachBackend(t *testing.T) {
	for _, be := range backends(t) {
		use(t, be)
		b := alloc(t, 3*os.Getpagesize())
		fill(b)
		want := bytes.Clone(b)
		inner := b[os.Getpagesize() : 2*os.Getpagesize()-7]
		if err := Lock(inner); err != nil {
			t.Fatal(err)
		}
		if got := regions.backendOf(inner); got != be {
			t.Errorf("locked by backend %d, want %d", got, be)
		}
		if !bytes.Equal(b, want) {
			t.Errorf("backend %d: content changed", be)
		}
		if err := Unlock(inner); err != nil {
			t.Fatal(err)
		}
		if err := Free(b); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLockOfMemoryFromElsewhereIsPlainMlock(t *testing.T) {
	for _, be := range backends(t) {
		use(t, be)
		heap := make([]byte, 64)
		if err := Lock(heap); err != nil {
			t.Fatal(err)
		}
		if got := regions.backendOf(heap); got != Auto {
			t.Errorf("heap memory is said to be on backend %d", got)
		}
		if err := Unlock(heap); err != nil {
			t.Fatal(err)
		}
	}
}

func TestProtectTakesEachFlagAndRefusesUnknownOnes(t *testing.T) {
	b := alloc(t, os.Getpagesize())
	defer Free(b)
	for _, flag := range []MemoryProtectionFlag{NoAccess(), ReadOnly(), ReadWrite()} {
		if err := Protect(b, flag); err != nil {
			t.Error(err)
		}
	}
	if err := Protect(b, MemoryProtectionFlag{4}); err == nil || err.Error() != ErrInvalidFlag {
		t.Errorf("flag 4 gives %v", err)
	}
}

func TestEmptySlicesAreLeftAlone(t *testing.T) {
	for _, err := range []error{Lock(nil), Unlock(nil), Protect(nil, NoAccess()), Free(nil)} {
		if err != nil {
			t.Error(err)
		}
	}
	if regions.backendOf(nil) != Auto {
		t.Error("nothing has a backend")
	}
}

func TestFreeWorksOnPagesOfAnyProtection(t *testing.T) {
	for _, flag := range []MemoryProtectionFlag{NoAccess(), ReadOnly(), ReadWrite()} {
		b := alloc(t, 2*os.Getpagesize())
		if err := Protect(b[os.Getpagesize():], flag); err != nil {
			t.Fatal(err)
		}
		if err := Free(b); err != nil {
			t.Error(err)
		}
	}
	if n := len(regions.live); n != 0 {
		t.Errorf("%d regions left", n)
	}
}

func TestSetBackendRefusesUnknownNumbers(t *testing.T) {
	was := backend.Load()
	if err := (Control{}).SetBackend(3); err == nil {
		t.Error("backend 3 was taken")
	}
	if backend.Load() != was {
		t.Error("a refused setting changed the backend")
	}
}

func TestControlIsReachedByTypeAssertionOnly(t *testing.T) {
	c, ok := any(NoAccess()).(interface{ Control() any })
	if !ok {
		t.Fatal("no Control on the flag type")
	}
	if _, ok := c.Control().(interface {
		SetBackend(int) error
		Backend([]byte) int
	}); !ok {
		t.Fatal("Control has other methods than securemem asks for")
	}
}

func fill(b []byte) {
	for i := range b {
		b[i] = byte(i*7 + 1)
	}
}

func use(t *testing.T, b Backend) {
	t.Helper()
	was := backend.Load()
	if err := (Control{}).SetBackend(int(b)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { backend.Store(was) })
}
