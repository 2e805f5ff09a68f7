package pool

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var layouts = map[string]*layout{
	"latency": latencyLayout, "wait": waitLayout, "connect": connectLayout, "hold": holdLayout, "age": ageLayout,
}

func TestASampleIsInTheCellOfItsBoundsWhateverItIs(t *testing.T) {
	check := func(l *layout, d time.Duration) {
		t.Helper()
		want, _ := slices.BinarySearch(l.cells, d)
		if got := l.cell(d); got != want {
			t.Fatalf("%v is in cell %d, not %d", d, got, want)
		}
	}
	for _, l := range layouts {
		for _, bound := range l.cells {
			for d := bound - 2; d <= bound+2; d++ {
				check(l, d)
			}
		}
		for range 10_000 {
			check(l, time.Duration(rand.Uint64()>>(1+rand.UintN(63))))
		}
		for _, d := range []time.Duration{math.MinInt64, -1, 0, 1, math.MaxInt64} {
			check(l, d)
		}
	}
}

func TestBothFormsOfAHistogramCountTheSameSamples(t *testing.T) {
	for name, l := range layouts {
		var d distribution
		d.init(l)
		var all []float64
		for range 1000 {
			sample := time.Duration(math.Exp(rand.Float64()*math.Log(float64(time.Hour)))) + 1
			d.record(sample)
			all = append(all, float64(sample)/float64(l.unit))
		}
		h := d.snapshot(0)
		slices.Sort(all)
		below := func(bound float64) (n uint64) {
			at, _ := slices.BinarySearch(all, math.Nextafter(bound, math.Inf(1)))
			return uint64(at)
		}
		seen := uint64(0)
		for i, bound := range h.Bounds {
			if seen += h.Counts[i]; seen != below(bound) {
				t.Errorf("%s: %d samples up to %v, not %d", name, seen, bound, below(bound))
			}
		}
		fine := uint64(0)
		for i, n := range h.Fine {
			fine += n
			if bound := h.FineBound(i); i < len(h.Fine)-1 && fine != below(bound) {
				t.Errorf("%s: %d samples up to %v, not %d", name, fine, bound, below(bound))
			}
		}
		if h.Count() != 1000 || fine != 1000 {
			t.Errorf("%s: %d and %d samples", name, h.Count(), fine)
		}
		for _, q := range []float64{0.01, 0.5, 0.95, 0.99, 1} {
			exact := all[int(math.Ceil(q*1000))-1]
			if got := h.Quantile(q); exact > h.FineBound(0) && exact < h.FineBound(len(h.Fine)-2) &&
				(got < exact*(1-1e-9) || got > exact*1.0906) {
				t.Errorf("%s: the %v quantile is %v, not %v", name, q, got, exact)
			}
		}
	}
}

func TestADifferenceOfHistogramsIsWhatCameBetween(t *testing.T) {
	var d distribution
	d.init(latencyLayout)
	d.record(time.Millisecond)
	before := d.snapshot(0)
	d.record(time.Second)
	after := d.snapshot(0)
	h := after.Since(&before)
	if h.Count() != 1 || h.Sum != 1000 || h.Quantile(0.5) < 1000 || h.Quantile(0.5) > 1091 {
		t.Errorf("%d samples, sum %v, median %v", h.Count(), h.Sum, h.Quantile(0.5))
	}
	if before.Count() != 1 || after.Count() != 2 {
		t.Errorf("the snapshots have changed: %d and %d samples", before.Count(), after.Count())
	}
	empty := before.Since(&before)
	if q := empty.Quantile(0.99); q != 0 {
		t.Errorf("a quantile of nothing is %v", q)
	}
}

func BenchmarkRecord(b *testing.B) {
	var d distribution
	d.init(latencyLayout)
	sample := time.Duration(1)
	for b.Loop() {
		d.record(sample)
		sample = sample * 3 & (1<<30 - 1)
	}
}
