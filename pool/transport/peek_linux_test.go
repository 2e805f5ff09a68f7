package transport

import (
	"net"
	"testing"
	"time"
)

// What the peer did, and what a look at the socket finds once that has arrived.
func TestALookTellsSilenceBytesAndEndsApart(t *testing.T) {
	reset := func(t *testing.T, peer *net.TCPConn) {
		if err := peer.SetLinger(0); err != nil {
			t.Fatal(err)
		}
		peer.Close()
	}
	write := func(t *testing.T, peer *net.TCPConn) {
		if _, err := peer.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		does func(*testing.T, *net.TCPConn)
		want Quiet
	}{
		"nothing":    {func(*testing.T, *net.TCPConn) {}, Silent},
		"bytes":      {write, Pending},
		"FIN":        {func(t *testing.T, peer *net.TCPConn) { peer.CloseWrite() }, Gone},
		"bytes, FIN": {func(t *testing.T, peer *net.TCPConn) { write(t, peer); peer.CloseWrite() }, Pending},
		"RST":        {reset, Gone},
		"bytes, RST": {func(t *testing.T, peer *net.TCPConn) { write(t, peer); reset(t, peer) }, Pending},
	} {
		for _, detach := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				conn, peer := pair(t)
				own := New(conn)
				if detach {
					if err := own.Detach(); err != nil {
						t.Fatal(err)
					}
				}
				defer own.Close()
				if got := own.Peek(); got != Silent {
					t.Fatalf("before: %v", got)
				}
				c.does(t, peer)
				for until := time.Now().Add(5 * time.Second); own.Peek() != c.want && time.Now().Before(until); {
					time.Sleep(100 * time.Microsecond)
				}
				for range 3 { // looking changes nothing
					if got := own.Peek(); got != c.want {
						t.Fatalf("%v, want %v", got, c.want)
					}
				}
			})
		}
	}
	if got := peek(1 << 20); got != Gone {
		t.Errorf("a descriptor that is not open: %v", got)
	}
}

func pair(t testing.TB) (conn net.Conn, peer *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); accepted.Close() })
	return conn, accepted.(*net.TCPConn)
}

func BenchmarkALookAtASilentSocket(b *testing.B) {
	conn, _ := pair(b)
	own := New(conn)
	if err := own.Detach(); err != nil {
		b.Fatal(err)
	}
	defer own.Close()
	for b.Loop() {
		own.Peek()
	}
}
