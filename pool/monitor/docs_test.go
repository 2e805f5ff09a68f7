package monitor_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bitcoin-sprint/libsprint/pool/monitor"
)

// docsPage is docs/monitoring.md: what it lists is compared with what there is, both ways.
func docsPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rows are the cells of the tables between a heading and the next one.
func rows(t *testing.T, page, heading string) (all [][]string) {
	t.Helper()
	_, section, ok := strings.Cut(page, "\n"+heading+"\n")
	if !ok {
		t.Fatalf("no %s", heading)
	}
	if next := regexp.MustCompile(`\n#+ `).FindStringIndex(section); next != nil {
		section = section[:next[0]]
	}
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if strings.HasPrefix(line, "| ") && strings.Contains(cells[0], "`") || strings.Contains(line, "| `") {
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			all = append(all, cells)
		}
	}
	return all
}

// code are the words in backquotes.
func code(text string) (words []string) {
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(text, -1) {
		words = append(words, m[1])
	}
	return words
}

func list(text string) []string {
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
	slices.Sort(words)
	return words
}

func same(t *testing.T, what string, documented, there map[string]string) {
	t.Helper()
	for name, is := range there {
		if said, ok := documented[name]; !ok || said != is {
			t.Errorf("%s %s is %q, the page says %q", what, name, is, said)
		}
	}
	for name := range documented {
		if _, ok := there[name]; !ok {
			t.Errorf("%s %s is on the page and nowhere else", what, name)
		}
	}
}

func TestThePageListsEveryFamilyWithItsTypeAndLabels(t *testing.T) {
	documented, there := map[string]string{}, map[string]string{}
	for _, row := range rows(t, docsPage(t), "## Metrics") {
		documented[strings.Trim(row[0], "`")] = fmt.Sprint(row[1], list(row[2]))
		if len(row) != 5 || row[3] == "" {
			t.Errorf("%v", row)
		}
	}
	s := serve(t, busy(), monitor.Options{Namespace: "btc", Memory: &monitor.Memory{
		Stats: func() monitor.MemoryStats { return monitor.MemoryStats{} },
	}})
	for name, f := range scrape(t, s) {
		labels := []string{}
		for _, l := range f.Metric[0].Label {
			if l.GetName() != "endpoint" {
				labels = append(labels, l.GetName())
			}
		}
		name = regexp.MustCompile("^btc_").ReplaceAllString(name, "{ns}_")
		there[name] = fmt.Sprint(strings.ToLower(f.GetType().String()), labels)
	}
	same(t, "family", documented, there)
}

func TestThePageListsEveryKeyOfTheStatus(t *testing.T) {
	text, err := os.ReadFile("testdata/status.json")
	if err != nil {
		t.Fatal(err)
	}
	var status map[string]any
	if err := json.Unmarshal(text, &status); err != nil {
		t.Fatal(err)
	}
	keys := func(objects ...any) map[string]string {
		all := map[string]string{}
		for _, o := range objects {
			for key := range o.(map[string]any) {
				all[key] = ""
			}
		}
		return all
	}
	for heading, there := range map[string]map[string]string{
		"### The pool":            keys(status),
		"### Each of connections": keys(status["connections"].([]any)...),
		"### Each of endpoints":   keys(status["endpoints"].([]any)...),
		"### The cleanup task":    keys(status["cleanup"]),
	} {
		documented := map[string]string{}
		for _, row := range rows(t, docsPage(t), heading) {
			for _, key := range code(row[0]) {
				documented[key] = ""
			}
		}
		same(t, heading, documented, there)
	}
}

