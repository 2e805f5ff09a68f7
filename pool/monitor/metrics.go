package monitor

import (
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
	"github.com/bitcoin-sprint/libsprint/pool"
)

// collector turns one snapshot of a pool into metrics at each scrape, so that the
// numbers of one scrape belong together and are those of /status/connections.
type collector struct {
	source    Source
	endpoints []family[pool.EndpointStatus] // one series for each endpoint
	pool      []family[pool.Status]         // of the pool as a whole
	shapes    []shape[pool.EndpointStatus]
	waits     shape[pool.Status]
	expiry    *prometheus.Desc
	build     *prometheus.Desc
	version   string
}

// family is a metric whose value is read from T. Its label endpoint is the endpoint,
// or the list as given if T is the pool.
type family[T any] struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	labels []string // values of the labels after endpoint
	value  func(*T) float64
}

// units are those of OpenMetrics, for the families that have one.
var units = map[string]string{
	"sent_bytes_total": "bytes", "received_bytes_total": "bytes", "latency_ms": "ms",
	"housekeeper_lag_seconds": "seconds", "acquire_wait_seconds": "seconds", "connect_seconds": "seconds",
	"connection_hold_seconds": "seconds", "connection_age_seconds": "seconds",
	"certificate_expiry_timestamp_seconds": "seconds",
}

