package monitor

import (
	"math"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
)

// Memory is what a process says of its secrets: package securemem's, which this one does
// not know. Both functions may be called from any goroutine.
type Memory struct {
	// Stats is called by each scrape.
	Stats func() MemoryStats
	// Status is the body of /status/memory, and whether secrets are protected: locked
	// memory can be had and the last self check passed.
	Status func() (body any, protected bool)
}

// MemoryStats are counters of secrets at one moment.
type MemoryStats struct {
	Enabled   bool
	SelfCheck string // "not_run", "passed" or "failed"
	Backend   string // "none", "secretmem" or "mlock"

	Buffers, Sealed, Unlocked      uint64
	LockedBytes, LimitBytes        uint64 // no limit is MaxUint64
	CachedSlots, Canaries, Refused uint64
	CanaryFailures                 uint64
}

func (m *Memory) serve(w http.ResponseWriter, _ *http.Request) {
	body, protected := m.Status()
	code := http.StatusOK
	if !protected {
		code = http.StatusServiceUnavailable
	}
	serveJSON(w, code, body)
}

// memoryFamily is a metric of the process; states, if there are any, are the values of its
// only label, of which one is 1.
type memoryFamily struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	value  func(*MemoryStats) float64
	states []string
	state  func(*MemoryStats) string
}

var memoryFamilies = func() []memoryFamily {
	desc := func(name, unit, help string, labels ...string) *prometheus.Desc {
		return prometheus.V2.NewDesc("sprint_memory_"+name, help,
			prometheus.UnconstrainedLabels(labels), nil, prometheus.WithUnit(unit))
	}
	gauge := func(name, unit, help string, value func(*MemoryStats) float64) memoryFamily {
		return memoryFamily{desc: desc(name, unit, help), kind: prometheus.GaugeValue, value: value}
	}
	counter := func(name, help string, value func(*MemoryStats) float64) memoryFamily {
		return memoryFamily{desc: desc(name, "", help), kind: prometheus.CounterValue, value: value}
	}
	state := func(name, help, label string, of func(*MemoryStats) string, states ...string) memoryFamily {
		return memoryFamily{desc: desc(name, "", help, label), kind: prometheus.GaugeValue, states: states, state: of}
	}
	return []memoryFamily{
		gauge("enabled", "", "1 if locked memory can be had.", func(s *MemoryStats) float64 {
			if s.Enabled {
				return 1
			}
			return 0
		}),
		state("self_check", "1 for the result of the last self check.", "result",
			func(s *MemoryStats) string { return s.SelfCheck }, "not_run", "passed", "failed"),
		state("backend", "1 for what keeps the newest secret from others.", "backend",
			func(s *MemoryStats) string { return s.Backend }, "none", "secretmem", "mlock"),
		gauge("buffers", "", "Secrets that are alive.", func(s *MemoryStats) float64 { return float64(s.Buffers) }),
		gauge("sealed_buffers", "", "Of these, encrypted at rest.", func(s *MemoryStats) float64 { return float64(s.Sealed) }),
		gauge("unlocked_buffers", "", "Of these, in pages that are not locked.", func(s *MemoryStats) float64 { return float64(s.Unlocked) }),
		gauge("locked_bytes", "bytes", "Memory that is locked for secrets, free slots included.",
			func(s *MemoryStats) float64 { return float64(s.LockedBytes) }),
		gauge("lock_limit_bytes", "bytes", "RLIMIT_MEMLOCK; +Inf if there is no limit.", func(s *MemoryStats) float64 {
			if s.LimitBytes == math.MaxUint64 {
				return math.Inf(1)
			}
			return float64(s.LimitBytes)
		}),
		gauge("cached_slots", "", "Free slots that are kept for reuse.", func(s *MemoryStats) float64 { return float64(s.CachedSlots) }),
		gauge("canaries", "", "Canaries in place.", func(s *MemoryStats) float64 { return float64(s.Canaries) }),
		counter("refused_total", "Allocations that were refused at a limit.", func(s *MemoryStats) float64 { return float64(s.Refused) }),
		counter("canary_failures_total", "Overflows that were found when a secret was freed.",
			func(s *MemoryStats) float64 { return float64(s.CanaryFailures) }),
	}
}()

// memoryCollector reads a snapshot at each scrape.
type memoryCollector struct{ source *Memory }

// Describe implements prometheus.Collector.
func (c *memoryCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range memoryFamilies {
		ch <- f.desc
	}
}

// Collect implements prometheus.Collector.
func (c *memoryCollector) Collect(ch chan<- prometheus.Metric) {
	var err error
	defer func() {
		if err != nil {
			ch <- prometheus.NewInvalidMetric(memoryFamilies[0].desc, err)
		}
	}()
	defer spawn.Recover("memory collector", &err)
	s := c.source.Stats()
	for _, f := range memoryFamilies {
		if f.state == nil {
			ch <- metric(f.desc, f.kind, f.value(&s))
			continue
		}
		for _, name := range f.states {
			v := 0.0
			if f.state(&s) == name {
				v = 1
			}
			ch <- metric(f.desc, f.kind, v, name)
		}
	}
}
