package pool_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/tests/relay"
)

var (
	v4 = netip.MustParseAddr("127.0.0.1")
	v6 = netip.MustParseAddr("::1")
)

func startRelayAt(t testing.TB, at netip.Addr) *relay.Relay {
	t.Helper()
	r, err := relay.Start(relay.Options{Listen: netip.AddrPortFrom(at, 0).String()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func TestAPoolWorksOverEachLoopback(t *testing.T) {
	for _, at := range relay.Loopbacks(t.Logf) {
		t.Run(at.String(), func(t *testing.T) {
			r := startRelayAt(t, at)
			p := newPool(t, r, nil)
			c := acquire(t, p)
			startEcho(t, c)
			echo(t, c, "hello")
			info, err := c.Info()
			if err != nil || c.Endpoint() != r.Addr() || info.Endpoint != r.Addr() {
				t.Errorf("a connection to %q and %q, not %q: %v", c.Endpoint(), info.Endpoint, r.Addr(), err)
			}
			text, err := json.Marshal(p.Status())
			if quoted := strconv.Quote(r.Addr()); err != nil || strings.Count(string(text), quoted) != 3 {
				t.Errorf("%s is not the pool's, its endpoint's and its connection's in %s: %v", quoted, text, err)
			}
			c.Release()

			if err := p.EvictEndpoint(r.Addr()); err != nil {
				t.Fatal(err)
			}
			again := acquire(t, p)
			defer again.Release()
			if info, err := again.Info(); err != nil || again.ID() == c.ID() || !info.Resumed {
				t.Errorf("connection %d after %d: %+v, %v", again.ID(), c.ID(), info, err)
			}
		})
	}
}

func TestWhatFailsOverEachLoopbackIsNamed(t *testing.T) {
	for _, at := range relay.Loopbacks(t.Logf) {
		t.Run(at.String(), func(t *testing.T) {
			r := startRelayAt(t, at)
			if err := r.Set("cert", "wrongname"); err != nil {
				t.Fatal(err)
			}
			p := newPool(t, r, nil)
			_, err := p.AcquireWithin(patience)
			wantKind(t, err, pool.ErrCert, r.Addr(), "for "+at.String())

			o := pool.Defaults()
			o.BreakerThreshold = 1
			refusing, err := refuse(t, netip.AddrPortFrom(at, 0))
			if err != nil {
				t.Fatal(err)
			}
			p, err = pool.New(refusing.String(), o)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close(0)
			_, err = p.AcquireWithin(patience)
			wantKind(t, err, pool.ErrBreakerOpen, refusing.String(), "refused")
		})
	}
}

// One address has several spellings in IPv6, and a zone, which says by which interface it
// is reached and is nothing that a certificate could hold.
func TestAnAddressIsTheSameInEverySpelling(t *testing.T) {
	here := relay.Loopbacks(t.Logf)
	at := here[len(here)-1]
	r := startRelayAt(t, at)
	port := r.Addr()[strings.LastIndex(r.Addr(), ":"):]
	spellings := []string{r.Addr()}
	if at == v6 {
		spellings = append(spellings, "[0:0:0:0:0:0:0:1]"+port, "[::1%lo]"+port)
	}
	for _, spelling := range spellings {
		o := pool.Defaults()
		o.CAPEM = r.CAPEM()
		p, err := pool.New(spelling, o)
		if err != nil {
			t.Fatal(err)
		}
		c := acquire(t, p)
		startEcho(t, c)
		echo(t, c, "hello")
		c.Release()
		if err := p.EvictEndpoint(spelling); err != nil {
			t.Error(err)
		}
		if s := p.Status(); s.Active != 0 || s.Endpoint != spelling {
			t.Errorf("%q: %d open after it was evicted as %q", s.Endpoint, s.Active, spelling)
		}
		p.Close(0)
	}
}

// A name with an address of each family serves as long as one of them does, and the
// refusal of the other is no failure.
func TestANameWithAnAddressOfEachFamilyServesByEither(t *testing.T) {
	for _, at := range relay.Loopbacks(t.Logf) {
		t.Run(at.String(), func(t *testing.T) {
			resolveAs(t, "relay.test", v4, v6)
			other := map[netip.Addr]netip.Addr{v4: v6, v6: v4}[at]
			r := startRelayAt(t, at)
			for {
				here := netip.MustParseAddrPort(r.Addr())
				if _, err := refuse(t, netip.AddrPortFrom(other, here.Port())); err != unix.EADDRINUSE {
					break // it refuses, or there is no such address
				}
				r = startRelayAt(t, at)
			}
			port := r.Addr()[strings.LastIndex(r.Addr(), ":"):]
			o := pool.Defaults()
			o.CAPEM = r.CAPEM()
			p, err := pool.New("relay.test"+port, o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { p.Close(0) })
			c := acquire(t, p)
			startEcho(t, c)
			echo(t, c, "hello")
			c.Release()
			if s := p.Status(); s.Dials != 1 || s.DialErrors != 0 || s.Errors != 0 {
				t.Errorf("%d dials, %d failed, %d errors", s.Dials, s.DialErrors, s.Errors)
			}
		})
	}
}

// refuse takes a port, and so has it refuse: nobody listens there.
func refuse(t testing.TB, at netip.AddrPort) (netip.AddrPort, error) {
	t.Helper()
	family, address := unix.AF_INET, unix.Sockaddr(&unix.SockaddrInet4{Addr: v4.As4(), Port: int(at.Port())})
	if at.Addr() == v6 {
		family, address = unix.AF_INET6, &unix.SockaddrInet6{Addr: v6.As16(), Port: int(at.Port())}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return at, err
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, address); err != nil {
		return at, err
	}
	address, err = unix.Getsockname(fd)
	switch bound := address.(type) {
	case *unix.SockaddrInet4:
		at = netip.AddrPortFrom(v4, uint16(bound.Port))
	case *unix.SockaddrInet6:
		at = netip.AddrPortFrom(v6, uint16(bound.Port))
	}
	return at, err
}

// resolveAs has one name resolve to these addresses, and no other to any, by a server in
// this process that the resolver reaches through a pipe.
func resolveAs(t testing.TB, name string, addrs ...netip.Addr) {
	before := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = before })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go answerQueries(theirs, name, addrs)
		return ours, nil
	}}
}

// answerQueries speaks DNS as over TCP (RFC 1035, sections 4.1 and 4.2.2).
func answerQueries(c net.Conn, name string, addrs []netip.Addr) {
	defer c.Close()
	const head, typeA, typeAAAA = 12, 1, 28
	for {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, query); err != nil || len(query) < head {
			return
		}
		asked, end := "", head
		for query[end] != 0 {
			label := query[end+1 : end+1+int(query[end])]
			asked += string(label) + "."
			end += 1 + len(label)
		}
		kind := binary.BigEndian.Uint16(query[end+1:])
		end += 5 // the root, type and class

		var answers []byte
		count := 0
		for _, a := range addrs {
			if asked == name+"." && (kind == typeA && a.Is4() || kind == typeAAAA && a.Is6()) {
				count++
				answers = append(answers, 0xc0, head, 0, byte(kind), 0, 1, 0, 0, 0, 60, 0, byte(a.BitLen()/8))
				answers = append(answers, a.AsSlice()...)
			}
		}
		code := byte(0)
		if asked != name+"." {
			code = 3 // no such name
		}
		reply := append([]byte{query[0], query[1], 0x81, 0x80 | code, 0, 1, 0, byte(count), 0, 0, 0, 0}, query[head:end]...)
		reply = append(reply, answers...)
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
			return
		}
	}
}
