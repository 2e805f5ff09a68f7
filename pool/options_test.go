package pool_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

func asError(err error, target **pool.Error) bool { return errors.As(err, target) }

func isCanceled(err error) bool {
	return errors.Is(err, context.Canceled) && errors.Is(err, pool.ErrTimeout)
}

func TestEachBadOptionIsNamed(t *testing.T) {
	for name, change := range map[string]func(*pool.Options){
		"namespace":                   func(o *pool.Options) { o.Namespace = "no-dashes" },
		"max_connections":             func(o *pool.Options) { o.MaxConnections = 0 },
		"max_connections:":            func(o *pool.Options) { o.MaxConnections = math.MaxInt32 },
		"min_idle":                    func(o *pool.Options) { o.MaxConnections, o.MinIdle = 5, 6 },
		"max_waiters":                 func(o *pool.Options) { o.MaxWaiters = 0 },
		"max_dials":                   func(o *pool.Options) { o.MaxDials = 0 },
		"connect_timeout":             func(o *pool.Options) { o.ConnectTimeout = 0 },
		"acquire_timeout":             func(o *pool.Options) { o.AcquireTimeout = math.MaxInt64 },
		"histogram_rotation_interval": func(o *pool.Options) { o.HistogramRotationInterval = -time.Second },
		"max_lifetime":                func(o *pool.Options) { o.MaxLifetime = -1 },
		"key_rotation_interval":       func(o *pool.Options) { o.KeyRotationInterval = math.MaxInt64 },
		"idle_timeout":                func(o *pool.Options) { o.IdleTimeout = -time.Second },
		"max_latency":                 func(o *pool.Options) { o.MaxLatency = -1 },
		"leak_after":                  func(o *pool.Options) { o.LeakAfter = -1 },
		"cleanup_interval":            func(o *pool.Options) { o.CleanupInterval = 0 },
		"circuit_breaker_failure":     func(o *pool.Options) { o.BreakerThreshold = -1 },
		"circuit_breaker_cooldown":    func(o *pool.Options) { o.BreakerCooldown = 0 },
		"idle_order":                  func(o *pool.Options) { o.IdleOrder = pool.OrderFailover },
		"endpoint_order":              func(o *pool.Options) { o.EndpointOrder = pool.OrderLIFO },
		"busy_poll_us":                func(o *pool.Options) { o.BusyPoll = time.Minute },
		"min_tls_version":             func(o *pool.Options) { o.MinTLSVersion = 0x0302 },
		"ca_file":                     func(o *pool.Options) { o.CAFile, o.CAPEM = "x", []byte("x") },
		"ca_file ":                    func(o *pool.Options) { o.CAFile = "/does/not/exist" },
		"name":                        func(o *pool.Options) { o.Name = "a b" },
		"metrics_tls_key_file":        func(o *pool.Options) { o.Metrics.CertFile = "cert.pem" },
		"metrics_port":                func(o *pool.Options) { o.Metrics.Port = 65536 },
		"metrics_host":                func(o *pool.Options) { o.Metrics.Host = "0.0.0.0" },
		"metrics_host:":               func(o *pool.Options) { o.Metrics.Host = "somewhere" },
	} {
		t.Run(name, func(t *testing.T) {
			o := pool.Defaults()
			change(&o)
			_, err := pool.New("host:1", o)
			wantKind(t, err, pool.ErrOption, name)
		})
	}
}

func TestEveryBadOptionIsInTheOneError(t *testing.T) {
	o := pool.Defaults()
	o.MaxConnections, o.MinIdle, o.ConnectTimeout = 2, 3, 0
	_, err := pool.New("host:1", o)
	wantKind(t, err, pool.ErrOption, "min_idle", "connect_timeout")
}

func TestRootsWithoutACertificateAreACertificateError(t *testing.T) {
	o := pool.Defaults()
	o.CAPEM = []byte("nothing")
	_, err := pool.New("host:1", o)
	wantKind(t, err, pool.ErrCert, "ca_pem")
	o.CAPEM, o.CAFile = nil, filepath.Join(t.TempDir())
	_, err = pool.New("host:1", o)
	wantKind(t, err, pool.ErrOption, "ca_file")
}

func TestDerivedOptions(t *testing.T) {
	for limit, minIdle := range map[int]int{1: 1, 9: 9, 10: 10, 100: 10} {
		o := pool.Defaults()
		o.MaxConnections = limit
		p, err := pool.New("host:1", o)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Options(); got.MinIdle != minIdle || got.MaxWaiters != 4*limit {
			t.Errorf("max %d gives min_idle %d and max_waiters %d", limit, got.MinIdle, got.MaxWaiters)
		}
	}
}

func TestAPublicMetricsHostNeedsATokenOrConsent(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "127.1.2.3", "::1", "localhost"} {
		o := pool.Defaults()
		o.Metrics.Host = host
		if _, err := pool.New("host:1", o); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	o := pool.Defaults()
	o.Metrics.Host = "0.0.0.0"
	o.Metrics.Token = func([]byte) bool { return false }
	if _, err := pool.New("host:1", o); err != nil {
		t.Error(err)
	}
	o.Metrics.Token, o.Metrics.Public = nil, true
	if _, err := pool.New("host:1", o); err != nil {
		t.Error(err)
	}
}

func TestEndpointLists(t *testing.T) {
	for list, mentions := range map[string]string{
		"":                 "host:port",
		"host":             "host:port",
		"host:":            "port",
		":443":             "host is missing",
		"host:0":           "port",
		"host:65536":       "port",
		"host:http":        "port",
		"::1:443":          "brackets",
		"a:1,,b:2":         "empty",
		"a:1,a:1":          "twice",
		"a b:1":            "not a host name",
		"https://a:1":      "host:port",
		"[a]:1":            "brackets",
		"[::1]":            "host:port",
		"[::1:443":         "host:port",
		"[::g]:443":        "IPv6",
		"[::1]:1,[0::1]:1": "twice",
		"a\xff:1":          "not a host name",
	} {
		wantKind(t, pool.CheckEndpoints(list), pool.ErrOption, mentions)
	}
	for _, list := range []string{"a:1", "a:1,b:2", " a:1 , b:2 ", "[::1]:443", "[fe80::1%eth0]:443", "127.0.0.1:65535"} {
		if err := pool.CheckEndpoints(list); err != nil {
			t.Errorf("%q: %v", list, err)
		}
	}
}
