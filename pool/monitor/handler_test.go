package monitor_test

import (
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
		"/metrics": 200, "/status/connections": 200, "/healthz": 200,
		"/metrics?x=1": 200, "/%6detrics": 200,
		"/": 404, "/metrics/": 404, "//metrics": 404, "/./metrics": 404, "/status/../metrics": 404,
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
	for _, path := range []string{"/metrics", "/status/connections", "/healthz"} {
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
	io.WriteString(c, "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
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
			"/metrics": 200, "/status/connections": 200, "/": 404, "/elsewhere": 404,
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
	for _, path := range []string{"/metrics", "/healthz"} {
		a := ask(t, s, "GET", path)
		if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("GET %s: %v", path, a.header)
		}
	}
}

// keys lists the keys of the first object in text, in their order.
func keys(t *testing.T, text string) []string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	var list []string
	for d.More() {
		key, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, key.(string))
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func wantKeys(t *testing.T, text, want string) {
	t.Helper()
	if got := strings.Join(keys(t, text), " "); got != want {
		t.Errorf("keys\n %s, not\n %s", got, want)
	}
}

func TestStatusHasTheFrozenKeysFirst(t *testing.T) {
	source := busy()
	a := ask(t, serve(t, source, monitor.Options{}), "GET", "/status/connections")
	if a.code != 200 || a.header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s", a.code, a.header.Get("Content-Type"))
	}
	wantKeys(t, a.body, "endpoint active_connections total_reconnects total_errors pool_p95_latency_ms connections "+
		"max_connections idle lent dialing closing waiting total_acquires total_dials total_dial_errors "+
		"total_timeouts total_discards bytes_sent bytes_received endpoints "+
		"total_leaks_suspected total_leaks_returned closed_by_reason slow_spared circuit_breaker generation min_idle paused cleanup")
	var parts struct {
		Connections []json.RawMessage `json:"connections"`
		Endpoints   []json.RawMessage `json:"endpoints"`
	}
	if err := json.Unmarshal([]byte(a.body), &parts); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, string(parts.Connections[0]), "connection_id last_activity reconnects errors p95_latency_ms "+
		"p95_latency_us endpoint state opened uses bytes_sent bytes_received generation")
	wantKeys(t, string(parts.Endpoints[0]), "endpoint active_connections total_reconnects total_errors "+
		"total_dials total_dial_errors bytes_sent bytes_received circuit_breaker circuit_breaker_trips")
	const first = `{"connection_id":7,"last_activity":"2025-08-25T11:00:00Z","reconnects":2,"errors":1,"p95_latency_ms":45,`
	if !strings.HasPrefix(string(parts.Connections[0]), first) {
		t.Errorf("%s does not begin with %s", parts.Connections[0], first)
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
	wantKeys(t, ask(t, s, "GET", "/healthz").body, "status timestamp pool_healthy active_connections")

	source.mu.Lock()
	source.health = pool.Health{Reason: "connect to a.test:1: refused"}
	source.mu.Unlock()
	check(503, "unhealthy", "connect to a.test:1: refused", 0)
	wantKeys(t, ask(t, s, "GET", "/healthz").body, "status timestamp pool_healthy active_connections reason")
	if a := ask(t, s, "HEAD", "/healthz"); a.code != 503 {
		t.Errorf("HEAD: %d", a.code)
	}
}
