package securemem

import (
	"errors"
	"fmt"
	"os"

	"github.com/awnumar/memcall"
	"github.com/awnumar/memguard/core"
)

// Backend is how the pages of a secret are kept from others. Numbers are those of
// SPRINT_BACKEND_* in sprint.h.
type Backend uint32

// Backends.
const (
	// BackendAuto is Secretmem for up to 1 MiB on machines that have it and cannot
	// hibernate, Mlock otherwise. As an answer: nothing was allocated yet.
	BackendAuto Backend = 0
	// BackendSecretmem is memfd_secret(2): the kernel itself does not read it for
	// anyone. A forked child does not have the pages.
	BackendSecretmem Backend = 1
	// BackendMlock is mlock(2), out of core dumps, zeros in a forked child. Elsewhere
	// than on Linux it is the system's lock and no more.
	BackendMlock Backend = 2
)

// kernel is our memcall module, or nil if this program was built with upstream's.
// The module is known by what it can do, because a name that upstream lacks would
// not compile there.
var kernel = func() control {
	if m, ok := any(memcall.NoAccess()).(interface{ Control() any }); ok {
		c, _ := m.Control().(control)
		return c
	}
	return nil
}()

type control interface {
	SetBackend(backend int) error
	Backend(pages []byte) int
	Hide(pages []byte) error
}

// refusal is what our memcall panics with; see its package comment.
type refusal interface {
	error
	Operation() string
}

// guard runs what ends in memcall: the one place where a refusal of the kernel
// becomes an error.
func guard(op func()) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case refusal:
			sentinel := ErrNoMemory
			if r.Operation() == "lock" {
				sentinel = ErrLimit
			}
			err = fmt.Errorf("%w: %w", sentinel, r)
		default:
			panic(r)
		}
	}()
	op()
	return nil
}

// lockedPages has memguard map, lock and guard size bytes. size is a multiple of the
// page size: memguard's own canary, whose damage would end the process, is empty.
func lockedPages(size int) (pages *core.Buffer, err error) {
	var bad error
	err = guard(func() { pages, bad = core.NewBuffer(size) })
	if err == nil {
		err = bad
	}
	return pages, err
}

// guardedPages are what memguard makes but for the lock, which it insists on.
type guardedPages struct {
	all, inner []byte
}

func unlockedPages(size int) (p *guardedPages, err error) {
	page := os.Getpagesize()
	var bad error
	err = guard(func() {
		var all []byte
		if all, bad = memcall.Alloc(size + 2*page); bad != nil {
			return
		}
		if bad = kernel.Hide(all); bad != nil {
			bad = errors.Join(bad, memcall.Free(all))
			return
		}
		_ = memcall.Protect(all[:page], memcall.NoAccess())
		_ = memcall.Protect(all[page+size:], memcall.NoAccess())
		p = &guardedPages{all: all, inner: all[page : page+size : page+size]}
	})
	if err == nil && bad != nil {
		err = fmt.Errorf("%w: %w", ErrNoMemory, bad)
	}
	return p, err
}

// Destroy wipes and unmaps.
func (p *guardedPages) Destroy() { _ = memcall.Free(p.all) }

func protect(mem []byte, prot memcall.MemoryProtectionFlag) error {
	return guard(func() { _ = memcall.Protect(mem, prot) })
}

// SetBackend chooses how later allocations are kept. Free slots of another kind are
// given up; buffers that live stay as they are.
func SetBackend(b Backend) error {
	if kernel == nil {
		return ErrNoReplace
	}
	if b > BackendMlock {
		return fmt.Errorf("%w: backend %d", ErrUnsupported, b)
	}
	if err := kernel.SetBackend(int(b)); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	wanted.Store(uint32(b))
	Trim()
	return nil
}
