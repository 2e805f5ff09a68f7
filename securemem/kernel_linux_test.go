package securemem

import (
	"bytes"
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

// mappingAt is what the kernel shows in smaps for the mapping at p: its name and its
// VmFlags.
func mappingAt(t *testing.T, p *byte) (name, flags string) {
	t.Helper()
	smaps, err := os.ReadFile("/proc/self/smaps")
	must(t, err)
	inside := false
	for line := range strings.Lines(string(smaps)) {
		var lo, hi uintptr
		if n, _ := fmt.Sscanf(line, "%x-%x ", &lo, &hi); n == 2 {
			inside = lo <= uintptr(unsafe.Pointer(p)) && uintptr(unsafe.Pointer(p)) < hi
			name = line
		}
		if f, ok := strings.CutPrefix(line, "VmFlags:"); ok && inside {
			return name, " " + strings.TrimSpace(f) + " "
		}
	}
	t.Fatal("not mapped")
	return "", ""
}

func countMappings(t *testing.T) int {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	must(t, err)
	return bytes.Count(maps, []byte("\n"))
}

func TestTheKernelSaysThatEverySlotIsProtected(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend Backend) {
		want := []string{"lo", "dd", "dc"}
		if backend == BackendMlock {
			want = []string{"lo", "dd", "wf"}
		}
		for _, n := range []int{32, 10 << 10, 40 << 10, 1 << 19, 2 << 20} {
			b := newPattern(t, n)
			if b.Backend() != backend || ReadStats().Backend != backend {
				t.Errorf("%d bytes: backend %d, newest %d", n, b.Backend(), ReadStats().Backend)
			}
			name, flags := mappingAt(t, &b.data[0])
			for _, flag := range want {
				if !strings.Contains(flags, " "+flag+" ") {
					t.Errorf("%d bytes: flag %s missing in%s", n, flag, flags)
				}
			}
			if got := strings.Contains(name, "secretmem"); got != (backend == BackendSecretmem) {
				t.Errorf("%d bytes: mapping is %s", n, name)
			}
			free(t, b)
		}
	})
}

func TestAutoPicksABackendAndReportsIt(t *testing.T) {
	small, big := newPattern(t, 32), newPattern(t, 2<<20)
	name, _ := mappingAt(t, &small.data[0])
	if strings.Contains(name, "secretmem") != (small.Backend() == BackendSecretmem) || small.Backend() == BackendAuto {
		t.Errorf("backend %d on %s", small.Backend(), name)
	}
	if big.Backend() != BackendMlock {
		t.Errorf("2 MiB are on backend %d", big.Backend())
	}
	free(t, small, big)
}

func TestNoDescriptorOfASecretStaysOpen(t *testing.T) {
	before := openFiles(t)
	eachBackend(t, func(t *testing.T, _ Backend) {
		b := newPattern(t, 32)
		for fd, target := range openFiles(t) {
			if strings.Contains(target, "secretmem") || before[fd] == "" {
				t.Errorf("fd %s is %s", fd, target)
			}
		}
		free(t, b)
	})
}

// openFiles are the descriptors of this process but the one that lists them.
func openFiles(t *testing.T) map[string]string {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	files := map[string]string{}
	for _, fd := range fds {
		if target, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil {
			files[fd.Name()] = target
		}
	}
	return files
}

