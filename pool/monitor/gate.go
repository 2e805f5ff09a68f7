package monitor

import (
	"net"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
)

// maxScrapes bounds the answers of /metrics under way; further ones get 503.
const maxScrapes = 16

const notFound = "404: there is /, /metrics, /status/connections, /status/memory and /healthz\n"

// gate is what every request to a host passes: by the exact path, without redirects and
// cleaned paths, and nothing but what is listed.
type gate struct {
	host    *host
	metrics http.Handler
	runtime http.Handler // with what Go says of itself
}

func newGate(h *host) *gate {
	// Not CoalesceGather: a scrape would be answered with what another one gathered that is
	// still being read, and so a few that overlap with what was true long ago.
	serve := func(from *prometheus.Registry) http.Handler {
		return promhttp.HandlerFor(from, promhttp.HandlerOpts{
			EnableOpenMetrics:   true,
			MaxRequestsInFlight: maxScrapes,
		})
	}
	return &gate{host: h, metrics: serve(h.families.plain), runtime: serve(h.families.runtime)}
}

// ServeHTTP implements http.Handler. Who may not pass does not learn which paths or
// pools exist.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var err error
	defer func() {
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}()
	defer spawn.Recover("metrics request", &err)

	for name, value := range securityHeaders {
		w.Header().Set(name, value)
	}
	if !g.knows(r.Host) {
		serveText(w, http.StatusForbidden, "403: this address answers to loopback names only (localhost, 127.0.0.1, [::1]): "+
			"set a token to use another in the Host header\n")
		return
	}
	serve := pageFile(r.URL.Path)
	if serve == nil && r.URL.Path != "/healthz" && !g.allowed(r) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="libsprint"`)
		g.refuse(w, r)
		return
	}
	if serve == nil {
		serve = g.route(r)
	}
	switch {
	case serve == nil:
		serveText(w, http.StatusNotFound, notFound)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		serveText(w, http.StatusMethodNotAllowed, "405: GET or HEAD\n")
	default:
		serve(w, r)
	}
}

var securityHeaders = map[string]string{
	"Cache-Control":                "no-store",
	"Content-Security-Policy":      "default-src 'none'; frame-ancestors 'none'",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Referrer-Policy":              "no-referrer",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
}

// knows says whether a request may name this address so. Without a token only the name
// tells a program on this machine from a web page that had its own name resolved to a
// loopback address. A browser always sends one.
func (g *gate) knows(name string) bool {
	o := &g.host.options
	if o.Token != nil || !net.ParseIP(o.Host).IsLoopback() {
		return true
	}
	if host, _, err := net.SplitHostPort(name); err == nil {
		name = host
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	return name == "" || strings.EqualFold(name, "localhost") || net.ParseIP(name).IsLoopback()
}

// allowed asks about the token of the request. What a client sends is a Go string
// already in net/http; what it is compared with is not.
func (g *gate) allowed(r *http.Request) bool {
	if g.host.options.Token == nil {
		return true
	}
	candidate := r.Header.Get("X-Auth-Token")
	if candidate == "" {
		scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return false
		}
		candidate = strings.TrimLeft(rest, " ")
	}
	return candidate != "" && g.host.accepts([]byte(candidate))
}

// refuse answers without the token.
func (g *gate) refuse(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		g.servePage(w, nil, false)
		return
	}
	serveText(w, http.StatusUnauthorized, "401: the token is missing or wrong\n")
}

// route finds what answers, nil if nothing does.
func (g *gate) route(r *http.Request) http.HandlerFunc {
	query := r.URL.Query()
	switch r.URL.Path {
	case "/metrics":
		if query.Has("runtime") {
			return g.runtime.ServeHTTP
		}
		return g.metrics.ServeHTTP
	case "/status/memory":
		if g.host.options.Memory == nil {
			return nil
		}
		return g.host.options.Memory.serve
	case "/healthz":
		if !query.Has("pool") {
			return g.serveHealth
		}
	}
	p := g.host.choose(query.Get("pool"))
	if p != nil || !query.Has("pool") { // these two show which pools there are
		switch r.URL.Path {
		case "/":
			return func(w http.ResponseWriter, _ *http.Request) { g.servePage(w, p, true) }
		case "/status/overview":
			return g.serveOverview(p)
		}
	}
	if p != nil {
		return p.routes[r.URL.Path]
	}
	if !query.Has("pool") && r.URL.Path != "/healthz" && isRoute(g.host.all(), r.URL.Path) {
		return g.serveChoice
	}
	return nil
}

func isRoute(pools []*handler, path string) bool {
	return len(pools) > 0 && pools[0].routes[path] != nil
}

// serveChoice asks which of several pools is meant.
func (g *gate) serveChoice(w http.ResponseWriter, r *http.Request) {
	text := "300: several pools answer here\n"
	for _, p := range g.host.all() {
		text += r.URL.Path + "?pool=" + p.name + "\n"
	}
	serveText(w, http.StatusMultipleChoices, text)
}
