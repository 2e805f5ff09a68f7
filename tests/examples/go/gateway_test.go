package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/securemem"
	"github.com/bitcoin-sprint/libsprint/tests/relay"
)

// program is the built gateway, as it runs.
type program struct {
	*exec.Cmd
	clients, metrics string
	out              *bufio.Reader
	said             *bytes.Buffer // its log
}

func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "gateway")
	if said, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	return binary
}

func start(t *testing.T, r *relay.Relay) *program {
	t.Helper()
	p := &program{said: &bytes.Buffer{}}
	p.Cmd = exec.CommandContext(t.Context(), build(t), "-endpoint", r.Addr(), "-ca-file", r.CAFile(),
		"-key-file", filepath.Join(r.Dir(), "login.key"), "-listen", "127.0.0.1:0", "-metrics-port", "0")
	p.Stderr = p.said
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	for _, address := range []*string{&p.clients, &p.metrics} {
		line, err := p.out.ReadString('\n')
		if err != nil {
			t.Fatalf("%v\n%s", err, p.said)
		}
		*address = strings.Fields(line)[1]
	}
	return p
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	return res.StatusCode, string(body)
}

func TestTheServiceAnswersShowsHowItFaresAndLeavesCleanly(t *testing.T) {
	r, err := relay.Start(relay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := start(t, r)

	var clients sync.WaitGroup
	for i := range 50 { // no more than may wait
		clients.Go(func() {
			code, body := get(t, fmt.Sprintf("%s/ping?text=%d", p.clients, i))
			if code != 200 || body != fmt.Sprintf("PONG %d\n", i) {
				t.Errorf("%d %s", code, body)
			}
		})
	}
	clients.Wait()

	_, body := get(t, p.metrics+"/metrics")
	for _, want := range []string{`gateway_active_connections{endpoint="` + r.Addr(), `sprint_memory_self_check{result="passed"} 1`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in /metrics", want)
		}
	}
	var status pool.PoolStatus
	if _, body = get(t, p.metrics+"/status/connections"); json.Unmarshal([]byte(body), &status) != nil {
		t.Error(body)
	}
	if status.Acquires != 50 || status.Active == 0 || status.Active > 16 || status.Errors != 0 {
		t.Errorf("%d leases, %d connections, %d errors", status.Acquires, status.Active, status.Errors)
	}
	var memory securemem.MemoryProtectionStatus
	code, body := get(t, p.metrics+"/status/memory")
	if code != 200 || json.Unmarshal([]byte(body), &memory) != nil || !memory.Enabled || memory.ActiveBuffers != 1 {
		t.Errorf("%d %s", code, body)
	}

	// The relay is away: callers are told at once, the service is not ready, and it comes back.
	if err := r.Set("refuse", "1"); err != nil {
		t.Fatal(err)
	}
	if err := r.Set("drop_idle", "1"); err != nil {
		t.Fatal(err)
	}
	await(t, p.metrics+"/healthz?ready", 503)
	if code, body := get(t, p.clients+"/ping?text=x"); code != 503 {
		t.Errorf("%d %s", code, body)
	}
	r.Reset()
	await(t, p.clients+"/ping?text=again", 200)

	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(p.out)
	if err != nil || string(rest) != "0 leases cut off\n0 secrets left\n" {
		t.Errorf("%v: %s", err, rest)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("%v\n%s", err, p.said)
	}
	if !strings.Contains(p.said.String(), `"msg":"circuit breaker opened"`) {
		t.Errorf("the log says nothing of the outage:\n%s", p.said)
	}
}

func await(t *testing.T, url string, code int) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		got, body := get(t, url)
		if got == code {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %d %s", url, got, body)
		}
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	r, err := relay.Start(relay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	key := filepath.Join(r.Dir(), "login.key")
	short := filepath.Join(t.TempDir(), "short.key")
	if err := os.WriteFile(short, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	for named, s := range map[string]settings{
		"no/such.key": {endpoint: r.Addr(), keyFile: "no/such.key"},
		short:         {endpoint: r.Addr(), keyFile: short},
		"endpoint":    {endpoint: "nowhere", keyFile: key},
		"no/such.pem": {endpoint: r.Addr(), keyFile: key, caFile: "no/such.pem"},
	} {
		if err := run(t.Context(), s, io.Discard); err == nil || !strings.Contains(err.Error(), named) {
			t.Errorf("%v does not name %s", err, named)
		}
	}
}
