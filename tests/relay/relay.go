// Package relay is a small TLS server for the demo, tests and benchmarks.
//
// It makes a throw-away PKI when it starts, speaks a line protocol (see session.go)
// and misbehaves on request (see switches.go). It is for loopback and tests only.
package relay

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
)

// Options say how a relay starts. The zero value is right for a Go test.
type Options struct {
	// Listen is the TLS address. If empty, 127.0.0.1:0.
	Listen string
	// Control is the address of the HTTP control server. If empty, there is none:
	// Go tests call Set, Reset and Stats.
	Control string
	// Dir receives certificates, keys and addresses; created if missing. If empty, a
	// temporary one is made and Close removes it.
	Dir string
	// LoginKey is the key of LOGIN. If empty, 32 random bytes, written to Dir/login.key.
	LoginKey []byte
	// MinTLS is the lowest version accepted. If 0, tls.VersionTLS12.
	MinTLS uint16
	// NoTickets keeps clients from resuming their sessions.
	NoTickets bool
	// Raw also opens a plain TCP echo listener, the floor of benchmarks.
	Raw bool
}

// Relay is a running server. Its methods may be called from any goroutine.
type Relay struct {
	// LoginKey is the key that LOGIN is checked against. Read only.
	LoginKey []byte

	dir     string
	tempDir bool
	pki     *pki
	tls     map[leaf]*tls.Config
	// clientAuth is leafGood's for clients that must have a certificate.
	clientAuth *tls.Config

	address string           // of the TLS listener
	raw     *net.TCPListener // nil unless Options.Raw
	control *control         // nil unless Options.Control

	switches atomic.Pointer[switches]
	stats    counters

	done      chan struct{} // closed by Close
	closeOnce sync.Once
	wg        sync.WaitGroup // every goroutine of the relay

	mu sync.Mutex
	// listener is of the TLS address; nil while it is switched off.
	listener *net.TCPListener
	// conns holds the open connections, with true for those of the TLS listener.
	// It is nil after Close.
	conns    map[*net.TCPConn]bool
	sessions map[*session]bool // past their handshake
}

// Start makes the PKI, writes its files and listens. When it returns without an
// error the relay is reachable.
func Start(o Options) (_ *Relay, err error) {
	r := &Relay{
		dir:      o.Dir,
		done:     make(chan struct{}),
		conns:    make(map[*net.TCPConn]bool),
		sessions: make(map[*session]bool),
	}
	r.switches.Store(&switches{})
	defer func() {
		if err != nil {
			r.Close()
			err = fmt.Errorf("relay: %w", err)
		}
	}()
	if r.dir == "" {
		r.tempDir = true
		if r.dir, err = os.MkdirTemp("", "sprint-relay-"); err != nil {
			return nil, err
		}
	} else if err = os.MkdirAll(r.dir, 0o755); err != nil {
		return nil, err
	}
	if r.pki, err = newPKI(time.Now()); err != nil {
		return nil, err
	}
	if err = r.pki.write(r.dir); err != nil {
		return nil, err
	}
	if err = r.useLoginKey(o.LoginKey); err != nil {
		return nil, err
	}
	// Each certificate is as another server: no session ticket of one is good for another.
	r.tls = make(map[leaf]*tls.Config)
	for name, cert := range r.pki.leaves {
		r.tls[leaf(name)] = &tls.Config{
			MinVersion:                  max(o.MinTLS, tls.VersionTLS12),
			DynamicRecordSizingDisabled: true,
			SessionTicketsDisabled:      o.NoTickets,
			Certificates:                []tls.Certificate{*cert},
		}
	}
	r.clientAuth = r.tls[leafGood].Clone()
	r.clientAuth.ClientAuth, r.clientAuth.ClientCAs = tls.RequireAndVerifyClientCert, r.pki.roots
	if err = r.listen(o); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Relay) useLoginKey(key []byte) error {
	if len(key) > 0 {
		r.LoginKey = append([]byte(nil), key...)
		return nil
	}
	r.LoginKey = make([]byte, 32)
	rand.Read(r.LoginKey)
	return writeFile(r.dir, "login.key", r.LoginKey, 0o600)
}

