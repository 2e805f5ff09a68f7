package monitor_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/pool/monitor"
)

// reader asks a server again and again on one connection.
type reader struct {
	client http.Client
	base   string
}

func newReader(t *testing.T, s *monitor.Server) *reader {
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &reader{client: http.Client{Transport: transport, Timeout: patience}, base: "http://" + s.Addr().String()}
}

func (r *reader) get(t *testing.T, path string) []byte {
	t.Helper()
	res, err := r.client.Get(r.base + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d, %v", path, res.StatusCode, err)
	}
	return body
}

func (r *reader) json(t *testing.T) (s pool.Status) {
	t.Helper()
	if err := json.Unmarshal(r.get(t, "/status/connections"), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// metrics sums up each family over its series, and those of connections by state.
func (r *reader) metrics(t *testing.T) map[string]float64 {
	t.Helper()
	sums := map[string]float64{}
	for line := range strings.Lines(string(r.get(t, "/metrics"))) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		name, labels, ok := strings.Cut(series, "{")
		if v, err := strconv.ParseFloat(value, 64); err == nil && ok {
			name = strings.TrimPrefix(name, "secure_channel_")
			sums[name] += v
			if _, state, ok := strings.Cut(labels, `state="`); ok && name == "connections" {
				sums[name+" "+strings.TrimSuffix(state, `"`)] += v
			}
		}
	}
	return sums
}

// counters are the totals that the JSON and the metrics both have; they never fall.
func counters(s *pool.Status) map[string]float64 {
	totals := map[string]uint64{
		"reconnects_total": s.Reconnects, "errors_total": s.Errors,
		"connections_opened_total": s.Dials, "dial_errors_total": s.DialErrors,
		"sent_bytes_total": s.Sent, "received_bytes_total": s.Received,
	}
	for _, n := range s.AcquiresBy {
		totals["acquires_total"] += n
	}
	for _, n := range s.Closed {
		totals["connections_closed_total"] += n
	}
	all := map[string]float64{}
	for name, n := range totals {
		all[name] = float64(n)
	}
	return all
}

// breakage has callers lease and ask while the relay resets connections, so that every
// counter moves.
func breakage(t *testing.T, p *pool.Pool) (stop func()) {
	t.Helper()
	ended := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
				}
				_ = request(p) // many end in the middle
			}
		})
	}
	stop = sync.OnceFunc(func() { close(ended); all.Wait() })
	t.Cleanup(stop)
	return stop
}

// TestTotalsOfJSONAndPrometheusAgreeUnderLoad: the two come from different requests, so
// under load each total of /metrics lies between the JSON before and the JSON after; each
// document agrees with itself; and as soon as nothing moves, all are equal.
func TestTotalsOfJSONAndPrometheusAgreeUnderLoad(t *testing.T) {
	r, p, s := watched(t, func(o *pool.Options) { o.BreakerThreshold = 0 })
	for name, value := range map[string]string{"reset_after": "392", "delay_ms": "1"} { // in the 25th answer
		if err := r.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	stop := breakage(t, p)
	reader := newReader(t, s)
	before := reader.json(t)
	first := before
	for range 1000 {
		metrics := reader.metrics(t)
		after := reader.json(t)
		low, high := counters(&before), counters(&after)
		for name := range low {
			if v, ok := metrics[name]; !ok || v < low[name] || v > high[name] {
				t.Fatalf("%s: %v in the metrics, %v before and %v after in the JSON", name, v, low[name], high[name])
			}
		}
		if err := agrees(&after, metrics); err != nil {
			t.Fatal(err)
		}
		before = after
	}
	for name, n := range counters(&before) {
		if name != "dial_errors_total" && n == counters(&first)[name] {
			t.Errorf("%s did not move", name)
		}
	}
	stop()
	r.Reset()
	for p.Totals().Dialing+p.Totals().Closing > 0 { // what was under way ends
		runtime.Gosched()
	}
	last := reader.json(t)
	metrics := reader.metrics(t)
	want := counters(&last)
	got := maps.Clone(want)
	for name := range got {
		got[name] = metrics[name]
	}
	if !maps.Equal(got, want) {
		t.Errorf("at rest: the metrics say %v, the JSON %v", got, want)
	}
	t.Logf("%d leases, %d errors, %d reconnects", last.Acquires, last.Errors, last.Reconnects)
}

// agrees checks each of two documents, taken at different moments, by itself.
func agrees(s *pool.Status, metrics map[string]float64) error {
	var sum pool.Status
	for _, e := range s.Endpoints {
		sum.Active += e.Active
		sum.Reconnects += e.Reconnects
		sum.Errors += e.Errors
		sum.Sent += e.Sent
	}
	switch {
	case s.Active != len(s.Connections), s.Active != s.Idle+s.Lent, s.Active != sum.Active:
		return fmt.Errorf("JSON: active_connections %d, %d connections, %d idle, %d lent, %d of endpoints",
			s.Active, len(s.Connections), s.Idle, s.Lent, sum.Active)
	case s.Active+s.Dialing+s.Closing > s.Max:
		return fmt.Errorf("JSON: %d open, %d dialing, %d closing of %d", s.Active, s.Dialing, s.Closing, s.Max)
	case s.Reconnects != sum.Reconnects, s.Errors != sum.Errors, s.Sent != sum.Sent:
		return fmt.Errorf("JSON: totals %d %d %d, sums of endpoints %d %d %d",
			s.Reconnects, s.Errors, s.Sent, sum.Reconnects, sum.Errors, sum.Sent)
	case metrics["active_connections"] != metrics["connections idle"]+metrics["connections lent"]:
		return fmt.Errorf("metrics: %v", metrics)
	case metrics["errors_total"] != metrics["errors_by_kind_total"]:
		return fmt.Errorf("metrics: %v errors, %v by kind", metrics["errors_total"], metrics["errors_by_kind_total"])
	case metrics["acquire_wait_seconds_count"] < metrics["acquires_total"]-8: // 4 callers between two counters
		return fmt.Errorf("metrics: %v waits of %v acquires", metrics["acquire_wait_seconds_count"], metrics["acquires_total"])
	}
	return nil
}
