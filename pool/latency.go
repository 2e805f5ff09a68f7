package pool

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Range and precision of the latency histograms: 1 us to 60 s with 2 digits is
// 20 KiB a window, 3 digits would be 139 KiB.
const (
	latencyMinUs  = 1
	latencyMaxUs  = 60_000_000
	latencyDigits = 2
)

// histograms are reused: a connection gets its first one with its first sample.
var histograms = sync.Pool{New: func() any {
	return hdrhistogram.New(latencyMinUs, latencyMaxUs, latencyDigits)
}}

// latency holds one connection's request-to-response times in two windows, so that
// a percentile is never without samples just after a rotation.
type latency struct {
	mu        sync.Mutex
	now, last *hdrhistogram.Histogram
	turned    time.Duration // when the current window began
}

// record adds a sample taken at the instant at.
func (l *latency) record(sample, at, window time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now == nil {
		l.now = histograms.Get().(*hdrhistogram.Histogram)
		l.turned = at
	} else if at-l.turned >= window {
		l.now, l.last = l.last, l.now
		if l.now == nil {
			l.now = histograms.Get().(*hdrhistogram.Histogram)
		}
		l.now.Reset()
		l.turned = at
	}
	_ = l.now.RecordValue(min(max(sample.Microseconds(), latencyMinUs), latencyMaxUs))
}

// p95 is the 95th percentile in microseconds; 0 without samples.
func (l *latency) p95() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now == nil {
		return 0
	}
	if l.last == nil || l.last.TotalCount() == 0 {
		return l.now.ValueAtQuantile(95)
	}
	both := histograms.Get().(*hdrhistogram.Histogram)
	both.Reset()
	both.Merge(l.now)
	both.Merge(l.last)
	p95 := both.ValueAtQuantile(95)
	histograms.Put(both)
	return p95
}

// free gives the windows back.
func (l *latency) free() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range []*hdrhistogram.Histogram{l.now, l.last} {
		if h != nil {
			h.Reset()
			histograms.Put(h)
		}
	}
	l.now, l.last = nil, nil
}

// buckets count an endpoint's samples for as long as the pool lives.
type buckets struct {
	counts [len(latencyBounds) + 1]atomic.Uint64
	sumUs  atomic.Uint64
}

// latencyBounds are LatencyBoundsMs as durations.
var latencyBounds = [...]time.Duration{
	50 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond,
	25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond,
	500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

func (b *buckets) record(sample time.Duration) {
	i := 0
	for i < len(latencyBounds) && sample > latencyBounds[i] {
		i++
	}
	b.counts[i].Add(1)
	b.sumUs.Add(uint64(sample.Microseconds()))
}

// totals counts and sums up all samples.
func (b *buckets) totals() (counts, sumUs uint64) {
	for i := range b.counts {
		counts += b.counts[i].Load()
	}
	return counts, b.sumUs.Load()
}

func (b *buckets) snapshot() LatencyHistogram {
	h := LatencyHistogram{Counts: make([]uint64, len(b.counts)), SumMs: float64(b.sumUs.Load()) / 1000}
	for i := range b.counts {
		h.Counts[i] = b.counts[i].Load()
	}
	return h
}
