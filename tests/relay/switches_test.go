package relay_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/tests/relay"
)

func TestAConnectionEndsAfterExactlyTheAskedBytes(t *testing.T) {
	for _, test := range []struct {
		name string
		end  error
	}{
		{"close_after", io.EOF},
		{"truncate_after", errFIN},
		{"reset_after", syscall.ECONNRESET},
	} {
		for _, n := range []int{1, 1000, 100_000} {
			t.Run(test.name+"="+strconv.Itoa(n), func(t *testing.T) {
				r := start(t, relay.Options{})
				c := connect(t, r)
				c.say("ECHO")
				set(t, r, test.name, strconv.Itoa(n))
				// A message at a time, so that no byte is on its way when RST comes.
				message, left := make([]byte, 16<<10), n
				for ; left > len(message); left -= len(message) {
					roundTrip(t, c, message)
				}
				if _, err := c.Write(message[:left]); err != nil {
					t.Fatal(err)
				}
				c.expectEnd(left, test.end)
				eventually(t, "the relay lets go of it", func() bool { c.Close(); return r.Stats().Open == 0 })
			})
		}
	}
}

func TestAnEndingIsCleanThoughThePeerSaysMore(t *testing.T) {
	for name, end := range map[string]error{"close_after": io.EOF, "truncate_after": errFIN} {
		r := start(t, relay.Options{})
		c := connect(t, r)
		c.say("ECHO")
		set(t, r, name, "3")
		if _, err := c.Write(make([]byte, 64<<10)); err != nil {
			t.Fatal(err)
		}
		c.expectEnd(3, end)
	}
}

func TestTheLastOfTheThreeEndingsCounts(t *testing.T) {
	r := start(t, relay.Options{})
	set(t, r, "reset_after", "1")
	set(t, r, "truncate_after", "3")
	c := connect(t, r)
	c.say("PING")
	c.expectEnd(3, errFIN)

	set(t, r, "truncate_after", "0")
	c = connect(t, r)
	c.expect("PING", "ERR login first")
}

func TestAnEndingHoldsForConnectionsThatSentMoreAlready(t *testing.T) {
	r := start(t, relay.Options{})
	c := connect(t, r)
	c.expect("PING", "ERR login first")
	set(t, r, "close_after", "1")
	c.say("PING")
	c.expectEnd(0, io.EOF)
}

func TestDelayHoldsBackEachReply(t *testing.T) {
	r := start(t, relay.Options{})
	c := connect(t, r)
	set(t, r, "delay_ms", "30")
	for range 3 {
		begin := time.Now()
		c.expect("PING", "ERR login first")
		if d := time.Since(begin); d < 30*time.Millisecond {
			t.Fatalf("answered after %v", d)
		}
	}
}

func TestRefuseResetsTheConnection(t *testing.T) {
	r := start(t, relay.Options{})
	set(t, r, "refuse", "1")
	if _, err := handshake(t, r, config(r)); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		t.Fatal(err)
	}
	r.Reset()
	connect(t, r)
}

func TestStallHandshakeNeverAnswers(t *testing.T) {
	r := start(t, relay.Options{})
	set(t, r, "stall_handshake", "1")
	tcp, err := net.Dial("tcp", r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	io.WriteString(tcp, "the relay reads this and stays silent")
	tcp.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := tcp.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d bytes, %v", n, err)
	}
	eventually(t, "the connection counts as open", func() bool { return r.Stats().Open == 1 })
	tcp.Close()
	eventually(t, "the connection is let go", func() bool { return r.Stats().Open == 0 })
}

func TestUnsolicitedBytesComeBeforeAnyQuestion(t *testing.T) {
	r := start(t, relay.Options{})
	set(t, r, "unsolicited", "1")
	c := connect(t, r)
	if got := c.hear(); got != "UNSOLICITED" {
		t.Fatalf("%q", got)
	}
	c.login(r)
}

func TestDropIdleEndsWhatIsOpenAndNothingElse(t *testing.T) {
	r := start(t, relay.Options{})
	one, two := connect(t, r), connect(t, r)
	one.login(r)
	two.say("ECHO")
	two.expect("hello", "hello")
	set(t, r, "drop_idle", "1")
	one.expectEnd(0, errFIN)
	two.expectEnd(0, errFIN)
	eventually(t, "both are closed", func() bool { return r.Stats().Open == 0 })
	c := connect(t, r)
	c.login(r)
}

