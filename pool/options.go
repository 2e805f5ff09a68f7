package pool

import (
	"crypto"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"time"
)

// Auto stands for a value that is derived from MaxConnections.
const Auto = -1

// Options configure a pool. Start from Defaults: every value is taken as it is, and
// New refuses a zero where zero has no meaning.
type Options struct {
	// Name tells the pool from others in logs and where several share a monitoring
	// server: letters, digits, _ . and -, 64 at most. May be empty.
	Name string
	// Namespace prefixes metric names: a letter, then letters, digits and _.
	Namespace string
	// MaxConnections bounds idle + lent + dialing + closing, always; 1 to 65536.
	MaxConnections int
	// MinIdle is how many idle connections are wanted; Auto is 10, or MaxConnections
	// if that is less.
	MinIdle int
	// MaxWaiters bounds the callers that wait in Acquire; Auto is 4 x MaxConnections.
	MaxWaiters int
	// MaxDials bounds the dials in flight; 1 to 1024.
	MaxDials int
	// ConnectTimeout bounds one dial: resolution, TCP and TLS handshake together.
	ConnectTimeout time.Duration
	// AcquireTimeout is used where a caller names none.
	AcquireTimeout time.Duration
	// MaxLifetime is the age at which a connection is replaced, less up to a fifth of
	// it by chance, so that connections do not age together. 0: no limit.
	MaxLifetime time.Duration
	// KeyRotationInterval is MaxLifetime for the sake of fresh keys: the smaller of the
	// two counts. 0: off.
	KeyRotationInterval time.Duration
	// IdleTimeout is how long a connection may lie idle: less than the peer waits
	// before it closes one. 0: no limit.
	IdleTimeout time.Duration
	// MaxLatency is the p95 above which a connection is slow and replaced. 0: off.
	MaxLatency time.Duration
	// CleanupInterval is how long the cleanup task sleeps at most.
	CleanupInterval time.Duration
	// ProbeSweep is how often the cleanup task looks at an idle connection that nobody
	// uses. 0: never.
	ProbeSweep time.Duration
	// DNSRefresh is how often the cleanup task resolves the names of endpoints: connections
	// to an address that two answers in a row did not hold are replaced. 0: never.
	DNSRefresh time.Duration
	// LeakAfter is how long a lease may be held before the cleanup task reports it.
	// 0: off.
	LeakAfter time.Duration
	// BreakerThreshold is how many dials to an endpoint fail in a row before its
	// breaker opens. 0: it never does.
	BreakerThreshold int
	// BreakerCooldown bounds how long a breaker stays open before it lets a dial
	// through: about 1 s the first time, then twice as long each time.
	BreakerCooldown time.Duration
	// IdleOrder says which idle connection is lent first: OrderLIFO, OrderFIFO or
	// OrderLatency, the one with the least p95.
	IdleOrder Order
	// EndpointOrder says which endpoint is dialled first: OrderFailover, the first in
	// the list that works, or OrderLatency, the one that answered fastest of late.
	EndpointOrder Order
	// HistogramRotationInterval is the length of one latency window. Percentiles are
	// taken over the current window and the one before.
	HistogramRotationInterval time.Duration
	// BusyPoll is for an embedder: how long it may spin for an answer before it sleeps.
	BusyPoll time.Duration

	// ServerName is sent and verified; if empty, the endpoint's host.
	ServerName string
	// CAFile names PEM roots to trust instead of the system's.
	CAFile string
	// CAPEM holds PEM roots to trust instead of the system's.
	CAPEM []byte
	// CertFile or CertPEM is the certificate chain shown to a peer that asks; KeyFile, Key
	// or LoadKey its private key. A key from KeyFile is kept on the Go heap.
	CertFile string
	CertPEM  []byte
	KeyFile  string
	// Key signs without showing the key.
	Key crypto.Signer
	// LoadKey is Key for one that may change: New and Rotate ask for it.
	LoadKey func() (crypto.Signer, error)
	// Pins, if there are any, are SHA-256 hashes of public keys (SubjectPublicKeyInfo),
	// in base64: the verified chain must hold one of them.
	Pins []string
	// ALPN lists the protocols to offer; the peer must choose one of them, or none.
	ALPN []string
	// MinTLSVersion is tls.VersionTLS12 or tls.VersionTLS13.
	MinTLSVersion uint16

	// Metrics describe the HTTP server of package monitor.
	Metrics MetricsOptions

	// Logger gets what happens to connections; nil for silence.
	Logger *slog.Logger
	// Detach is for an embedder that waits for sockets by itself: connections leave
	// the Go poller after the handshake and are used with Send, Receive and Flush.
	Detach bool
}

