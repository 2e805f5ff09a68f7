package monitor

import (
	"net/http"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// health is the body of /healthz. Keys are only ever added.
type health struct {
	Status      string    `json:"status"` // "healthy" or "unhealthy"
	Timestamp   time.Time `json:"timestamp"`
	PoolHealthy bool      `json:"pool_healthy"`
	Active      int       `json:"active_connections"`
	// Cause is one of pool.HealthCause; Reason is a sentence, which names endpoints. Both
	// are there if it is unhealthy, Reason only where nobody needs a token to know it.
	Cause  pool.HealthCause `json:"cause,omitempty"`
	Reason string           `json:"reason,omitempty"`
}

// healthOf is the answer to the question of one pool's health, or whether it is ready.
func healthOf(now pool.Health, ready bool) health {
	body := health{
		Status: "healthy", Timestamp: time.Now().UTC().Truncate(time.Millisecond),
		PoolHealthy: now.Healthy, Active: now.Active, Cause: now.Cause, Reason: now.Reason,
	}
	if ready && now.Ready {
		body.Cause, body.Reason = "", ""
	}
	if ready && !now.Ready && now.Healthy {
		body.Cause, body.Reason = now.Unready, "no lease can be had now"
	}
	if ready && !now.Ready || !ready && !now.Healthy {
		body.Status = "unhealthy"
	}
	return body
}

func (b health) serve(w http.ResponseWriter, secretive bool) {
	code := http.StatusOK
	if b.Status != "healthy" {
		code = http.StatusServiceUnavailable
	}
	if secretive {
		b.Reason = ""
	}
	serveJSON(w, code, b)
}

// serveHealth is never asked for a token: where one is set, it says no more than it must.
func (h *handler) serveHealth(secretive bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		healthOf(h.source.Health(), r.URL.Query().Has("ready")).serve(w, secretive)
	}
}

// serveHealth of a host is the worst of its pools.
func (g *gate) serveHealth(w http.ResponseWriter, r *http.Request) {
	var all health
	for i, p := range g.host.all() {
		one := healthOf(p.source.Health(), r.URL.Query().Has("ready"))
		if i > 0 {
			one.Active += all.Active
			one.PoolHealthy = one.PoolHealthy && all.PoolHealthy
		}
		if i > 0 && one.Status == "healthy" {
			one.Status, one.Cause, one.Reason = all.Status, all.Cause, all.Reason
		} else if p.name != "" && one.Reason != "" {
			one.Reason = p.name + ": " + one.Reason
		}
		all = one
	}
	all.serve(w, g.host.options.Token != nil)
}
