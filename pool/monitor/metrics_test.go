package monitor_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/pool/monitor"
)

const openMetrics = "application/openmetrics-text; version=1.0.0"

func parse(t testing.TB, text string) map[string]*dto.MetricFamily {
	t.Helper()
	p := expfmt.NewTextParser(model.LegacyValidation)
	families, err := p.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return families
}

func scrape(t testing.TB, s *monitor.Server) map[string]*dto.MetricFamily {
	t.Helper()
	a := ask(t, s, "GET", "/metrics")
	if a.code != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("%d %s: %s", a.code, a.header.Get("Content-Type"), a.body)
	}
	return parse(t, a.body)
}

// TestTheFamiliesAreThese is the contract with every dashboard and alert: families and
// labels are added, never changed.
func TestTheFamiliesAreThese(t *testing.T) {
	var got []string
	for name, f := range scrape(t, serve(t, busy(), monitor.Options{Namespace: "btc"})) {
		var labels []string
		for _, l := range f.Metric[0].Label {
			labels = append(labels, l.GetName())
		}
		got = append(got, fmt.Sprintf("%s %s %v", name, strings.ToLower(f.GetType().String()), labels))
	}
	slices.Sort(got)
	golden(t, "families.txt", strings.Join(got, "\n")+"\n")
}

func TestTheDefaultNamespaceIsSecureChannel(t *testing.T) {
	for name := range scrape(t, serve(t, busy(), monitor.Options{})) {
		if !strings.HasPrefix(name, "secure_channel_") {
			t.Error(name)
		}
	}
}

func TestPromlintFindsTheMandatedNameAlone(t *testing.T) {
	a := ask(t, serve(t, busy(), monitor.Options{Namespace: "btc"}), "GET", "/metrics")
	problems, err := promlint.New(strings.NewReader(a.body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	want := []promlint.Problem{{Metric: "btc_latency_ms", Text: "metric names should not contain abbreviated units"}}
	if !slices.Equal(problems, want) {
		t.Errorf("%v", problems)
	}
}

func TestLatencyBucketsAreCumulative(t *testing.T) {
	source := busy()
	f := scrape(t, serve(t, source, monitor.Options{}))["secure_channel_latency_ms"]
	if len(f.Metric) != 2 {
		t.Fatalf("%d series", len(f.Metric))
	}
	for i, m := range f.Metric {
		given, h := source.status.Endpoints[i].Latency, m.GetHistogram()
		total, sum := uint64(0), given.Sum
		if len(h.Bucket) != len(given.Bounds)+1 {
			t.Fatalf("%d buckets", len(h.Bucket))
		}
		for j, b := range h.Bucket {
			bound := math.Inf(1)
			if j < len(given.Bounds) {
				bound = given.Bounds[j]
			}
			total += given.Counts[j]
			if b.GetUpperBound() != bound || b.GetCumulativeCount() != total {
				t.Errorf("bucket %d: le=%v %d, not le=%v %d", j, b.GetUpperBound(), b.GetCumulativeCount(), bound, total)
			}
		}
		if h.GetSampleCount() != total || h.GetSampleSum() != sum {
			t.Errorf("count %d, sum %v, not %d, %v", h.GetSampleCount(), h.GetSampleSum(), total, sum)
		}
	}
}

// sum adds up a family over its series.
func sum(f *dto.MetricFamily) float64 {
	total := 0.0
	for _, m := range f.GetMetric() {
		total += m.GetGauge().GetValue() + m.GetCounter().GetValue()
	}
	return total
}

// wantTotals compares the JSON totals of s with the sums of its metrics. The pool must
// be quiet.
func wantTotals(t *testing.T, s *monitor.Server, namespace string) {
	t.Helper()
	var status pool.Status
	if err := json.Unmarshal([]byte(ask(t, s, "GET", "/status/connections").body), &status); err != nil {
		t.Fatal(err)
	}
	families := scrape(t, s)
	for name, want := range map[string]float64{
		"active_connections":       float64(status.Active),
		"reconnects_total":         float64(status.Reconnects),
		"errors_total":             float64(status.Errors),
		"connections_opened_total": float64(status.Dials),
		"dial_errors_total":        float64(status.DialErrors),
		"sent_bytes_total":         float64(status.Sent),
		"received_bytes_total":     float64(status.Received),
		"connections":              float64(status.Idle + status.Lent + status.Dialing + status.Closing),
		"max_connections":          float64(status.Max),
		"pending_acquires":         float64(status.Waiting),
	} {
		f := families[namespace+"_"+name]
		if f == nil || sum(f) != want {
			t.Errorf("%s: the metric says %v, the JSON %v", name, sum(f), want)
		}
	}
	if status.Active != len(status.Connections) {
		t.Errorf("active_connections %d, connections %d", status.Active, len(status.Connections))
	}
	states := map[string]float64{}
	for _, m := range families[namespace+"_connections"].Metric {
		states[m.Label[1].GetValue()] = m.GetGauge().GetValue()
	}
	want := map[string]float64{
		"idle": float64(status.Idle), "lent": float64(status.Lent),
		"dialing": float64(status.Dialing), "closing": float64(status.Closing),
	}
	if !maps.Equal(states, want) {
		t.Errorf("states %v, not %v", states, want)
	}
}

func TestJSONTotalsEqualTheSumsOfTheMetrics(t *testing.T) {
	wantTotals(t, serve(t, busy(), monitor.Options{Namespace: "btc"}), "btc")
}

// samples maps each series of an exposition, comments left out, to its value. OpenMetrics
// spells whole bounds "1.0", the text format "1".
func samples(t *testing.T, text string) map[string]float64 {
	t.Helper()
	var lines strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "#") {
			lines.WriteString(line)
		}
	}
	got := map[string]float64{}
	for name, f := range parse(t, lines.String()) {
		for _, m := range f.Metric {
			series := name
			for _, l := range m.Label {
				value := l.GetValue()
				if bound, err := strconv.ParseFloat(value, 64); err == nil && l.GetName() == "le" {
					value = fmt.Sprint(bound)
				}
				series += " " + l.GetName() + "=" + value
			}
			got[series] = m.GetUntyped().GetValue()
		}
	}
	return got
}

