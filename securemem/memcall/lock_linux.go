package memcall

import (
	"errors"

	"golang.org/x/sys/unix"
)

// secretmemMax bounds what Auto asks of secretmem: taking a page out of the kernel's
// direct map costs about 30 us, and splinters that map for the whole machine. It is
// 1 MiB and a page more, for the canary of a secret of that size.
const secretmemMax = 1<<20 + 64<<10

func lockPages(b []byte, want Backend) (Backend, error) {
	switch want {
	case Secretmem:
		return Secretmem, overlaySecretmem(b)
	case Mlock:
	default:
		// Whatever stands against secretmem (an old kernel, a seccomp filter, no
		// descriptor left), mlock is asked next, and its answer counts.
		if len(b) <= secretmemMax && !canHibernate() && overlaySecretmem(b) == nil {
			return Secretmem, nil
		}
	}
	return Mlock, mlock(b)
}

// mlock hides and locks anonymous pages.
func mlock(b []byte) error {
	if err := hidePages(b); err != nil {
		return err
	}
	return pinPages(b)
}

// hidePages keeps anonymous pages out of core dumps and empties them in a forked
// child. Where the kernel is too old to empty them (before 4.14) the child does not
// get them at all.
func hidePages(b []byte) error {
	if err := unix.Madvise(b, unix.MADV_DONTDUMP); err != nil {
		return err
	}
	err := unix.Madvise(b, unix.MADV_WIPEONFORK)
	if errors.Is(err, unix.EINVAL) {
		err = unix.Madvise(b, unix.MADV_DONTFORK)
	}
	return err
}
