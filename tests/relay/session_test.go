package relay_test

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
	"github.com/bitcoin-sprint/libsprint/tests/relay"
)

func TestPingIsRefusedBeforeLogin(t *testing.T) {
	c := connect(t, start(t, relay.Options{}))
	c.expect("PING", "ERR login first")
	c.expect("PING text", "ERR login first")
}

func TestLoginNeedsTheKeyAndTheNonceOfItsConnection(t *testing.T) {
	r := start(t, relay.Options{LoginKey: []byte("demo key")})
	c, other := connect(t, r), connect(t, r)
	nonce, foreign := c.nonce(), other.nonce()
	if bytes.Equal(nonce, foreign) {
		t.Fatal("two connections got the same nonce")
	}
	if again := c.nonce(); !bytes.Equal(nonce, again) {
		t.Fatal("the nonce changed within a connection")
	}
	for name, line := range map[string]string{
		"another key":   loginLine([]byte("another key"), nonce),
		"foreign nonce": loginLine(r.LoginKey, foreign),
		"no argument":   "LOGIN",
		"no hex":        "LOGIN " + strings.Repeat("zz", 32),
		"cut short":     loginLine(r.LoginKey, nonce)[:len("LOGIN ")+62],
	} {
		if got := c.ask(line); got != "ERR bad mac" {
			t.Errorf("%s: %q", name, got)
		}
		c.expect("PING", "ERR login first")
	}
	c.expect(loginLine(r.LoginKey, nonce), "OK")
	c.expect("PING", "PONG")
	other.expect("PING", "ERR login first")
}

func TestPingCarriesTextUpToTheLimit(t *testing.T) {
	r := start(t, relay.Options{})
	c := connect(t, r)
	c.login(r)
	c.expect("PING", "PONG")
	c.expect("PING two words", "PONG two words")
	longest := strings.Repeat("x", relay.MaxText)
	c.expect("PING "+longest, "PONG "+longest)
	c.expect("PING "+longest+"x", "ERR line too long")
	c.expectEnd(0, io.EOF)
}

func TestPipelinedCommandsAreAnsweredInOrder(t *testing.T) {
	r := start(t, relay.Options{})
	c := connect(t, r)
	c.login(r)
	c.say("PING 1\nPING 2\nPING 3")
	for _, want := range []string{"PONG 1", "PONG 2", "PONG 3"} {
		if got := c.hear(); got != want {
			t.Fatalf("%q, not %q", got, want)
		}
	}
}

func TestUnknownCommandsAreAnsweredAndDoNoHarm(t *testing.T) {
	r := start(t, relay.Options{})
	c := connect(t, r)
	for _, line := range []string{"", "HELLO", "ping", "PINGS", " PING", "NONCES"} {
		c.expect(line, "ERR unknown command")
	}
	c.expect("ECHO", "ERR unknown command") // only as the first line
	c.login(r)
}

func TestQuitEndsWithCloseNotify(t *testing.T) {
	c := connect(t, start(t, relay.Options{}))
	c.expect("QUIT", "BYE")
	c.expectEnd(0, io.EOF)
}

func TestEchoReturnsEveryByte(t *testing.T) {
	c := connect(t, start(t, relay.Options{}))
	sent := make([]byte, 1<<20)
	rand.Read(sent)
	failed := make(chan error, 1)
	spawn.Go("echo writer", func() {
		_, err := io.Copy(c, io.MultiReader(strings.NewReader("ECHO\n"), bytes.NewReader(sent)))
		failed <- err
	})
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(c.in, got); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, sent) {
		t.Fatal("the echo differs")
	}
	c.CloseWrite()
	c.expectEnd(0, io.EOF)
}

func TestTheRawListenerEchoesWithoutTLS(t *testing.T) {
	r := start(t, relay.Options{Raw: true})
	c, err := net.Dial("tcp", r.RawAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	io.WriteString(c, "plain")
	got := make([]byte, 5)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "plain" {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestStatsCountWhatHappened(t *testing.T) {
	r := start(t, relay.Options{})
	c := connect(t, r)
	c.login(r)
	c.expect("PING", "PONG")
	if _, err := handshake(t, r, &tls.Config{RootCAs: config(r).RootCAs, ServerName: "other.test"}); err == nil {
		t.Fatal("a wrong name was accepted")
	}
	nonce, login := len("NONCE \n")+64, len("LOGIN \n")+64
	want := relay.Stats{
		Accepted: 2, Open: 1, Handshakes: 1, HandshakeErrors: 1, Logins: 1, Pings: 1,
		BytesIn:  int64(len("NONCE\n") + login + len("PING\n")),
		BytesOut: int64(nonce + len("OK\n") + len("PONG\n")),
	}
	eventually(t, "the expected counts", func() bool { return r.Stats() == want })
	c.Close()
	eventually(t, "no open connection", func() bool { return r.Stats().Open == 0 })
}

// roundTrip is one echo of buf without an allocation of the client's own.
func roundTrip(tb testing.TB, c io.ReadWriter, buf []byte) {
	if _, err := c.Write(buf); err != nil {
		tb.Fatal(err)
	}
	if _, err := io.ReadFull(c, buf); err != nil {
		tb.Fatal(err)
	}
}

func TestEchoAllocatesNothingOfItsOwnPerMessage(t *testing.T) {
	c := connect(t, start(t, relay.Options{}))
	c.say("ECHO")
	buf := make([]byte, 64)
	roundTrip(t, c, buf)
	// crypto/tls makes one small reader per record it reads: one here, one in the relay.
	n := testing.AllocsPerRun(1000, func() { roundTrip(t, c, buf) })
	if n > 2 && !raceEnabled {
		t.Fatalf("%v allocations per message, client and relay together", n)
	}
}

func BenchmarkEcho(b *testing.B) {
	r := start(b, relay.Options{Raw: true})
	buf := make([]byte, 64)
	b.Run("tls", func(b *testing.B) {
		c := connect(b, r)
		c.SetDeadline(time.Time{})
		c.say("ECHO")
		b.ReportAllocs()
		for b.Loop() {
			roundTrip(b, c, buf)
		}
	})
	b.Run("raw", func(b *testing.B) {
		c, err := net.Dial("tcp", r.RawAddr())
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		b.ReportAllocs()
		for b.Loop() {
			roundTrip(b, c, buf)
		}
	})
}
