package monitor

import (
	"math"
	"sync"
	"time"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
	"github.com/bitcoin-sprint/libsprint/pool"
)

// The history has one sample a second of the last ten minutes: 150 KiB a pool.
const (
	sampleEvery = time.Second
	samplesKept = 600
)

// sample is a pool at one moment, and what happened since the sample before it.
type sample struct {
	at                                    time.Duration // since the history began
	idle, lent, dialing, closing, waiting int
	healthy                               bool
	breaker                               string
	requests, acquires, reconnects        uint64
	sent, received                        uint64
	latency, wait                         percentiles
	errors                                []uint64 // in the order of pool.ErrorKinds
}

// percentiles are in microseconds, 0 for want of samples.
type percentiles struct{ p50, p95, p99 int64 }

func percentilesOf(h *pool.Histogram, unit time.Duration) percentiles {
	us := func(q float64) int64 { return int64(math.Ceil(h.Quantile(q) * float64(unit/time.Microsecond))) }
	return percentiles{us(0.5), us(0.95), us(0.99)}
}

// history keeps the last minutes of a pool, for as long as a server shows it.
type history struct {
	source Source
	every  time.Duration
	began  time.Time

	stopping, stopped chan struct{}

	mu   sync.Mutex // guards what follows; not held over a snapshot
	ring []sample   // of samplesKept at most; sample n is at n % samplesKept
	next uint64     // the number of the sample to come
}

func newHistory(src Source, every time.Duration) *history {
	return &history{
		source: src, every: every, began: time.Now(), stopping: make(chan struct{}), stopped: make(chan struct{}),
		ring: make([]sample, 0, samplesKept),
	}
}

// start begins to take samples, until stop. A sample is of a difference: the first one
// comes with the second look.
func (h *history) start() {
	spawn.Go("metrics history", func() {
		defer close(h.stopped)
		tick := time.NewTicker(h.every)
		defer tick.Stop()
		var last *pool.Status
		for {
			select {
			case <-h.stopping:
				return
			case <-tick.C:
			}
			now := h.source.Totals()
			if last != nil {
				h.add(h.difference(last, &now))
			}
			last = &now
		}
	})
}

// stop lets no further look begin.
func (h *history) stop() { close(h.stopping) }

// difference is the sample that lies between two snapshots.
func (h *history) difference(last, now *pool.Status) sample {
	s := sample{
		at:   time.Since(h.began),
		idle: now.Idle, lent: now.Lent, dialing: now.Dialing, closing: now.Closing, waiting: now.Waiting,
		healthy: h.source.Health().Healthy, breaker: now.Breaker,
		reconnects: now.Reconnects - last.Reconnects, sent: now.Sent - last.Sent, received: now.Received - last.Received,
		errors: make([]uint64, len(pool.ErrorKinds())),
	}
	waits := now.Waits.Since(&last.Waits)
	s.wait, s.acquires = percentilesOf(&waits, time.Second), waits.Count()

	var latency pool.Histogram
	for i := range now.Endpoints {
		e, before := &now.Endpoints[i], &last.Endpoints[i]
		part := e.Latency.Since(&before.Latency)
		if i == 0 {
			latency = part
		} else {
			latency.Add(&part)
		}
		for kind, name := range pool.ErrorKinds() {
			s.errors[kind] += e.ErrorsBy[name] - before.ErrorsBy[name]
		}
	}
	s.latency, s.requests = percentilesOf(&latency, time.Millisecond), latency.Count()
	return s
}

func (h *history) add(s sample) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.ring) < samplesKept {
		h.ring = append(h.ring, s)
	} else {
		h.ring[h.next%samplesKept] = s
	}
	h.next++
}

