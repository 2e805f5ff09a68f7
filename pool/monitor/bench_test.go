package monitor_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

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
