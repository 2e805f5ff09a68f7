package monitor_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/pool/monitor"
)

// askAs asks with a Host header of its own.
func askAs(t testing.TB, s *monitor.Server, host, path string) (answer string) {
	t.Helper()
	c := dial(t, s)
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host)
	return ended(t, c)
}

func TestWithoutATokenALoopbackAddressAnswersToLoopbackNamesOnly(t *testing.T) {
	s := serve(t, busy(), monitor.Options{})
	for host, code := range map[string]string{
		"localhost": "200", "LocalHost:9090": "200", "127.0.0.1": "200", "127.0.0.1:1": "200", "127.9.9.9": "200",
		"[::1]": "200", "[::1]:9090": "200", "": "200",
		"attacker.test": "403", "attacker.test:9090": "403", "localhost.attacker.test": "403", "127.0.0.1.attacker.test": "403",
		"192.0.2.1": "403", "[2001:db8::1]:9090": "403", "::": "403",
	} {
		for _, path := range []string{"/metrics", "/status/connections", "/healthz"} {
			said := askAs(t, s, host, path)
			if !strings.HasPrefix(said, "HTTP/1.1 "+code) {
				t.Errorf("Host %q, %s: %.60q, not %s", host, path, said, code)
			}
			if code == "403" && (strings.Contains(said, "a.test") && !strings.Contains(host, "a.test") || !strings.Contains(said, "loopback names")) {
				t.Errorf("Host %q, %s: %q", host, path, said)
			}
		}
	}
	for _, o := range []monitor.Options{
		{Token: func([]byte) bool { return true }},
		{Host: "0.0.0.0", Public: true},
	} {
		said := askAs(t, serve(t, busy(), o), "metrics.example", "/healthz")
		if !strings.HasPrefix(said, "HTTP/1.1 200") {
			t.Errorf("%+v: %.60q", o, said)
		}
	}
}

func TestEveryAnswerCarriesTheSecurityHeaders(t *testing.T) {
	s := serve(t, busy(), monitor.Options{Token: func([]byte) bool { return false }})
	for _, path := range []string{"/metrics", "/healthz", "/elsewhere"} {
		a := ask(t, s, "GET", path)
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
			"Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("GET %s: %s is %q, not %q", path, name, got, want)
			}
		}
		if server := a.header.Get("Server"); server != "" {
			t.Errorf("GET %s: the server says what it is: %q", path, server)
		}
	}
}

func TestHealthzNamesNoEndpointWhereATokenIsSet(t *testing.T) {
	source := busy()
	source.health = pool.Health{
		Cause: pool.CauseDialFailed, Reason: "connect to a.test:1: refused", Unready: pool.CauseBreakerOpen,
	}
	open := serve(t, source, monitor.Options{})
	closed := serve(t, source, monitor.Options{Token: func([]byte) bool { return false }})
	for _, query := range []string{"", "?ready"} {
		if a := ask(t, open, "GET", "/healthz"+query); a.code != 503 || !strings.Contains(a.body, `"cause":"dial_failed","reason":"connect to a.test:1: refused"`) {
			t.Errorf("without a token: %d %s", a.code, a.body)
		}
		if a := ask(t, closed, "GET", "/healthz"+query); a.code != 503 || !strings.Contains(a.body, `"cause":"dial_failed"}`) {
			t.Errorf("with a token: %d %s", a.code, a.body)
		}
	}
}

func TestMemoryIsShownIfTheProcessTellsOfIt(t *testing.T) {
	if a := ask(t, serve(t, busy(), monitor.Options{}), "GET", "/status/memory"); a.code != 404 {
		t.Errorf("nobody tells: %d", a.code)
	}
	protected := true
	stats := monitor.MemoryStats{
		Enabled: true, SelfCheck: "passed", Backend: "secretmem", Buffers: 3, Sealed: 2, Unlocked: 1,
		LockedBytes: 4096, LimitBytes: 8192, CachedSlots: 5, Canaries: 6, Refused: 7, CanaryFailures: 8,
	}
	s := serve(t, busy(), monitor.Options{Memory: &monitor.Memory{
		Stats:  func() monitor.MemoryStats { return stats },
		Status: func() (any, bool) { return map[string]bool{"enabled": protected}, protected },
	}})
	if a := ask(t, s, "GET", "/status/memory"); a.code != 200 || a.body != `{"enabled":true}`+"\n" {
		t.Errorf("%d %s", a.code, a.body)
	}
	protected = false
	if a := ask(t, s, "GET", "/status/memory"); a.code != 503 || a.body != `{"enabled":false}`+"\n" {
		t.Errorf("%d %s", a.code, a.body)
	}
	got := map[string]float64{}
	for series, v := range samples(t, ask(t, s, "GET", "/metrics").body) {
		if strings.HasPrefix(series, "sprint_memory_") {
			got[strings.TrimPrefix(series, "sprint_memory_")] = v
		}
	}
	want := map[string]float64{
		"enabled": 1, "self_check result=not_run": 0, "self_check result=passed": 1, "self_check result=failed": 0,
		"backend backend=none": 0, "backend backend=secretmem": 1, "backend backend=mlock": 0,
		"buffers": 3, "sealed_buffers": 2, "unlocked_buffers": 1, "locked_bytes": 4096, "lock_limit_bytes": 8192,
		"cached_slots": 5, "canaries": 6, "refused_total": 7, "canary_failures_total": 8,
	}
	wantJSON(t, got, want)
	stats.LimitBytes = math.MaxUint64
	if v := samples(t, ask(t, s, "GET", "/metrics").body)["sprint_memory_lock_limit_bytes"]; !math.IsInf(v, 1) {
		t.Errorf("no limit is %v", v)
	}
}

func wantJSON(t testing.TB, got, want any) {
	t.Helper()
	a, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if string(a) != string(b) {
		t.Errorf("%s, not %s", a, b)
	}
}

func TestWhatGoSaysOfItselfIsShownOnRequest(t *testing.T) {
	s := serve(t, busy(), monitor.Options{})
	has := func(path string) (found bool) {
		families := parse(t, ask(t, s, "GET", path).body)
		for name := range families {
			if strings.HasPrefix(name, "go_") {
				t.Errorf("%s has %s without a prefix", path, name)
			}
		}
		if families["secure_channel_errors_total"] == nil {
			t.Errorf("%s has nothing of the pool", path)
		}
		return families["sprint_go_goroutines"] != nil
	}
	if has("/metrics") || !has("/metrics?runtime") {
		t.Error("the families of the runtime are not there when asked for, or when not")
	}
}

func TestAPanicInTheStatsOfMemoryIsA500(t *testing.T) {
	s := serve(t, busy(), monitor.Options{Memory: &monitor.Memory{
		Stats:  func() monitor.MemoryStats { panic("broken") },
		Status: func() (any, bool) { panic("broken") },
	}})
	for _, path := range []string{"/metrics", "/status/memory"} {
		if a := ask(t, s, "GET", path); a.code != 500 || strings.Contains(a.body, ".go:") {
			t.Errorf("GET %s: %d %s", path, a.code, a.body)
		}
	}
}
