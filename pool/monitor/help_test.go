package monitor_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/pool/monitor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what a test waits for that must happen.
const patience = 10 * time.Second

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

func (f *fake) Status() pool.Status { f.look(); return f.status }
func (f *fake) Totals() pool.Status { return f.Status() }
func (f *fake) Health() pool.Health { f.look(); return f.health }

func (f *fake) setBefore(before func()) {
	f.mu.Lock()
	f.before = before
	f.mu.Unlock()
}

var noon = time.Date(2025, 8, 25, 11, 0, 0, 0, time.UTC)

// busy is a pool with two endpoints, in which no two numbers are the same.
func busy() *fake {
	counts := make([]uint64, len(pool.LatencyBoundsMs)+1)
	for i := range counts {
		counts[i] = uint64(i + 1)
	}
	return &fake{
		status: pool.Status{
			Endpoint: "a.test:1,b.test:2", Active: 3, Reconnects: 12, Errors: 30, P95Ms: 45,
			Connections: []pool.ConnectionStatus{
				{
					ID: 7, LastActivity: noon, Reconnects: 2, Errors: 1, P95Ms: 45, P95Us: 44100,
					Endpoint: "a.test:1", State: "lent", Opened: noon, Uses: 70, Sent: 71, Received: 72,
				},
				{ID: 8, LastActivity: noon, Endpoint: "a.test:1", State: "idle", Opened: noon},
				{ID: 9, LastActivity: noon, Endpoint: "b.test:2", State: "idle", Opened: noon},
			},
			Max: 100, Idle: 2, Lent: 1, Dialing: 4, Closing: 5, Waiting: 6,
			Acquires: 80, Dials: 25, DialErrors: 9, Timeouts: 11, Discards: 13, Sent: 3000, Received: 5000,
			Endpoints: []pool.EndpointStatus{
				{
					Endpoint: "a.test:1", Active: 2, Reconnects: 10, Errors: 20, Dials: 15, DialErrors: 1,
					Sent: 1000, Received: 2000, Latency: pool.LatencyHistogram{Counts: counts, SumMs: 1234.5},
				},
				{
					Endpoint: "b.test:2", Active: 1, Reconnects: 2, Errors: 10, Dials: 10, DialErrors: 8,
					Sent: 2000, Received: 3000, Latency: pool.LatencyHistogram{Counts: make([]uint64, len(counts))},
				},
			},
		},
		health: pool.Health{Healthy: true, Active: 3},
	}
}

func serve(t testing.TB, src monitor.Source, o monitor.Options) *monitor.Server {
	t.Helper()
	s, err := monitor.Start(src, o)
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
	client := http.Transport{DisableKeepAlives: true, DisableCompression: true}
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

func wantKind(t testing.TB, err error, kind pool.Kind) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error %v is not of kind %v", err, kind)
	}
}
