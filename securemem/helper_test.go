package securemem

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/bitcoin-sprint/libsprint/tests/leak"
)

// helpers are programs of their own: this test binary, started again. Each prints
// what it found; a line that starts with FAIL is a failure.
var helpers = map[string]func(){}

const helperVariable = "SPRINT_TEST_HELPER"

func TestMain(m *testing.M) {
	if fn := helpers[os.Getenv(helperVariable)]; fn != nil {
		fn()
		os.Exit(0)
	}
	leak.Main(m)
}

// runHelper runs a helper to its end and returns what it printed.
func runHelper(t *testing.T, name string, tune func(*exec.Cmd)) string {
	t.Helper()
	if helpers[name] == nil {
		t.Fatalf("no helper %q", name)
	}
	// This way in needs no right on the folder that go test built the binary in.
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), helperVariable+"="+name)
	cmd.Dir = "/"
	if tune != nil {
		tune(cmd)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("helper %s: %v\n%s", name, err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "FAIL") {
			t.Errorf("helper %s: %s", name, line)
		}
	}
	return string(out)
}

// eachBackend runs a test on every backend of this machine.
func eachBackend(t *testing.T, fn func(t *testing.T, b Backend)) {
	t.Helper()
	for name, b := range map[string]Backend{"secretmem": BackendSecretmem, "mlock": BackendMlock} {
		if err := SetBackend(b); err != nil {
			t.Logf("%s: %v", name, err)
			continue
		}
		t.Run(name, func(t *testing.T) { fn(t, b) })
	}
	if err := SetBackend(BackendAuto); err != nil {
		t.Fatal(err)
	}
}

// pattern is n bytes that are neither zero nor alike.
func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i*31+i>>8) | 1
	}
	return p
}

func newPattern(t testing.TB, n int) *Buffer {
	t.Helper()
	b, err := From(pattern(n), 0)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func wantPattern(t testing.TB, b *Buffer) {
	t.Helper()
	got := make([]byte, b.Len())
	if err := b.ReadAt(got, 0); err != nil {
		t.Errorf("reading %d bytes: %v", b.Len(), err)
	} else if !bytes.Equal(got, pattern(b.Len())) {
		t.Errorf("%d bytes do not read back", b.Len())
	}
}

func free(t testing.TB, bs ...*Buffer) {
	t.Helper()
	for _, b := range bs {
		if err := b.Free(); err != nil {
			t.Error(err)
		}
	}
}