func TestOpenMetricsIsNegotiatedAndSaysTheSame(t *testing.T) {
	source := busy()
	s := serve(t, source, monitor.Options{Namespace: "btc"})
	text := ask(t, s, "GET", "/metrics")
	open := ask(t, s, "GET", "/metrics", "Accept", openMetrics)
	if open.code != 200 || !strings.HasPrefix(open.header.Get("Content-Type"), openMetrics) {
		t.Fatalf("%d %s", open.code, open.header.Get("Content-Type"))
	}
	if !strings.HasSuffix(open.body, "\n# EOF\n") {
		t.Errorf("ends in %q", open.body[len(open.body)-20:])
	}
	for _, line := range []string{
		"# TYPE btc_reconnects counter", "# TYPE btc_latency_ms histogram",
		"# UNIT btc_sent_bytes bytes", "# UNIT btc_latency_ms ms",
		`btc_reconnects_total{endpoint="a.test:1"} 10.0`,
		`btc_latency_ms_bucket{endpoint="a.test:1",le="1.0"} ` + fmt.Sprint(source.status.Endpoints[0].Latency.Counts[0]*5+10),
	} {
		if !strings.Contains(open.body, line+"\n") {
			t.Errorf("no line %q", line)
		}
	}
	got, want := samples(t, open.body), samples(t, text.body)
	if len(want) < 50 || !maps.Equal(got, want) {
		t.Errorf("OpenMetrics\n%v\ntext\n%v", got, want)
	}
}

func TestNativeHistogramsComeWithProtobufAndCountTheSame(t *testing.T) {
	source := busy()
	s := serve(t, source, monitor.Options{Namespace: "btc"})
	a := ask(t, s, "GET", "/metrics", "Accept", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited")
	families := map[string]*dto.MetricFamily{}
	d := expfmt.NewDecoder(strings.NewReader(a.body), expfmt.ResponseFormat(a.header))
	for {
		f := &dto.MetricFamily{}
		if err := d.Decode(f); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		families[f.GetName()] = f
	}
	histograms := 0
	for name, f := range families {
		for _, m := range f.Metric {
			h := m.Histogram
			if h == nil {
				continue
			}
			histograms++
			if h.GetSchema() != 3 || h.GetZeroThreshold() <= 0 || h.SampleCount == nil || len(h.Bucket) == 0 {
				t.Errorf("%s: %v", name, h)
			}
			count, n := h.GetZeroCount(), int64(0)
			for _, delta := range h.PositiveDelta {
				n += delta
				count += uint64(n)
			}
			if count != h.GetSampleCount() {
				t.Errorf("%s: %d samples in native buckets, %d in all", name, count, h.GetSampleCount())
			}
		}
	}
	if histograms != 13 { // six for each endpoint, and the waits
		t.Errorf("%d histograms", histograms)
	}
	// Fine[7] is up to 2^(-7 + 7/8) ms: number 8 * -7 + 7 of Prometheus.
	h := families["btc_latency_ms"].Metric[0].Histogram
	given := source.status.Endpoints[0].Latency
	if at := h.PositiveSpan[0].GetOffset(); at != -49 || h.PositiveDelta[0] != int64(given.Fine[7]) {
		t.Errorf("the first native bucket is number %d with %d samples", at, h.PositiveDelta[0])
	}
}

func TestMetricsAreCompressedOnRequest(t *testing.T) {
	s := serve(t, busy(), monitor.Options{})
	a := ask(t, s, "GET", "/metrics", "Accept-Encoding", "gzip")
	if a.header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("%v", a.header)
	}
	z, err := gzip.NewReader(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil || string(plain) != ask(t, s, "GET", "/metrics").body {
		t.Errorf("%v: %s", err, plain)
	}
}

func TestServersShareNoRegistry(t *testing.T) {
	one, two := busy(), busy()
	two.status.Endpoints = two.status.Endpoints[:1]
	a, b := serve(t, one, monitor.Options{}), serve(t, two, monitor.Options{})
	const name = "secure_channel_active_connections"
	if n, m := len(scrape(t, a)[name].Metric), len(scrape(t, b)[name].Metric); n != 2 || m != 1 {
		t.Errorf("%d and %d series", n, m)
	}
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "secure_channel") {
			t.Errorf("%s is in the default registry", f.GetName())
		}
	}
}

func TestBuildInfoSaysTheGivenVersion(t *testing.T) {
	f := scrape(t, serve(t, busy(), monitor.Options{Version: "1.2.3"}))["secure_channel_build_info"]
	if got := f.Metric[0].Label[1].GetValue(); got != "1.2.3" {
		t.Errorf("version %q", got)
	}
}
