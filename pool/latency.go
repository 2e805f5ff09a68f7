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

// Histograms are reused: a connection gets its first one with its first sample. The
// coarse ones, 3 KiB each, judge what is slow.
var (
	fineHistograms   = histograms(latencyDigits)
	coarseHistograms = histograms(1)
)

func histograms(digits int) *sync.Pool {
	return &sync.Pool{New: func() any {
		return hdrhistogram.New(latencyMinUs, latencyMaxUs, digits)
	}}
}

// latency holds one connection's request-to-response times.
type latency struct {
	mu     sync.Mutex
	shown  windows // of HistogramRotationInterval
	recent windows // of slowWindow; empty unless something asks for it
}

// record adds a sample taken at the instant at.
func (l *latency) record(sample, at time.Duration, o *Options) {
	us := min(max(sample.Microseconds(), latencyMinUs), latencyMaxUs)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shown.record(us, at, o.HistogramRotationInterval, fineHistograms)
	if o.judges() {
		l.recent.record(us, at, slowWindow, coarseHistograms)
	}
}

// p95 is the 95th percentile in microseconds; 0 without samples.
func (l *latency) p95() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	p95, _ := l.shown.p95(fineHistograms)
	return p95
}

// recentP95 is p95 over the last slowWindow at least; 0 with fewer than slowSamples.
func (l *latency) recentP95(now time.Duration) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now-l.recent.turned >= 2*slowWindow {
		return 0
	}
	p95, samples := l.recent.p95(coarseHistograms)
	if samples < slowSamples {
		return 0
	}
	return p95
}

// free gives the windows back.
func (l *latency) free() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shown.free(fineHistograms)
	l.recent.free(coarseHistograms)
}

// windows are two histograms that take turns, so that a percentile is never without
// samples just after a rotation.
type windows struct {
	now, last *hdrhistogram.Histogram
	turned    time.Duration // when the current window began
}

func (w *windows) record(us int64, at, length time.Duration, spare *sync.Pool) {
	if w.now == nil {
		w.now = spare.Get().(*hdrhistogram.Histogram)
		w.turned = at
	} else if at-w.turned >= length {
		w.now, w.last = w.last, w.now
		if at-w.turned >= 2*length {
			w.last.Reset()
		}
		if w.now == nil {
			w.now = spare.Get().(*hdrhistogram.Histogram)
		}
		w.now.Reset()
		w.turned = at
	}
	_ = w.now.RecordValue(us)
}

func (w *windows) p95(spare *sync.Pool) (us, samples int64) {
	if w.now == nil {
		return 0, 0
	}
	if w.last == nil || w.last.TotalCount() == 0 {
		return w.now.ValueAtQuantile(95), w.now.TotalCount()
	}
	both := spare.Get().(*hdrhistogram.Histogram)
	both.Reset()
	both.Merge(w.now)
	both.Merge(w.last)
	us, samples = both.ValueAtQuantile(95), both.TotalCount()
	both.Reset()
	spare.Put(both)
	return us, samples
}

func (w *windows) free(spare *sync.Pool) {
	for _, h := range []*hdrhistogram.Histogram{w.now, w.last} {
		if h != nil {
			h.Reset()
			spare.Put(h)
		}
	}
	w.now, w.last = nil, nil
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
