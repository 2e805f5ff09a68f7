package pool

import "time"

// Status is a pool and each of its connections at one moment. Its JSON form is
// what /status/connections serves: the first six keys are frozen, others are only
// ever added.
type Status struct {
	// Endpoint is the list of endpoints as given.
	Endpoint string `json:"endpoint"`
	// Active counts open connections, idle and lent: len(Connections).
	Active int `json:"active_connections"`
	// Reconnects counts dials that replaced a lost connection.
	Reconnects uint64 `json:"total_reconnects"`
	// Errors counts failures of connections and of dials.
	Errors uint64 `json:"total_errors"`
	// P95Ms is the largest p95 latency of the open connections, rounded up.
	P95Ms       int64              `json:"pool_p95_latency_ms"`
	Connections []ConnectionStatus `json:"connections"`

	Max        int              `json:"max_connections"`
	Idle       int              `json:"idle"`
	Lent       int              `json:"lent"`
	Dialing    int              `json:"dialing"`
	Closing    int              `json:"closing"`
	Waiting    int              `json:"waiting"`
	Acquires   uint64           `json:"total_acquires"`
	Dials      uint64           `json:"total_dials"`
	DialErrors uint64           `json:"total_dial_errors"`
	Timeouts   uint64           `json:"total_timeouts"`
	Discards   uint64           `json:"total_discards"`
	Sent       uint64           `json:"bytes_sent"`
	Received   uint64           `json:"bytes_received"`
	Endpoints  []EndpointStatus `json:"endpoints"`
}

// ConnectionStatus is one open connection.
type ConnectionStatus struct {
	// ID is never reused within a pool.
	ID uint64 `json:"connection_id"`
	// LastActivity is when the connection was opened, lent, returned, read or
	// written last, in UTC.
	LastActivity time.Time `json:"last_activity"`
	// Reconnects counts the connections that held this one's place before it.
	Reconnects uint64 `json:"reconnects"`
	Errors     uint64 `json:"errors"`
	// P95Ms is P95Us in milliseconds, rounded up.
	P95Ms int64 `json:"p95_latency_ms"`
	P95Us int64 `json:"p95_latency_us"`

	Endpoint string    `json:"endpoint"`
	State    string    `json:"state"` // "idle" or "lent"
	Opened   time.Time `json:"opened"`
	Uses     uint64    `json:"uses"` // leases that ended
	Sent     uint64    `json:"bytes_sent"`
	Received uint64    `json:"bytes_received"`
}

// EndpointStatus is one endpoint's share of a pool. Each total of Status is the
// sum of the same field over the endpoints.
type EndpointStatus struct {
	Endpoint   string `json:"endpoint"`
	Active     int    `json:"active_connections"`
	Reconnects uint64 `json:"total_reconnects"`
	Errors     uint64 `json:"total_errors"`
	Dials      uint64 `json:"total_dials"`
	DialErrors uint64 `json:"total_dial_errors"`
	Sent       uint64 `json:"bytes_sent"`
	Received   uint64 `json:"bytes_received"`
	// Latency is the distribution of request-to-response times since the start.
	Latency LatencyHistogram `json:"-"`
}

// LatencyHistogram counts request-to-response times in classic buckets.
type LatencyHistogram struct {
	// Counts holds, for each of LatencyBoundsMs and one more for +Inf, how many
	// samples fell into that bucket (not cumulative).
	Counts []uint64
	SumMs  float64
}

// LatencyBoundsMs are the upper bounds of LatencyHistogram in milliseconds.
var LatencyBoundsMs = []float64{
	0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000,
}

// Health says whether a pool can be expected to serve.
type Health struct {
	// Healthy: not closed, and a connection is open or the last dial did not fail.
	Healthy bool
	// Reason is empty when Healthy.
	Reason string
	// Active counts open connections, idle and lent.
	Active int
}
