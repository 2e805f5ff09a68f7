package memcall

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// backends are those of this machine.
func backends(t *testing.T) []Backend {
	t.Helper()
	if err := probeSecretmem(); err != nil {
		t.Logf("no secretmem: %v", err)
		return []Backend{Mlock}
	}
	return []Backend{Secretmem, Mlock}
}

// vmFlags are those that the kernel shows for the mapping at b.
func vmFlags(t *testing.T, b []byte) []string {
	t.Helper()
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	inside := false
	for line := range strings.Lines(string(smaps)) {
		var lo, hi uintptr
		if n, _ := fmt.Sscanf(line, "%x-%x ", &lo, &hi); n == 2 {
			inside = lo <= addr(b) && addr(b) < hi
		}
		if flags, ok := strings.CutPrefix(line, "VmFlags:"); ok && inside {
			return strings.Fields(flags)
		}
	}
	t.Fatal("not mapped")
	return nil
}

func TestLockedPagesCarryTheKernelsFlags(t *testing.T) {
	want := map[Backend][]string{Secretmem: {"lo", "dd", "dc"}, Mlock: {"lo", "dd", "wf"}}
	for _, be := range backends(t) {
		use(t, be)
		b := alloc(t, os.Getpagesize())
		if err := Lock(b); err != nil {
			t.Fatal(err)
		}
		got := " " + strings.Join(vmFlags(t, b), " ") + " "
		for _, flag := range want[be] {
			if !strings.Contains(got, " "+flag+" ") {
				t.Errorf("backend %d: flag %s missing in %s", be, flag, got)
			}
		}
		if err := Free(b); err != nil {
			t.Fatal(err)
		}
	}
}

func TestNoDescriptorOfSecretmemStaysOpen(t *testing.T) {
	for _, be := range backends(t) {
		use(t, be)
		b := alloc(t, os.Getpagesize())
		defer Free(b)
		if err := Lock(b); err != nil {
			t.Fatal(err)
		}
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if target, _ := os.Readlink("/proc/self/fd/" + fd.Name()); strings.Contains(target, "secretmem") {
			t.Errorf("fd %s is %s", fd.Name(), target)
		}
	}
}

func TestRefusedLockUnmapsTheWholeRegion(t *testing.T) {
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &was); err != nil {
		t.Fatal(err)
	}
	for _, be := range backends(t) {
		use(t, be)
		b := alloc(t, 3*os.Getpagesize())
		inner := b[os.Getpagesize() : 2*os.Getpagesize()]
		f := failureOf(t, func() { withoutRightToLock(t, was, func() { _ = Lock(inner) }) })
		if f == nil || f.Operation() != OpLock {
			t.Fatalf("backend %d: failure is %v", be, f)
		}
		if err := unix.Mprotect(b, unix.PROT_READ); !errors.Is(err, unix.ENOMEM) {
			t.Errorf("backend %d: still mapped (mprotect says %v)", be, err)
		}
		if n := len(regions.live); n != 0 {
			t.Errorf("%d regions remembered", n)
		}
	}
}

func TestRefusedProtectOfAGuardUnmapsAndOfTheRestDoesNot(t *testing.T) {
	page := os.Getpagesize()
	b := alloc(t, 3*page)
	for name, c := range map[string]struct {
		part  []byte
		guard bool
	}{"front guard": {b[:page], true}, "rear guard": {b[2*page:], true}, "inner": {b[page : 2*page], false}, "whole": {b, false}} {
		if got := regions.isGuard(c.part); got != c.guard {
			t.Errorf("%s: guard %t, want %t", name, got, c.guard)
		}
	}
	// An address in the middle of a page is what the kernel refuses for certain.
	if f := failureOf(t, func() { _ = Protect(b[page+1:2*page], ReadOnly()) }); f == nil || f.Op != OpProtect {
		t.Fatalf("failure is %v", f)
	}
	fill(b)
	if f := failureOf(t, func() { _ = Protect(b[2*page+1:], ReadOnly()) }); f == nil {
		t.Fatal("a guard in the middle of a page was protected")
	}
	if err := unix.Mprotect(b, unix.PROT_READ); !errors.Is(err, unix.ENOMEM) {
		t.Errorf("still mapped (mprotect says %v)", err)
	}
}

func TestCoreDumpLimitIsTheHosts(t *testing.T) {
	var before, after unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &before); err != nil {
		t.Fatal(err)
	}
	if err := DisableCoreDumps(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &after); err != nil {
		t.Fatal(err)
	}
	if before != after {
		t.Errorf("limit was %v, is %v", before, after)
	}
}

func TestOnlySwapThatKeepsItsContentLetsAMachineHibernate(t *testing.T) {
	const head = "Filename\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
	for name, c := range map[string]struct {
		states, swaps string
		want          bool
	}{
		"disk and partition": {"freeze mem disk\n", head + "/dev/sda2 partition 100 0 -2\n", true},
		"disk and file":      {"disk\n", head + "/swapfile file 100 0 -2\n", true},
		"zram only":          {"freeze mem disk\n", head + "/dev/zram0 partition 100 0 100\n", false},
		"zram and partition": {"disk\n", head + "/dev/zram0 partition 1 0 100\n/dev/sda2 partition 1 0 -2\n", true},
		"no swap":            {"freeze mem disk\n", head, false},
		"kernel cannot":      {"freeze mem\n", head + "/dev/sda2 partition 100 0 -2\n", false},
		"nothing":            {"", "", false},
	} {
		if got := hibernates(c.states, c.swaps); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// withoutRightToLock runs fn with a lock limit of 0 and without the capability that
// overrides it. Both come back, also when fn panics.
func withoutRightToLock(t *testing.T, limit unix.Rlimit, fn func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var caps [2]unix.CapUserData
	if err := unix.Capget(&hdr, &caps[0]); err != nil {
		t.Fatal(err)
	}
	without := caps
	without[0].Effective &^= 1 << unix.CAP_IPC_LOCK
	if err := unix.Capset(&hdr, &without[0]); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Capset(&hdr, &caps[0]); err != nil {
			t.Error(err)
		}
	}()
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
			t.Error(err)
		}
	}()
	fn()
}
