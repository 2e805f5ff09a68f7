package securemem

import (
	"bytes"
	"os"

	"golang.org/x/sys/unix"
)

const lockLimitName = "RLIMIT_MEMLOCK"

// measure reads the limits. What cannot be read (no /proc in a chroot) is replaced
// by what we know ourselves, and the kernel has the last word.
func measure() limits {
	l := unlimited()
	var rlimit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_MEMLOCK, &rlimit) == nil {
		l.lockLimit = rlimit.Cur
	}
	l.bound = l.lockLimit != unix.RLIM_INFINITY && !mayLockFreely()
	l.locked = uint64(count.lockedBytes.Load())
	if kb, ok := readField("/proc/self/status", "VmLck:"); ok {
		l.locked = kb << 10
	}
	if kb, ok := readField("/proc/meminfo", "MemAvailable:"); ok {
		l.available = kb << 10
	}
	if n, ok := readField("/proc/sys/vm/max_map_count", ""); ok {
		l.maxMappings = int(n)
	}
	return l
}

// mayLockFreely reports whether this thread has CAP_IPC_LOCK. A capability that only
// counts inside a user namespace looks the same; there the kernel refuses instead.
func mayLockFreely() bool {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	return unix.Capget(&hdr, &data[0]) == nil && data[0].Effective&(1<<unix.CAP_IPC_LOCK) != 0
}

// readField returns the number after the first line start that is name. It reads into
// the stack and makes no object: it runs when memory is short.
func readField(file, name string) (uint64, bool) {
	fd, err := unix.Open(file, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, false
	}
	defer unix.Close(fd)
	var page [4096]byte // more than these files have before the fields of interest
	n, err := unix.Read(fd, page[:])
	if err != nil {
		return 0, false
	}
	for line := range bytes.Lines(page[:n]) {
		if len(line) >= len(name) && string(line[:len(name)]) == name {
			return leadingNumber(bytes.TrimLeft(line[len(name):], " \t"))
		}
	}
	return 0, false
}

func leadingNumber(text []byte) (n uint64, ok bool) {
	for _, c := range text {
		if c < '0' || c > '9' {
			break
		}
		n, ok = n*10+uint64(c-'0'), true
	}
	return n, ok
}

// mappingsToSpare reports whether the process may make some more mappings than slots
// need: one that the Go runtime is refused for itself would end the process. It asks
// by trying, without allocating.
func mappingsToSpare() bool {
	const pages = 80
	page := uintptr(os.Getpagesize())
	at, _, errno := unix.RawSyscall6(unix.SYS_MMAP, 0, pages*page, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON, ^uintptr(0), 0)
	if errno != 0 {
		return false
	}
	for i := uintptr(1); i < pages && errno == 0; i += 2 { // neighbours differ: none merge
		_, _, errno = unix.RawSyscall(unix.SYS_MPROTECT, at+i*page, page, unix.PROT_READ)
	}
	_, _, _ = unix.RawSyscall(unix.SYS_MUNMAP, at, pages*page, 0)
	return errno == 0
}
