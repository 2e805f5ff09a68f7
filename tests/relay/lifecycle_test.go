package relay_test

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/tests/leak"
	"github.com/bitcoin-sprint/libsprint/tests/relay"
)

func TestCloseEndsEveryKindOfConnection(t *testing.T) {
	noneLeft := leak.Since(t)
	r := start(t, relay.Options{Raw: true, Control: "127.0.0.1:0"})
	dir := r.Dir()

	quiet, echo, late := connect(t, r), connect(t, r), connect(t, r)
	quiet.login(r)
	echo.say("ECHO")
	set(t, r, "delay_ms", "60000")
	late.say("PING")
	set(t, r, "stall_handshake", "1")
	var plain []net.Conn
	for _, address := range []string{r.Addr(), r.RawAddr(), r.ControlAddr()} {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		plain = append(plain, c)
	}
	eventually(t, "four TLS connections", func() bool { return r.Stats().Open == 4 })

	begin := time.Now()
	r.Close()
	if d := time.Since(begin); d > 5*time.Second {
		t.Errorf("Close took %v", d)
	}
	for _, c := range append(plain, quiet.NetConn(), echo.NetConn(), late.NetConn()) {
		c.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s is still open", c.RemoteAddr())
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", dir, err)
	}
	r.Close()
	noneLeft()
}

func TestAFailedStartLeavesNothingBehind(t *testing.T) {
	noneLeft := leak.Since(t)
	t.Setenv("TMPDIR", t.TempDir())
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, o := range []relay.Options{
		{Listen: taken.Addr().String()},
		{Control: taken.Addr().String(), Raw: true},
		{Listen: "no address"},
	} {
		if r, err := relay.Start(o); err == nil {
			r.Close()
			t.Errorf("%+v was accepted", o)
		}
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	noneLeft()
}

func TestManyRelaysLiveSideBySide(t *testing.T) {
	one, two := start(t, relay.Options{}), start(t, relay.Options{})
	set(t, one, "refuse", "1")
	c := connect(t, two)
	c.login(two)
	if _, err := handshake(t, two, config(one)); err == nil {
		t.Fatal("two relays share a CA")
	}
}

func TestTheControlServerSetsResetsAndCounts(t *testing.T) {
	r := start(t, relay.Options{Control: "127.0.0.1:0"})
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	call := func(method, path string, want int) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+r.ControlAddr()+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != want {
			t.Fatalf("%s %s: %d %s, %v", method, path, res.StatusCode, body, err)
		}
		return string(body)
	}

	call("POST", "/set?cert=expired&close_after=5", 200)
	if _, err := handshake(t, r, config(r)); err == nil {
		t.Fatal("cert=expired had no effect")
	}
	call("POST", "/set?cert=good&truncate_after=3", 200)
	c := connect(t, r)
	c.say("PING")
	c.expectEnd(3, errFIN)

	call("POST", "/reset", 200)
	if body := call("POST", "/set?close_after=1&explode=1", 400); !strings.Contains(body, "explode") {
		t.Errorf("the answer does not name the switch: %s", body)
	}
	c = connect(t, r)
	c.login(r)
	var stats relay.Stats
	if err := json.Unmarshal([]byte(call("GET", "/stats", 200)), &stats); err != nil || stats.Logins != 1 {
		t.Errorf("%+v, %v", stats, err)
	}

	call("POST", "/set", 400)
	call("POST", "/set?delay_ms", 400)
	call("GET", "/set?delay_ms=1", 405)
	call("GET", "/", 404)
}
