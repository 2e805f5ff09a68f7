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

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/pool/monitor"
	"github.com/bitcoin-sprint/libsprint/tests/leak"
	"github.com/bitcoin-sprint/libsprint/tests/relay"
)

func TestMain(m *testing.M) {
	http.DefaultTransport.(*http.Transport).DisableKeepAlives = true
	leak.Main(m)
}

const (
	namespace = "orders"
	callers   = 4
	// window is what rates are taken over.
	window = 3 * time.Second
	// patience bounds what a test waits for that must happen.
	patience = time.Minute
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

// ledger is how many leases a pool had counted when.
type ledger struct {
	mu      sync.Mutex
	entries []entry
}

// entry is a count that was read between two moments.
type entry struct {
	began, ended time.Time
	leases       float64
}

// keep writes a ledger until the test ends.
func keep(t *testing.T, p *pool.Pool) *ledger {
	l := &ledger{}
	ctx, cancel := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	writer.Go(func() {
		for ctx.Err() == nil {
			began := time.Now()
			leases := float64(p.Totals().Acquires)
			l.mu.Lock()
			l.entries = append(l.entries, entry{began, time.Now(), leases})
			l.mu.Unlock()
			time.Sleep(10 * time.Millisecond)
		}
	})
	t.Cleanup(func() { cancel(); writer.Wait() })
	return l
}

// bounds are what a scrape that began at that moment must have seen at least and may have
// seen at most. It is over two seconds later, four times what it may take; that moment is
// waited for.
func (l *ledger) bounds(t *testing.T, at float64) (least, most float64) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if least, most, ok := l.around(time.UnixMicro(int64(at * 1e6))); ok {
			return least, most
		}
		if time.Now().After(end) {
			t.Fatal("the ledger does not go on")
		}
	}
}

// around is bounds, if the ledger goes far enough.
func (l *ledger) around(began time.Time) (least, most float64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries {
		if e.ended.Before(began.Add(-10 * time.Millisecond)) { // it aligns its times a little
			least = e.leases
		}
		if e.began.After(began.Add(2 * time.Second)) {
			return least, e.leases, true
		}
	}
	return 0, 0, false
}

const (
	counted = `orders_acquires_total{outcome=~"direct|waited|dialed"}`
	leases  = `sum(rate(` + counted + `[3s]))`
	classic = `histogram_quantile(0.95, sum by (le) (rate(orders_latency_ms_bucket[3s])))`
	native  = `histogram_quantile(0.95, sum(rate(orders_latency_ms[3s])))`
)

// scraped are the leases that a Prometheus has of the last window, in the order of time.
func scraped(s *server, at time.Time) (times, leases []float64) {
	for i, one := range s.evaluate(counted+"[3s]", at) {
		for j, v := range one.Values {
			if i == 0 {
				times, leases = append(times, v.at()), append(leases, 0)
			}
			if j >= len(times) || times[j] != v.at() {
				return nil, nil // it is just taking one in
			}
			leases[j] += v.number(s.t)
		}
	}
	return times, leases
}

// reading is what a Prometheus says of one window.
type reading struct {
	times, leases []float64
	rate, p95     float64
}

// read reads a window that holds scrapes enough and in which leases were counted; no scrape is
// taken in meanwhile.
func read(t *testing.T, s *server, quantile string) (r reading) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		now := time.Now()
		times, counts := scraped(s, now)
		rate, rated := s.query(leases, now)
		p95, ranked := s.query(quantile, now)
		again, _ := scraped(s, now)
		if n := len(times); n >= 4 && counts[0] < counts[n-1] && slices.Equal(times, again) && rated && ranked && !math.IsNaN(p95) {
			return reading{times, counts, rate, p95}
		}
		if time.Now().After(end) {
			t.Fatalf("no window: scrapes %v, leases %v", times, counts)
		}
	}
}

// What Prometheus says of a window is compared with what it scraped in it, and that with what
// the pool had counted at those moments: no two windows, and no two clocks.
func TestPrometheusReadsRatesAndPercentilesOfAPoolUnderTraffic(t *testing.T) {
	p, address := watched(t)
	book := keep(t, p)
	stop := traffic(t, p)
	servers := map[string]*server{classic: start(t, address, false), native: start(t, address, true)}
	for quantile, s := range servers {
		r := read(t, s, quantile)
		for i, at := range r.times {
			if least, most := book.bounds(t, at); r.leases[i] < least || r.leases[i] > most {
				t.Errorf("%v leases were scraped, the pool had counted %v to %v", r.leases[i], least, most)
			}
		}
		// rate() takes what is between its scrapes to be alike to the edges of the window, or not.
		last := len(r.times) - 1
		more := r.leases[last] - r.leases[0]
		least, most := more/window.Seconds(), more/(r.times[last]-r.times[0])
		if r.rate < least*0.999 || r.rate > most*1.001 {
			t.Errorf("%.1f leases a second, not within %.1f and %.1f", r.rate, least, most)
		}
		// Each answer takes 20 ms: the classic bucket that they are in begins at 10 ms.
		least, most = map[string]float64{classic: 10, native: 18}[quantile], slowest(p, quantile == native)
		if r.p95 < least || r.p95 > most {
			t.Errorf("p95 %.1f ms, not within %.1f and %.1f", r.p95, least, most)
		}
	}
	stop()
	atRest(t, p, servers[classic], servers[native])
}

// slowest is the end of the last bucket that holds an answer.
func slowest(p *pool.Pool, fine bool) float64 {
	h := p.Totals().Endpoints[0].Latency
	counts, bound := h.Counts, func(i int) float64 { return append(h.Bounds, math.Inf(1))[i] }
	if fine {
		counts, bound = h.Fine, func(i int) float64 { return h.FineBound(i) * 1.001 }
	}
	end := 0.0
	for i, n := range counts {
		if n > 0 {
			end = bound(i)
		}
	}
	return end
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
	classic.await(`histogram_quantile(0.95, orders_latency_ms_bucket)`, func(v float64) bool { return low <= v && v <= high })
	end := h.Quantile(0.95)
	native.await(`histogram_quantile(0.95, orders_latency_ms)`, func(v float64) bool {
		return end/math.Exp2(1.0/8)*0.999 <= v && v <= end*1.001
	})
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
