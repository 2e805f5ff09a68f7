package monitor_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/bitcoin-sprint/libsprint/pool/monitor"
)

// FuzzRequest asks what no client would, with and without a token set. Whatever is asked,
// the answer is one of those listed, carries the security headers and, without the token,
// tells nothing but the health.
func FuzzRequest(f *testing.F) {
	const token = "right-token"
	open, err := monitor.NewHandler(busy(), monitor.Options{})
	if err != nil {
		f.Fatal(err)
	}
	guarded, err := monitor.NewHandler(busy(), with(token, monitor.Options{Name: "orders"}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("GET", "/metrics", "", "localhost", "Accept", openMetrics) // more in testdata/fuzz
	f.Fuzz(func(t *testing.T, method, path, query, host, header, value string) {
		for _, h := range []http.Handler{open, guarded} {
			r := &http.Request{
				Method: method, URL: &url.URL{Path: path, RawQuery: query}, Host: host,
				Header: http.Header{}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody,
			}
			r.Header.Set(header, value)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r.WithContext(t.Context()))
			body := w.Body.String()
			switch w.Code {
			case 200, 300, 400, 401, 403, 404, 405, 503:
			default:
				t.Fatalf("%d %.200s", w.Code, body)
			}
			if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Content-Security-Policy") == "" {
				t.Fatalf("%d without the security headers: %v", w.Code, w.Header())
			}
			if w.Body.Len() > 1<<20 {
				t.Fatalf("%d with %d bytes", w.Code, w.Body.Len())
			}
			if h == guarded && !strings.Contains(value, token) && strings.Contains(body, "a.test") {
				t.Fatalf("%d without the token: %.200s", w.Code, body)
			}
		}
	})
}
