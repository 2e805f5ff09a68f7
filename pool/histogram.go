package pool

import (
	"math"
	"math/bits"
	"slices"
	"sync/atomic"
	"time"
)

// Histogram is a distribution at one moment, in the two forms that Prometheus knows:
// fixed buckets and exponential ones. Both count the same samples.
type Histogram struct {
	// Bounds are the upper bounds of the fixed buckets. They are shared: do not change
	// them.
	Bounds []float64
	// Counts holds, for each of Bounds and one more for +Inf, how many samples fell into
	// that bucket (not cumulative).
	Counts []uint64
	// Fine counts the same samples eight times for each power of two: Fine[0] those up to
	// 2^FineFrom, Fine[i] those up to 2^(FineFrom + i/8), the last one what is above, too.
	Fine     []uint64
	FineFrom int
	Sum      float64
}

// Count is the number of samples.
func (h *Histogram) Count() (n uint64) {
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// Since is what was added after an earlier moment.
func (h *Histogram) Since(earlier *Histogram) Histogram {
	d := *h
	d.Counts, d.Fine = slices.Clone(h.Counts), slices.Clone(h.Fine)
	for i := range min(len(d.Counts), len(earlier.Counts)) {
		d.Counts[i] -= earlier.Counts[i]
	}
	for i := range min(len(d.Fine), len(earlier.Fine)) {
		d.Fine[i] -= earlier.Fine[i]
	}
	d.Sum -= earlier.Sum
	return d
}

// Add adds the samples of another histogram of the same family, in place.
func (h *Histogram) Add(other *Histogram) {
	for i := range min(len(h.Counts), len(other.Counts)) {
		h.Counts[i] += other.Counts[i]
	}
	for i := range min(len(h.Fine), len(other.Fine)) {
		h.Fine[i] += other.Fine[i]
	}
	h.Sum += other.Sum
}

// Quantile is the value that the part q of all samples does not exceed, rounded up to
// the bound of an exponential bucket, by 9 % at most; 0 without samples.
func (h *Histogram) Quantile(q float64) float64 {
	rank := uint64(math.Ceil(q * float64(h.Count())))
	if rank == 0 {
		return 0
	}
	seen := uint64(0)
	for i, n := range h.Fine {
		if seen += n; seen >= rank {
			return h.FineBound(i)
		}
	}
	return h.FineBound(len(h.Fine) - 1)
}

// FineBound is the upper bound of Fine[i].
func (h *Histogram) FineBound(i int) float64 {
	return math.Exp2(float64(h.FineFrom) + float64(i)/finePerOctave)
}

// finePerOctave is that of schema 3 of Prometheus' native histograms.
const finePerOctave = 8

// layout is how the buckets of a family are cut. The bounds of both forms together
// delimit cells, so that one sample is counted once and both forms agree.
type layout struct {
	unit     time.Duration // of the values shown
	bounds   []float64
	fineFrom int // the exponents of two that the fine buckets begin and end with
	fineTo   int

	cells   []time.Duration // upper bounds; one more cell is above all
	coarse  []int           // the fixed bucket of each cell
	fine    []int           // and the fine one
	starts  [64 * finePerOctave]uint16
	fineLen int
}

func newLayout(unit time.Duration, fineFrom, fineTo int, bounds ...float64) *layout {
	l := &layout{unit: unit, bounds: bounds, fineFrom: fineFrom, fineTo: fineTo}
	// What a decimal bound lacks for want of precision is less than a part of a nanosecond.
	limit := func(v float64) time.Duration { return time.Duration(v*float64(unit) + 1e-3) }
	var coarse, fine []time.Duration
	for _, b := range bounds {
		coarse = append(coarse, limit(b))
	}
	for i := range (fineTo-fineFrom)*finePerOctave + 1 {
		fine = append(fine, limit(math.Exp2(float64(fineFrom)+float64(i)/finePerOctave)))
	}
	l.fineLen = len(fine) + 1
	l.cells = slices.Compact(slices.Sorted(slices.Values(slices.Concat(coarse, fine))))
	for i := range len(l.cells) + 1 {
		in := func(bounds []time.Duration) int {
			if i == len(l.cells) {
				return len(bounds)
			}
			at, _ := slices.BinarySearch(bounds, l.cells[i])
			return at
		}
		l.coarse, l.fine = append(l.coarse, in(coarse)), append(l.fine, in(fine))
	}
	for key := range l.starts {
		at, _ := slices.BinarySearch(l.cells, leastOf(key))
		l.starts[key] = uint16(at)
	}
	return l
}

// keyOf numbers a sample by its four leading bits; leastOf is the least with that number.
func keyOf(d uint64) int {
	n := bits.Len64(d)
	if n < 4 {
		return int(d)
	}
	return n*finePerOctave + int(d>>(n-4)&(finePerOctave-1))
}

func leastOf(key int) time.Duration {
	n := key / finePerOctave
	if n < 4 {
		return time.Duration(min(key, finePerOctave-1))
	}
	return time.Duration((finePerOctave + uint64(key%finePerOctave)) << (n - 4))
}

// cell finds where a sample is counted.
func (l *layout) cell(d time.Duration) int {
	i := int(l.starts[keyOf(uint64(max(d, 0)))])
	for i < len(l.cells) && d > l.cells[i] {
		i++
	}
	return i
}

// distribution counts samples for as long as the pool lives. Any goroutine may record.
type distribution struct {
	layout *layout
	cells  []atomic.Uint64
	sum    atomic.Uint64 // in ns
}

func (d *distribution) init(l *layout) {
	d.layout, d.cells = l, make([]atomic.Uint64, len(l.cells)+1)
}

func (d *distribution) record(sample time.Duration) {
	d.cells[d.layout.cell(sample)].Add(1)
	d.sum.Add(uint64(max(sample, 0)))
}

// totals counts and sums up all samples.
func (d *distribution) totals() (count uint64, sum time.Duration) {
	for i := range d.cells {
		count += d.cells[i].Load()
	}
	return count, time.Duration(d.sum.Load())
}

// snapshot includes samples of 0 that were counted elsewhere.
func (d *distribution) snapshot(zeroes uint64) Histogram {
	cells := loaded(d.cells)
	cells[0] += zeroes
	return d.layout.histogram(cells, d.sum.Load())
}

// histogram is what the counts of cells and a sum in ns say.
func (l *layout) histogram(cells []uint64, sum uint64) Histogram {
	h := Histogram{
		Bounds: l.bounds, Counts: make([]uint64, len(l.bounds)+1),
		Fine: make([]uint64, l.fineLen), FineFrom: l.fineFrom,
		Sum: float64(sum) / float64(l.unit),
	}
	for i, n := range cells {
		h.Counts[l.coarse[i]] += n
		h.Fine[l.fine[i]] += n
	}
	return h
}

// tally is a distribution that the pool's mutex guards, for what is recorded under it
// anyway: two atomic additions would cost as much as the lock.
type tally struct {
	layout *layout
	cells  []uint64
	sum    uint64 // in ns
}

func (t *tally) init(l *layout) { t.layout, t.cells = l, make([]uint64, len(l.cells)+1) }

func (t *tally) record(sample time.Duration) {
	t.cells[t.layout.cell(sample)]++
	t.sum += uint64(max(sample, 0))
}

func (t *tally) snapshot() Histogram { return t.layout.histogram(t.cells, t.sum) }

// The layouts of the families. The fixed bounds are frozen: dashboards name them.
var (
	latencyLayout = newLayout(time.Millisecond, -7, 16,
		0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000)
	waitLayout = newLayout(time.Second, -20, 7,
		0.00001, 0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
	connectLayout = newLayout(time.Second, -17, 7,
		0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
	holdLayout = newLayout(time.Second, -20, 17,
		0.00001, 0.0001, 0.001, 0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800, 3600)
	ageLayout = newLayout(time.Second, -10, 21,
		1, 10, 30, 60, 120, 300, 600, 900, 1200, 1500, 1800, 2400, 3000, 3600, 7200, 21600, 86400)
)
