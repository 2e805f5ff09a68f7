//go:build linux && !race

// The race detector needs mappings of its own and ends the process without them.

package securemem

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"testing"

	"golang.org/x/sys/unix"
)

// With fewer and fewer mappings left, every step of making a slot is refused once.
func TestWithoutMappingsAnAllocationIsAnErrorAndEveryOtherSecretLives(t *testing.T) {
	for _, backend := range []Backend{BackendAuto, BackendMlock} {
		runHelper(t, fmt.Sprintf("mappings-%d", backend), nil)
	}
}

func init() {
	for _, backend := range []Backend{BackendAuto, BackendMlock} {
		helpers[fmt.Sprintf("mappings-%d", backend)] = func() { exhaustMappings(backend) }
	}
}

func exhaustMappings(backend Backend) {
	// Near its end the Go runtime must not need a mapping itself.
	runtime.MemProfileRate = 0
	debug.SetGCPercent(-1)
	fail := func(format string, args ...any) { fmt.Printf("FAIL "+format+"\n", args...) }
	if err := SetBackend(backend); err != nil {
		fail("%v", err)
		return
	}
	alive, err := From(pattern(32), 0)
	if err != nil {
		fail("%v", err)
		return
	}
	Trim()
	// Every second page of a large mapping gets another protection, until the kernel
	// refuses: then all mappings are taken.
	page := os.Getpagesize()
	pages := measure().maxMappings + 2
	field, err := unix.Mmap(-1, 0, pages*page, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		fail("%v", err)
		return
	}
	taken := 1
	for ; taken < pages; taken += 2 {
		if unix.Mprotect(field[taken*page:(taken+1)*page], unix.PROT_READ) != nil {
			break
		}
	}
	refused, given := 0, 0
	for range 64 { // until there are more than mappingsToSpare asks for
		for range 4 {
			b, err := From(pattern(64), 0)
			switch {
			case err == nil:
				given++
				if err := b.Free(); err != nil {
					fail("free: %v", err)
				}
				Trim()
			case errors.Is(err, ErrLimit) || errors.Is(err, ErrNoMemory):
				refused++
			default:
				fail("%v", err)
			}
		}
		got := make([]byte, 32)
		if err := alive.ReadAt(got, 0); err != nil || string(got) != string(pattern(32)) {
			fail("the live secret: %v", err)
		}
		taken -= 2 // two mappings more
		if err := unix.Mprotect(field[taken*page:(taken+1)*page], unix.PROT_NONE); err != nil {
			fail("%v", err)
		}
	}
	if refused == 0 || given == 0 {
		fail("%d refused and %d given: the limit was not passed", refused, given)
	}
	if err := alive.Free(); err != nil {
		fail("%v", err)
	}
	Trim()
	if n := ReadStats().LockedBytes; n != 0 {
		fail("%d bytes locked at the end", n)
	}
	fmt.Println("refused", refused, "given", given)
}
