package securemem

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// lowerLimit lets this process lock limit bytes more than are locked now, and takes
// the right to lock more from this thread. The returned function undoes it.
func lowerLimit(t *testing.T, more int) (undo func()) {
	t.Helper()
	Trim()
	runtime.LockOSThread()
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var caps [2]unix.CapUserData
	must(t, unix.Capget(&hdr, &caps[0]))
	without := caps
	without[0].Effective &^= 1 << unix.CAP_IPC_LOCK
	must(t, unix.Capset(&hdr, &without[0]))
	var was unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_MEMLOCK, &was))
	must(t, unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: measure().locked + uint64(more), Max: was.Max}))
	return func() {
		must(t, unix.Setrlimit(unix.RLIMIT_MEMLOCK, &was))
		must(t, unix.Capset(&hdr, &caps[0]))
		runtime.UnlockOSThread()
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fillUp allocates until it is refused.
func fillUp(t *testing.T, n int) (all []*Buffer, refusal error) {
	t.Helper()
	for {
		b, err := From(pattern(n), 0)
		if err != nil {
			return all, err
		}
		all = append(all, b)
	}
}

func TestAtTheLockLimitAnAllocationFailsAndEveryOtherSecretLives(t *testing.T) {
	eachBackend(t, func(t *testing.T, _ Backend) {
		defer lowerLimit(t, 64<<10)()
		page := os.Getpagesize()
		before := ReadStats().Refused
		all, err := fillUp(t, 32)
		if !errors.Is(err, ErrLimit) {
			t.Fatalf("refusal is %v", err)
		}
		if want := 64 << 10 / page; len(all) != want {
			t.Errorf("%d buffers fit, want %d", len(all), want)
		}
		if got := ReadStats().Refused - before; got != 1 {
			t.Errorf("%d refusals counted, want 1", got)
		}
		if ReadStats().Enabled {
			t.Error("still enabled at the limit")
		}
		for _, b := range all {
			wantPattern(t, b)
		}
		// One that is freed makes room for the next.
		free(t, all[0])
		if !ReadStats().Enabled {
			t.Error("not enabled with a free slot")
		}
		all[0] = newPattern(t, 32)
		free(t, all...)
	})
}

func TestFromWipesItsSourceWhenMemoryIsRefused(t *testing.T) {
	src := pattern(1 << 20)
	defer lowerLimit(t, 64<<10)()
	if _, err := From(src, 0); !errors.Is(err, ErrLimit) {
		t.Fatalf("error is %v", err)
	}
	if !bytes.Equal(src, make([]byte, len(src))) {
		t.Error("source not wiped")
	}
}

func TestFreeSlotsOfOneSizeMakeRoomForAnother(t *testing.T) {
	defer lowerLimit(t, 64<<10)()
	all, _ := fillUp(t, 32)
	free(t, all...)
	big, err := From(pattern(60<<10), 0)
	if err != nil {
		t.Fatalf("with all slots free: %v", err)
	}
	wantPattern(t, big)
	free(t, big)
}

func TestTheLimitMayFallMidRun(t *testing.T) {
	all := []*Buffer{newPattern(t, 32), newPattern(t, 5000), newPattern(t, 2<<20)}
	undo := lowerLimit(t, -1<<10)
	if _, err := Alloc(32, 0); !errors.Is(err, ErrLimit) {
		t.Errorf("over the lowered limit: %v", err)
	}
	for _, b := range all {
		wantPattern(t, b)
	}
	undo()
	free(t, all...)
	free(t, newPattern(t, 32))
}

func TestLocksOfTheHostCount(t *testing.T) {
	defer lowerLimit(t, 64<<10)()
	host, err := unix.Mmap(-1, 0, 48<<10, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	must(t, err)
	must(t, unix.Mlock(host))
	all, err := fillUp(t, 32)
	if !errors.Is(err, ErrLimit) {
		t.Errorf("refusal is %v", err)
	}
	if want := 16 << 10 / os.Getpagesize(); len(all) != want {
		t.Errorf("%d buffers beside the host's 48 KiB, want %d", len(all), want)
	}
	free(t, all...)
	must(t, unix.Munmap(host))
}

func TestARefusalOfTheKernelIsAnErrorToo(t *testing.T) {
	eachBackend(t, func(t *testing.T, _ Backend) {
		other := newPattern(t, 32)
		mappings := countMappings(t)
		undo := lowerLimit(t, 0)
		// Past the accounting, as when the host locks memory at the same moment.
		for range 100 {
			if _, err := newSlot(4<<10, nil); !errors.Is(err, ErrLimit) {
				t.Fatalf("kernel's refusal became %v", err)
			}
		}
		if ReadStats().Enabled {
			t.Error("enabled though the kernel refuses")
		}
		undo()
		if got := countMappings(t); got > mappings+4 {
			t.Errorf("%d mappings, %d before", got, mappings)
		}
		wantPattern(t, other)
		free(t, other)
	})
}

func TestMappingsAreAccounted(t *testing.T) {
	l := unlimited()
	used := int(count.slots.Load()) * mappingsPerSlot
	l.maxMappings = 8 * (used + 2*mappingsPerSlot)
	if fit, err := l.fit(4 << 10); fit != 2 || err != nil {
		t.Errorf("room for %d, %v; want 2", fit, err)
	}
	l.maxMappings = 8 * used
	if fit, err := l.fit(4 << 10); fit != 0 || !errors.Is(err, ErrLimit) {
		t.Errorf("room for %d, %v; want none", fit, err)
	}
}

func TestMoreThanTheMachineHasIsErrNoMemory(t *testing.T) {
	l := unlimited()
	l.available = 1 << 20
	if _, err := l.fit(2 << 20); !errors.Is(err, ErrNoMemory) {
		t.Errorf("error is %v", err)
	}
}

func TestMeasuredLimitsAreTheKernels(t *testing.T) {
	var r unix.Rlimit
	must(t, unix.Getrlimit(unix.RLIMIT_MEMLOCK, &r))
	l := measure()
	if l.lockLimit != r.Cur || ReadStats().LockLimitBytes != r.Cur {
		t.Errorf("limit %d, want %d", l.lockLimit, r.Cur)
	}
	if l.maxMappings < 1 || l.available < 1<<20 {
		t.Errorf("measured %+v", l)
	}
	b := newPattern(t, 32)
	if got, own := measure().locked, ReadStats().LockedBytes; got < own || own == 0 {
		t.Errorf("process locks %d bytes, we say %d", got, own)
	}
	free(t, b)
}

// As an unprivileged user with 64 KiB, the limit of many containers.
func TestAnUnprivilegedProcessWith64KiB(t *testing.T) {
	for _, backend := range []Backend{BackendSecretmem, BackendMlock} {
		name := fmt.Sprintf("unprivileged-%d", backend)
		out := runHelper(t, name, func(cmd *exec.Cmd) {
			if os.Geteuid() == 0 {
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			}
		})
		if !strings.Contains(out, "done") {
			t.Errorf("%s: %s", name, out)
		}
	}
}

func init() {
	for _, backend := range []Backend{BackendSecretmem, BackendMlock} {
		helpers[fmt.Sprintf("unprivileged-%d", backend)] = func() { unprivileged(backend) }
	}
}

func unprivileged(backend Backend) {
	check := func(ok bool, what string) {
		if !ok {
			fmt.Println("FAIL", what)
		}
	}
	check(!mayLockFreely(), "may lock freely")
	check(unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: 64 << 10, Max: 64 << 10}) == nil, "setrlimit")
	if err := SetBackend(backend); err != nil {
		fmt.Println("done without this backend:", err)
		return
	}
	var all []*Buffer
	for round := range 20 { // freed and filled again, nothing may be lost
		for {
			b, err := From(pattern(32), 0)
			if err != nil {
				check(errors.Is(err, ErrLimit), err.Error())
				break
			}
			check(b.Backend() == backend, "another backend")
			all = append(all, b)
		}
		check(len(all) == 64<<10/os.Getpagesize(), fmt.Sprintf("round %d: %d buffers", round, len(all)))
		for _, b := range all {
			got := make([]byte, 32)
			check(b.ReadAt(got, 0) == nil && string(got) == string(pattern(32)), "does not read back")
		}
		for _, b := range all[round%len(all):] {
			check(b.Free() == nil, "free")
		}
		all = all[:round%len(all)]
		if round%3 == 0 {
			Trim()
		}
	}
	fmt.Println("done")
}

