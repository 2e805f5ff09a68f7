package monitor

import (
	"net/http"
	"time"
)

// StartBounded is Start with the given time for headers and number of connections,
// and little patience in Close.
func StartBounded(src Source, o Options, header time.Duration, connections int) (*Server, error) {
	l := defaultLimits
	l.header, l.read, l.connections = header, header, connections
	l.drain = 20 * time.Millisecond
	return start(src, o, l)
}

// NewHandler is what a server of src answers with.
func NewHandler(src Source, o Options) (http.Handler, error) {
	if err := o.resolve(); err != nil {
		return nil, err
	}
	h := &host{options: o, families: newFamilies(nil), pools: map[string]*handler{}}
	return newGate(h), h.add(newHandler(src, &o))
}
