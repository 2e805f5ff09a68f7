package transport

import (
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Control calls fn with the socket, which stays open meanwhile. The caller sees to it
// that a detached connection is not closed at the same time.
func (c *Conn) Control(fn func(fd int) error) error {
	if c.detached {
		return fn(c.fd)
	}
	raw, err := c.raw()
	if err != nil {
		return err
	}
	if ctlErr := raw.Control(func(fd uintptr) { err = fn(int(fd)) }); ctlErr != nil {
		return ctlErr
	}
	return err
}

// Detach takes the socket out of the Go poller and makes it blocking. Bytes that
// the tls.Conn has already read stay with it.
func (c *Conn) Detach() error {
	raw, err := c.raw()
	if err != nil {
		return err
	}
	fd := -1
	var dupErr error
	if err := raw.Control(func(s uintptr) {
		fd, dupErr = unix.FcntlInt(s, unix.F_DUPFD_CLOEXEC, 3)
	}); err != nil {
		return err
	}
	if dupErr != nil {
		return fmt.Errorf("duplicating the socket: %w", dupErr)
	}
	// The copy shares the socket, so closing the original sends nothing.
	if err := c.conn.Close(); err != nil {
		_ = unix.Close(fd)
		return err
	}
	if err := unix.SetNonblock(fd, false); err != nil {
		_ = unix.Close(fd)
		return fmt.Errorf("making the socket blocking: %w", err)
	}
	c.fd, c.detached = fd, true
	return nil
}

// HangUp ends both directions without freeing the descriptor: whoever waits on it
// wakes. Safe from any thread while the connection is not closed.
func (c *Conn) HangUp() {
	if !c.detached {
		_ = c.conn.Close()
		return
	}
	_ = unix.Shutdown(c.fd, unix.SHUT_RDWR)
}

// Pull reads what waits on a detached socket, up to the size of p, and feeds it.
// The memory is borrowed like Feed's.
func (c *Conn) Pull(p []byte) {
	n, errno := rawRecv(c.fd, p, unix.MSG_DONTWAIT)
	switch {
	case errno == unix.EAGAIN || errno == unix.EINTR:
	case errno != 0:
		c.End(os.NewSyscallError("recv", errno))
	case n == 0:
		c.End(ErrTruncated)
	default:
		c.Feed(p[:n])
	}
}

func peek(fd int) Quiet {
	if !stirs(fd) {
		return Silent
	}
	var one [1]byte
	for {
		n, errno := rawRecv(fd, one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		switch {
		case errno == unix.EINTR:
			continue
		case errno == unix.EAGAIN:
			return Silent
		case errno != 0 || n == 0:
			return Gone
		}
		return Pending
	}
}

// send gives the socket what it takes now; 0 means full. RawSyscall: a call that
// cannot block need not tell the scheduler, and this one runs on a host's thread.
func send(fd int, p []byte) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd),
			uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)),
			unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, nil
		default:
			return 0, os.NewSyscallError("send", errno)
		}
	}
}

func rawRecv(fd int, p []byte, flags uintptr) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd),
		uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), flags, 0, 0)
	return int(n), errno
}

func closeFD(fd int) error { return os.NewSyscallError("close", unix.Close(fd)) }

// LimitUnacknowledged has the kernel give a connection up (ETIMEDOUT) when bytes that were
// sent are not acknowledged for so long: TCP_USER_TIMEOUT, RFC 5482.
func LimitUnacknowledged(c syscall.RawConn, limit time.Duration) error {
	var err error
	if ctlErr := c.Control(func(fd uintptr) {
		err = os.NewSyscallError("setsockopt", unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(limit.Milliseconds())))
	}); ctlErr != nil {
		return ctlErr
	}
	return err
}