func newCollector(src Source, o *Options) *collector {
	var of prometheus.Labels
	if o.Name != "" {
		of = prometheus.Labels{"pool": o.Name} // pools that share an address differ in it
	}
	const gauge, counter = prometheus.GaugeValue, prometheus.CounterValue
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.V2.NewDesc(o.Namespace+"_"+name, help,
			prometheus.UnconstrainedLabels(labels), of, prometheus.WithUnit(units[name]))
	}
	type ofEndpoint = family[pool.EndpointStatus]
	type ofPool = family[pool.Status]
	each := func(name string, kind prometheus.ValueType, help string, value func(*pool.EndpointStatus) float64) ofEndpoint {
		return ofEndpoint{desc(name, help, "endpoint"), kind, nil, value}
	}
	whole := func(name, help string, value func(*pool.Status) float64) ofPool {
		return ofPool{desc(name, help, "endpoint"), gauge, nil, value}
	}
	connections := desc("connections", "Connections by state, all of them within the bound.", "endpoint", "state")
	breaker := desc("circuit_breaker_state", "1 for the state that the endpoint's circuit breaker is in.", "endpoint", "state")
	breakerIs := func(state pool.BreakerState) ofEndpoint {
		name := state.String()
		return ofEndpoint{breaker, gauge, []string{name}, func(e *pool.EndpointStatus) float64 {
			if e.Breaker == name {
				return 1
			}
			return 0
		}}
	}
	total := func(name, help string, value func(*pool.Status) uint64) ofPool {
		return ofPool{desc(name, help, "endpoint"), counter, nil, func(s *pool.Status) float64 { return float64(value(s)) }}
	}
	closed := desc("connections_closed_total", "Connections closed, by the reason.", "endpoint", "reason")
	spared := desc("slow_evictions_suppressed_total", "Connections above the latency limit that were kept, by the reason.", "endpoint", "reason")
	retries := desc("retries_total", "Idempotent requests on stale connections, by what came of sending them once more.", "endpoint", "outcome")
	state := func(name string, value func(*pool.Status) float64) ofPool {
		return ofPool{connections, gauge, []string{name}, value}
	}
	c := &collector{
		source: src,
		// The first three and latency_ms are fixed for good, with the label endpoint alone.
		endpoints: []ofEndpoint{
			each("active_connections", gauge, "Open connections, idle and lent.",
				func(e *pool.EndpointStatus) float64 { return float64(e.Active) }),
			each("reconnects_total", counter, "Successful dials that replaced a lost connection.",
				func(e *pool.EndpointStatus) float64 { return float64(e.Reconnects) }),
			each("errors_total", counter, "Failures of connections and of dials.",
				func(e *pool.EndpointStatus) float64 { return float64(e.Errors) }),
			each("connections_opened_total", counter, "Dials that succeeded, TLS handshake included.",
				func(e *pool.EndpointStatus) float64 { return float64(e.Dials) }),
			each("dial_errors_total", counter, "Dials that failed; they are in errors_total too.",
				func(e *pool.EndpointStatus) float64 { return float64(e.DialErrors) }),
			each("sent_bytes_total", counter, "Application bytes sent, before encryption.",
				func(e *pool.EndpointStatus) float64 { return float64(e.Sent) }),
			each("received_bytes_total", counter, "Application bytes received, after decryption.",
				func(e *pool.EndpointStatus) float64 { return float64(e.Received) }),
			breakerIs(pool.BreakerClosed), breakerIs(pool.BreakerOpen), breakerIs(pool.BreakerHalfOpen),
			each("key_rotations_total", counter, "Connections that were closed for the sake of fresh keys.",
				func(e *pool.EndpointStatus) float64 { return float64(e.Rotations) }),
		},
		pool: []ofPool{
			state("idle", func(s *pool.Status) float64 { return float64(s.Idle) }),
			state("lent", func(s *pool.Status) float64 { return float64(s.Lent) }),
			state("dialing", func(s *pool.Status) float64 { return float64(s.Dialing) }),
			state("closing", func(s *pool.Status) float64 { return float64(s.Closing) }),
			whole("max_connections", "The bound on idle, lent, dialing and closing connections together.",
				func(s *pool.Status) float64 { return float64(s.Max) }),
			whole("pending_acquires", "Callers that wait for a connection.",
				func(s *pool.Status) float64 { return float64(s.Waiting) }),
			whole("min_idle_connections", "Idle connections that the cleanup task keeps.",
				func(s *pool.Status) float64 { return float64(s.MinIdle) }),
			whole("generation", "Times that the keys were rotated by hand.",
				func(s *pool.Status) float64 { return float64(s.Generation) }),
			whole("housekeeper_lag_seconds", "How late the last pass of the cleanup task by the clock began.",
				func(s *pool.Status) float64 { return s.Cleanup.LagMs / 1000 }),
			total("leaks_suspected_total", "Leases that were reported as held too long.",
				func(s *pool.Status) uint64 { return s.Leaks }),
			total("leaks_returned_total", "Of these, leases that ended after all.",
				func(s *pool.Status) uint64 { return s.LeaksReturned }),
		},
		shapes: []shape[pool.EndpointStatus]{
			{
				desc("latency_ms", "Time from the first write of a request to the first byte of its answer, in milliseconds.", "endpoint"),
				nil, func(e *pool.EndpointStatus) *pool.Histogram { return &e.Latency },
			},
			{
				desc("connection_hold_seconds", "How long leases lasted.", "endpoint"),
				nil, func(e *pool.EndpointStatus) *pool.Histogram { return &e.Hold },
			},
			{
				desc("connection_age_seconds", "Age of connections when they were closed.", "endpoint"),
				nil, func(e *pool.EndpointStatus) *pool.Histogram { return &e.Age },
			},
		},
		waits: shape[pool.Status]{
			desc("acquire_wait_seconds", "Time from the call of acquire to its end, whatever the outcome.", "endpoint"),
			nil, func(s *pool.Status) *pool.Histogram { return &s.Waits },
		},
		expiry: desc("certificate_expiry_timestamp_seconds",
			"When a certificate ends: the peer's as shown last, and the client's own.", "endpoint", "role"),
		build:   desc("build_info", "1, with the version of libsprint and of the Go that built it.", "version", "goversion"),
		version: o.Version,
	}
	for _, reason := range pool.CloseReasons() {
		c.pool = append(c.pool, ofPool{closed, counter, []string{reason}, func(s *pool.Status) float64 { return float64(s.Closed[reason]) }})
	}
	for _, reason := range pool.SpareReasons() {
		c.pool = append(c.pool, ofPool{spared, counter, []string{reason}, func(s *pool.Status) float64 { return float64(s.SlowSpared[reason]) }})
	}
	for _, outcome := range pool.RetryOutcomes() {
		c.pool = append(c.pool, ofPool{retries, counter, []string{outcome}, func(s *pool.Status) float64 { return float64(s.Retries[outcome]) }})
	}
	acquires := desc("acquires_total", "Calls of acquire, by how they ended.", "endpoint", "outcome")
	for _, outcome := range pool.AcquireOutcomes() {
		c.pool = append(c.pool, ofPool{acquires, counter, []string{outcome}, func(s *pool.Status) float64 { return float64(s.AcquiresBy[outcome]) }})
	}
	counts := func(name, help, label string, values []string, of func(*pool.EndpointStatus) map[string]uint64) {
		d := desc(name, help, "endpoint", label)
		for _, value := range values {
			c.endpoints = append(c.endpoints, ofEndpoint{d, counter, []string{value}, func(e *pool.EndpointStatus) float64 { return float64(of(e)[value]) }})
		}
	}
	counts("errors_by_kind_total", "The errors of errors_total, by their kind.", "kind", pool.ErrorKinds(),
		func(e *pool.EndpointStatus) map[string]uint64 { return e.ErrorsBy })
	counts("health_checks_total", "Looks at idle connections before they were lent, by what was found.", "outcome", pool.HealthChecks(),
		func(e *pool.EndpointStatus) map[string]uint64 { return e.Checks })
	counts("circuit_breaker_transitions_total", "Changes of the endpoint's circuit breaker, by the state it came to.", "to", pool.BreakerStates(),
		func(e *pool.EndpointStatus) map[string]uint64 { return e.Transitions })
	handshakes := desc("tls_handshakes_total", "TLS handshakes that succeeded, by version and by whether a session was resumed.",
		"endpoint", "resumed", "version")
	for i, h := range pool.HandshakeSorts() {
		c.endpoints = append(c.endpoints, ofEndpoint{
			handshakes, counter,
			[]string{strconv.FormatBool(h.Resumed), h.Version},
			func(e *pool.EndpointStatus) float64 { return float64(e.Handshakes[i].Count) },
		})
	}
	connect := desc("connect_seconds", "Phases of dials that succeeded: resolution of a name, TCP, TLS.", "endpoint", "phase")
	for _, phase := range pool.ConnectPhases() {
		c.shapes = append(c.shapes, shape[pool.EndpointStatus]{connect, []string{phase}, func(e *pool.EndpointStatus) *pool.Histogram {
			h := e.Connect[phase]
			return &h
		}})
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range c.endpoints {
		ch <- f.desc
	}
	for _, f := range c.pool {
		ch <- f.desc
	}
	for _, f := range c.shapes {
		ch <- f.desc
	}
	ch <- c.waits.desc
	ch <- c.expiry
	ch <- c.build
}

