package monitor_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/pool/monitor"
)

func TestASlowHeaderDoesNotOutliveItsTimeout(t *testing.T) {
	const limit = 100 * time.Millisecond
	s, err := monitor.StartBounded(busy(), monitor.Options{}, limit, 4)
	started(t, s, err)
	begin := time.Now() // before the server can have begun to count
	c := dial(t, s)
	done := make(chan struct{})
	spawn.Go("slow loris", func() {
		defer close(done)
		_, err := io.WriteString(c, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n")
		for i := 0; err == nil; i++ {
			_, err = fmt.Fprintf(c, "X-%d: drip\r\n", i)
			time.Sleep(limit / 10) // the attack itself: a line now and then
		}
	})
	ended(t, c)
	if d := time.Since(begin); d < limit || d > 40*limit { // the default would be 50
		t.Errorf("the connection lived for %v", d)
	}
	c.Close()
	<-done
}

func TestASlowTLSHandshakeDoesNotOutliveItsTimeoutEither(t *testing.T) {
	const limit = 100 * time.Millisecond
	cert, key := writeCertificate(t, t.TempDir(), 1)
	s, err := monitor.StartBounded(busy(), monitor.Options{CertFile: cert, KeyFile: key}, limit, 4)
	started(t, s, err)
	for _, hello := range []string{"", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"} { // nothing, and half of one
		begin := time.Now()
		c := dial(t, s)
		io.WriteString(c, hello)
		ended(t, c)
		if d := time.Since(begin); d < limit || d > 40*limit {
			t.Errorf("after %q the connection lived for %v", hello, d)
		}
	}
	// What HTTP/2 lets one connection ask for at once is not offered.
	s = serve(t, busy(), monitor.Options{CertFile: cert, KeyFile: key})
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}}}
	c, err := d.DialContext(t.Context(), "tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if protocol := c.(*tls.Conn).ConnectionState().NegotiatedProtocol; protocol != "" {
		t.Errorf("the server speaks %s", protocol)
	}
}

func TestHugeHeadersAreRefused(t *testing.T) {
	s := serve(t, busy(), monitor.Options{})
	if a := ask(t, s, "GET", "/metrics", "X-Big", strings.Repeat("x", 7<<10)); a.code != 200 {
		t.Errorf("7 KiB: %d", a.code)
	}
	if a := ask(t, s, "GET", "/metrics", "X-Big", strings.Repeat("x", 16<<10)); a.code != 431 {
		t.Errorf("16 KiB: %d", a.code)
	}
}

func TestSlowClientsHoldUpOthersForTheirTimeoutAtMost(t *testing.T) {
	const limit, rounds = 100 * time.Millisecond, 3
	s, err := monitor.StartBounded(busy(), monitor.Options{}, limit, 2)
	started(t, s, err)
	begin := time.Now()
	for range 2 * rounds {
		io.WriteString(dial(t, s), "GET /metrics HTTP/1.1\r\n")
	}
	answers(t, s, "/healthz")
	if d := time.Since(begin); d > 40*limit*rounds { // the default would be 50
		t.Errorf("an honest client had to wait %v", d)
	}
}

