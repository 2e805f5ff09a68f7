package monitor_test

import (
	"encoding/json"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/pool/monitor"
)

// past is what the page reads of a history.
type past struct {
	Began    int64               `json:"began_ms"`
	Next     uint64              `json:"next"`
	Time     []int64             `json:"time_ms"`
	Idle     []int               `json:"idle"`
	Healthy  []bool              `json:"healthy"`
	Requests []uint64            `json:"requests"`
	Sent     []uint64            `json:"bytes_sent"`
	Errors   map[string][]uint64 `json:"errors_by_kind"`
	Latency  map[string][]int64  `json:"latency_us"`
	Wait     map[string][]int64  `json:"acquire_wait_us"`
}

func (p *past) read(t *testing.T, body []byte) {
	t.Helper()
	*p = past{}
	if err := json.Unmarshal(body, p); err != nil {
		t.Fatal(err)
	}
}

// grow changes what the next snapshot says; snapshots that were taken stay as they are.
func (f *fake) grow(change func(*pool.Status)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.status
	s.Endpoints = slices.Clone(s.Endpoints)
	for i := range s.Endpoints {
		e := &s.Endpoints[i]
		e.Latency = e.Latency.Since(&pool.Histogram{})
		kinds := map[string]uint64{}
		for kind, n := range e.ErrorsBy {
			kinds[kind] = n
		}
		e.ErrorsBy = kinds
	}
	s.Waits = s.Waits.Since(&pool.Histogram{})
	change(&s)
	f.status = s
}

func TestASampleIsWhatHappenedSinceTheOneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := busy()
		h := monitor.StartHistory(source)
		defer h.Stop()
		time.Sleep(time.Second)
		synctest.Wait()
		source.grow(func(s *pool.Status) {
			s.Idle, s.Sent = 7, s.Sent+500
			for i := range s.Endpoints { // 30 answers at each, most of up to 2 ms, two of up to 2^6.5
				e := &s.Endpoints[i]
				e.ErrorsBy["dns"] += 2
				e.Latency.Fine[8*8] += 28
				e.Latency.Fine[108] += 2
				e.Latency.Counts[0] += 30
			}
			s.Waits.Counts[0], s.Waits.Fine[0] = s.Waits.Counts[0]+9, s.Waits.Fine[0]+9
		})
		time.Sleep(2 * time.Second)
		synctest.Wait()
		source.mu.Lock()
		source.health = pool.Health{}
		source.mu.Unlock()
		time.Sleep(time.Second)
		synctest.Wait()

		var got past
		got.read(t, h.Since(0))
		second := time.Second.Milliseconds()
		if want := []int64{got.Began + 2*second, got.Began + 3*second, got.Began + 4*second}; !slices.Equal(got.Time, want) || got.Next != 3 {
			t.Errorf("samples at %v, not %v; next is %d", got.Time, want, got.Next)
		}
		for what, ok := range map[string]bool{
			"idle":       slices.Equal(got.Idle, []int{7, 7, 7}),
			"bytes sent": slices.Equal(got.Sent, []uint64{500, 0, 0}),
			"requests":   slices.Equal(got.Requests, []uint64{60, 0, 0}),
			"dns":        slices.Equal(got.Errors["dns"], []uint64{4, 0, 0}),
			"io":         slices.Equal(got.Errors["io"], []uint64{0, 0, 0}),
			"healthy":    slices.Equal(got.Healthy, []bool{true, true, false}),
			"p50":        slices.Equal(got.Latency["p50"], []int64{2000, 0, 0}),
			"p99":        slices.Equal(got.Latency["p99"], []int64{90510, 0, 0}),
			"waits":      slices.Equal(got.Wait["p95"], []int64{1, 0, 0}),
		} {
			if !ok {
				t.Errorf("%s: %+v", what, got)
			}
		}
	})
}

func TestOnlyNewSamplesAreAskedForAndTheOldestAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := monitor.StartHistory(busy())
		defer h.Stop()
		const kept, taken = 600, 1000
		time.Sleep((taken + 1) * time.Second)
		synctest.Wait()
		for _, test := range []struct {
			after uint64
			want  int
		}{
			{0, kept},
			{taken - kept, kept},
			{taken - kept - 1, kept},
			{taken - 3, 3},
			{taken, 0},
			{taken + 1, kept}, // the number of another history
		} {
			var got past
			got.read(t, h.Since(test.after))
			if len(got.Time) != test.want || len(got.Errors["io"]) != test.want || got.Next != taken {
				t.Errorf("after %d: %d samples, not %d; next is %d", test.after, len(got.Time), test.want, got.Next)
			}
			for i, ms := range got.Time {
				if want := got.Began + int64(taken-test.want+i+2)*1000; ms != want {
					t.Fatalf("after %d: sample %d is of %d, not %d", test.after, i, ms, want)
				}
			}
		}
	})
}

func TestAHistoryTakesLessThan150KiB(t *testing.T) {
	n := monitor.HistoryBytes()
	t.Logf("%d bytes", n)
	if n > 150<<10 {
		t.Errorf("a full history takes %d bytes", n)
	}
}

func TestAHistoryEndsWithItsServerAndWithAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which waits for the goroutines
		source := busy()
		h := monitor.StartHistory(source)
		time.Sleep(3*time.Second + time.Millisecond)
		source.setBefore(func() { panic("broken snapshot") })
		time.Sleep(3 * time.Second)
		h.Stop()
		var got past
		if got.read(t, h.Since(0)); got.Next != 2 {
			t.Errorf("%d samples", got.Next)
		}
	})
}
