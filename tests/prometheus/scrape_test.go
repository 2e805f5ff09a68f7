// Package prometheus has Debian's Prometheus read what a pool under traffic says of itself.
package prometheus

import (
	"context"
	"io"
	"math"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/pool/monitor"
	"github.com/bitcoin-sprint/libsprint/tests/relay"
)

func TestMain(m *testing.M) {
	http.DefaultTransport.(*http.Transport).DisableKeepAlives = true
	goleak.VerifyTestMain(m)
}

const (
	namespace = "orders"
	callers   = 4
	// window is what rates are taken over.
	window = 3 * time.Second
)

// watched is a pool to a relay, and the address of its metrics.
func watched(t *testing.T) (p *pool.Pool, address string) {
	t.Helper()
	r, err := relay.Start(relay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	if err := r.Set("delay_ms", "20"); err != nil {
		t.Fatal(err)
	}
	o := pool.Defaults()
	o.CAPEM, o.MaxConnections = r.CAPEM(), callers
	if p, err = pool.New(r.Addr(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close(0) })
	memory := monitor.Memory{
		Stats: func() monitor.MemoryStats {
			return monitor.MemoryStats{Enabled: true, SelfCheck: "passed", Backend: "mlock", LimitBytes: math.MaxUint64}
		},
		Status: func() (any, bool) { return struct{}{}, true },
	}
	s, err := monitor.Start(p, monitor.Options{Namespace: namespace, Memory: &memory})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return p, s.Addr().String()
}

// traffic leases, asks and returns until stop is called.
func traffic(t *testing.T, p *pool.Pool) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for ctx.Err() == nil {
				if err := ask(p); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	stop = sync.OnceFunc(func() { cancel(); all.Wait() })
	t.Cleanup(stop)
	return stop
}

func ask(p *pool.Pool) error {
	c, err := p.AcquireWithin(time.Minute)
	if err != nil {
		return err
	}
	defer c.Release()
	if _, err := io.WriteString(c, "PING\n"); err != nil {
		return err
	}
	_, err = io.ReadFull(c, make([]byte, len("ERR login first\n")))
	return err
}

func TestPrometheusReadsRatesAndPercentilesOfAPoolUnderTraffic(t *testing.T) {
	p, address := watched(t)
	stop := traffic(t, p)
	classic, native := start(t, address, false), start(t, address, true)
	for _, s := range []*server{classic, native} {
		s.await(`up`, func(up float64) bool { return up == 1 })
	}
	before, began := p.Totals(), time.Now()
	time.Sleep(window) // it has to pass
	after, took := p.Totals(), time.Since(began)
	const (
		leases = `sum(rate(orders_acquires_total{outcome=~"direct|waited|dialed"}[3s]))`
		p95    = `histogram_quantile(0.95, sum by (le) (rate(orders_latency_ms_bucket[3s])))`
		p95n   = `histogram_quantile(0.95, sum(rate(orders_latency_ms[3s])))`
	)
	// The edges of a window are a scrape or two away from ours: a tenth, and as much for a
	// machine that stalls just there.
	own := float64(after.Acquires-before.Acquires) / took.Seconds()
	latency := after.Endpoints[0].Latency.Since(&before.Endpoints[0].Latency)
	for form, of := range map[string]struct {
		s        *server
		quantile string
	}{"classic": {classic, p95}, "native": {native, p95n}} {
		if rate := number(t, of.s, leases); math.Abs(rate/own-1) > 0.25 {
			t.Errorf("%s: %.1f leases a second, the pool counted %.1f", form, rate, own)
		}
		// The classic bucket that 20 ms are in begins at 10 ms.
		least := map[string]float64{"classic": 10, "native": 18}[form]
		if got := number(t, of.s, of.quantile); got < least || got > 3*latency.Quantile(0.95) {
			t.Errorf("%s: p95 %.1f ms, the pool says %.1f", form, got, latency.Quantile(0.95))
		}
	}
	stop()
	atRest(t, p, classic, native)
}

// atRest compares what Prometheus has with the pool exactly: nothing changes any more.
func atRest(t *testing.T, p *pool.Pool, classic, native *server) {
	t.Helper()
	s := p.Totals()
	for expression, want := range map[string]float64{
		`sum(orders_acquires_total)`:            float64(s.Acquires),
		`sum(orders_sent_bytes_total)`:          float64(s.Sent),
		`sum(orders_connections{state="idle"})`: float64(s.Idle),
		`sum(orders_latency_ms_count)`:          float64(s.Endpoints[0].Latency.Count()),
		`sum(orders_circuit_breaker_state)`:     1,
		`sum(sprint_memory_self_check)`:         1,
		`sum(orders_errors_total)`:              float64(s.Errors),
	} {
		classic.await(expression, func(v float64) bool { return v == want })
	}
	// A quantile lies within the bucket that holds its rank, in each form.
	h := s.Endpoints[0].Latency
	native.await(`sum(histogram_count(orders_latency_ms))`, func(v float64) bool { return v == float64(h.Count()) })
	rank, seen := uint64(math.Ceil(0.95*float64(h.Count()))), uint64(0)
	bucket := slices.IndexFunc(h.Counts, func(n uint64) bool { seen += n; return seen >= rank })
	low, high := h.Bounds[bucket-1], h.Bounds[bucket]
	if got := number(t, classic, `histogram_quantile(0.95, orders_latency_ms_bucket)`); got < low || got > high {
		t.Errorf("classic: p95 %v, not within %v to %v", got, low, high)
	}
	high = h.Quantile(0.95)
	low = high / math.Exp2(1.0/8)
	if got := number(t, native, `histogram_quantile(0.95, orders_latency_ms)`); got < low*0.999 || got > high*1.001 {
		t.Errorf("native: p95 %v, not within %v to %v", got, low, high)
	}
}

// number is the value of an expression that has one.
func number(t *testing.T, s *server, expression string) float64 {
	t.Helper()
	v, ok := s.query(expression)
	if !ok || math.IsNaN(v) {
		t.Fatalf("%s has no value", expression)
	}
	return v
}

// TestPromtoolFindsTheMandatedNameAlone: /metrics as it is served, with the families of the
// Go runtime and of memory.
func TestPromtoolFindsTheMandatedNameAlone(t *testing.T) {
	p, address := watched(t)
	if err := ask(p); err != nil {
		t.Fatal(err)
	}
	res, err := http.Get("http://" + address + "/metrics?runtime")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	promtool := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
	promtool.Stdin = res.Body
	said, err := promtool.CombinedOutput()
	allowed := namespace + "_latency_ms " // mandated, see docs/monitoring.md
	var findings []string
	for line := range strings.Lines(string(said)) {
		findings = append(findings, line)
	}
	if len(findings) != 1 || !strings.HasPrefix(findings[0], allowed) || promtool.ProcessState.ExitCode() != 3 {
		t.Errorf("%v\n%s", err, said)
	}
}
