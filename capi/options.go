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
)

// option is one row of the table of options: its name, and how each type of value is
// taken. A nil function is a type that the option does not have.
type option struct {
	name   string
	str    func(*pool.Options, string)
	number func(*pool.Options, int64)
	most   int64 // bounds number here, where it becomes something else; 0: package pool bounds it
	bytes  func(*pool.Options, []byte)
	secret bool // a string or a buffer that goes into locked memory
}

var options = map[C.int32_t]option{
	C.SPRINT_OPT_NAMESPACE: {name: "namespace", str: func(o *pool.Options, v string) { o.Namespace = v }},
	C.SPRINT_OPT_MAX_CONNECTIONS: {name: "max_connections", number: func(o *pool.Options, v int64) {
		o.MaxConnections = count(v)
	}},
	C.SPRINT_OPT_MIN_IDLE: {name: "min_idle", number: func(o *pool.Options, v int64) {
		o.MinIdle = count(v)
	}},
	C.SPRINT_OPT_MAX_WAITERS: {name: "max_waiters", number: func(o *pool.Options, v int64) {
		o.MaxWaiters = count(v)
	}},
	C.SPRINT_OPT_MAX_DIALS: {name: "max_dials", number: func(o *pool.Options, v int64) {
		o.MaxDials = count(v)
	}},
	C.SPRINT_OPT_CONNECT_TIMEOUT_MS: {name: "connect_timeout", number: func(o *pool.Options, v int64) {
		o.ConnectTimeout = duration(v, time.Millisecond)
	}},
	C.SPRINT_OPT_ACQUIRE_TIMEOUT_MS: {name: "acquire_timeout", number: func(o *pool.Options, v int64) {
		o.AcquireTimeout = duration(v, time.Millisecond)
	}},
	C.SPRINT_OPT_HISTOGRAM_ROTATION_INTERVAL_MS: {name: "histogram_rotation_interval", number: func(o *pool.Options, v int64) {
		o.HistogramRotationInterval = duration(v, time.Millisecond)
	}},
	C.SPRINT_OPT_BUSY_POLL_US: {name: "busy_poll_us", number: func(o *pool.Options, v int64) {
		o.BusyPoll = duration(v, time.Microsecond)
	}},
	C.SPRINT_OPT_MAX_LATENCY_MS: {name: "max_latency", number: func(o *pool.Options, v int64) {
		o.MaxLatency = duration(v, time.Millisecond)
	}},
	C.SPRINT_OPT_MAX_LIFETIME_MS: {name: "max_lifetime", number: func(o *pool.Options, v int64) {
		o.MaxLifetime = duration(v, time.Millisecond)
	}},
	C.SPRINT_OPT_IDLE_TIMEOUT_MS: {name: "idle_timeout", number: func(o *pool.Options, v int64) {
		o.IdleTimeout = duration(v, time.Millisecond)
	}},
	C.SPRINT_OPT_CLEANUP_INTERVAL_MS: {name: "cleanup_interval", number: func(o *pool.Options, v int64) {
		o.CleanupInterval = duration(v, time.Millisecond)
	}},
	C.SPRINT_OPT_KEY_ROTATION_INTERVAL_MS: {name: "key_rotation_interval", number: func(o *pool.Options, v int64) {
		o.KeyRotationInterval = duration(v, time.Millisecond)
	}},
	C.SPRINT_OPT_CIRCUIT_BREAKER_FAILURE_THRESHOLD: {name: "circuit_breaker_failure_threshold", number: func(o *pool.Options, v int64) {
		o.BreakerThreshold = count(v)
	}},
	C.SPRINT_OPT_CIRCUIT_BREAKER_COOLDOWN_MS: {name: "circuit_breaker_cooldown", number: func(o *pool.Options, v int64) {
		o.BreakerCooldown = duration(v, time.Millisecond)
	}},
	C.SPRINT_OPT_LEAK_AFTER_MS: {name: "leak_after", number: func(o *pool.Options, v int64) {
		o.LeakAfter = duration(v, time.Millisecond)
	}},
	C.SPRINT_OPT_IDLE_ORDER:     {name: "idle_order", str: func(o *pool.Options, v string) { o.IdleOrder = pool.Order(v) }},
	C.SPRINT_OPT_ENDPOINT_ORDER: {name: "endpoint_order", str: func(o *pool.Options, v string) { o.EndpointOrder = pool.Order(v) }},
	C.SPRINT_OPT_CERT_FILE:      {name: "cert_file", str: func(o *pool.Options, v string) { o.CertFile = v }},
	C.SPRINT_OPT_CERT_PEM:       {name: "cert_pem", bytes: func(o *pool.Options, v []byte) { o.CertPEM = v }},
	C.SPRINT_OPT_KEY_FILE:       {name: "key_file", str: func(o *pool.Options, v string) { o.KeyFile = v }},
	C.SPRINT_OPT_PIN_SHA256: {name: "pin_sha256", str: func(o *pool.Options, v string) {
		o.Pins = append(slices.Clip(o.Pins), v)
	}},
	C.SPRINT_OPT_ALPN: {name: "alpn", str: func(o *pool.Options, v string) {
		o.ALPN = strings.Split(v, ",")
	}},
	C.SPRINT_OPT_SERVER_NAME: {name: "server_name", str: func(o *pool.Options, v string) { o.ServerName = v }},
	C.SPRINT_OPT_CA_FILE:     {name: "ca_file", str: func(o *pool.Options, v string) { o.CAFile = v }},
	C.SPRINT_OPT_CA_PEM:      {name: "ca_pem", bytes: func(o *pool.Options, v []byte) { o.CAPEM = v }},
	C.SPRINT_OPT_MIN_TLS_VERSION: {name: "min_tls_version", number: func(o *pool.Options, v int64) {
		o.MinTLSVersion = map[int64]uint16{12: tls.VersionTLS12, 13: tls.VersionTLS13}[v]
	}},
	C.SPRINT_OPT_METRICS_HOST: {name: "metrics_host", str: func(o *pool.Options, v string) { o.Metrics.Host = v }},
	C.SPRINT_OPT_METRICS_PORT: {name: "metrics_port", number: func(o *pool.Options, v int64) {
		o.Metrics.Port = count(v)
	}},
	C.SPRINT_OPT_METRICS_PUBLIC: {name: "metrics_public", most: 1, number: func(o *pool.Options, v int64) {
		o.Metrics.Public = v == 1
	}},
	C.SPRINT_OPT_METRICS_AUTH_TOKEN: {name: "metrics_auth_token", secret: true},
}

// count keeps a number within what an int holds on every platform; a negative one is
// refused before it gets here.
func count(v int64) int { return int(min(v, math.MaxInt32)) }

// duration saturates.
func duration(v int64, unit time.Duration) time.Duration {
	if v > math.MaxInt64/int64(unit) {
		return math.MaxInt64
	}
	return time.Duration(v) * unit
}
