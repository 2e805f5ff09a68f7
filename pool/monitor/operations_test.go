package monitor_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bitcoin-sprint/libsprint/pool/monitor"
)

var (
	// A family with the matchers behind it, as PromQL writes them.
	family  = regexp.MustCompile(`((?:secure_channel|sprint_memory)_[a-z_0-9]+)(?:\{([^}]*)\})?`)
	matcher = regexp.MustCompile(`([a-z_]+)\s*(=~|=|!=|!~)\s*"([^"]*)"`)
	by      = regexp.MustCompile(`(?:by|on|ignoring)\s*\(([a-z_, ]*)\)`)
	ruled   = regexp.MustCompile(`(?m)^\s*- (?:alert|record): (\S+)$`)
)

// given are the labels that Prometheus and rules add.
var given = []string{"job", "instance", "pool", "le"}

// exposed maps each family, and each series of histograms, to the values of its labels.
func exposed(t *testing.T) map[string]map[string][]string {
	t.Helper()
	memory := &monitor.Memory{Stats: func() (s monitor.MemoryStats) { return }}
	seen := map[string]map[string][]string{}
	for name, f := range scrape(t, serve(t, busy(), monitor.Options{Memory: memory})) {
		labels := map[string][]string{}
		for _, m := range f.Metric {
			for _, l := range m.Label {
				labels[l.GetName()] = append(labels[l.GetName()], l.GetValue())
			}
		}
		if f.Metric[0].Histogram == nil {
			seen[name] = labels
			continue
		}
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			seen[name+suffix] = labels
		}
	}
	return seen
}

// checkQuery finds what no server exposes: a dashboard and an alert stay silent about it.
func checkQuery(t *testing.T, seen map[string]map[string][]string, query string) {
	t.Helper()
	for _, use := range family.FindAllStringSubmatch(query, -1) {
		labels, ok := seen[use[1]]
		if !ok {
			t.Errorf("%s is not exposed: %s", use[1], query)
			continue
		}
		for _, m := range matcher.FindAllStringSubmatch(use[2], -1) {
			name, values := m[1], strings.Split(m[3], "|")
			if slices.Contains(given, name) {
				continue
			}
			for _, value := range values {
				if !slices.Contains(labels[name], value) {
					t.Errorf("%s has no %s=%q: %s", use[1], name, value, query)
				}
			}
		}
	}
	known := slices.Clone(given)
	for _, use := range family.FindAllStringSubmatch(query, -1) {
		known = slices.AppendSeq(known, maps.Keys(seen[use[1]]))
	}
	for _, list := range by.FindAllStringSubmatch(query, -1) {
		for _, label := range strings.Split(list[1], ",") {
			if label = strings.TrimSpace(label); !slices.Contains(known, label) {
				t.Errorf("nothing has the label %s: %s", label, query)
			}
		}
	}
}

func operations(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheDashboardAsksForWhatIsExposed(t *testing.T) {
	var board struct {
		Panels []struct {
			Title   string
			GridPos struct{ X, W int }
			Targets []struct{ Expr string }
		}
		Templating struct{ List []struct{ Query any } }
	}
	text := operations(t, "docs", "operations", "dashboard.json")
	if err := json.Unmarshal([]byte(text), &board); err != nil {
		t.Fatal(err)
	}
	seen, queries := exposed(t), 0
	for _, p := range board.Panels {
		if p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("%s is wider than the page", p.Title)
		}
		for _, target := range p.Targets {
			queries++
			if !family.MatchString(target.Expr) {
				t.Errorf("%s: %q asks for no family", p.Title, target.Expr)
			}
			checkQuery(t, seen, target.Expr)
		}
	}
	if queries < 20 {
		t.Errorf("%d queries", queries)
	}
	for _, v := range board.Templating.List {
		if query, ok := v.Query.(map[string]any); ok {
			checkQuery(t, seen, query["query"].(string))
		}
	}
}

func TestTheRulesAskForWhatIsExposedAndEachIsTested(t *testing.T) {
	rules, tests := operations(t, "docs", "operations", "rules.yml"), operations(t, "tests", "operations", "rules.yml")
	seen := exposed(t)
	names := ruled.FindAllStringSubmatch(rules, -1)
	if len(names) < 20 {
		t.Fatalf("%d rules", len(names))
	}
	queries := rules
	for _, name := range names {
		// promtool compares what fires with exp_alerts, and what is recorded with exp_samples.
		fires := regexp.MustCompile(`alertname: ` + name[1] + `\n +eval_time: \S+\n +exp_alerts:\n`)
		rests := "{alertname: " + name[1] + ", eval_time: "
		records := regexp.MustCompile(`expr: (?:round\()?` + regexp.QuoteMeta(name[1]) + `\b[^\n]*\n +eval_time: \S+\n +exp_samples:`)
		switch isRecord := strings.Contains(name[1], ":"); {
		case isRecord && !records.MatchString(tests):
			t.Errorf("%s is not tested", name[1])
		case !isRecord && !(fires.MatchString(tests) && strings.Contains(tests, rests)):
			t.Errorf("%s is not tested where it fires and where it does not", name[1])
		}
		queries = strings.ReplaceAll(queries, name[1], "")
	}
	for line := range strings.Lines(queries) {
		if !strings.Contains(line, "summary:") && !strings.HasPrefix(line, "#") {
			checkQuery(t, seen, line)
		}
	}
}