func TestAForkedChildSeesNothing(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend Backend) {
		b := newPattern(t, 32)
		defer free(t, b)
		var pipe [2]int
		must(t, unix.Pipe2(pipe[:], unix.O_CLOEXEC))
		// The child makes two system calls: the kernel reads the secret's address on
		// its behalf, so that a page that is not there is an error and no crash.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		pid, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
		if pid == 0 && errno == 0 {
			_, _, werr := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(pipe[1]), uintptr(unsafe.Pointer(&b.data[0])), 32)
			syscall.RawSyscall(syscall.SYS_EXIT_GROUP, uintptr(werr), 0, 0)
		}
		if errno != 0 {
			t.Fatal(errno)
		}
		var status unix.WaitStatus
		_, err := unix.Wait4(int(pid), &status, 0, nil)
		must(t, err)
		must(t, unix.Close(pipe[1]))
		got := make([]byte, 64)
		n, err := unix.Read(pipe[0], got)
		must(t, err)
		must(t, unix.Close(pipe[0]))
		if backend == BackendSecretmem {
			if n != 0 || status.ExitStatus() != int(unix.EFAULT) {
				t.Errorf("child read %d bytes, status %v", n, status)
			}
		} else if n != 32 || !bytes.Equal(got[:32], make([]byte, 32)) {
			t.Errorf("child read %x, status %v", got[:n], status)
		}
		wantPattern(t, b)
	})
}

func TestEverythingIsBackAfterTheLastFree(t *testing.T) {
	eachBackend(t, func(t *testing.T, _ Backend) {
		churn := func() {
			var all []*Buffer
			for i := range 200 {
				all = append(all, newPattern(t, 1+i*i*3))
			}
			free(t, all...)
			Trim()
		}
		churn() // what the runtime maps once is there now
		locked, mappings, files := measure().locked, countMappings(t), len(openFiles(t))
		before := ReadStats()
		for range 5 {
			churn()
		}
		after := ReadStats()
		if got := measure().locked; got != locked {
			t.Errorf("VmLck %d, was %d", got, locked)
		}
		if after.Buffers != before.Buffers || after.SlotsCached != 0 || after.LockedBytes != before.LockedBytes {
			t.Errorf("stats %+v, were %+v", after, before)
		}
		if got := len(openFiles(t)); got != files {
			t.Errorf("%d descriptors, were %d", got, files)
		}
		// The Go heap may map an arena or two meanwhile.
		if got := countMappings(t); got > mappings+8 {
			t.Errorf("%d mappings, were %d", got, mappings)
		}
	})
}

// Everything about this process that a guest could have changed, seen from a program
// that uses the package, against one that cannot: cat.
func TestNoSettingOfTheProcessChanges(t *testing.T) {
	want, err := exec.Command("cat", "/proc/self/limits").Output()
	must(t, err)
	got, rest, ok := strings.Cut(runHelper(t, "settings", nil), "--\n")
	if !ok {
		t.Fatalf("helper said %s", got)
	}
	if got, want := withoutOpenFiles(got), withoutOpenFiles(string(want)); got != want {
		t.Errorf("limits are\n%swant\n%s", got, want)
	}
	if rest != "dumpable 1\ngoroutines 1 1\n" {
		t.Errorf("also: %s", rest)
	}
}

// withoutOpenFiles drops the one limit that every Go program raises for itself.
func withoutOpenFiles(limits string) string {
	var kept strings.Builder
	for line := range strings.Lines(limits) {
		if !strings.HasPrefix(line, "Max open files") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

func init() {
	helpers["settings"] = func() {
		goroutines := runtime.NumGoroutine()
		b, err := Random(32, 0)
		if err != nil {
			fmt.Println("FAIL", err)
			return
		}
		if _, err := b.HMAC(SHA256, []byte("message"), make([]byte, 32)); err != nil {
			fmt.Println("FAIL", err)
		}
		if err := b.Free(); err != nil {
			fmt.Println("FAIL", err)
		}
		Trim()
		limits, err := os.ReadFile("/proc/self/limits")
		if err != nil {
			fmt.Println("FAIL", err)
		}
		dumpable, _, _ := syscall.RawSyscall6(syscall.SYS_PRCTL, syscall.PR_GET_DUMPABLE, 0, 0, 0, 0, 0)
		fmt.Printf("%s--\ndumpable %d\ngoroutines %d %d\n", limits, dumpable, goroutines, runtime.NumGoroutine())
	}
}
