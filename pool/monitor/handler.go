package monitor

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// handler answers for one pool.
type handler struct {
	name      string
	source    Source
	token     func(candidate []byte) bool // nil for none
	secret    any
	collector *collector
	history   *history
	slowest   slowest
	routes    map[string]http.HandlerFunc
}

func newHandler(src Source, o *Options, every time.Duration) *handler {
	h := &handler{
		name: o.Name, source: src, token: o.Token, secret: o.Secret,
		collector: newCollector(src, o), history: newHistory(src, every), slowest: slowest{source: src},
	}
	h.routes = map[string]http.HandlerFunc{
		"/status/connections": h.serveStatus,
		"/healthz":            h.serveHealth(o.Token != nil),
	}
	return h
}

func (h *handler) serveStatus(w http.ResponseWriter, _ *http.Request) {
	serveJSON(w, http.StatusOK, h.source.Status())
}

func serveJSON(w http.ResponseWriter, code int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		serveText(w, http.StatusInternalServerError, "500: "+err.Error()+"\n")
		return
	}
	serveBody(w, code, "application/json", append(body, '\n'))
}

func serveText(w http.ResponseWriter, code int, text string) {
	serveBody(w, code, "text/plain; charset=utf-8", []byte(text))
}

func serveBody(w http.ResponseWriter, code int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(code)
	_, _ = w.Write(body) // an error here means that the client has gone
}