// Order is a rule of choice.
type Order string

// The orders of idle connections and of endpoints.
const (
	OrderLIFO     Order = "lifo"
	OrderFIFO     Order = "fifo"
	OrderLatency  Order = "latency"
	OrderFailover Order = "failover"
)

// MetricsOptions describe the optional HTTP server of package monitor.
type MetricsOptions struct {
	// Host is where to listen: an address, or localhost.
	Host string
	// Port is where to listen; 0 is any free port.
	Port int
	// Public allows a Host that is not a loopback address without a token.
	Public bool
	// Token, if not nil, says in constant time whether a request may pass.
	Token func(candidate []byte) bool
	// CertFile and KeyFile, if not empty, are the certificate chain and the key of HTTPS.
	CertFile, KeyFile string
}

// Defaults returns the options of a pool of which nothing was said.
func Defaults() Options {
	return Options{
		Namespace:                 "secure_channel",
		MaxConnections:            100,
		MinIdle:                   Auto,
		MaxWaiters:                Auto,
		MaxDials:                  8,
		ConnectTimeout:            5 * time.Second,
		AcquireTimeout:            5 * time.Second,
		MaxLifetime:               30 * time.Minute,
		KeyRotationInterval:       time.Hour,
		IdleTimeout:               5 * time.Minute,
		MaxLatency:                500 * time.Millisecond,
		CleanupInterval:           5 * time.Minute,
		ProbeSweep:                10 * time.Second,
		DNSRefresh:                30 * time.Second,
		LeakAfter:                 30 * time.Second,
		BreakerThreshold:          5,
		BreakerCooldown:           time.Minute,
		IdleOrder:                 OrderLIFO,
		EndpointOrder:             OrderFailover,
		HistogramRotationInterval: time.Hour,
		MinTLSVersion:             tls.VersionTLS13,
		Metrics:                   MetricsOptions{Host: "127.0.0.1", Port: 9090},
	}
}

// Limits of the options. maxDuration keeps sums with the clock from overflowing.
const (
	maxConnections = 65536
	maxWaiters     = 1 << 20
	maxDials       = 1024
	maxThreshold   = 1 << 20
	maxBusyPoll    = time.Second
	maxDuration    = 10 * 365 * 24 * time.Hour
)

var namePattern = regexp.MustCompile(`^[A-Za-z0-9_.-]{0,64}$`)

