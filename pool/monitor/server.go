// Package monitor serves what a pool says about itself over HTTP: /metrics for
// Prometheus, /status/connections as JSON, /healthz for Kubernetes.
//
// Handlers only read snapshots. They never wait for a dial and answer as fast while
// the endpoint is down.
package monitor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/common/model"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
	"github.com/bitcoin-sprint/libsprint/pool"
)

// Source is what the server reads; *pool.Pool is one. Each method is a snapshot that
// does not block, and may be called from any goroutine.
type Source interface {
	Status() pool.Status
	// Totals is Status without Connections and P95Ms.
	Totals() pool.Status
	Health() pool.Health
}

// Options describe a server.
type Options struct {
	// Namespace prefixes metric names. If empty, secure_channel.
	Namespace string
	// Host is where to listen: an address, or localhost. If empty, 127.0.0.1.
	Host string
	// Port is where to listen; 0 is any free port.
	Port int
	// Public allows a Host that is not a loopback address without a Token.
	Public bool
	// Token, if not nil, says in constant time whether a request may pass. It is
	// asked on every path but /healthz, and never about an empty candidate.
	Token func(candidate []byte) bool
	// Version is shown in {namespace}_build_info. If empty, unknown.
	Version string
}

// limits keep a slow or hostile client from holding anything for long.
type limits struct {
	header, read, write, idle time.Duration
	connections, headerBytes  int
	// drain is what Close grants requests in flight, closed all in all.
	drain, closed time.Duration
}

var defaultLimits = limits{
	header: 5 * time.Second, read: 5 * time.Second, write: 10 * time.Second, idle: time.Minute,
	connections: 64, headerBytes: 8 << 10,
	drain: 250 * time.Millisecond, closed: time.Second,
}

// Server is a running monitoring server of one pool.
type Server struct {
	listener net.Listener
	http     *http.Server
	limits   limits
	closing  chan struct{} // closed when Close begins

	serving     sync.WaitGroup // the accept loop
	connections sync.WaitGroup // goroutines of net/http, one a connection

	closeOnce sync.Once
	closeErr  error
}

// Start listens and serves src until Close. An address that cannot be bound is a
// *pool.Error of kind ErrIO, a Host that is not allowed one of kind ErrOption.
func Start(src Source, o Options) (*Server, error) { return start(src, o, defaultLimits) }

func start(src Source, o Options, l limits) (*Server, error) {
	if err := o.resolve(); err != nil {
		return nil, err
	}
	handler, err := newHandler(src, o)
	if err != nil {
		return nil, err
	}
	inner, err := net.Listen("tcp", net.JoinHostPort(o.Host, strconv.Itoa(o.Port)))
	if err != nil {
		return nil, &pool.Error{Kind: pool.ErrIO, Text: "metrics server", Err: err}
	}
	s := &Server{listener: inner, limits: l, closing: make(chan struct{})}
	s.http = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: l.header,
		ReadTimeout:       l.read,
		WriteTimeout:      l.write,
		IdleTimeout:       l.idle,
		MaxHeaderBytes:    l.headerBytes,
		ConnState:         s.count,
		// "OPTIONS *" is answered by handler like every other method.
		DisableGeneralOptionsHandler: true,
		// The host's stderr is not ours.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	bounded := &boundedListener{
		Listener: inner, slots: make(chan struct{}, l.connections), server: s.http, closing: s.closing,
	}
	s.serving.Add(1)
	spawn.Go("metrics server", func() {
		defer s.serving.Done()
		_ = s.http.Serve(bounded)
	})
	return s, nil
}

// resolve fills in what is empty and checks the rest.
func (o *Options) resolve() error {
	if o.Namespace == "" {
		o.Namespace = pool.Defaults().Namespace
	}
	if o.Host == "" || o.Host == "localhost" {
		o.Host = "127.0.0.1"
	}
	if o.Version == "" {
		o.Version = "unknown"
	}
	refuse := func(format string, args ...any) error {
		return &pool.Error{Kind: pool.ErrOption, Text: fmt.Sprintf(format, args...)}
	}
	ip := net.ParseIP(o.Host)
	switch {
	case !model.LegacyValidation.IsValidLabelName(o.Namespace): // as a metric's, without colons
		return refuse("namespace: %q is not a metric name prefix (letters, digits, _)", o.Namespace)
	case ip == nil:
		return refuse("metrics_host: %q is neither an address nor localhost", o.Host)
	case !ip.IsLoopback() && o.Token == nil && !o.Public:
		return refuse("metrics_host: %s is reachable by others and there is no token", o.Host)
	case o.Port < 0 || o.Port > 65535:
		return refuse("metrics_port: %d is not within 0 to 65535", o.Port)
	}
	return nil
}

// count keeps track of the goroutines that net/http starts for connections. A panic
// in one of them is recovered by net/http.
func (s *Server) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.connections.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.connections.Done()
	}
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Port is the TCP port of Addr.
func (s *Server) Port() int { return s.Addr().(*net.TCPAddr).Port }

// Close frees the port at once, lets requests in flight finish for a moment and ends
// every connection, within a second. It may be called more than once and from any
// goroutine.
func (s *Server) Close() error {
	s.closeOnce.Do(func() { s.closeErr = s.shut() })
	return s.closeErr
}

func (s *Server) shut() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.limits.closed)
	defer cancel()
	drain, stop := context.WithTimeout(ctx, s.limits.drain)
	defer stop()
	close(s.closing)
	if s.http.Shutdown(drain) != nil {
		_ = s.http.Close()
	}
	ended := make(chan struct{})
	spawn.Go("metrics server close", func() {
		defer close(ended)
		s.serving.Wait() // from here on no connection is added
		s.connections.Wait()
	})
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return errors.New("sprint: metrics server: a request did not end")
	}
}
