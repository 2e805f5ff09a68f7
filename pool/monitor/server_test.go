package monitor_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/pool/monitor"
	"github.com/bitcoin-sprint/libsprint/tests/leak"
)

func TestPortZeroIsReadableBack(t *testing.T) {
	s := serve(t, busy(), monitor.Options{Host: "localhost"})
	if s.Port() == 0 || s.Port() != s.Addr().(*net.TCPAddr).Port || !s.Addr().(*net.TCPAddr).IP.IsLoopback() {
		t.Errorf("port %d, address %v", s.Port(), s.Addr())
	}
}

func TestAnOccupiedPortIsAnErrorOfStart(t *testing.T) {
	first := serve(t, busy(), monitor.Options{})
	_, err := monitor.Start(busy(), monitor.Options{Port: first.Port()})
	wantKind(t, err, pool.ErrIO)
	if !strings.Contains(err.Error(), first.Addr().String()) {
		t.Errorf("%v does not name %v", err, first.Addr())
	}
	if a := ask(t, first, "GET", "/healthz"); a.code != 200 {
		t.Errorf("the first server answers %d", a.code)
	}
}

func TestBadOptionsAreRefusedByName(t *testing.T) {
	for name, o := range map[string]monitor.Options{
		"namespace":    {Namespace: "a-b"},
		"metrics_port": {Port: 65536},
		"metrics_host": {Host: "example.test"},
		"no token":     {Host: "0.0.0.0"},
	} {
		s, err := monitor.Start(busy(), o)
		if err == nil {
			s.Close()
		}
		wantKind(t, err, pool.ErrOption)
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not mention %s", err, name)
		}
	}
	serve(t, busy(), monitor.Options{Host: "0.0.0.0", Public: true})
	serve(t, busy(), monitor.Options{Host: "0.0.0.0", Token: func([]byte) bool { return false }})
}

func TestCloseFreesThePortAndAllItStarted(t *testing.T) {
	noneLeft := leak.Since(t)
	s, err := monitor.StartBounded(busy(), monitor.Options{}, time.Hour, 64)
	started(t, s, err)
	silent, half, idle := dial(t, s), dial(t, s), dial(t, s)
	io.WriteString(half, "GET /metrics HTTP/1.1\r\nHost:")
	io.WriteString(idle, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(idle), nil)
	if err != nil || res.StatusCode != 200 {
		t.Fatal(res, err)
	}
	io.Copy(io.Discard, res.Body)

	if err := s.Close(); err != nil { // though the half request could last for an hour
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("again: %v", err)
	}
	for _, c := range []net.Conn{silent, half, idle} {
		ended(t, c)
	}
	noneLeft()
	again := serve(t, busy(), monitor.Options{Port: s.Port()})
	if a := ask(t, again, "GET", "/healthz"); a.code != 200 {
		t.Errorf("%d", a.code)
	}
}

func TestAPortCanBeTakenAgainRightAfterClose(t *testing.T) {
	port := 0
	for range 50 { // also when the accept loop had no time to begin
		s, err := monitor.Start(busy(), monitor.Options{Port: port})
		if err != nil {
			t.Fatal(err)
		}
		port = s.Port()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// held is a source whose snapshots wait for free; inside tells of the first.
func held() (source *fake, inside <-chan struct{}, free func()) {
	in, out := make(chan struct{}, 1), make(chan struct{})
	source = busy()
	source.setBefore(func() {
		select {
		case in <- struct{}{}:
		default:
		}
		<-out
	})
	return source, in, func() { close(out) }
}

func TestCloseLetsARequestInFlightFinish(t *testing.T) {
	source, inside, free := held()
	s := serve(t, source, monitor.Options{})
	code := make(chan int, 1)
	spawn.Go("request", func() {
		a, _ := try(s, "GET", "/healthz")
		code <- a.code
	})
	<-inside
	closed := make(chan error, 1)
	spawn.Go("close", func() { closed <- s.Close() })
	for { // Close has begun when the port is free
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			break
		}
		c.Close()
	}
	free()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if got := <-code; got != 200 {
		t.Errorf("the request got %d", got)
	}
}

func TestCloseIsBoundedThoughASnapshotHangs(t *testing.T) {
	source, inside, free := held()
	s, err := monitor.Start(source, monitor.Options{})
	started(t, s, err)
	c := dial(t, s)
	io.WriteString(c, "GET /status/connections HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-inside
	if err := s.Close(); err == nil { // nothing but its own limit ends it
		t.Error("Close does not say that a request did not end")
	}
	free()
}
