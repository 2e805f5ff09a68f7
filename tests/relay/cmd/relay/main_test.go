package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestMain lets the tests run this binary as the command itself.
func TestMain(m *testing.M) {
	if os.Getenv("RELAY_RUN_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func command(t *testing.T, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), "RELAY_RUN_MAIN=1")
	return cmd
}

func TestTheReadyLineNamesWhatTheFilesHoldAndSIGTERMExitsZero(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "demo.key")
	if err := os.WriteFile(key, []byte("demo key"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := command(t, "-dir", dir, "-key-file", key, "-tls-min", "13", "-raw")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("%v, stderr: %s", err, &stderr)
	}
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		}
		return string(b)
	}
	want := []string{"relay", "ready", read("address"), read("control"), dir}
	if got := strings.Fields(line); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%q, not %q", got, want)
	}
	if read("raw") == "" {
		t.Error("no address of the plain listener")
	}
	if _, err := os.Stat(filepath.Join(dir, "login.key")); err == nil {
		t.Error("a key was made though one was given")
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || stderr.Len() != 0 {
		t.Errorf("%v, stderr: %s", err, &stderr)
	}
}

func TestBadFlagsAreNamedOnStderr(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for flag, value := range map[string]string{
		"-tls-min": "11", "-key-file": empty, "-control": "", "-listen": "nowhere",
	} {
		out, err := command(t, flag, value).CombinedOutput()
		if err == nil || !bytes.Contains(out, []byte(strings.TrimPrefix(flag, "-"))) {
			t.Errorf("%s %q: %v, %s", flag, value, err, out)
		}
	}
}
