// Package memcall makes the system calls behind github.com/awnumar/memguard for
// libsprint. It has the API of github.com/awnumar/memcall and takes its place by a
// replace line in go.mod.
//
// It differs where a guest in a foreign process must differ:
//
//   - A failure is a panic with a *[Failure], never a returned error: memguard
//     answers a returned error by wiping every secret of the process. Whoever calls
//     memguard recovers the Failure and turns it into an error again. What was
//     mapped for a buffer that never came to be is unmapped first.
//   - [DisableCoreDumps] does nothing: the rlimits belong to the host. Each locked
//     mapping is kept out of dumps instead.
//   - [Lock] puts secretmem (memfd_secret(2)) under the pages where it can, and
//     leaves nothing of them in a forked child.
package memcall

import "unsafe"

// MemoryProtectionFlag says what may be done with pages.
type MemoryProtectionFlag struct {
	flag byte
}

// The values of upstream, so that they print alike.
const (
	noAccess  = 1
	readOnly  = 2
	readWrite = 6
)

// NoAccess pages can be neither read nor written.
func NoAccess() MemoryProtectionFlag { return MemoryProtectionFlag{noAccess} }

// ReadOnly pages can be read.
func ReadOnly() MemoryProtectionFlag { return MemoryProtectionFlag{readOnly} }

// ReadWrite pages can be read and written.
func ReadWrite() MemoryProtectionFlag { return MemoryProtectionFlag{readWrite} }

// ErrInvalidFlag is the text of the error for a flag that no function above made.
const ErrInvalidFlag = "memcall: memory protection flag is undefined"

// Alloc maps n bytes of zeros, readable and writable.
func Alloc(n int) ([]byte, error) {
	if n <= 0 {
		return nil, &Failure{Op: OpAlloc, Bytes: n, Err: errLength}
	}
	p, err := mapPages(n)
	if err != nil {
		panic(&Failure{Op: OpAlloc, Bytes: n, Err: err})
	}
	regions.add(p, n)
	return unsafe.Slice((*byte)(p), n), nil
}

// Free wipes and unmaps what Alloc returned.
//
// It panics only when the pages cannot be made writable. Pages that are wiped but
// cannot be unmapped (the kernel is out of mappings, so that splitting one fails)
// are no reason to stop memguard half way: they are unmapped by a later call.
func Free(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if err := protectPages(b, readWrite); err != nil {
		panic(&Failure{Op: OpProtect, Bytes: len(b), Err: err})
	}
	wipe(b)
	regions.release(b)
	return nil
}

// Lock keeps pages of Alloc in memory and out of core dumps and forked children.
// Their content is kept. Memory from elsewhere is locked and nothing else: what may
// become of it in a child is not for this package to say.
func Lock(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	var got Backend
	var err error
	if regions.holds(b) {
		got, err = lockPages(b, Backend(backend.Load()))
	} else {
		err = pinPages(b)
	}
	if err != nil {
		regions.abandon(b)
		panic(&Failure{Op: OpLock, Bytes: len(b), Err: err})
	}
	regions.locked(b, got)
	return nil
}

// Unlock takes the lock away. Secretmem stays locked until it is unmapped, and a
// refusal is left to the unmapping too.
func Unlock(b []byte) error {
	if len(b) != 0 && regions.backendOf(b) != Secretmem {
		_ = unlockPages(b)
	}
	return nil
}

// Protect says what may be done with the pages of b.
func Protect(b []byte, mpf MemoryProtectionFlag) error {
	switch mpf.flag {
	case noAccess, readOnly, readWrite:
	default:
		return errFlag
	}
	if len(b) == 0 {
		return nil
	}
	if err := protectPages(b, mpf.flag); err != nil {
		if regions.isGuard(b) {
			regions.abandon(b)
		}
		panic(&Failure{Op: OpProtect, Bytes: len(b), Err: err})
	}
	return nil
}

// DisableCoreDumps does nothing; see the package comment.
func DisableCoreDumps() error { return nil }

//go:noinline
func wipe(b []byte) { clear(b) }
