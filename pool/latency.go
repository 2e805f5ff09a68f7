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
	// last is what summary said, to be said again while no sample is added: ten thousand
	// connections that are idle are looked at in no time.
	last  summary
	stale bool
}

// record adds a sample taken at the instant at.
func (l *latency) record(sample, at time.Duration, o *Options) {
	us := inRange(sample)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stale = true
	l.shown.record(us, at, o.HistogramRotationInterval, fineHistograms)
	if o.judges() {
		l.recent.record(us, at, slowWindow, coarseHistograms)
	}
}

func inRange(sample time.Duration) int64 {
	return min(max(sample.Microseconds(), latencyMinUs), latencyMaxUs)
}

// summary is of a connection's windows, in microseconds; 0 without samples.
type summary struct{ p50, p95, p99, samples int64 }

func (l *latency) summary() summary {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.shown.both; l.stale && h != nil {
		at := h.ValueAtPercentilesSlice([]float64{50, 95, 99})
		l.last, l.stale = summary{at[0], at[1], at[2], h.TotalCount()}, false
	}
	return l.last
}

// recentP95 is p95 over the last slowWindow at least; 0 with fewer than slowSamples.
func (l *latency) recentP95(now time.Duration) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.recent.both
	if h == nil || now-l.recent.turned >= 2*slowWindow || h.TotalCount() < slowSamples {
		return 0
	}
	return h.ValueAtQuantile(95)
}

// free gives the windows back.
func (l *latency) free() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shown.free(fineHistograms)
	l.recent.free(coarseHistograms)
}

// merged holds the samples of all connections, in parts that few of them share.
type merged [8]struct {
	mu    sync.Mutex
	shown windows
}

func (m *merged) record(id uint64, sample, at, length time.Duration) {
	part := &m[id%uint64(len(m))]
	part.mu.Lock()
	defer part.mu.Unlock()
	part.shown.record(inRange(sample), at, length, fineHistograms)
}

// p95 is of the windows that are not over, in microseconds; 0 without samples.
func (m *merged) p95(now, length time.Duration) int64 {
	all := fineHistograms.Get().(*hdrhistogram.Histogram)
	defer fineHistograms.Put(all)
	for i := range m {
		part := &m[i]
		part.mu.Lock()
		if h := part.shown.both; h != nil && now-part.shown.turned < 2*length {
			all.Merge(h)
		}
		part.mu.Unlock()
	}
	p95 := all.ValueAtQuantile(95)
	all.Reset()
	return p95
}

// windows are two that overlap, so that a percentile is never without samples just after
// one has ended: both has those of the last two windows, now those of the current one.
type windows struct {
	both, now *hdrhistogram.Histogram // now is nil in the first window, when it would be both
	turned    time.Duration           // when the current window began
}

func (w *windows) record(us int64, at, length time.Duration, spare *sync.Pool) {
	if w.both == nil {
		w.both = spare.Get().(*hdrhistogram.Histogram)
		w.turned = at
	} else if at-w.turned >= length {
		if w.now == nil {
			w.now = spare.Get().(*hdrhistogram.Histogram)
		} else {
			w.both.Reset()
			w.both, w.now = w.now, w.both
		}
		if at-w.turned >= 2*length {
			w.both.Reset()
		}
		w.turned = at
	}
	_ = w.both.RecordValue(us)
	if w.now != nil {
		_ = w.now.RecordValue(us)
	}
}

func (w *windows) free(spare *sync.Pool) {
	for _, h := range []*hdrhistogram.Histogram{w.both, w.now} {
		if h != nil {
			h.Reset()
			spare.Put(h)
		}
	}
	w.both, w.now = nil, nil
}
