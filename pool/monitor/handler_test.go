package monitor_test

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/pool/monitor"
)

func TestOnlyTheListedPathsExist(t *testing.T) {
	s := serve(t, busy(), monitor.Options{})
	for path, code := range map[string]int{
		"/metrics": 200, "/status/connections": 200, "/status/overview": 200, "/healthz": 200,
		"/": 200, "/page/page.css": 200, "/page/icon.svg": 200,
		"/metrics?x=1": 200, "/%6detrics": 200,
		"/page": 404, "/page/": 404, "/page/index.html": 404, "/page/../page/page.css": 404, "/metrics/": 404, "//metrics": 404, "/./metrics": 404, "/status/../metrics": 404,
		"/status": 404, "/status/": 404, "/Metrics": 404, "/metrics%00": 404, "/debug/pprof/": 404,
		"/healthz/..": 404, "/favicon.ico": 404,
	} {
		a := ask(t, s, "GET", path)
		if a.code != code {
			t.Errorf("GET %s: %d, not %d", path, a.code, code)
		}
		if code == 404 && !strings.Contains(a.body, "/status/connections") {
			t.Errorf("GET %s does not say what exists: %q", path, a.body)
		}
	}
}

func TestOtherMethodsAreRefusedWithAllow(t *testing.T) {
	s := serve(t, busy(), monitor.Options{})
	for _, path := range []string{"/metrics", "/status/connections", "/status/overview", "/healthz", "/", "/page/page.css"} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
			a := ask(t, s, method, path)
			if a.code != 405 || a.header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow: %q", method, path, a.code, a.header.Get("Allow"))
			}
		}
		if a := ask(t, s, "HEAD", path); a.code != 200 || a.body != "" {
			t.Errorf("HEAD %s: %d %q", path, a.code, a.body)
		}
	}
	c := dial(t, s)
	io.WriteString(c, "OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	if said := ended(t, c); !strings.HasPrefix(said, "HTTP/1.1 404") {
		t.Errorf("OPTIONS *: %q", said)
	}
}

func TestTheTokenGuardsEverythingButHealthz(t *testing.T) {
	right := []byte("demo-token")
	asked := make(chan string, 100)
	s := serve(t, busy(), monitor.Options{Token: func(candidate []byte) bool {
		asked <- string(candidate)
		return subtle.ConstantTimeCompare(candidate, right) == 1
	}})
	for _, test := range []struct {
		name    string
		headers []string
		ok      bool
	}{
		{"none", nil, false},
		{"empty", []string{"X-Auth-Token", "", "Authorization", "Bearer "}, false},
		{"wrong", []string{"X-Auth-Token", "demo-tokem"}, false},
		{"prefix", []string{"X-Auth-Token", "demo-toke"}, false},
		{"another scheme", []string{"Authorization", "Basic demo-token"}, false},
		{"no scheme", []string{"Authorization", "demo-token"}, false},
		{"X-Auth-Token", []string{"X-Auth-Token", "demo-token"}, true},
		{"Bearer", []string{"Authorization", "Bearer demo-token"}, true},
		{"bearer", []string{"Authorization", "bearer  demo-token"}, true},
	} {
		for path, code := range map[string]int{
			"/metrics": 200, "/status/connections": 200, "/status/overview": 200, "/": 200, "/elsewhere": 404,
		} {
			a := ask(t, s, "GET", path, test.headers...)
			challenge := a.header.Get("WWW-Authenticate")
			if test.ok && (a.code != code || challenge != "") {
				t.Errorf("%s, %s: %d, challenge %q", test.name, path, a.code, challenge)
			}
			if !test.ok && (a.code != 401 || !strings.HasPrefix(challenge, "Bearer ")) {
				t.Errorf("%s, %s: %d, challenge %q", test.name, path, a.code, challenge)
			}
		}
		if a := ask(t, s, "GET", "/healthz", test.headers...); a.code != 200 {
			t.Errorf("%s, /healthz: %d", test.name, a.code)
		}
	}
	close(asked)
	for candidate := range asked {
		if candidate == "" {
			t.Error("the token function was asked about nothing")
		}
	}
}

func TestEveryAnswerForbidsCachingAndSniffing(t *testing.T) {
	s := serve(t, busy(), monitor.Options{Token: func([]byte) bool { return false }})
	for _, path := range []string{"/metrics", "/healthz", "/", "/page/page.css"} {
		a := ask(t, s, "GET", path)
		if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("GET %s: %v", path, a.header)
		}
	}
}

func TestStatusIsAsItAlwaysWas(t *testing.T) {
	source := busy()
	a := ask(t, serve(t, source, monitor.Options{}), "GET", "/status/connections")
	if a.code != 200 || a.header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s", a.code, a.header.Get("Content-Type"))
	}
	var lines bytes.Buffer
	if err := json.Indent(&lines, []byte(a.body), "", "  "); err != nil {
		t.Fatal(err)
	}
	golden(t, "status.json", lines.String())
	for _, first := range []string{
		`{"endpoint":"a.test:1,b.test:2","active_connections":3,"total_reconnects":12,"total_errors":30,` +
			`"pool_p95_latency_ms":45,"connections":[`,
		`{"connection_id":7,"last_activity":"2025-08-25T11:00:00Z","reconnects":2,"errors":1,"p95_latency_ms":45,`,
	} {
		if !strings.Contains(a.body, first) {
			t.Errorf("no %s in %s", first, a.body)
		}
	}
	var back pool.Status
	if err := json.Unmarshal([]byte(a.body), &back); err != nil || back.Sent != source.status.Sent {
		t.Errorf("%+v, %v", back, err)
	}
}

func TestHealthzSaysWhetherAndWhyNot(t *testing.T) {
	source := busy()
	s := serve(t, source, monitor.Options{})
	var got struct {
		Status    string `json:"status"`
		Timestamp string `json:"timestamp"`
		Healthy   bool   `json:"pool_healthy"`
		Active    int    `json:"active_connections"`
		Reason    string `json:"reason"`
	}
	check := func(code int, status, reason string, active int) {
		t.Helper()
		a := ask(t, s, "GET", "/healthz")
		if err := json.Unmarshal([]byte(a.body), &got); err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, got.Timestamp)
		if err != nil || !strings.HasSuffix(got.Timestamp, "Z") || time.Since(at).Abs() > time.Minute {
			t.Errorf("timestamp %q", got.Timestamp)
		}
		if a.code != code || got.Status != status || got.Healthy != (code == 200) || got.Active != active || got.Reason != reason {
			t.Errorf("%d %s", a.code, a.body)
		}
	}
	check(200, "healthy", "", 3)

	source.mu.Lock()
	source.health = pool.Health{Reason: "connect to a.test:1: refused"}
	source.mu.Unlock()
	check(503, "unhealthy", "connect to a.test:1: refused", 0)
	if a := ask(t, s, "HEAD", "/healthz"); a.code != 503 {
		t.Errorf("HEAD: %d", a.code)
	}
}