// listen opens the listeners first and starts to serve when all are there, so that
// the address files are complete when the first of them answers.
func (r *Relay) listen(o Options) (err error) {
	if r.listener, err = listenTCP(o.Listen); err != nil {
		return err
	}
	r.address = r.listener.Addr().String()
	if err = writeFile(r.dir, "address", []byte(r.Addr()), 0o644); err != nil {
		return err
	}
	if o.Raw {
		if r.raw, err = listenTCP(""); err != nil {
			return err
		}
		if err = writeFile(r.dir, "raw", []byte(r.RawAddr()), 0o644); err != nil {
			return err
		}
	}
	if o.Control != "" {
		if r.control, err = startControl(r, o.Control); err != nil {
			return err
		}
		if err = writeFile(r.dir, "control", []byte(r.ControlAddr()), 0o644); err != nil {
			return err
		}
	}
	r.accept(r.listener, true, r.serveTLS)
	if r.raw != nil {
		r.accept(r.raw, false, echoRaw)
	}
	return nil
}

// listenAsSwitched opens or closes the TLS address as the switches have it. It stays the same.
func (r *Relay) listenAsSwitched() (err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	closed := r.switches.Load().closed
	switch {
	case r.conns == nil: // after Close
	case closed && r.listener != nil:
		r.listener.Close()
		r.listener = nil
	case !closed && r.listener == nil:
		if r.listener, err = listenTCP(r.address); err == nil {
			r.accept(r.listener, true, r.serveTLS)
		}
	}
	return err
}

func listenTCP(address string) (*net.TCPListener, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return l.(*net.TCPListener), nil
}

// accept runs the accept loop of l; serve gets a goroutine for each connection.
func (r *Relay) accept(l *net.TCPListener, isTLS bool, serve func(*net.TCPConn)) {
	r.wg.Add(1)
	spawn.Go("relay accept", func() {
		defer r.wg.Done()
		for {
			conn, err := l.AcceptTCP()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil { // out of descriptors: let some connections end
				r.pause(10 * time.Millisecond)
				continue
			}
			r.start(conn, isTLS, serve)
		}
	})
}

func (r *Relay) start(conn *net.TCPConn, isTLS bool, serve func(*net.TCPConn)) {
	r.mu.Lock()
	if r.conns == nil {
		r.mu.Unlock()
		conn.Close()
		return
	}
	r.conns[conn] = isTLS
	r.wg.Add(1)
	if isTLS {
		r.stats.accepted.Add(1)
		r.stats.open.Add(1)
	}
	r.mu.Unlock()

	spawn.Go("relay connection", func() {
		defer r.wg.Done()
		defer func() {
			conn.Close()
			r.mu.Lock()
			delete(r.conns, conn)
			r.mu.Unlock()
			if isTLS {
				r.stats.open.Add(-1)
			}
		}()
		serve(conn)
	})
}

// pause waits for d and says whether the relay still runs.
func (r *Relay) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.done:
		return false
	}
}

// Close ends every connection and goroutine, then removes a temporary Dir. It may
// be called more than once.
func (r *Relay) Close() {
	r.closeOnce.Do(func() {
		close(r.done)
		if r.control != nil {
			r.control.close()
		}
		r.mu.Lock()
		for _, l := range []*net.TCPListener{r.listener, r.raw} {
			if l != nil {
				l.Close()
			}
		}
		for conn := range r.conns {
			conn.Close()
		}
		r.conns = nil
		r.mu.Unlock()
	})
	r.wg.Wait()
	if r.tempDir {
		os.RemoveAll(r.dir)
	}
}

// Addr is the host:port of the TLS listener.
func (r *Relay) Addr() string { return r.address }

// RawAddr is the host:port of the plain echo listener, empty without Options.Raw.
func (r *Relay) RawAddr() string {
	if r.raw == nil {
		return ""
	}
	return r.raw.Addr().String()
}

// ControlAddr is the host:port of the control server, empty without Options.Control.
func (r *Relay) ControlAddr() string {
	if r.control == nil {
		return ""
	}
	return r.control.addr()
}

// Dir holds the files that cmd/relay lists.
func (r *Relay) Dir() string { return r.dir }

// CAPEM is the certificate to trust, in PEM.
func (r *Relay) CAPEM() []byte { return append([]byte(nil), r.pki.caPEM...) }

// CAFile is the path of a file that holds CAPEM.
func (r *Relay) CAFile() string { return filepath.Join(r.dir, "ca.pem") }
