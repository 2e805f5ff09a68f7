//go:build unix

package memcall

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

func mapPages(n int) (unsafe.Pointer, error) {
	return unix.MmapPtr(-1, 0, nil, uintptr(n), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
}

func unmapPages(p unsafe.Pointer, n int) error {
	return unix.MunmapPtr(p, uintptr(n))
}

func pinPages(b []byte) error { return unix.Mlock(b) }

func unlockPages(b []byte) error { return unix.Munlock(b) }

func protectPages(b []byte, flag byte) error {
	prot := unix.PROT_NONE
	switch flag {
	case readOnly:
		prot = unix.PROT_READ
	case readWrite:
		prot = unix.PROT_READ | unix.PROT_WRITE
	}
	return unix.Mprotect(b, prot)
}
