package pool

import (
	"sync"
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

// summary is of a connection's windows, in microseconds; 0 without samples.
type summary struct{ p50, p95, p99, samples int64 }

// summary adds the samples to all.
func (l *latency) summary(all *hdrhistogram.Histogram) (s summary) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shown.look(fineHistograms, func(h *hdrhistogram.Histogram) {
		at := h.ValueAtPercentilesSlice([]float64{50, 95, 99})
		s = summary{at[0], at[1], at[2], h.TotalCount()}
		all.Merge(h)
	})
	return s
}

// recentP95 is p95 over the last slowWindow at least; 0 with fewer than slowSamples.
func (l *latency) recentP95(now time.Duration) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now-l.recent.turned >= 2*slowWindow {
		return 0
	}
	p95 := int64(0)
	l.recent.look(coarseHistograms, func(h *hdrhistogram.Histogram) {
		if h.TotalCount() >= slowSamples {
			p95 = h.ValueAtQuantile(95)
		}
	})
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

// look shows the samples of both windows to f, if there are any.
func (w *windows) look(spare *sync.Pool, f func(*hdrhistogram.Histogram)) {
	switch {
	case w.now == nil:
	case w.last == nil || w.last.TotalCount() == 0:
		f(w.now)
	default:
		both := spare.Get().(*hdrhistogram.Histogram)
		both.Reset()
		both.Merge(w.now)
		both.Merge(w.last)
		f(both)
		both.Reset()
		spare.Put(both)
	}
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
