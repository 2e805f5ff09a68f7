package main

// #include "bridge.h"
import "C"

import (
	"crypto/tls"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/securemem"
)

// option is one row of the table of options: its name, and how each type of value is
// taken. A nil function is a type that the option does not have.
type option struct {
	name   string
	str    func(*pool.Options, string)
	number func(*pool.Options, int64)
	most   int64 // bounds number here, where it becomes something else; 0: package pool bounds it
	bytes  func(*pool.Options, []byte)
	secret func(*settings) **securemem.Buffer // where the buffer goes
	copied bool                               // a secret may be a string too, which goes into locked memory
}

var options = map[C.int32_t]option{
	C.SPRINT_OPT_NAME:            text("name", func(o *pool.Options) *string { return &o.Name }),
	C.SPRINT_OPT_NAMESPACE:       text("namespace", func(o *pool.Options) *string { return &o.Namespace }),
	C.SPRINT_OPT_MAX_CONNECTIONS: count("max_connections", func(o *pool.Options) *int { return &o.MaxConnections }),
	C.SPRINT_OPT_MIN_IDLE:        count("min_idle", func(o *pool.Options) *int { return &o.MinIdle }),
	C.SPRINT_OPT_MAX_WAITERS:     count("max_waiters", func(o *pool.Options) *int { return &o.MaxWaiters }),
	C.SPRINT_OPT_MAX_DIALS:       count("max_dials", func(o *pool.Options) *int { return &o.MaxDials }),

	C.SPRINT_OPT_CONNECT_TIMEOUT_MS:             milliseconds("connect_timeout", func(o *pool.Options) *time.Duration { return &o.ConnectTimeout }),
	C.SPRINT_OPT_ACQUIRE_TIMEOUT_MS:             milliseconds("acquire_timeout", func(o *pool.Options) *time.Duration { return &o.AcquireTimeout }),
	C.SPRINT_OPT_HISTOGRAM_ROTATION_INTERVAL_MS: milliseconds("histogram_rotation_interval", func(o *pool.Options) *time.Duration { return &o.HistogramRotationInterval }),
	C.SPRINT_OPT_BUSY_POLL_US: {name: "busy_poll_us", number: func(o *pool.Options, v int64) {
		o.BusyPoll = duration(v, time.Microsecond)
	}},

	C.SPRINT_OPT_MAX_LATENCY_MS:           milliseconds("max_latency", func(o *pool.Options) *time.Duration { return &o.MaxLatency }),
	C.SPRINT_OPT_MAX_LIFETIME_MS:          milliseconds("max_lifetime", func(o *pool.Options) *time.Duration { return &o.MaxLifetime }),
	C.SPRINT_OPT_IDLE_TIMEOUT_MS:          milliseconds("idle_timeout", func(o *pool.Options) *time.Duration { return &o.IdleTimeout }),
	C.SPRINT_OPT_CLEANUP_INTERVAL_MS:      milliseconds("cleanup_interval", func(o *pool.Options) *time.Duration { return &o.CleanupInterval }),
	C.SPRINT_OPT_KEY_ROTATION_INTERVAL_MS: milliseconds("key_rotation_interval", func(o *pool.Options) *time.Duration { return &o.KeyRotationInterval }),

	C.SPRINT_OPT_CIRCUIT_BREAKER_FAILURE_THRESHOLD: count("circuit_breaker_failure_threshold", func(o *pool.Options) *int { return &o.BreakerThreshold }),
	C.SPRINT_OPT_CIRCUIT_BREAKER_COOLDOWN_MS:       milliseconds("circuit_breaker_cooldown", func(o *pool.Options) *time.Duration { return &o.BreakerCooldown }),
	C.SPRINT_OPT_PROBE_SWEEP_MS:                    milliseconds("probe_sweep", func(o *pool.Options) *time.Duration { return &o.ProbeSweep }),
	C.SPRINT_OPT_DNS_REFRESH_MS:                    milliseconds("dns_refresh", func(o *pool.Options) *time.Duration { return &o.DNSRefresh }),
	C.SPRINT_OPT_LEAK_AFTER_MS:                     milliseconds("leak_after", func(o *pool.Options) *time.Duration { return &o.LeakAfter }),

	C.SPRINT_OPT_IDLE_ORDER:     text("idle_order", func(o *pool.Options) *pool.Order { return &o.IdleOrder }),
	C.SPRINT_OPT_ENDPOINT_ORDER: text("endpoint_order", func(o *pool.Options) *pool.Order { return &o.EndpointOrder }),

	C.SPRINT_OPT_CERT_FILE: text("cert_file", func(o *pool.Options) *string { return &o.CertFile }),
	C.SPRINT_OPT_CERT_PEM:  {name: "cert_pem", bytes: func(o *pool.Options, v []byte) { o.CertPEM = v }},
	C.SPRINT_OPT_KEY_FILE:  text("key_file", func(o *pool.Options) *string { return &o.KeyFile }),
	C.SPRINT_OPT_KEY:       {name: "key", secret: func(s *settings) **securemem.Buffer { return &s.key }},
	C.SPRINT_OPT_PIN_SHA256: {name: "pin_sha256", str: func(o *pool.Options, v string) {
		o.Pins = append(slices.Clip(o.Pins), v)
	}},
	C.SPRINT_OPT_ALPN: {name: "alpn", str: func(o *pool.Options, v string) {
		o.ALPN = strings.Split(v, ",")
	}},
	C.SPRINT_OPT_SERVER_NAME: text("server_name", func(o *pool.Options) *string { return &o.ServerName }),
	C.SPRINT_OPT_CA_FILE:     text("ca_file", func(o *pool.Options) *string { return &o.CAFile }),
	C.SPRINT_OPT_CA_PEM:      {name: "ca_pem", bytes: func(o *pool.Options, v []byte) { o.CAPEM = v }},
	C.SPRINT_OPT_MIN_TLS_VERSION: {name: "min_tls_version", number: func(o *pool.Options, v int64) {
		o.MinTLSVersion = map[int64]uint16{12: tls.VersionTLS12, 13: tls.VersionTLS13}[v]
	}},

	C.SPRINT_OPT_METRICS_HOST: text("metrics_host", func(o *pool.Options) *string { return &o.Metrics.Host }),
	C.SPRINT_OPT_METRICS_PORT: count("metrics_port", func(o *pool.Options) *int { return &o.Metrics.Port }),
	C.SPRINT_OPT_METRICS_PUBLIC: {name: "metrics_public", most: 1, number: func(o *pool.Options, v int64) {
		o.Metrics.Public = v == 1
	}},
	C.SPRINT_OPT_METRICS_AUTH_TOKEN:    {name: "metrics_auth_token", copied: true, secret: func(s *settings) **securemem.Buffer { return &s.token }},
	C.SPRINT_OPT_METRICS_TLS_CERT_FILE: text("metrics_tls_cert_file", func(o *pool.Options) *string { return &o.Metrics.CertFile }),
	C.SPRINT_OPT_METRICS_TLS_KEY_FILE:  text("metrics_tls_key_file", func(o *pool.Options) *string { return &o.Metrics.KeyFile }),
}

// text is the row of an option whose string goes into a field as it is.
func text[T ~string](name string, field func(*pool.Options) *T) option {
	return option{name: name, str: func(o *pool.Options, v string) { *field(o) = T(v) }}
}

// count is the row of a number. It is kept within what an int holds on every platform;
// a negative one is refused before it gets here.
func count(name string, field func(*pool.Options) *int) option {
	return option{name: name, number: func(o *pool.Options, v int64) { *field(o) = int(min(v, math.MaxInt32)) }}
}

// milliseconds is the row of a time.
func milliseconds(name string, field func(*pool.Options) *time.Duration) option {
	return option{name: name, number: func(o *pool.Options, v int64) { *field(o) = duration(v, time.Millisecond) }}
}

// duration saturates.
func duration(v int64, unit time.Duration) time.Duration {
	if v > math.MaxInt64/int64(unit) {
		return math.MaxInt64
	}
	return time.Duration(v) * unit
}
