package monitor

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// shape is a family of histograms that is read from T.
type shape[T any] struct {
	desc   *prometheus.Desc
	labels []string // values of the labels after endpoint
	value  func(*T) *pool.Histogram
}

// schema is Prometheus' number for eight buckets in each power of two.
const schema = 3

func (f *shape[T]) metric(from *T, endpoint string) prometheus.Metric {
	m, err := newHistogram(f.desc, f.value(from), append([]string{endpoint}, f.labels...))
	if err != nil {
		return prometheus.NewInvalidMetric(f.desc, err)
	}
	return m
}

// histogram is a metric in both forms: the text formats show the fixed buckets, the
// protobuf format, which Prometheus asks for when native histograms are enabled, both.
type histogram struct {
	prometheus.Metric // the fixed buckets
	native            prometheus.Metric
}

func newHistogram(desc *prometheus.Desc, h *pool.Histogram, labels []string) (m histogram, err error) {
	fixed := make(map[float64]uint64, len(h.Bounds))
	total := uint64(0)
	for i, bound := range h.Bounds {
		total += h.Counts[i]
		fixed[bound] = total // cumulative, as Prometheus wants them
	}
	total = h.Count()
	if m.Metric, err = prometheus.NewConstHistogram(desc, total, h.Sum, fixed, labels...); err != nil {
		return m, err
	}
	fine := make(map[int]int64)
	for i, n := range h.Fine[1:] {
		if n > 0 {
			fine[h.FineFrom<<schema+i+1] = int64(n)
		}
	}
	m.native, err = prometheus.NewConstNativeHistogram(desc, total, h.Sum, fine, nil, h.Fine[0],
		schema, h.FineBound(0), time.Time{}, labels...)
	return m, err
}

// Write implements prometheus.Metric.
func (m histogram) Write(out *dto.Metric) error {
	var native dto.Metric
	if err := m.Metric.Write(out); err != nil {
		return err
	}
	if err := m.native.Write(&native); err != nil {
		return err
	}
	h, n := out.Histogram, native.Histogram
	h.Schema, h.ZeroThreshold, h.ZeroCount = n.Schema, n.ZeroThreshold, n.ZeroCount
	h.PositiveSpan, h.PositiveDelta = n.PositiveSpan, n.PositiveDelta
	return nil
}
