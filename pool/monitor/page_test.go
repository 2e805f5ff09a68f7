package monitor_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/pool/monitor"
)

// overview is what the page reads.
type overview struct {
	Version string `json:"version"`
	Pools   []struct {
		Name   string `json:"name"`
		Status string `json:"status"`
	} `json:"pools"`
	Pool *struct {
		Health struct {
			Healthy bool   `json:"pool_healthy"`
			Reason  string `json:"reason"`
		} `json:"health"`
		Ready struct {
			Status string `json:"status"`
		} `json:"ready"`
		Status  pool.Status `json:"status"`
		History past        `json:"history"`
	} `json:"pool"`
	Memory *struct {
		LockedBytes uint64  `json:"locked_bytes"`
		Limit       *uint64 `json:"memlock_limit_bytes"`
		SelfCheck   string  `json:"self_check"`
	} `json:"memory"`
}

func look(t *testing.T, s *monitor.Server, query string, headers ...string) (o overview) {
	t.Helper()
	a := ask(t, s, "GET", "/status/overview"+query, headers...)
	if err := json.Unmarshal([]byte(a.body), &o); err != nil || a.code != 200 {
		t.Fatal(a.code, a.body, err)
	}
	return o
}

func TestTheOverviewHasTheStatusAndTheSlowestConnections(t *testing.T) {
	source := busy()
	one := source.status.Connections[0]
	for id := uint64(20); id < 40; id++ {
		one.ID, one.P95Us = id, int64(1000*(id%7))
		source.status.Connections = append(source.status.Connections, one)
	}
	before := slices.Clone(source.status.Connections)
	s := serve(t, source, monitor.Options{Version: "1.2.3"})
	for range 2 { // the second may be of the list that is kept
		o := look(t, s, "?after=0")
		if o.Version != "1.2.3" || o.Pool == nil || !o.Pool.Health.Healthy || o.Pool.Ready.Status != "healthy" || o.Memory != nil {
			t.Fatalf("%+v", o)
		}
		var ids []uint64
		for _, c := range o.Pool.Status.Connections {
			ids = append(ids, c.ID)
		}
		if want := []uint64{7, 20, 27, 34, 26, 33, 25, 32, 39, 24}; !slices.Equal(ids, want) {
			t.Errorf("the slowest are %v, not %v", ids, want)
		}
		if o.Pool.Status.Lent != 1 || o.Pool.Status.P95Ms != 45 || o.Pool.Status.Endpoints[1].LastError == "" {
			t.Errorf("%+v", o.Pool.Status)
		}
	}
	if !slices.Equal(source.status.Connections, before) {
		t.Error("the snapshot was changed")
	}
}

// TestTheKeysOfTheOverviewAreThese is the contract with pages that were loaded before an
// update: keys are added, never changed.
func TestTheKeysOfTheOverviewAreThese(t *testing.T) {
	memory := &monitor.Memory{Stats: func() (s monitor.MemoryStats) { return }}
	a := ask(t, serve(t, busy(), monitor.Options{Memory: memory}), "GET", "/status/overview")
	var all map[string]any
	if err := json.Unmarshal([]byte(a.body), &all); err != nil {
		t.Fatal(err)
	}
	delete(all["pool"].(map[string]any), "status") // as /status/connections
	var keys []string
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, inner := range v {
				keys = append(keys, at+key)
				walk(at+key+".", inner)
			}
		case []any:
			for _, inner := range v {
				walk(at, inner)
			}
		}
	}
	walk("", all)
	slices.Sort(keys)
	golden(t, "overview.txt", strings.Join(keys, "\n")+"\n")
}

func TestThePageIsAllThereWithoutJavaScript(t *testing.T) {
	source := busy()
	source.health = pool.Health{Cause: pool.CauseDialFailed, Reason: `connect to <b.test>: "refused"`, Unready: pool.CauseBreakerOpen}
	memory := &monitor.Memory{Stats: func() monitor.MemoryStats {
		return monitor.MemoryStats{SelfCheck: "not_run", Backend: "secretmem", LockedBytes: 5000, LimitBytes: 1 << 20}
	}}
	a := ask(t, serve(t, source, monitor.Options{Version: "1.2.3", Memory: memory}), "GET", "/")
	if a.code != 200 || a.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %v", a.code, a.header)
	}
	for _, text := range []string{
		"unhealthy", "connect to &lt;b.test&gt;: &#34;refused&#34;", "breaker open", "a.test:1,b.test:2",
		"2 idle, 1 lent, 4 dialing, 5 closing, of 100", "44.10 ms", "connect to b.test:2: refused", "5 KiB", "not run", "libsprint 1.2.3",
	} {
		if !strings.Contains(a.body, text) {
			t.Errorf("no %q", text)
		}
	}
}

