package monitor

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
)

// maxScrapes bounds the answers of /metrics under way; further ones get 503.
const maxScrapes = 16

const notFound = "404: there is /metrics, /status/connections and /healthz\n"

// handler routes by the exact path: no redirects, no cleaned paths, nothing beside
// the routes listed in it.
type handler struct {
	source Source
	token  func([]byte) bool
	routes map[string]http.HandlerFunc
}

func newHandler(src Source, o Options) (*handler, error) {
	registry := prometheus.NewRegistry() // one per server: the host may have its own
	if err := registry.Register(newCollector(src, o.Namespace, o.Version)); err != nil {
		return nil, err
	}
	metrics := promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		EnableOpenMetrics:   true,
		MaxRequestsInFlight: maxScrapes,
		CoalesceGather:      true,
	})
	h := &handler{source: src, token: o.Token}
	h.routes = map[string]http.HandlerFunc{
		"/metrics":            metrics.ServeHTTP,
		"/status/connections": h.serveStatus,
		"/healthz":            h.serveHealth,
	}
	return h, nil
}

// ServeHTTP implements http.Handler. Who may not pass does not learn which paths
// exist.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var err error
	defer func() {
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}()
	defer spawn.Recover("metrics request", &err)

	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.URL.Path != "/healthz" && !h.allowed(r) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="libsprint"`)
		serveText(w, http.StatusUnauthorized, "401: the token is missing or wrong\n")
		return
	}
	serve, ok := h.routes[r.URL.Path]
	if !ok {
		serveText(w, http.StatusNotFound, notFound)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		serveText(w, http.StatusMethodNotAllowed, "405: GET or HEAD\n")
		return
	}
	serve(w, r)
}

// allowed asks about the token of the request. What a client sends is a Go string
// already in net/http; what it is compared with is not.
func (h *handler) allowed(r *http.Request) bool {
	if h.token == nil {
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
	return candidate != "" && h.token([]byte(candidate))
}

func (h *handler) serveStatus(w http.ResponseWriter, _ *http.Request) {
	serveJSON(w, http.StatusOK, h.source.Status())
}

// health is the body of /healthz. Keys are only ever added.
type health struct {
	Status      string    `json:"status"` // "healthy" or "unhealthy"
	Timestamp   time.Time `json:"timestamp"`
	PoolHealthy bool      `json:"pool_healthy"`
	Active      int       `json:"active_connections"`
	Reason      string    `json:"reason,omitempty"` // why it is unhealthy
}

func (h *handler) serveHealth(w http.ResponseWriter, r *http.Request) {
	now := h.source.Health()
	code, body := http.StatusOK, health{
		Status: "healthy", Timestamp: time.Now().UTC().Truncate(time.Millisecond),
		PoolHealthy: now.Healthy, Active: now.Active, Reason: now.Reason,
	}
	healthy := now.Healthy
	if r.URL.Query().Has("ready") {
		if healthy = now.Ready; !healthy && body.Reason == "" {
			body.Reason = "no lease can be had now"
		}
	}
	if !healthy {
		code, body.Status = http.StatusServiceUnavailable, "unhealthy"
	}
	serveJSON(w, code, body)
}

func serveJSON(w http.ResponseWriter, code int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		serveText(w, http.StatusInternalServerError, "500: "+err.Error()+"\n")
		return
	}
	serveBody(w, code, "application/json", append(body, '\n'))
}

func serveText(w http.ResponseWriter, code int, text string) {
	serveBody(w, code, "text/plain; charset=utf-8", []byte(text))
}

func serveBody(w http.ResponseWriter, code int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(code)
	_, _ = w.Write(body) // an error here means that the client has gone
}
