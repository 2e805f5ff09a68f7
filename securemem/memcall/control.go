package memcall

import (
	"fmt"
	"strconv"
	"sync/atomic"
)

// Backend is a way to keep pages from others.
type Backend int32

// Numbers are those of SPRINT_BACKEND_* in sprint.h.
const (
	Auto      Backend = 0 // Secretmem for up to 1 MiB where the machine has it and cannot hibernate, else Mlock
	Secretmem Backend = 1 // memfd_secret(2): out of the kernel's own reach
	Mlock     Backend = 2 // mlock(2) or what the system has like it
)

// initialBackend is the number of the backend at start. memguard's own tests are
// run over each backend with -ldflags "-X github.com/awnumar/memcall.initialBackend=2".
var initialBackend = "0"

var backend = func() *atomic.Int32 {
	var b atomic.Int32
	n, _ := strconv.Atoi(initialBackend)
	b.Store(int32(n))
	return &b
}()

// Control is how securemem steers this module. It is reached by a type assertion,
// not by name, so that a program which forgot the replace line still compiles
// against upstream and is told so at run time:
//
//	c, ok := any(memcall.NoAccess()).(interface{ Control() any })
type Control struct{}

// Control returns a [Control].
func (MemoryProtectionFlag) Control() any { return Control{} }

// SetBackend chooses the backend of every later Lock.
func (Control) SetBackend(b int) error {
	switch Backend(b) {
	case Auto, Mlock:
	case Secretmem:
		if err := probeSecretmem(); err != nil {
			return fmt.Errorf("memcall: no secretmem here: %w", err)
		}
	default:
		return fmt.Errorf("memcall: backend %d is unknown", b)
	}
	backend.Store(int32(b))
	return nil
}

// Backend returns how the locked pages at b are kept, or Auto if they are not.
func (Control) Backend(b []byte) int { return int(regions.backendOf(b)) }

// Hide does what Lock does but for the lock: it keeps pages of Alloc out of core dumps
// and forked children, where the system can.
func (Control) Hide(b []byte) error { return hidePages(b) }