// answers waits for an answer of a server whose limits may cut an honest client off, too, if
// the machine is slow.
func answers(t *testing.T, s *monitor.Server, path string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		err := get(s, path, 200)
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func TestIdleConnectionsMakeRoomAtOnce(t *testing.T) {
	s, err := monitor.StartBounded(busy(), monitor.Options{}, time.Minute, 2)
	started(t, s, err)
	request := func(c net.Conn) {
		t.Helper()
		io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || res.StatusCode != 200 {
			t.Fatal(res, err)
		}
		io.Copy(io.Discard, res.Body)
	}
	for range 2 {
		request(dial(t, s)) // stays open for a minute
	}
	for range 3 {
		request(dial(t, s))
	}
	c := dial(t, s)
	for range 3 { // now that there is room again, a connection is kept
		request(c)
	}
}

func TestTheBoundOnConnectionsHolds(t *testing.T) {
	const bound = 2
	var now, most atomic.Int32
	source := busy()
	source.setBefore(func() {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(5 * time.Millisecond) // long enough to overlap with others, were they let in
		now.Add(-1)
	})
	s, err := monitor.StartBounded(source, monitor.Options{}, time.Minute, bound)
	started(t, s, err)
	inParallel(t, 20, func() error { return get(s, "/healthz", 200) })
	if n := most.Load(); n > bound {
		t.Errorf("%d requests at once", n)
	}
}

func TestCloseEndsTheConnectionThatWaitsForRoom(t *testing.T) {
	for range 20 { // which of the two Close meets first is a race
		s, err := monitor.StartBounded(busy(), monitor.Options{}, time.Minute, 1)
		started(t, s, err)
		inside, waiting := dial(t, s), dial(t, s)
		io.WriteString(inside, "GET /healthz HTTP/1.1\r\n") // has the only room for a minute
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		ended(t, inside)
		ended(t, waiting)
	}
}

func TestAPanicInASnapshotIsA500AndNoMore(t *testing.T) {
	source := busy()
	s := serve(t, source, monitor.Options{})
	source.setBefore(func() { panic("broken snapshot") })
	for _, path := range []string{"/metrics", "/status/connections", "/status/overview", "/healthz", "/"} {
		a := ask(t, s, "GET", path)
		if a.code != 500 || strings.Contains(a.body, ".go:") {
			t.Errorf("GET %s: %d %s", path, a.code, a.body)
		}
	}
	source.setBefore(nil)
	for _, path := range []string{"/metrics", "/status/connections", "/status/overview", "/healthz", "/"} {
		if a := ask(t, s, "GET", path); a.code != 200 {
			t.Errorf("GET %s: %d afterwards", path, a.code)
		}
	}
}

func TestManyScrapesAtOnceAllAnswer(t *testing.T) {
	s := serve(t, busy(), monitor.Options{})
	inParallel(t, 200, func() error {
		a, err := try(s, "GET", "/metrics", "Accept", openMetrics, "Accept-Encoding", "gzip")
		if err != nil {
			return err
		}
		if a.code != 200 && a.code != 503 { // 503: more than its share at once
			return fmt.Errorf("/metrics: %d", a.code)
		}
		if err := get(s, "/status/connections", 200); err != nil {
			return err
		}
		return get(s, "/healthz", 200)
	})
	if a := ask(t, s, "GET", "/metrics"); a.code != 200 {
		t.Errorf("%d afterwards", a.code)
	}
}

// lazy is a client that reads nothing until it is told to.
type lazy struct {
	*httptest.ResponseRecorder
	asked, reads chan struct{}
}

func (l lazy) Write(p []byte) (int, error) {
	select {
	case l.asked <- struct{}{}:
	default:
	}
	<-l.reads
	return l.ResponseRecorder.Write(p)
}

func TestAScrapeTellsOfItsOwnMomentThoughAnotherIsStillBeingRead(t *testing.T) {
	source := busy()
	h, err := monitor.NewHandler(source, monitor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	scrape := func(w http.ResponseWriter) {
		h.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/metrics", http.NoBody))
	}
	first := lazy{httptest.NewRecorder(), make(chan struct{}, 1), make(chan struct{})}
	done := make(chan struct{})
	spawn.Go("lazy", func() { defer close(done); scrape(first) })
	<-first.asked
	source.grow(func(s *pool.Status) { s.Endpoints[0].Sent += 5 })
	second := httptest.NewRecorder()
	scrape(second)
	close(first.reads)
	<-done
	for sent, w := range map[string]*httptest.ResponseRecorder{"1000": first.ResponseRecorder, "1005": second} {
		if !strings.Contains(w.Body.String(), `secure_channel_sent_bytes_total{endpoint="a.test:1"} `+sent+"\n") {
			t.Errorf("%d bytes without %s", w.Body.Len(), sent)
		}
	}
}

func get(s *monitor.Server, path string, code int) error {
	a, err := try(s, "GET", path)
	if err == nil && a.code != code {
		err = fmt.Errorf("%s: %d", path, a.code)
	}
	return err
}

func inParallel(t *testing.T, n int, f func() error) {
	t.Helper()
	var wg sync.WaitGroup
	errs := make(chan error, n)
	for range n {
		wg.Add(1)
		spawn.Go("client", func() {
			defer wg.Done()
			errs <- f()
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
}