// since copies the samples from number n on that are still there, oldest first, and gives
// the number of the one to come. A number that is yet to come is of another history.
func (h *history) since(n uint64) ([]sample, uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	oldest := h.next - uint64(len(h.ring))
	if n < oldest || n > h.next {
		n = oldest
	}
	samples := make([]sample, 0, h.next-n)
	for ; n < h.next; n++ {
		samples = append(samples, h.ring[n%samplesKept])
	}
	return samples, h.next
}

// columns are samples as JSON, a list for each thing that was sampled. Keys are only ever
// added.
type columns struct {
	// Began tells this history from that of another run of the server.
	Began int64 `json:"began_ms"`
	Every int64 `json:"interval_ms"`
	// Next is what ?after= takes to get only what is new.
	Next uint64 `json:"next"`

	Time []int64 `json:"time_ms"` // since 1970
	// Connections at the moment, by their state, and callers in line for one.
	Idle    []int    `json:"idle"`
	Lent    []int    `json:"lent"`
	Dialing []int    `json:"dialing"`
	Closing []int    `json:"closing"`
	Waiting []int    `json:"waiting"`
	Healthy []bool   `json:"healthy"`
	Breaker []string `json:"circuit_breaker"`
	// What happened in the interval.
	Requests   []uint64            `json:"requests"`
	Acquires   []uint64            `json:"acquires"`
	Reconnects []uint64            `json:"reconnects"`
	Sent       []uint64            `json:"bytes_sent"`
	Received   []uint64            `json:"bytes_received"`
	Errors     map[string][]uint64 `json:"errors_by_kind"`
	// Of the answers and of the acquires of the interval; 0 if there were none.
	Latency distribution `json:"latency_us"`
	Wait    distribution `json:"acquire_wait_us"`
}

type distribution struct {
	P50 []int64 `json:"p50"`
	P95 []int64 `json:"p95"`
	P99 []int64 `json:"p99"`
}

// columns are the samples from number n on.
func (h *history) columns(n uint64) columns {
	samples, next := h.since(n)
	began := h.began.UnixMilli()
	c := columns{
		Began: began, Every: h.every.Milliseconds(), Next: next,
		Time:       column(samples, func(s *sample) int64 { return began + s.at.Milliseconds() }),
		Idle:       column(samples, func(s *sample) int { return s.idle }),
		Lent:       column(samples, func(s *sample) int { return s.lent }),
		Dialing:    column(samples, func(s *sample) int { return s.dialing }),
		Closing:    column(samples, func(s *sample) int { return s.closing }),
		Waiting:    column(samples, func(s *sample) int { return s.waiting }),
		Healthy:    column(samples, func(s *sample) bool { return s.healthy }),
		Breaker:    column(samples, func(s *sample) string { return s.breaker }),
		Requests:   column(samples, func(s *sample) uint64 { return s.requests }),
		Acquires:   column(samples, func(s *sample) uint64 { return s.acquires }),
		Reconnects: column(samples, func(s *sample) uint64 { return s.reconnects }),
		Sent:       column(samples, func(s *sample) uint64 { return s.sent }),
		Received:   column(samples, func(s *sample) uint64 { return s.received }),
		Errors:     map[string][]uint64{},
		Latency:    distributionOf(samples, func(s *sample) percentiles { return s.latency }),
		Wait:       distributionOf(samples, func(s *sample) percentiles { return s.wait }),
	}
	for kind, name := range pool.ErrorKinds() {
		c.Errors[name] = column(samples, func(s *sample) uint64 { return s.errors[kind] })
	}
	return c
}

func column[T any](samples []sample, of func(*sample) T) []T {
	list := make([]T, len(samples))
	for i := range samples {
		list[i] = of(&samples[i])
	}
	return list
}

func distributionOf(samples []sample, of func(*sample) percentiles) distribution {
	return distribution{
		P50: column(samples, func(s *sample) int64 { return of(s).p50 }),
		P95: column(samples, func(s *sample) int64 { return of(s).p95 }),
		P99: column(samples, func(s *sample) int64 { return of(s).p99 }),
	}
}
