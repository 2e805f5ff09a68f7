package monitor

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
	"github.com/bitcoin-sprint/libsprint/pool"
)

// limits keep a slow or hostile client from holding anything for long.
type limits struct {
	header, read, write, idle time.Duration
	connections, headerBytes  int
	// drain is what close grants requests in flight, closed all in all.
	drain, closed time.Duration
	// sample is the interval of the history.
	sample time.Duration
}

var defaultLimits = limits{
	header: 5 * time.Second, read: 5 * time.Second, write: 10 * time.Second, idle: time.Minute,
	connections: 64, headerBytes: 8 << 10,
	drain: 250 * time.Millisecond, closed: time.Second, sample: sampleEvery,
}

// host is a listener and the pools that answer on it: one, or several with names.
type host struct {
	options  Options // of the pool that was first; the address, the token and TLS are all others', too
	limits   limits
	listener net.Listener
	http     *http.Server
	families *families
	closing  chan struct{} // closed when close begins
	closed   chan struct{} // and when it has ended

	serving     sync.WaitGroup // the accept loop
	connections sync.WaitGroup // goroutines of net/http, one a connection

	mu    sync.RWMutex // guards pools; not held over a snapshot
	pools map[string]*handler
}

// shared are the hosts whose pools have names, by their address.
var shared struct {
	mu    sync.Mutex
	hosts map[string]*host
}

// join finds the host that listens where o says, or starts it, and has h answer there.
func join(o *Options, l limits, h *handler) (*host, error) {
	if o.Name == "" {
		return newHost(o, l, h)
	}
	for {
		there, err := joinShared(o, l, h)
		if there == nil || err != nil || there.has(h) {
			return there, err
		}
		<-there.closed // its last pool has just left
	}
}

func joinShared(o *Options, l limits, h *handler) (*host, error) {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	there := shared.hosts[o.address()]
	switch {
	case o.Port == 0 || there == nil:
		there, err := newHost(o, l, h)
		if err != nil {
			return nil, err
		}
		if shared.hosts == nil {
			shared.hosts = make(map[string]*host)
		}
		shared.hosts[there.options.address()] = there
		return there, nil
	case isClosed(there.closing):
		return there, nil
	}
	if err := there.shares(o); err != nil {
		return nil, err
	}
	return there, there.add(h)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func newHost(o *Options, l limits, first *handler) (*host, error) {
	certificates, err := o.certificates()
	if err != nil {
		return nil, err
	}
	h := &host{
		options: *o, limits: l, families: newFamilies(o.Memory),
		closing: make(chan struct{}), closed: make(chan struct{}), pools: map[string]*handler{},
	}
	if err := h.add(first); err != nil {
		return nil, err
	}
	if h.listener, err = net.Listen("tcp", o.address()); err != nil {
		return nil, &pool.Error{Kind: pool.ErrIO, Text: "metrics server", Err: err}
	}
	h.options.Port = h.listener.Addr().(*net.TCPAddr).Port
	h.http = &http.Server{
		Handler:           newGate(h),
		ReadHeaderTimeout: l.header,
		ReadTimeout:       l.read,
		WriteTimeout:      l.write,
		IdleTimeout:       l.idle,
		MaxHeaderBytes:    l.headerBytes,
		ConnState:         h.count,
		// "OPTIONS *" is answered by the gate like every other method.
		DisableGeneralOptionsHandler: true,
		// The host's stderr is not ours.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	var accepting net.Listener = &boundedListener{
		Listener: h.listener, slots: make(chan struct{}, l.connections), server: h.http, closing: h.closing,
	}
	if certificates != nil {
		accepting = tls.NewListener(accepting, certificates)
	}
	h.serving.Add(1)
	spawn.Go("metrics server", func() {
		defer h.serving.Done()
		_ = h.http.Serve(accepting)
	})
	return h, nil
}

// count keeps track of the goroutines that net/http starts for connections. A panic
// in one of them is recovered by net/http.
func (h *host) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		h.connections.Add(1)
	case http.StateClosed, http.StateHijacked:
		h.connections.Done()
	}
}

func (h *host) add(p *handler) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.pools[p.name] != nil {
		return refuse("name: %q: another pool with this name answers at %s", p.name, h.options.address())
	}
	if err := h.families.add(p.collector); err != nil {
		return err
	}
	h.pools[p.name] = p
	return nil
}

func (h *host) has(p *handler) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.pools[p.name] == p
}

// choose finds the pool of that name, or the only one if there is no name.
func (h *host) choose(name string) *handler {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if name == "" && len(h.pools) == 1 {
		for _, p := range h.pools {
			return p
		}
	}
	return h.pools[name]
}

// all lists the pools in the order of their names.
func (h *host) all() []*handler {
	h.mu.RLock()
	defer h.mu.RUnlock()
	list := make([]*handler, 0, len(h.pools))
	for _, p := range h.pools {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *handler) int { return cmp.Compare(a.name, b.name) })
	return list
}

// accepts asks the pools, whose tokens are the same: one that is leaving may have given
// its own up.
func (h *host) accepts(candidate []byte) bool {
	return slices.ContainsFunc(h.all(), func(p *handler) bool { return p.token(candidate) })
}

// trusts says whether the token of o is that of the pools here.
func (h *host) trusts(o *Options) bool {
	return o.SameToken != nil &&
		slices.ContainsFunc(h.all(), func(p *handler) bool { return o.SameToken(p.secret) })
}

// leave takes a pool out; the last one closes the host.
func (h *host) leave(p *handler) error {
	shared.mu.Lock()
	h.mu.Lock()
	delete(h.pools, p.name)
	h.families.remove(p.collector)
	last := len(h.pools) == 0
	if last {
		close(h.closing)
	}
	h.mu.Unlock()
	shared.mu.Unlock()
	if !last {
		return nil
	}
	err := h.shut()
	shared.mu.Lock()
	if shared.hosts[h.options.address()] == h {
		delete(shared.hosts, h.options.address())
	}
	shared.mu.Unlock()
	close(h.closed)
	return err
}

func (h *host) shut() error {
	ctx, cancel := context.WithTimeout(context.Background(), h.limits.closed)
	defer cancel()
	drain, stop := context.WithTimeout(ctx, h.limits.drain)
	defer stop()
	if h.http.Shutdown(drain) != nil {
		_ = h.http.Close()
	}
	ended := make(chan struct{})
	spawn.Go("metrics server close", func() {
		defer close(ended)
		h.serving.Wait() // from here on no connection is added
		h.connections.Wait()
	})
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return errors.New("sprint: metrics server: a request did not end")
	}
}

// address is where o listens.
func (o *Options) address() string { return net.JoinHostPort(o.Host, strconv.Itoa(o.Port)) }

// shares says why a pool with o may not answer here.
func (h *host) shares(o *Options) error {
	at, ours := o.address(), &h.options
	switch {
	case o.CertFile != ours.CertFile || o.KeyFile != ours.KeyFile:
		return refuse("metrics_tls_cert_file: %s is shared with a pool that has another certificate or key file", at)
	case (o.Token == nil) != (ours.Token == nil), o.Token != nil && !h.trusts(o):
		return refuse("metrics_auth_token: %s is shared with a pool that has another token", at)
	case o.Public != ours.Public:
		return refuse("metrics_public: %s is shared with a pool that says otherwise", at)
	}
	return nil
}
