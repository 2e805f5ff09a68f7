package prometheus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
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

// start has Prometheus scrape target. With native, it asks for native histograms and drops
// the classic form of those that have both.
func start(t *testing.T, target string, native bool) *server {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, fmt.Appendf(nil, config, target), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, address: freeAddress(t)}
	args := []string{
		"--config.file=" + file, "--storage.tsdb.path=" + filepath.Join(dir, "data"),
		"--web.listen-address=" + s.address, "--log.level=warn",
	}
	if native {
		args = append(args, "--enable-feature=native-histograms")
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "prometheus", args...)
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v (make deps installs it)", err)
	}
	t.Cleanup(func() { // t.Context has ended: it is on its way out
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("prometheus said\n%s", &said)
		}
	})
	return s
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// query evaluates a PromQL expression now: one number, ok only if there is exactly one.
// A server that does not answer yet is no number.
func (s *server) query(expression string) (v float64, ok bool) {
	s.t.Helper()
	res, err := http.Get("http://" + s.address + "/api/v1/query?query=" + url.QueryEscape(expression))
	if err != nil {
		return 0, false
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if res.StatusCode == http.StatusServiceUnavailable { // it is starting
		return 0, false
	}
	var got struct {
		Status string
		Error  string
		Data   struct{ Result []struct{ Value [2]any } }
	}
	if err := json.Unmarshal(body, &got); err != nil || got.Status != "success" {
		s.t.Fatalf("%s: %v, %s", expression, err, body)
	}
	if len(got.Data.Result) != 1 {
		return 0, false
	}
	if v, err = strconv.ParseFloat(got.Data.Result[0].Value[1].(string), 64); err != nil {
		s.t.Fatalf("%s: %v", expression, err)
	}
	return v, true
}

// await asks until fits says yes.
func (s *server) await(expression string, fits func(float64) bool) float64 {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		v, ok := s.query(expression)
		if ok && fits(v) {
			return v
		}
		if time.Now().After(end) {
			s.t.Fatalf("%s is %v (%v)", expression, v, ok)
		}
	}
}