func TestHalfCloseEndsTheReplyAndGoesOnReading(t *testing.T) {
	r := start(t, relay.Options{})
	c := connect(t, r)
	c.expect("PING", "ERR login first")
	set(t, r, "half_close", "1")
	c.expectEnd(0, errFIN)
	before := r.Stats().BytesIn
	c.say("PING")
	eventually(t, "the relay has read on", func() bool { return r.Stats().BytesIn > before })
}

func TestNotifySaysGoodbyeWithoutFIN(t *testing.T) {
	r := start(t, relay.Options{})
	c := connect(t, r)
	c.expect("PING", "ERR login first")
	set(t, r, "notify", "1")
	c.expectEnd(0, io.EOF)
	if s := r.Stats(); s.Open != 1 {
		t.Fatalf("%+v", s)
	}
}

func TestSpeakSendsOnWhatIsOpenAndNothingElse(t *testing.T) {
	r := start(t, relay.Options{})
	one := connect(t, r)
	one.login(r)
	set(t, r, "speak", "1")
	if got := one.hear(); got != "UNSOLICITED" {
		t.Fatalf("%q", got)
	}
	connect(t, r).login(r)
}

func TestAConnectionThatMetTheBlackHoleStaysSilent(t *testing.T) {
	r := start(t, relay.Options{})
	met, idle := connect(t, r), connect(t, r)
	for _, c := range []*client{met, idle} {
		c.expect("PING", "ERR login first")
	}
	set(t, r, "black_hole", "1")
	met.say("PING")
	eventually(t, "the question is lost", func() bool { return r.Stats().BytesLost > 0 })
	tcp, err := net.Dial("tcp", r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	silent := func(c net.Conn) {
		t.Helper()
		c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%d bytes, %v", n, err)
		}
	}
	silent(met.NetConn())
	silent(tcp)
	set(t, r, "black_hole", "0")
	met.say("PING")
	silent(met.NetConn())
	idle.expect("PING", "ERR login first")
	met.Close()
	eventually(t, "it is let go", func() bool { return r.Stats().Open == 2 })
}

func TestADripIsEightBytesAtATime(t *testing.T) {
	r := start(t, relay.Options{})
	c := connect(t, r)
	c.expect("PING", "ERR login first")
	set(t, r, "drip_ms", "20")
	begin := time.Now()
	c.expect("PING", "ERR login first") // 16 bytes, and 22 of TLS around them
	if d := time.Since(begin); d < 5*20*time.Millisecond {
		t.Fatalf("answered after %v", d)
	}
}

func TestAClosedListenerRefusesAndOpensWhereItWas(t *testing.T) {
	r := start(t, relay.Options{})
	c := connect(t, r)
	set(t, r, "closed", "1")
	if _, err := net.Dial("tcp", r.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatal(err)
	}
	c.login(r)
	set(t, r, "closed", "0")
	connect(t, r).login(r)
}

func TestResetTurnsEverySwitchOff(t *testing.T) {
	r := start(t, relay.Options{})
	for name, value := range map[string]string{
		"close_after": "1", "delay_ms": "60000", "refuse": "1", "stall_handshake": "1",
		"unsolicited": "1", "cert": "expired", "black_hole": "1", "drip_ms": "60000", "closed": "1",
	} {
		set(t, r, name, value)
	}
	if err := r.Reset(); err != nil {
		t.Fatal(err)
	}
	c := connect(t, r)
	c.login(r)
}

func TestAWrongSwitchIsNamedAndChangesNothing(t *testing.T) {
	r := start(t, relay.Options{})
	for _, bad := range [][2]string{
		{"close_after", "-1"},
		{"close_after", ""},
		{"delay_ms", "99999999999"},
		{"refuse", "yes"},
		{"drop_idle", "2"},
		{"cert", "best"},
		{"explode", "1"},
	} {
		if err := r.Set(bad[0], bad[1]); err == nil {
			t.Errorf("%s=%s was accepted", bad[0], bad[1])
		}
	}
	c := connect(t, r)
	c.login(r)
}