func TestThePageRunsNoScriptButItsOwn(t *testing.T) {
	s := serve(t, busy(), monitor.Options{})
	a := ask(t, s, "GET", "/")
	policy := a.header.Get("Content-Security-Policy")
	for _, rule := range []string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'",
		"base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'",
	} {
		if !strings.Contains(policy, rule) {
			t.Errorf("%q lacks %s", policy, rule)
		}
	}
	inline := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|<script>|javascript:|data:|https?:`)
	if found := inline.FindString(a.body); found != "" || strings.Contains(policy, "unsafe") {
		t.Errorf("%q is in the page, whose policy is %s", found, policy)
	}
	for path, contentType := range map[string]string{
		"/page/page.css": "text/css; charset=utf-8", "/page/icon.svg": "image/svg+xml",
	} {
		got := ask(t, s, "GET", path)
		if got.code != 200 || got.header.Get("Content-Type") != contentType || got.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", path, got.code, got.header)
		}
	}
}

func TestWithoutTheTokenThePageSaysNothingOfThePool(t *testing.T) {
	const right = "demo-token"
	s := serve(t, busy(), with(right, monitor.Options{Name: "orders", Version: "1.2.3"}))
	for _, path := range []string{"/", "/?pool=orders", "/?pool=other"} {
		a := ask(t, s, "GET", path)
		if a.code != 401 || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer ") || !strings.Contains(a.body, "<!doctype html>") {
			t.Errorf("GET %s: %d %s", path, a.code, a.body)
		}
		for _, secret := range []string{"orders", "a.test", "1.2.3", "idle", "other"} {
			if strings.Contains(a.body, secret+"<") || strings.Contains(a.body, secret+":") || strings.Contains(a.body, ">"+secret) {
				t.Errorf("GET %s says %q", path, secret)
			}
		}
	}
	if a := ask(t, s, "POST", "/"); a.code != 401 || strings.Contains(a.body, "<") {
		t.Errorf("POST: %d %s", a.code, a.body)
	}
	if a := ask(t, s, "GET", "/page/page.css"); a.code != 200 {
		t.Errorf("a file of the page: %d", a.code)
	}
	if a := ask(t, s, "GET", "/status/overview"); a.code != 401 {
		t.Errorf("the overview: %d", a.code)
	}
	if a := ask(t, s, "GET", "/", "X-Auth-Token", right); a.code != 200 || !strings.Contains(a.body, "a.test:1") {
		t.Errorf("with the token: %d", a.code)
	}
}

func TestThePageOfSeveralPoolsLetsChoose(t *testing.T) {
	ill := busy()
	ill.health = pool.Health{Cause: pool.CauseClosed, Reason: "the pool is closed"}
	a := serve(t, busy(), monitor.Options{Name: "orders"})
	serve(t, ill, monitor.Options{Name: "prices", Port: a.Port()})
	got := ask(t, a, "GET", "/")
	for _, text := range []string{`<a href="?pool=orders">orders</a>`, `<a href="?pool=prices">prices</a>`, "the pool is closed"} {
		if got.code != 200 || !strings.Contains(got.body, text) {
			t.Errorf("%d, no %q in %s", got.code, text, got.body)
		}
	}
	o := look(t, a, "")
	if o.Pool != nil || len(o.Pools) != 2 || o.Pools[0].Name != "orders" || o.Pools[0].Status != "healthy" || o.Pools[1].Status != "unhealthy" {
		t.Errorf("%+v", o)
	}
	if o := look(t, a, "?pool=prices"); o.Pool == nil || o.Pool.Status.Active != 3 || len(o.Pools) != 2 {
		t.Errorf("%+v", o)
	}
	if got := ask(t, a, "GET", "/?pool=prices"); got.code != 200 || !strings.Contains(got.body, "2 idle") {
		t.Errorf("%d %s", got.code, got.body)
	}
	for _, path := range []string{"/?pool=other", "/?pool=", "/status/overview?pool=other"} {
		if got := ask(t, a, "GET", path); got.code != 404 {
			t.Errorf("GET %s: %d", path, got.code)
		}
	}
}
