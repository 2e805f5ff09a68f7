package monitor

import (
	"runtime"

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
	latency   *prometheus.Desc
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
	"housekeeper_lag_seconds": "seconds",
}

func newCollector(src Source, namespace, version string) *collector {
	const gauge, counter = prometheus.GaugeValue, prometheus.CounterValue
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.V2.NewDesc(namespace+"_"+name, help,
			prometheus.UnconstrainedLabels(labels), nil, prometheus.WithUnit(units[name]))
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
			each("circuit_breaker_trips_total", counter, "Times that the endpoint's circuit breaker opened.",
				func(e *pool.EndpointStatus) float64 { return float64(e.Trips) }),
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
		latency: desc("latency_ms",
			"Time from the first write of a request to the first byte of its answer, in milliseconds.", "endpoint"),
		build:   desc("build_info", "1, with the version of libsprint and of the Go that built it.", "version", "goversion"),
		version: version,
	}
	for _, reason := range pool.CloseReasons() {
		c.pool = append(c.pool, ofPool{closed, counter, []string{reason}, func(s *pool.Status) float64 { return float64(s.Closed[reason]) }})
	}
	for _, reason := range pool.SpareReasons() {
		c.pool = append(c.pool, ofPool{spared, counter, []string{reason}, func(s *pool.Status) float64 { return float64(s.SlowSpared[reason]) }})
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
	ch <- c.latency
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
		ch <- histogram(c.latency, &e.Latency, e.Endpoint)
	}
	for _, f := range c.pool {
		ch <- f.metric(&s, s.Endpoint)
	}
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

// histogram makes the buckets cumulative, as Prometheus wants them.
func histogram(desc *prometheus.Desc, h *pool.LatencyHistogram, endpoint string) prometheus.Metric {
	buckets := make(map[float64]uint64, len(pool.LatencyBoundsMs))
	total := uint64(0)
	for i, bound := range pool.LatencyBoundsMs {
		total += h.Counts[i]
		buckets[bound] = total
	}
	total += h.Counts[len(pool.LatencyBoundsMs)]
	m, err := prometheus.NewConstHistogram(desc, total, h.SumMs, buckets, endpoint)
	if err != nil {
		return prometheus.NewInvalidMetric(desc, err)
	}
	return m
}