// TestThePageListsEveryEventOfTheLog reads from the sources what is logged.
func TestThePageListsEveryEventOfTheLog(t *testing.T) {
	documented, there := map[string]string{}, map[string]string{}
	for _, row := range rows(t, docsPage(t), "## The log") {
		documented[strings.Trim(row[1], "`")] = fmt.Sprint(row[0], list(row[2]))
	}
	for _, dir := range []string{"../../pool", "../../capi", "../../internal"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err == nil {
				ast.Inspect(file, func(n ast.Node) bool {
					if call, ok := n.(*ast.CallExpr); ok {
						maps.Copy(there, logged(call))
					}
					return true
				})
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// These are named by their callers: (*channel).trace and logLost.
	there["write"], there["read"] = "TRACE[bytes connection endpoint]", "TRACE[bytes connection endpoint]"
	there["connection lost"] = strings.Replace(there["connection lost"], "level", "WARN", 1)
	// The library itself, and not a pool, says these with more or less beside them.
	there["panic"] = "ERROR[in panic stack]"
	same(t, "event", documented, there)
}

// logged is the event that a call logs, with its level and fields; nil if it logs none.
func logged(call *ast.CallExpr) map[string]string {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) == 0 {
		return nil
	}
	on := ""
	switch x := method.X.(type) {
	case *ast.Ident:
		on = x.Name
	case *ast.SelectorExpr:
		on = x.Sel.Name
	}
	if on != "log" && on != "logger" && on != "l" {
		return nil
	}
	level, rest := "", call.Args
	switch method.Sel.Name {
	case "Info", "Warn", "Error", "Debug":
		level = strings.ToUpper(method.Sel.Name)
	case "LogAttrs":
		rest = call.Args[2:]
		switch x := call.Args[1].(type) {
		case *ast.SelectorExpr:
			level = strings.ToUpper(strings.TrimPrefix(x.Sel.Name, "Level"))
		case *ast.Ident:
			level = x.Name
		}
	default:
		return nil
	}
	event, ok := literal(rest[0])
	if !ok {
		return nil
	}
	fields := []string{}
	for i, arg := range rest[1:] {
		if key, ok := literal(arg); ok && i%2 == 0 {
			fields = append(fields, key)
		}
		ast.Inspect(arg, func(n ast.Node) bool {
			inner, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if f, ok := inner.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "attrs" {
				fields = append(fields, "connection", "endpoint")
			} else if ok && len(inner.Args) == 2 {
				if key, ok := literal(inner.Args[0]); ok {
					fields = append(fields, key)
				}
			}
			return true
		})
	}
	slices.Sort(fields)
	return map[string]string{event: fmt.Sprint(level, fields)}
}

func literal(e ast.Expr) (string, bool) {
	if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
		s, err := strconv.Unquote(l.Value)
		return s, err == nil
	}
	return "", false
}

// TestTheExamplesOfThePageWork runs each command on it against a server as its words say.
func TestTheExamplesOfThePageWork(t *testing.T) {
	_, p, _ := watched(t)
	s := serve(t, p, with("correct horse battery staple", monitor.Options{}))
	named := serve(t, p, monitor.Options{Name: "orders"})
	open := serve(t, p, monitor.Options{Memory: &monitor.Memory{
		Stats:  func() monitor.MemoryStats { return monitor.MemoryStats{} },
		Status: func() (any, bool) { return map[string]bool{"enabled": true}, true },
	}})
	commands := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(docsPage(t), -1) {
		for command := range strings.Lines(block[1]) {
			commands++
			server := open
			if strings.Contains(command, "correct horse") {
				server = s
			} else if strings.Contains(command, "pool=orders") {
				server = named
			}
			command = strings.ReplaceAll(command, "127.0.0.1:9090", server.Addr().String())
			command = strings.Replace(command, "curl ", "curl -w '%{http_code}' ", 1)
			said, err := exec.CommandContext(t.Context(), "bash", "-c", command).CombinedOutput()
			if err != nil || !strings.HasSuffix(string(said), "200") || len(said) < 10 {
				t.Errorf("%s: %v: %.200s", command, err, said)
			}
		}
	}
	if commands < 8 {
		t.Errorf("%d commands on the page", commands)
	}
}
