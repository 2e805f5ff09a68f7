package relay

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
)

// Stats are totals since the start, but Open, which is now. Bytes in and out are
// application bytes.
type Stats struct {
	Accepted        int64 `json:"accepted"`
	Open            int64 `json:"open"`
	Handshakes      int64 `json:"handshakes"`
	HandshakeErrors int64 `json:"handshake_errors"`
	Logins          int64 `json:"logins"`
	Pings           int64 `json:"pings"`
	BytesIn         int64 `json:"bytes_in"`
	BytesOut        int64 `json:"bytes_out"`
	// BytesLost fell into the black hole, of TLS records.
	BytesLost int64 `json:"bytes_lost"`
}

type counters struct {
	accepted, open, handshakes, handshakeErrors, logins, pings, bytesIn, bytesOut, bytesLost atomic.Int64
}

// Stats counts the TLS listener's connections; the plain listener is not in it.
func (r *Relay) Stats() Stats {
	c := &r.stats
	return Stats{
		Accepted:        c.accepted.Load(),
		Open:            c.open.Load(),
		Handshakes:      c.handshakes.Load(),
		HandshakeErrors: c.handshakeErrors.Load(),
		Logins:          c.logins.Load(),
		Pings:           c.pings.Load(),
		BytesIn:         c.bytesIn.Load(),
		BytesOut:        c.bytesOut.Load(),
		BytesLost:       c.bytesLost.Load(),
	}
}

// control is the HTTP server that turns switches from outside the process:
//
//	POST /set?name=value[&name=value...]
//	POST /reset
//	GET  /stats
type control struct {
	listener net.Listener
	server   *http.Server
}

func startControl(r *Relay, address string) (*control, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /set", r.handleSet)
	mux.HandleFunc("POST /reset", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, r.Reset(), http.StatusInternalServerError)
	})
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(r.Stats())
	})
	c := &control{listener: l, server: &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0),
	}}
	r.wg.Add(1)
	spawn.Go("relay control", func() {
		defer r.wg.Done()
		c.server.Serve(l)
	})
	return c, nil
}

// handleSet applies the pairs in the order of the query.
func (r *Relay) handleSet(w http.ResponseWriter, req *http.Request) {
	var pairs [][2]string
	for part := range strings.SplitSeq(req.URL.RawQuery, "&") {
		name, value, ok := strings.Cut(part, "=")
		value, err := url.QueryUnescape(value)
		if !ok || err != nil {
			http.Error(w, fmt.Sprintf("relay: %q is not name=value", part), http.StatusBadRequest)
			return
		}
		pairs = append(pairs, [2]string{name, value})
	}
	answer(w, r.setAll(pairs), http.StatusBadRequest)
}

// answer says ok, or what is wrong.
func answer(w http.ResponseWriter, err error, code int) {
	if err != nil {
		http.Error(w, err.Error(), code)
		return
	}
	io.WriteString(w, "ok\n")
}

func (c *control) addr() string { return c.listener.Addr().String() }

// close lets requests in flight finish for a second. Connections' own goroutines
// belong to net/http and end with their connections.
func (c *control) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if c.server.Shutdown(ctx) != nil {
		c.server.Close()
	}
}
