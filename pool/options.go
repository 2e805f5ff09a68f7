package pool

import "time"

// Options configure a pool. The zero value of each field means its default.
type Options struct {
	// Namespace prefixes metric names. If empty, "secure_channel".
	Namespace string
	// MaxConnections bounds idle + lent + dialing + closing, always. If 0, 100.
	MaxConnections int
	// MaxWaiters bounds the callers that wait in Acquire. If 0, 4 x MaxConnections.
	MaxWaiters int
	// MaxDials bounds the dials in flight. If 0, 8.
	MaxDials int
	// ConnectTimeout bounds one dial, handshake included. If 0, 5 s.
	ConnectTimeout time.Duration
	// Metrics describe the optional HTTP server of package monitor.
	Metrics MetricsOptions
}

// MetricsOptions describe the optional HTTP server of package monitor.
type MetricsOptions struct {
	// Host is where to listen. If empty, 127.0.0.1.
	Host string
	// Port is where to listen; nil means 9090, 0 any free port.
	Port *int
	// Public allows a Host that is not a loopback address without a token.
	Public bool
	// Token, if not nil, says in constant time whether a request may pass.
	Token func(candidate []byte) bool
}
