package memcall

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

func mapPages(n int) (unsafe.Pointer, error) {
	p, err := windows.VirtualAlloc(0, uintptr(n), windows.MEM_COMMIT|windows.MEM_RESERVE, windows.PAGE_READWRITE)
	// Not a Go object, so that the conversion is safe; the indirection says so to vet.
	return *(*unsafe.Pointer)(unsafe.Pointer(&p)), err
}

func unmapPages(p unsafe.Pointer, _ int) error {
	return windows.VirtualFree(uintptr(p), 0, windows.MEM_RELEASE)
}

// lockPages has VirtualLock only: dumps are not kept out here.
func lockPages(b []byte, _ Backend) (Backend, error) {
	return Mlock, pinPages(b)
}

func pinPages(b []byte) error {
	return windows.VirtualLock(addr(b), uintptr(len(b)))
}

func unlockPages(b []byte) error {
	return windows.VirtualUnlock(addr(b), uintptr(len(b)))
}

// protectPages leaves locked pages readable, which Windows would otherwise unlock for
// good (STATUS_WAS_UNLOCKED: "changed to 'No Access' and the page was unlocked").
func protectPages(b []byte, flag byte) error {
	if flag == noAccess && regions.backendOf(b) != Auto && !regions.isGuard(b) {
		flag = readOnly
	}
	prot := uint32(windows.PAGE_NOACCESS)
	switch flag {
	case readOnly:
		prot = windows.PAGE_READONLY
	case readWrite:
		prot = windows.PAGE_READWRITE
	}
	var old uint32
	return windows.VirtualProtect(addr(b), uintptr(len(b)), prot, &old)
}

func hidePages([]byte) error { return nil }
