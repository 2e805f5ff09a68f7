package monitor_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/pool/monitor"
	"github.com/bitcoin-sprint/libsprint/tests/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// patience bounds what a test waits for that must happen.
const patience = time.Minute

// fake is a Source with given snapshots.
type fake struct {
	mu     sync.Mutex
	status pool.Status
	health pool.Health
	before func() // called by every snapshot, if not nil
}

func (f *fake) look() {
	f.mu.Lock()
	before := f.before
	f.mu.Unlock()
	if before != nil {
		before()
	}
}

func (f *fake) Status() pool.Status {
	f.look()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status
}

func (f *fake) Totals() pool.Status { return f.Status() }

func (f *fake) Health() pool.Health {
	f.look()
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.health
}

func (f *fake) setBefore(before func()) {
	f.mu.Lock()
	f.before = before
	f.mu.Unlock()
}

var noon = time.Date(2025, 8, 25, 11, 0, 0, 0, time.UTC)

// busy is a pool with two endpoints, in which no two numbers are the same.
func busy() *fake {
	p, err := pool.New("a.test:1,b.test:2", pool.Defaults())
	if err != nil {
		panic(err)
	}
	s := p.Totals() // all that is not set below is there, and 0
	s.Active, s.Reconnects, s.Errors, s.P95Ms, s.MergedP95Us = 3, 12, 30, 45, 41000
	s.Connections = []pool.ConnectionStatus{
		{
			ID: 7, LastActivity: noon, Reconnects: 2, Errors: 1, P95Ms: 45, P95Us: 44100,
			Endpoint: "a.test:1", State: "lent", Opened: noon, Uses: 70, Sent: 71, Received: 72,
			Generation: 1, Samples: 73, P50Us: 11000, P99Us: 55000, AgeMs: 74, HeldMs: 75,
			TLSVersion: "TLS 1.3", CipherSuite: "TLS_AES_128_GCM_SHA256", PeerExpiry: noon.Add(time.Hour),
		},
		{ID: 8, LastActivity: noon, Endpoint: "a.test:1", State: "idle", Opened: noon, IdleMs: 76},
		{ID: 9, LastActivity: noon, Endpoint: "b.test:2", State: "idle", Opened: noon},
	}
	s.Max, s.Idle, s.Lent, s.Dialing, s.Closing, s.Waiting = 100, 2, 1, 4, 5, 6
	s.Acquires, s.Dials, s.DialErrors, s.Timeouts, s.Discards, s.Sent, s.Received = 80, 25, 9, 11, 13, 3000, 5000
	s.Leaks, s.LeaksReturned, s.Generation = 15, 14, 1
	s.ClientExpiry, s.Endpoints[0].PeerExpiry = at(noon), at(noon.Add(time.Hour))
	number := uint64(100)
	spread := func(m map[string]uint64) {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			number++
			m[key] = number
		}
	}
	fill := func(h *pool.Histogram) {
		for i := range h.Counts {
			number++
			h.Counts[i] = number
			h.Fine[7*i] = number
		}
		h.Sum = float64(number) + 0.5
	}
	for _, m := range []map[string]uint64{s.AcquiresBy, s.Closed, s.SlowSpared} {
		spread(m)
	}
	fill(&s.Waits)
	a, b := &s.Endpoints[0], &s.Endpoints[1]
	a.Active, a.Reconnects, a.Errors, a.Dials, a.DialErrors, a.Sent, a.Received = 2, 10, 20, 15, 1, 1000, 2000
	b.Active, b.Reconnects, b.Errors, b.Dials, b.DialErrors, b.Sent, b.Received = 1, 2, 10, 10, 8, 2000, 3000
	a.Rotations, a.Trips, b.Breaker, b.LastError = 16, 17, "open", "connect to b.test:2: refused"
	for _, m := range []map[string]uint64{a.ErrorsBy, a.Checks, a.Transitions} {
		spread(m)
	}
	for i := range a.Handshakes {
		number++
		a.Handshakes[i].Count = number
	}
	for _, h := range []*pool.Histogram{&a.Latency, &a.Hold, &a.Age} {
		fill(h)
	}
	for _, phase := range pool.ConnectPhases() {
		h := a.Connect[phase]
		fill(&h)
		a.Connect[phase] = h
	}
	return &fake{status: s, health: pool.Health{Healthy: true, Active: 3, Ready: true}}
}

func at(t time.Time) *time.Time { return &t }

func serve(t testing.TB, src monitor.Source, o monitor.Options) *monitor.Server {
	t.Helper()
	s, err := monitor.StartPatient(src, o)
	return started(t, s, err)
}

func started(t testing.TB, s *monitor.Server, err error) *monitor.Server {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

type answer struct {
	code   int
	header http.Header
	body   string
}

// ask makes one request on a connection of its own. Pairs of header lines follow.
func ask(t testing.TB, s *monitor.Server, method, path string, headers ...string) answer {
	t.Helper()
	a, err := try(s, method, path, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func try(s *monitor.Server, method, path string, headers ...string) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://"+s.Addr().String()+path, http.NoBody)
	if err != nil {
		return answer{}, err
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	client := http.Transport{DisableKeepAlives: true, DisableCompression: true, WriteBufferSize: 64 << 10} // one write, whatever its size
	res, err := client.RoundTrip(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return answer{code: res.StatusCode, header: res.Header, body: string(body)}, err
}

// dial opens a connection that the test speaks HTTP on by hand.
func dial(t testing.TB, s *monitor.Server) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c
}

// ended reads until the server ends the connection and returns what it said.
func ended(t testing.TB, c net.Conn) string {
	t.Helper()
	said, err := io.ReadAll(c)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Fatalf("the connection is still open, after %q", said)
	}
	return string(said)
}

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with a file in testdata, or writes it with -update.
func golden(t testing.TB, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s should be\n%s", path, got)
	}
}

func wantKind(t testing.TB, err error, kind pool.Kind) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error %v is not of kind %v", err, kind)
	}
}
