package monitor

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// families are what a listener exposes, in registries of its own: the process may have
// others. runtime has what Go says of itself, too.
type families struct{ plain, runtime *prometheus.Registry }

func newFamilies(memory *Memory) *families {
	f := &families{plain: prometheus.NewRegistry(), runtime: prometheus.NewRegistry()}
	prometheus.WrapRegistererWithPrefix("sprint_", f.runtime).MustRegister(collectors.NewGoCollector())
	if memory != nil {
		for _, r := range []*prometheus.Registry{f.plain, f.runtime} {
			r.MustRegister(&memoryCollector{source: memory})
		}
	}
	return f
}

func (f *families) add(c prometheus.Collector) error {
	if err := f.plain.Register(c); err != nil {
		return err
	}
	return f.runtime.Register(c)
}

func (f *families) remove(c prometheus.Collector) {
	f.plain.Unregister(c)
	f.runtime.Unregister(c)
}
