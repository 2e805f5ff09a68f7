//go:build linux && (amd64 || arm64 || riscv64)

package memcall

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// probeSecretmem returns nil if the kernel gives secretmem to this process.
func probeSecretmem() error {
	fd, err := unix.MemfdSecret(unix.O_CLOEXEC)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// overlaySecretmem puts secretmem in the place of the whole pages that b starts,
// keeping their content. The kernel locks it and leaves it out of dumps by itself.
//
// It is mapped somewhere else and moved over b in one step: b is as it was if any
// step before fails. The descriptor is closed at once, because whoever can take
// hold of an open one can map the secret.
func overlaySecretmem(b []byte) error {
	fd, err := unix.MemfdSecret(unix.O_CLOEXEC)
	if err != nil {
		return err
	}
	page := os.Getpagesize()
	b = unsafe.Slice(unsafe.SliceData(b), (len(b)+page-1)&^(page-1))
	size := uintptr(len(b))
	err = unix.Ftruncate(fd, int64(size))
	var p unsafe.Pointer
	if err == nil {
		p, err = unix.MmapPtr(fd, 0, nil, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	}
	unix.Close(fd)
	if err != nil {
		return err
	}
	fresh := unsafe.Slice((*byte)(p), len(b))
	// A shared mapping would be the parent's very memory in a forked child.
	if err = unix.Madvise(fresh, unix.MADV_DONTFORK); err == nil {
		copy(fresh, b) // touches each page too, so that none is missing later
		wipe(b)
		_, err = unix.MremapPtr(p, size, unsafe.Pointer(unsafe.SliceData(b)), size, unix.MREMAP_MAYMOVE|unix.MREMAP_FIXED)
		if err == nil {
			return nil
		}
		copy(b, fresh)
	}
	wipe(fresh)
	_ = unix.MunmapPtr(p, size)
	return err
}
