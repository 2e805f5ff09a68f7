package relay_test

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/tests/leak"
	"github.com/bitcoin-sprint/libsprint/tests/relay"
)

func TestMain(m *testing.M) { leak.Main(m) }

const patience = 30 * time.Second

func start(t testing.TB, o relay.Options) *relay.Relay {
	t.Helper()
	r, err := relay.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func set(t testing.TB, r *relay.Relay, name, value string) {
	t.Helper()
	if err := r.Set(name, value); err != nil {
		t.Fatal(err)
	}
}

// errFIN is the end of a TCP stream. crypto/tls reports io.EOF for a close_notify and
// for a FIN between two records alike; with this error below it, only for the first.
var errFIN = errors.New("FIN")

type finConn struct{ net.Conn }

func (c finConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if errors.Is(err, io.EOF) {
		err = errFIN
	}
	return n, err
}

type client struct {
	*tls.Conn
	t  testing.TB
	in *bufio.Reader
}

func config(r *relay.Relay) *tls.Config {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(r.CAPEM())
	return &tls.Config{RootCAs: roots, ServerName: "relay.test"}
}

// handshake connects; the caller looks at the error.
func handshake(t testing.TB, r *relay.Relay, c *tls.Config) (*tls.Conn, error) {
	t.Helper()
	tcp, err := net.Dial("tcp", r.Addr())
	if err != nil {
		return nil, err
	}
	tcp.SetDeadline(time.Now().Add(patience))
	conn := tls.Client(finConn{tcp}, c)
	t.Cleanup(func() { conn.Close() })
	return conn, conn.Handshake()
}

func connect(t testing.TB, r *relay.Relay) *client {
	t.Helper()
	conn, err := handshake(t, r, config(r))
	if err != nil {
		t.Fatal(err)
	}
	return &client{Conn: conn, t: t, in: bufio.NewReader(conn)}
}

func (c *client) say(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		c.t.Fatalf("write %.40q: %v", line, err)
	}
}

func (c *client) hear() string {
	c.t.Helper()
	line, err := c.in.ReadString('\n')
	if err != nil {
		c.t.Fatalf("read: %v after %.40q", err, line)
	}
	return strings.TrimSuffix(line, "\n")
}

func (c *client) ask(line string) string {
	c.t.Helper()
	c.say(line)
	return c.hear()
}

func (c *client) expect(line, want string) {
	c.t.Helper()
	if got := c.ask(line); got != want {
		c.t.Fatalf("%.40q was answered with %.60q, not %.60q", line, got, want)
	}
}

// expectEnd reads to the end and wants it to come after n bytes with err.
func (c *client) expectEnd(n int, err error) {
	c.t.Helper()
	rest, got := io.ReadAll(c.in)
	if len(rest) != n || !errors.Is(got, err) && (got != nil || !errors.Is(err, io.EOF)) {
		c.t.Fatalf("the end came after %d bytes with %v, not after %d with %v", len(rest), got, n, err)
	}
}

func (c *client) nonce() []byte {
	c.t.Helper()
	answer := c.ask("NONCE")
	text, ok := strings.CutPrefix(answer, "NONCE ")
	nonce, err := hex.DecodeString(text)
	if !ok || err != nil || len(nonce) != 32 {
		c.t.Fatalf("NONCE was answered with %q", answer)
	}
	return nonce
}

func loginLine(key, nonce []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(nonce)
	return "LOGIN " + hex.EncodeToString(mac.Sum(nil))
}

func (c *client) login(r *relay.Relay) {
	c.t.Helper()
	c.expect(loginLine(r.LoginKey, c.nonce()), "OK")
}

// eventually polls cond, which another goroutine or the kernel makes true.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}
