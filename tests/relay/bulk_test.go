package relay_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"strconv"
	"testing"

	"github.com/bitcoin-sprint/libsprint/tests/relay"
)

func TestTakeAnswersWhenAllHasCome(t *testing.T) {
	c := connect(t, start(t, relay.Options{}))
	for _, n := range []int{1, 4096, 1 << 20} {
		c.say("TAKE " + strconv.Itoa(n))
		if _, err := c.Write(bytes.Repeat([]byte("\n"), n)); err != nil {
			t.Fatal(err)
		}
		if got, want := c.hear(), "TOOK "+strconv.Itoa(n); got != want {
			t.Fatalf("%q, not %q", got, want)
		}
	}
	c.expect("QUIT", "BYE")
}

func TestGiveSendsExactlyWhatWasAskedFor(t *testing.T) {
	c := connect(t, start(t, relay.Options{}))
	for _, n := range []int64{1, 100_000, 1 << 20} {
		c.say("GIVE " + strconv.FormatInt(n, 10))
		if _, err := io.CopyN(io.Discard, c.in, n); err != nil {
			t.Fatal(err)
		}
	}
	c.expect("QUIT", "BYE")
}

func TestBulkSizesAreChecked(t *testing.T) {
	c := connect(t, start(t, relay.Options{}))
	for _, size := range []string{"", " 0", " -1", " many", " " + strconv.Itoa(relay.MaxBulk+1)} {
		c.expect("TAKE"+size, "ERR bad size")
		c.expect("GIVE"+size, "ERR bad size")
	}
}

func TestWithoutTicketsNoSessionIsResumed(t *testing.T) {
	for _, none := range []bool{false, true} {
		r := start(t, relay.Options{NoTickets: none})
		o := config(r)
		o.ClientSessionCache = tls.NewLRUClientSessionCache(0)
		for i, want := range []bool{false, !none} {
			conn, err := handshake(t, r, o)
			if err != nil {
				t.Fatal(err)
			}
			if got := conn.ConnectionState().DidResume; got != want {
				t.Errorf("no tickets %v, connection %d: resumed %v", none, i, got)
			}
			io.WriteString(conn, "QUIT\n")
			io.Copy(io.Discard, conn) // the tickets come with the answer
		}
	}
}