// Collect implements prometheus.Collector. The registry calls it in a goroutine of its
// own and would put the stack of a panic into the answer.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	var err error
	defer func() {
		if err != nil {
			ch <- prometheus.NewInvalidMetric(c.build, err)
		}
	}()
	defer spawn.Recover("metrics collector", &err)

	s := c.source.Totals()
	for i := range s.Endpoints {
		e := &s.Endpoints[i]
		for _, f := range c.endpoints {
			ch <- f.metric(e, e.Endpoint)
		}
		for _, f := range c.shapes {
			ch <- f.metric(e, e.Endpoint)
		}
		c.expires(ch, e.PeerExpiry, e.Endpoint, "peer")
	}
	for _, f := range c.pool {
		ch <- f.metric(&s, s.Endpoint)
	}
	ch <- c.waits.metric(&s, s.Endpoint)
	c.expires(ch, s.ClientExpiry, s.Endpoint, "client")
	ch <- metric(c.build, prometheus.GaugeValue, 1, c.version, runtime.Version())
}

func (f *family[T]) metric(from *T, endpoint string) prometheus.Metric {
	return metric(f.desc, f.kind, f.value(from), append([]string{endpoint}, f.labels...)...)
}

func metric(desc *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) prometheus.Metric {
	m, err := prometheus.NewConstMetric(desc, kind, v, labels...)
	if err != nil {
		return prometheus.NewInvalidMetric(desc, err)
	}
	return m
}

// expires says nothing of a certificate that is not known.
func (c *collector) expires(ch chan<- prometheus.Metric, at *time.Time, endpoint, role string) {
	if at != nil {
		ch <- metric(c.expiry, prometheus.GaugeValue, float64(at.Unix()), endpoint, role)
	}
}