var namespacePattern = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// resolve derives what is Auto and checks everything together: the error names
// every option that is wrong.
func (o *Options) resolve() error {
	if o.MinIdle == Auto {
		o.MinIdle = min(10, max(o.MaxConnections, 0))
	}
	if o.MaxWaiters == Auto {
		o.MaxWaiters = 4 * max(o.MaxConnections, 1)
	}
	var bad []error
	refuse := func(format string, args ...any) { bad = append(bad, fmt.Errorf(format, args...)) }
	within := func(name string, v, least, most int) {
		if v < least || v > most {
			refuse("%s: %d is not within %d to %d", name, v, least, most)
		}
	}
	duration := func(name string, d time.Duration) {
		switch {
		case d <= 0:
			refuse("%s: %v is not a positive duration", name, d)
		case d > maxDuration:
			refuse("%s: more than ten years", name)
		}
	}
	durationOrOff := func(name string, d time.Duration) {
		if d != 0 {
			duration(name, d)
		}
	}
	within("max_connections", o.MaxConnections, 1, maxConnections)
	within("min_idle", o.MinIdle, 0, maxConnections)
	if o.MinIdle > o.MaxConnections {
		refuse("min_idle: %d is above max_connections %d", o.MinIdle, o.MaxConnections)
	}
	within("max_waiters", o.MaxWaiters, 1, maxWaiters)
	within("max_dials", o.MaxDials, 1, maxDials)
	duration("connect_timeout", o.ConnectTimeout)
	duration("acquire_timeout", o.AcquireTimeout)
	durationOrOff("max_lifetime", o.MaxLifetime)
	durationOrOff("key_rotation_interval", o.KeyRotationInterval)
	durationOrOff("idle_timeout", o.IdleTimeout)
	durationOrOff("max_latency", o.MaxLatency)
	durationOrOff("probe_sweep", o.ProbeSweep)
	durationOrOff("dns_refresh", o.DNSRefresh)
	durationOrOff("leak_after", o.LeakAfter)
	duration("cleanup_interval", o.CleanupInterval)
	within("circuit_breaker_failure_threshold", o.BreakerThreshold, 0, maxThreshold)
	duration("circuit_breaker_cooldown", o.BreakerCooldown)
	if !slices.Contains([]Order{OrderLIFO, OrderFIFO, OrderLatency}, o.IdleOrder) {
		refuse("idle_order: %q is neither lifo nor fifo nor latency", o.IdleOrder)
	}
	if !slices.Contains([]Order{OrderFailover, OrderLatency}, o.EndpointOrder) {
		refuse("endpoint_order: %q is neither failover nor latency", o.EndpointOrder)
	}
	duration("histogram_rotation_interval", o.HistogramRotationInterval)
	if o.BusyPoll < 0 || o.BusyPoll > maxBusyPoll {
		refuse("busy_poll_us: %v is not within 0 to %v", o.BusyPoll, maxBusyPoll)
	}
	if !namePattern.MatchString(o.Name) {
		refuse("name: %q is not a name (letters, digits, _ . -, 64 at most)", o.Name)
	}
	if !namespacePattern.MatchString(o.Namespace) {
		refuse("namespace: %q is not a metric name prefix (letters, digits, _)", o.Namespace)
	}
	if o.MinTLSVersion != tls.VersionTLS12 && o.MinTLSVersion != tls.VersionTLS13 {
		refuse("min_tls_version: must be 12 or 13")
	}
	if o.CAFile != "" && len(o.CAPEM) > 0 {
		refuse("ca_file and ca_pem: only one of them can be set")
	}
	if len(o.ServerName) > 255 {
		refuse("server_name: longer than a host name can be")
	}
	for _, protocol := range o.ALPN {
		if len(protocol) == 0 || len(protocol) > 255 {
			refuse("alpn: %q is not a protocol name of 1 to 255 bytes", protocol)
		}
	}
	o.checkClientCertificate(refuse)
	o.Metrics.check(refuse)
	if len(bad) > 0 {
		return &Error{Kind: ErrOption, Text: oneLine(bad)}
	}
	return nil
}

func (m *MetricsOptions) check(refuse func(string, ...any)) {
	if m.Port < 0 || m.Port > 65535 {
		refuse("metrics_port: %d is not within 0 to 65535", m.Port)
	}
	if (m.CertFile == "") != (m.KeyFile == "") {
		refuse("metrics_tls_cert_file and metrics_tls_key_file: HTTPS needs both")
	}
	if m.Host == "localhost" {
		return
	}
	ip := net.ParseIP(m.Host)
	switch {
	case ip == nil:
		refuse("metrics_host: %q is neither an address nor localhost", m.Host)
	case !ip.IsLoopback() && m.Token == nil && !m.Public:
		refuse("metrics_host: %s is reachable by others: set metrics_auth_token, or metrics_public to allow it", m.Host)
	}
}

// oneLine joins errors with "; ", for a text that goes into one line of a log.
func oneLine(errs []error) string {
	text := ""
	for i, err := range errs {
		if i > 0 {
			text += "; "
		}
		text += err.Error()
	}
	return text
}
