package prometheus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
)

// server is a Prometheus of this test alone, which scrapes one target.
type server struct {
	t       *testing.T
	address string
}

const config = `
scrape_configs:
  - job_name: pool
    scrape_interval: 500ms
    scrape_timeout: 500ms
    static_configs: [{targets: ["%s"]}]
`

// output is what a Prometheus says, and the address that it says it listens on.
type output struct {
	listens chan string

	mu   sync.Mutex
	text bytes.Buffer
	told bool
}

var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)\n`)

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	if at := listening.FindSubmatch(o.text.Bytes()); at != nil && !o.told {
		o.told = true
		o.listens <- string(at[1])
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start has Prometheus scrape target. With native, it asks for native histograms and drops
// the classic form of those that have both.
func start(t *testing.T, target string, native bool) *server {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, fmt.Appendf(nil, config, target), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{
		"--config.file=" + file, "--storage.tsdb.path=" + filepath.Join(dir, "data"),
		"--web.listen-address=127.0.0.1:0",
	}
	if native {
		args = append(args, "--enable-feature=native-histograms")
	}
	said := &output{listens: make(chan string, 1)}
	cmd := exec.CommandContext(t.Context(), "prometheus", args...)
	cmd.Stdout, cmd.Stderr = said, said
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v (make deps installs it)", err)
	}
	ended := make(chan struct{})
	spawn.Go("prometheus", func() {
		defer close(ended)
		_ = cmd.Wait()
	})
	t.Cleanup(func() { // t.Context has ended: it is on its way out
		<-ended
		if t.Failed() {
			t.Logf("prometheus said\n%s", said)
		}
	})
	s := &server{t: t}
	select {
	case s.address = <-said.listens:
	case <-ended:
		t.Fatal("prometheus has ended")
	case <-time.After(patience):
		t.Fatal("prometheus does not say where it listens")
	}
	return s
}

// series is one of an answer: an instant vector's has a value, a range vector's values, each
// of them a Unix time and a number as text.
type series struct {
	Value  sample
	Values []sample
}

type sample [2]any

func (v sample) at() float64 { return v[0].(float64) }

func (v sample) number(t *testing.T) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(v[1].(string), 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// evaluate evaluates a PromQL expression at a moment. A server that is starting has no answer.
func (s *server) evaluate(expression string, at time.Time) (result []series) {
	s.t.Helper()
	v := url.Values{"query": {expression}, "time": {fmt.Sprintf("%.3f", float64(at.UnixMilli())/1000)}}
	res, err := http.Get("http://" + s.address + "/api/v1/query?" + v.Encode())
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if res.StatusCode == http.StatusServiceUnavailable {
		return nil
	}
	var got struct {
		Status string
		Data   struct{ Result []series }
	}
	if err := json.Unmarshal(body, &got); err != nil || got.Status != "success" {
		s.t.Fatalf("%s: %v, %s", expression, err, body)
	}
	return got.Data.Result
}

// query evaluates an expression: one number, ok only if there is exactly one.
func (s *server) query(expression string, at time.Time) (v float64, ok bool) {
	s.t.Helper()
	result := s.evaluate(expression, at)
	if len(result) != 1 {
		return 0, false
	}
	return result[0].Value.number(s.t), true
}

// await asks until fits says yes.
func (s *server) await(expression string, fits func(float64) bool) float64 {
	s.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		v, ok := s.query(expression, time.Now())
		if ok && fits(v) {
			return v
		}
		if time.Now().After(end) {
			s.t.Fatalf("%s is %v (%v)", expression, v, ok)
		}
	}
}
