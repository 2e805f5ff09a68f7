package securemem

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// Eight goroutines do anything to a few shared buffers. Each buffer always holds one
// byte value all over, so that a torn read shows; every error must be one that the
// state of a shared buffer explains.
func TestEightGoroutinesOfRandomOperations(t *testing.T) {
	const size, shared = 100, 6
	var mu sync.Mutex
	var buffers [shared]*Buffer
	for i := range buffers {
		buffers[i] = uniform(t, size, 1)
	}
	pick := func(r *rand.Rand) *Buffer {
		mu.Lock()
		defer mu.Unlock()
		return buffers[r.IntN(shared)]
	}
	until := time.Now().Add(stressTime)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 42))
			for time.Now().Before(until) {
				if err := randomOperation(r, pick, func(fresh *Buffer) *Buffer {
					mu.Lock()
					defer mu.Unlock()
					i := r.IntN(shared)
					old := buffers[i]
					buffers[i] = fresh
					return old
				}, size); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	for _, b := range buffers {
		free(t, b)
		for b.Close() == nil { // borrows that a goroutine left to the dying buffer
			t.Error("a borrow was left open")
		}
	}
}

func uniform(t testing.TB, n int, v byte) *Buffer {
	t.Helper()
	b, err := From(bytes.Repeat([]byte{v}, n), 0)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func randomOperation(r *rand.Rand, pick func(*rand.Rand) *Buffer, swap func(*Buffer) *Buffer, size int) error {
	torn := func(p []byte) error {
		if len(p) != size || !bytes.Equal(p, bytes.Repeat(p[:1], size)) {
			return fmt.Errorf("torn read: %x", p)
		}
		return nil
	}
	excused := func(err error) error {
		if errors.Is(err, ErrFreed) || errors.Is(err, ErrState) {
			return nil
		}
		return err
	}
	b := pick(r)
	switch r.IntN(8) {
	case 0:
		p := make([]byte, size)
		if err := b.ReadAt(p, 0); err != nil {
			return excused(err)
		}
		return torn(p)
	case 1:
		return excused(b.WriteAt(bytes.Repeat([]byte{byte(r.Uint32())}, size), 0))
	case 2:
		p, err := b.Open(Read)
		if err != nil {
			return excused(err)
		}
		if err := torn(p); err != nil {
			return err
		}
		return b.Close()
	case 3:
		p, err := b.Open(Write)
		if err != nil {
			return excused(err)
		}
		v := byte(r.Uint32())
		for i := range p {
			p[i] = v
		}
		return b.Close()
	case 4:
		_, err := b.HMAC(SHA256, []byte("message"), make([]byte, 32))
		return excused(err)
	case 5:
		_, err := Equal(b, pick(r))
		return excused(err)
	case 6:
		if b.Retain() == nil {
			return nil
		}
		return b.Free()
	default:
		fresh, err := From(bytes.Repeat([]byte{byte(r.Uint32())}, size), 0)
		if err != nil {
			return err
		}
		return swap(fresh).Free()
	}
}

// Two buffers compared in both orders while a writer waits on each: with any lock
// order but a fixed one this stands still.
func TestCrossedComparisonsWithWritersEnd(t *testing.T) {
	a, b := uniform(t, 32, 1), uniform(t, 32, 1)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			x, y := a, b
			if i%2 == 1 {
				x, y = b, a
			}
			for range 2000 {
				if _, err := Equal(x, y); err != nil {
					t.Error(err)
				}
				if err := x.WriteAt([]byte{1}, 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	free(t, a, b)
}
