package securemem

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A program of somebody else that imports this package.
const foreignProgram = `package main

import (
	"errors"
	"fmt"

	"github.com/bitcoin-sprint/libsprint/securemem"
)

func main() {
	b, err := securemem.Random(32, 0)
	if errors.Is(err, securemem.ErrNoReplace) {
		_, fromErr := securemem.From([]byte{1, 2, 3}, 0)
		fmt.Println("no replace:", errors.Is(fromErr, securemem.ErrNoReplace), securemem.ReadStats().Enabled,
			errors.Is(securemem.SetBackend(securemem.BackendMlock), securemem.ErrNoReplace))
		return
	}
	fmt.Println("works:", err, b.Free(), securemem.ReadStats().Enabled)
}
`

func TestAProgramWithoutTheReplaceLineIsToldSo(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"", "no replace: true false true\n"},
		{"replace github.com/awnumar/memcall => %s/securemem/memcall\n", "works: <nil> <nil> true\n"},
	} {
		here, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		root := filepath.Dir(here)
		mod := "module foreign.example\n\ngo 1.26\n\n" +
			"require github.com/bitcoin-sprint/libsprint v0.0.0\n\n" +
			"replace github.com/bitcoin-sprint/libsprint => " + root + "\n\n"
		if c.line != "" {
			mod += fmt.Sprintf(c.line, root)
		}
		dir := t.TempDir()
		for name, text := range map[string]string{"go.mod": mod, "main.go": foreignProgram} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		run := exec.Command("go", "run", ".")
		run.Dir = dir
		// The sums of this throw-away module need no data base; GOFLAGS of the caller
		// (-race, -modfile) are not for it.
		run.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOSUMDB=off", "GOWORK=off")
		out, err := run.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if got := string(out); got != c.want {
			t.Errorf("with line %q the program says %q, want %q", c.line, got, c.want)
		}
	}
}
