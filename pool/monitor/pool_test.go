package monitor_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/pool/monitor"
	"github.com/bitcoin-sprint/libsprint/tests/relay"
)

var _ monitor.Source = (*pool.Pool)(nil)

// watched is a pool to a relay with a server that shows it.
func watched(t *testing.T, change ...func(*pool.Options)) (*relay.Relay, *pool.Pool, *monitor.Server) {
	t.Helper()
	r, err := relay.Start(relay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	o := pool.Defaults()
	o.CAPEM = r.CAPEM()
	for _, f := range change {
		f(&o)
	}
	p, err := pool.New(r.Addr(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close(0) })
	return r, p, serve(t, p, monitor.Options{})
}

func ping(t *testing.T, c pool.Conn) {
	t.Helper()
	if _, err := io.WriteString(c, "PING\n"); err != nil {
		t.Fatal(err)
	}
	want := "ERR login first\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestAPoolsTrafficShowsInItsMetrics(t *testing.T) {
	r, p, s := watched(t)
	const leases, pings = 3, 5
	for range leases {
		c, err := p.AcquireWithin(patience)
		if err != nil {
			t.Fatal(err)
		}
		for range pings {
			ping(t, c)
		}
		c.Release()
	}
	wantTotals(t, s, "secure_channel")
	families := scrape(t, s)
	for name, want := range map[string]float64{
		"active_connections": 1, "connections_opened_total": 1, "errors_total": 0, "reconnects_total": 0,
		"sent_bytes_total":     leases * pings * float64(len("PING\n")),
		"received_bytes_total": leases * pings * float64(len("ERR login first\n")),
	} {
		f := families["secure_channel_"+name]
		if got := sum(f); got != want {
			t.Errorf("%s is %v, not %v", name, got, want)
		}
		if label := f.Metric[0].Label[0].GetValue(); label != r.Addr() {
			t.Errorf("%s has the endpoint %q", name, label)
		}
	}
	if n := families["secure_channel_latency_ms"].Metric[0].GetHistogram().GetSampleCount(); n != leases*pings {
		t.Errorf("%d latency samples for %d requests", n, leases*pings)
	}
}

func TestALostConnectionShowsAsAReconnect(t *testing.T) {
	r, p, s := watched(t)
	for range 2 {
		c, err := p.AcquireWithin(patience)
		if err != nil {
			t.Fatal(err)
		}
		ping(t, c)
		c.Release()
		if err := r.Set("drop_idle", "1"); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(patience); r.Stats().Open > 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the relay did not drop the connection")
			}
		}
	}
	wantTotals(t, s, "secure_channel")
	if got := sum(scrape(t, s)["secure_channel_reconnects_total"]); got != 1 {
		t.Errorf("%v reconnects", got)
	}
}

func TestAnswersComeAtOnceWhileEveryDialHangs(t *testing.T) {
	r, p, s := watched(t, func(o *pool.Options) { o.ConnectTimeout = time.Hour })
	if err := r.Set("stall_handshake", "1"); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	spawn.Go("caller", func() {
		_, err := p.AcquireWithin(time.Hour)
		failed <- err
	})
	for end := time.Now().Add(patience); r.Stats().Open == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no dial began")
		}
	}
	for _, path := range []string{"/metrics", "/status/connections", "/healthz"} {
		if a := ask(t, s, "GET", path); a.code != http.StatusOK { // the dial takes an hour
			t.Errorf("GET %s: %d %s", path, a.code, a.body)
		}
	}
	if got := sum(scrape(t, s)["secure_channel_pending_acquires"]); got != 1 {
		t.Errorf("%v pending acquires", got)
	}
	p.Close(0)
	wantKind(t, <-failed, pool.ErrClosed)
}

// A listener that nobody accepts from: connections are made by the kernel, and every
// handshake hangs.
func TestReadinessIsToldInMillisecondsWhileEveryDialHangs(t *testing.T) {
	hole, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hole.Close()
	o := pool.Defaults()
	o.MaxConnections, o.MinIdle, o.ConnectTimeout = 2, 2, patience
	p, err := pool.New(hole.Addr().String(), o)
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, p, monitor.Options{})
	if err := p.StartCleanup(); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 5)
	for range cap(failed) {
		spawn.Go("caller", func() {
			_, err := p.AcquireWithin(patience)
			failed <- err
		})
	}
	for end := time.Now().Add(patience); p.Totals().Waiting < cap(failed) || p.Totals().Dialing < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%+v", p.Totals())
		}
	}
	best := patience // of fifty: a busy machine is not the server's fault
	for range 50 {
		begin := time.Now()
		a := ask(t, s, "GET", "/healthz?ready")
		best = min(best, time.Since(begin))
		if a.code != 503 || !strings.Contains(a.body, `"cause":"busy"`) {
			t.Fatalf("%d %s", a.code, a.body)
		}
	}
	if best > 20*time.Millisecond { // under the race detector
		t.Errorf("an answer takes %v", best)
	}
	p.Close(0)
	for range cap(failed) {
		wantKind(t, <-failed, pool.ErrClosed)
	}
}

func TestHealthzTurnsWhenThePoolFailsAndWhenItCloses(t *testing.T) {
	r, p, s := watched(t)
	unhealthy := func(reason string) {
		t.Helper()
		if a := ask(t, s, "GET", "/healthz"); a.code != 503 || !strings.Contains(a.body, reason) {
			t.Errorf("%d %s", a.code, a.body)
		}
	}
	if err := r.Set("cert", "expired"); err != nil {
		t.Fatal(err)
	}
	_, err := p.AcquireWithin(patience)
	wantKind(t, err, pool.ErrCert)
	unhealthy("expired")

	r.Reset()
	if err := p.Reset(); err != nil { // or the breaker stays open for a second
		t.Fatal(err)
	}
	c, err := p.AcquireWithin(patience)
	if err != nil {
		t.Fatal(err)
	}
	c.Release()
	if a := ask(t, s, "GET", "/healthz"); a.code != 200 {
		t.Errorf("%d %s", a.code, a.body)
	}
	p.Close(0)
	unhealthy("closed")
}

func TestHealthzReadySaysWhetherALeaseCanBeHadNow(t *testing.T) {
	_, p, s := watched(t)
	want := func(code int) {
		t.Helper()
		if a := ask(t, s, "GET", "/healthz?ready"); a.code != code {
			t.Errorf("%d %s", a.code, a.body)
		}
	}
	want(200) // there is room to dial
	if err := p.Resize(1, 0); err != nil {
		t.Fatal(err)
	}
	c, err := p.AcquireWithin(patience)
	if err != nil {
		t.Fatal(err)
	}
	want(503)
	if a := ask(t, s, "GET", "/healthz"); a.code != 200 {
		t.Errorf("a busy pool is healthy: %d %s", a.code, a.body)
	}
	c.Release()
	want(200)
	if err := p.Pause(); err != nil {
		t.Fatal(err)
	}
	want(503)
}
