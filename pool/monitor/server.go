// Package monitor serves what pools say about themselves over HTTP: /metrics for
// Prometheus, /status/connections as JSON, /healthz for Kubernetes, and a page for people
// at /, which reads /status/overview.
//
// Handlers only read snapshots. They never wait for a dial and answer as fast while
// the endpoint is down.
package monitor

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"sync"
	"time"

	"github.com/prometheus/common/model"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// Source is what the server reads; *pool.Pool is one. Each method is a snapshot that
// does not block, and may be called from any goroutine.
type Source interface {
	Status() pool.Status
	// Totals is Status without Connections and what is computed from them.
	Totals() pool.Status
	Health() pool.Health
}

// Options describe a server.
type Options struct {
	// Namespace prefixes metric names. If empty, secure_channel.
	Namespace string
	// Name lets several pools answer at one address, by the same Host and Port above 0:
	// /metrics carries all, with their names in the label pool, and the other paths take
	// ?pool=. If empty, the address is the pool's own.
	Name string
	// Host is where to listen: an address, or localhost. If empty, 127.0.0.1.
	Host string
	// Port is where to listen; 0 is any free port.
	Port int
	// Public allows a Host that is not a loopback address without a Token.
	Public bool
	// Token, if not nil, says in constant time whether a request may pass. It is
	// asked on every path but /healthz, and never about an empty candidate.
	Token func(candidate []byte) bool
	// Secret is the token as its keeper knows it, and SameToken compares it with the Secret
	// of another pool: pools share an address only if their tokens are the same.
	Secret    any
	SameToken func(secret any) bool
	// CertFile and KeyFile, if not empty, make the server speak HTTPS: a PEM chain and its
	// key. They are read again when they change.
	CertFile, KeyFile string
	// Memory, if not nil, adds what the process says of its secrets.
	Memory *Memory
	// Version is shown in {namespace}_build_info. If empty, unknown.
	Version string
}

// Server serves one pool, at an address of its own or a shared one.
type Server struct {
	host *host
	pool *handler

	closeOnce sync.Once
	closeErr  error
}

// Start listens and serves src until Close. An address that cannot be bound is a
// *pool.Error of kind ErrIO; options that are not valid, or not those of the other pools
// at the address, are one of kind ErrOption.
func Start(src Source, o Options) (*Server, error) { return start(src, o, defaultLimits) }

func start(src Source, o Options, l limits) (*Server, error) {
	if err := o.resolve(); err != nil {
		return nil, err
	}
	h := newHandler(src, &o, l.sample)
	there, err := join(&o, l, h)
	if err != nil {
		return nil, err
	}
	h.history.start()
	return &Server{host: there, pool: h}, nil
}

func refuse(format string, args ...any) error {
	return &pool.Error{Kind: pool.ErrOption, Text: fmt.Sprintf(format, args...)}
}

var namePattern = regexp.MustCompile(`^[A-Za-z0-9_.-]{0,64}$`)

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
	ip := net.ParseIP(o.Host)
	switch {
	case !model.LegacyValidation.IsValidLabelName(o.Namespace): // as a metric's, without colons
		return refuse("namespace: %q is not a metric name prefix (letters, digits, _)", o.Namespace)
	case !namePattern.MatchString(o.Name):
		return refuse("name: %q is not a name (letters, digits, _ . -, 64 at most)", o.Name)
	case ip == nil:
		return refuse("metrics_host: %q is neither an address nor localhost", o.Host)
	case !ip.IsLoopback() && o.Token == nil && !o.Public:
		return refuse("metrics_host: %s is reachable by others and there is no token", o.Host)
	case o.Port < 0 || o.Port > 65535:
		return refuse("metrics_port: %d is not within 0 to 65535", o.Port)
	case (o.CertFile == "") != (o.KeyFile == ""):
		return refuse("metrics_tls_cert_file and metrics_tls_key_file: HTTPS needs both")
	}
	return nil
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.host.listener.Addr() }

// Port is the TCP port of Addr.
func (s *Server) Port() int { return s.Addr().(*net.TCPAddr).Port }

// Close takes the pool off. With the last one at its address the port is free at once;
// requests in flight may finish for a moment, and every connection ends within a second.
// It may be called more than once and from any goroutine.
func (s *Server) Close() error {
	s.closeOnce.Do(func() {
		limit := time.NewTimer(s.host.limits.closed) // may be over when leave returns
		defer limit.Stop()
		s.pool.history.stop()
		s.closeErr = s.host.leave(s.pool)
		select {
		case <-s.pool.history.stopped:
			return
		default:
		}
		select {
		case <-s.pool.history.stopped:
		case <-limit.C:
			s.closeErr = errors.New("sprint: metrics server: a snapshot did not end")
		}
	})
	return s.closeErr
}
