package transport

import (
	"syscall"
	"unsafe"
)

var (
	winsock = syscall.NewLazyDLL("ws2_32.dll")
	wsaPoll = winsock.NewProc("WSAPoll")
	wsaRecv = winsock.NewProc("recv")
)

// pollFD is WSAPOLLFD.
type pollFD struct {
	socket          uintptr
	events, revents int16
}

const (
	pollRead   = 0x0100 // POLLRDNORM
	pollClosed = 0x0007 // POLLERR, POLLHUP, POLLNVAL
	msgPeek    = 2
)

// peek asks whether something is there first: recv would wait for it.
func peek(socket int) Quiet {
	p := pollFD{socket: uintptr(socket), events: pollRead}
	n, _, _ := syscall.SyscallN(wsaPoll.Addr(), uintptr(unsafe.Pointer(&p)), 1, 0)
	switch {
	case int32(n) < 0 || p.revents&pollClosed != 0:
		return Gone
	case n == 0:
		return Silent
	}
	var one [1]byte
	if n, _, _ = syscall.SyscallN(wsaRecv.Addr(), p.socket, uintptr(unsafe.Pointer(&one)), 1, msgPeek); int32(n) <= 0 {
		return Gone
	}
	return Pending
}
