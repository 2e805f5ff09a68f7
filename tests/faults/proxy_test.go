package faults

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
)

// proxy passes bytes between whoever connects to addr and upstream, as badly as it is told.
// toxiproxy would be the library for that; the newest that can be had, 2.5.0, panics when
// one toxic follows another that ended a connection.
type proxy struct {
	addr     string
	upstream string

	mu       sync.Mutex
	listener net.Listener // nil while down
	conns    map[*net.TCPConn]bool
	weather  weather
	all      sync.WaitGroup
}

// weather is how bytes from upstream fare. The zero value is fair.
type weather struct {
	hole  bool          // nothing passes, in neither direction, and nobody is told
	reset bool          // the first byte is answered with RST
	piece int           // pass so many bytes at a time; 0 is all
	delay time.Duration // before each piece
}

func startProxy(t *testing.T, upstream string) *proxy {
	t.Helper()
	p := &proxy{addr: "127.0.0.1:0", upstream: upstream, conns: map[*net.TCPConn]bool{}}
	if err := p.up(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.set(weather{})
		p.down()
		p.all.Wait()
	})
	return p
}

// up opens the port; it stays the same.
func (p *proxy) up() error {
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listener, p.addr = l, l.Addr().String()
	p.all.Add(1)
	spawn.Go("proxy", func() {
		defer p.all.Done()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.connect(c.(*net.TCPConn))
		}
	})
	return nil
}

// down closes the port and everything that is open.
func (p *proxy) down() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		p.listener.Close()
		p.listener = nil
	}
	for c := range p.conns {
		c.Close()
	}
	clear(p.conns)
}

func (p *proxy) set(w weather) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.weather = w
}

func (p *proxy) now() weather {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.weather
}

func (p *proxy) connect(client *net.TCPConn) {
	c, err := net.Dial("tcp", p.upstream)
	if err != nil {
		client.Close()
		return
	}
	server := c.(*net.TCPConn)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener == nil {
		client.Close()
		server.Close()
		return
	}
	p.conns[client], p.conns[server] = true, true
	var both sync.WaitGroup
	for _, way := range [][2]*net.TCPConn{{client, server}, {server, client}} {
		both.Add(1)
		p.all.Add(1)
		spawn.Go("proxy link", func() {
			defer p.all.Done()
			defer both.Done()
			p.pass(way[0], way[1], way[0] == server)
		})
	}
	p.all.Add(1)
	spawn.Go("proxy end", func() {
		defer p.all.Done()
		both.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, c := range []*net.TCPConn{client, server} {
			c.Close()
			delete(p.conns, c)
		}
	})
}

// pass copies until from ends, and passes its end on as it was: FIN as FIN, RST as RST.
func (p *proxy) pass(from, to *net.TCPConn, answers bool) {
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		w := p.now()
		if w.reset && answers {
			to.SetLinger(0)
			to.Close()
			from.Close()
			return
		}
		for rest := buf[:n]; len(rest) > 0 && !w.hole; w = p.now() {
			piece := len(rest)
			if answers && w.piece > 0 {
				piece = min(piece, w.piece)
				time.Sleep(w.delay) // the line is as slow as that
			}
			if _, err := to.Write(rest[:piece]); err != nil {
				from.Close()
				return
			}
			rest = rest[piece:]
		}
		for err != nil && p.now().hole { // not even the end comes through, for now
			time.Sleep(10 * time.Millisecond)
		}
		switch {
		case err == nil:
		case isEOF(err):
			to.CloseWrite()
			return
		default:
			to.SetLinger(0)
			to.Close()
			return
		}
	}
}
