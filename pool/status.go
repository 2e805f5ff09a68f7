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

	// Leaks counts leases that were reported as held too long; LeaksReturned those of
	// them that ended after all.
	Leaks         uint64 `json:"total_leaks_suspected"`
	LeaksReturned uint64 `json:"total_leaks_returned"`
	// Closed counts closed connections by the reason.
	Closed map[string]uint64 `json:"closed_by_reason"`
	// Retries counts requests that Idempotent allowed to send once more, by RetryOutcomes:
	// those that were not sent again are "budget_exhausted".
	Retries map[string]uint64 `json:"retries"`
	// SlowSpared counts connections above MaxLatency that were kept: with the majority
	// ("share"), or with the median ("median").
	SlowSpared map[string]uint64 `json:"slow_spared"`
	// Breaker is the best state of any endpoint's: "closed", "half_open" or "open".
	Breaker string `json:"circuit_breaker"`
	// Generation counts the calls of Rotate.
	Generation uint64        `json:"generation"`
	MinIdle    int           `json:"min_idle"`
	Paused     bool          `json:"paused"`
	Cleanup    CleanupStatus `json:"cleanup"`

	// Name is the pool's, empty if it has none.
	Name string `json:"name"`
	// MergedP95Us is the p95 of all answers in the current window and the one before it, in
	// microseconds; connections that were closed since count, too.
	MergedP95Us int64 `json:"merged_p95_latency_us"`
	// AcquiresBy counts the ends of Acquire by their outcome: one of AcquireOutcomes.
	AcquiresBy map[string]uint64 `json:"acquires_by_outcome"`
	// Waits is how long each of them took; without a wait it counts as 0. In seconds.
	Waits Histogram `json:"-"`
	// ClientExpiry is when the certificate shown to peers ends; nil if there is none.
	ClientExpiry *time.Time `json:"client_certificate_expires,omitempty"`
}

// CleanupStatus is how the cleanup task fares.
type CleanupStatus struct {
	Running bool `json:"running"`
	// LagMs is how late its last pass by the clock began.
	LagMs float64 `json:"lag_ms"`
	// ClockLeaps counts how often the wall clock moved against the monotonic one.
	ClockLeaps uint64 `json:"clock_leaps"`
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
	// Generation is how often Rotate had been called when it was dialled.
	Generation uint64 `json:"generation"`

	// Samples counts the answers that the percentiles are of.
	Samples int64 `json:"samples"`
	P50Us   int64 `json:"p50_latency_us"`
	P99Us   int64 `json:"p99_latency_us"`
	AgeMs   int64 `json:"age_ms"`
	// IdleMs is how long nothing happened to an idle one, HeldMs how long a lent one has
	// been out; 0 in the other state.
	IdleMs int64 `json:"idle_ms"`
	HeldMs int64 `json:"held_ms"`
	// TLSVersion, CipherSuite and PeerExpiry are as in ConnInfo.
	TLSVersion  string    `json:"tls_version"`
	CipherSuite string    `json:"cipher_suite"`
	PeerExpiry  time.Time `json:"peer_certificate_expires"`
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
	// Breaker is "closed", "half_open" or "open"; Trips counts how often it opened.
	Breaker string `json:"circuit_breaker"`
	Trips   uint64 `json:"circuit_breaker_trips"`
	// LastError is why the last dial failed, empty if it did not.
	LastError string `json:"last_error,omitempty"`

	// Transitions counts how often the breaker came to each of BreakerStates.
	Transitions map[string]uint64 `json:"circuit_breaker_transitions"`
	// ErrorsBy counts Errors by their kind: one of ErrorKinds.
	ErrorsBy map[string]uint64 `json:"errors_by_kind"`
	// Checks counts the looks at idle connections by what they found: one of
	// HealthChecks.
	Checks map[string]uint64 `json:"health_checks"`
	// Handshakes has one entry for each version and for new and resumed sessions.
	Handshakes []Handshakes `json:"tls_handshakes"`
	// Rotations counts connections that were closed for the sake of fresh keys.
	Rotations uint64 `json:"key_rotations"`
	// PeerExpiry is when the certificate shown last ends; nil before the first.
	PeerExpiry *time.Time `json:"peer_certificate_expires,omitempty"`

	// Distributions since the start: request-to-response times in milliseconds; the
	// phases of dials that succeeded, by ConnectPhases, how long leases were held, and
	// the age at which connections were closed, in seconds.
	Latency Histogram            `json:"-"`
	Connect map[string]Histogram `json:"-"`
	Hold    Histogram            `json:"-"`
	Age     Histogram            `json:"-"`
}
