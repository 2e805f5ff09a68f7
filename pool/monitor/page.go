package monitor

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// The folder has the plain page; `make page` adds charts.js and charts.css. Without them
// the page is what those without JavaScript see, and renews itself.
//
//go:embed page
var pageFiles embed.FS

// pageRoute is where the files are that the page is made of.
const pageRoute = "/page/"

// pageHeaders forbid everything that the page does not need: it loads its own files and
// asks its own server, and no text becomes a script.
var pageHeaders = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
	"Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

// page is the parsed page and the files beside it, by their paths.
type page struct {
	html   *template.Template
	files  map[string][]byte
	charts bool // they were built in
}

var thePage = sync.OnceValue(func() *page {
	p := &page{files: map[string][]byte{}}
	err := fs.WalkDir(pageFiles, "page", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) == ".html" {
			return err
		}
		body, err := pageFiles.ReadFile(name)
		p.files["/"+name] = body
		return err
	})
	if err != nil {
		panic(err) // the files are in the program
	}
	p.html = template.Must(template.New("index.html").Funcs(words).ParseFS(pageFiles, "page/*.html"))
	_, p.charts = p.files[pageRoute+"charts.js"]
	return p
})

// shown is what the template is given.
type shown struct {
	overview
	Name   string // of the pool that was asked for
	Charts bool
	Known  bool // whoever asks may see the pools
	Now    time.Time
}

// servePage to whom may see the pools. Whoever may not, yet, gets the same page without
// them, as the body of a 401: it asks for the token.
func (g *gate) servePage(w http.ResponseWriter, p *handler, known bool) {
	page := thePage()
	view := shown{Charts: page.charts, Known: known, Now: time.Now().UTC().Truncate(time.Second)}
	code := http.StatusUnauthorized
	if known {
		code = http.StatusOK
		view.overview = g.host.overview(p)
	}
	if known && p != nil {
		view.Name = p.name
	}
	var body bytes.Buffer
	if err := page.html.Execute(&body, view); err != nil {
		serveText(w, http.StatusInternalServerError, "500: "+err.Error()+"\n")
		return
	}
	for name, value := range pageHeaders {
		w.Header().Set(name, value)
	}
	serveBody(w, code, "text/html; charset=utf-8", body.Bytes())
}

// contentTypes are those of the files; the host's table of them may say anything.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// pageFile finds a file of the page, nil if there is none. The files are the same in every
// copy of the library and say nothing of a pool, so they need no token.
func pageFile(name string) http.HandlerFunc {
	body := thePage().files[name]
	if body == nil {
		return nil
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		serveBody(w, http.StatusOK, contentTypes[path.Ext(name)], body)
	}
}

// words are what the template says things with.
var words = template.FuncMap{
	"ms": func(us int64) string {
		if us == 0 {
			return "–"
		}
		return fmt.Sprintf("%.2f ms", float64(us)/1000)
	},
	"bytes": func(n uint64) string { return fmt.Sprintf("%d KiB", (n+1023)>>10) },
	"word":  func(name any) string { return strings.ReplaceAll(fmt.Sprint(name), "_", " ") },
	"date":  func(t time.Time) string { return t.Format("2006-01-02 15:04:05 MST") },
}
