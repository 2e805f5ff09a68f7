package monitor_test

import (
	"crypto/subtle"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool/monitor"
)

func BenchmarkScrape(b *testing.B) {
	for _, accept := range []string{"text/plain", openMetrics} {
		b.Run(accept, func(b *testing.B) {
			h, err := monitor.NewHandler(busy(), monitor.Options{})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody)
				r.Host = "localhost"
				r.Header.Set("Accept", accept)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}

// BenchmarkWrongTokens looks for a difference in time between tokens that are wrong in their
// first byte, wrong in their last, and wrong in all: the compare is subtle's, which has none
// by its construction, and this is what can be seen of that from outside. It reports the
// median time of each and the largest t of Welch's test between them; above 4.5 would be a
// finding.
func BenchmarkWrongTokens(b *testing.B) {
	right := strings.Repeat("k", 64)
	h, err := monitor.NewHandler(busy(), monitor.Options{Token: func(candidate []byte) bool {
		return subtle.ConstantTimeCompare(candidate, []byte(right)) == 1
	}})
	if err != nil {
		b.Fatal(err)
	}
	wrong := []string{"!" + right[1:], right[:63] + "!", strings.Repeat("!", 64)}
	took := make([][]float64, len(wrong))
	for b.Loop() {
		i := rand.IntN(len(wrong)) // a fixed order would favour one of them
		r := httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody)
		r.Header.Set("X-Auth-Token", wrong[i])
		w := httptest.NewRecorder()
		began := time.Now()
		h.ServeHTTP(w, r)
		took[i] = append(took[i], float64(time.Since(began)))
		if w.Code != http.StatusUnauthorized {
			b.Fatal(w.Code)
		}
	}
	if b.N < 100 {
		return // too few to say anything
	}
	largest := 0.0
	for i, name := range []string{"in_its_first_byte", "in_its_last", "in_all"} {
		slices.Sort(took[i])
		took[i] = took[i][:len(took[i])*9/10] // without what the scheduler adds
		b.ReportMetric(took[i][len(took[i])/2], "ns-wrong_"+name)
		for _, other := range took[:i] {
			largest = max(largest, math.Abs(welch(took[i], other)))
		}
	}
	b.ReportMetric(largest, "t-the_largest_of_Welch's")
}

// welch is t of Welch's test of two samples.
func welch(a, b []float64) float64 {
	moments := func(x []float64) (mean, variance float64) {
		for _, v := range x {
			mean += v / float64(len(x))
		}
		for _, v := range x {
			variance += (v - mean) * (v - mean) / float64(len(x)-1)
		}
		return mean, variance / float64(len(x))
	}
	meanA, varianceA := moments(a)
	meanB, varianceB := moments(b)
	return (meanA - meanB) / math.Sqrt(varianceA+varianceB)
}