func TestDegradeTakesUnlockedPagesAtTheLimitAndSaysSo(t *testing.T) {
	defer lowerLimit(t, 64<<10)()
	all, _ := fillUp(t, 32)
	b, err := From(pattern(100), Degrade)
	if err != nil {
		t.Fatal(err)
	}
	if b.Locked() || b.Backend() != BackendAuto || ReadStats().Unlocked != 1 {
		t.Errorf("locked %t, backend %d, %d unlocked", b.Locked(), b.Backend(), ReadStats().Unlocked)
	}
	_, flags := mappingAt(t, &b.data[0])
	for flag, want := range map[string]bool{"lo": false, "dd": true, "wf": true} {
		if strings.Contains(flags, " "+flag+" ") != want {
			t.Errorf("flag %s: want %t, have%s", flag, want, flags)
		}
	}
	if at := faultAddress(t, func() { sink = *(*byte)(unsafe.Add(unsafe.Pointer(&b.data[0]), 100)) }); at == 0 {
		t.Error("no guard page behind")
	}
	wantPattern(t, b)
	locked := ReadStats().LockedBytes
	free(t, b)
	if got := ReadStats(); got.Unlocked != 0 || got.LockedBytes != locked {
		t.Errorf("after Free: %d unlocked, %d locked", got.Unlocked, got.LockedBytes)
	}
	free(t, all...)
	// With room again it is locked.
	if b, err = From(pattern(100), Degrade); err != nil || !b.Locked() {
		t.Errorf("with room: %v", err)
	}
	free(t, b)
}

func TestManyMoreSecretsFitSealed(t *testing.T) {
	defer lowerLimit(t, 64<<10)()
	all := make([]*Buffer, 5000)
	for i := range all {
		all[i] = newPattern(t, 16+i%32)
		must(t, all[i].Seal())
	}
	if got := ReadStats().Sealed; got != uint64(len(all)) {
		t.Errorf("%d sealed", got)
	}
	for _, b := range all {
		wantPattern(t, b)
		must(t, b.Seal())
	}
	free(t, all...)
}

func TestASealedSecretWithoutRoomStaysSealed(t *testing.T) {
	sealed := newPattern(t, 32)
	must(t, sealed.Seal())
	undo := lowerLimit(t, 64<<10)
	all, _ := fillUp(t, 32)
	if err := sealed.ReadAt(make([]byte, 1), 0); !errors.Is(err, ErrLimit) {
		t.Errorf("error is %v", err)
	}
	if _, err := sealed.Open(Read); !errors.Is(err, ErrLimit) {
		t.Errorf("error is %v", err)
	}
	free(t, all...)
	wantPattern(t, sealed)
	undo()
	free(t, sealed)
}
