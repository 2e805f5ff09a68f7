package pool_test

import (
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// unjudged connections rest however long they were held.
func unjudged(o *pool.Options) {
	quiet(o)
	o.MaxLatency = 0
}

// A lease whose request was sent again goes on in its seat with a fresh connection.
func TestALeaseThatWasSentAgainRestsAsAnyOther(t *testing.T) {
	shelved(t, unjudged, func(t *testing.T, h *host, n *network) {
		h.end(h.lease(t), true)
		n.serve()
		pass(time.Minute)
		c := h.lease(t)
		old := c.ID()
		pass(time.Second)
		h.p.ConnectWith(n.answerAll)
		if got, err := request(&c.Conn, "die", time.Second, pool.Idempotent); err != nil || got != "die\n" {
			t.Fatalf("%q, %v", got, err)
		}
		h.seats[c.slot].Put(c.Conn)
		info, err := c.Info()
		if err != nil || c.ID() == old || c.Uses() != 0 || info.Written != 4 || info.Read != 4 {
			t.Fatalf("%+v, %v", info, err)
		}
		within(t, "held", time.Duration(1e9*h.p.Status().Endpoints[0].Hold.Sum), time.Second, 1010*time.Millisecond)
		pass(2 * time.Second)
		h.end(c, true)
		h.wantResting(t, 1)
		if d := h.lease(t); d.ID() != c.ID() || d.Uses() != 1 {
			t.Errorf("connection %d after %d uses", d.ID(), d.Uses())
		}
		hold := h.p.Status().Endpoints[0].Hold
		within(t, "held", time.Duration(1e9*hold.Sum), 3*time.Second, 3010*time.Millisecond)
		if hold.Count() != 3 {
			t.Errorf("%d leases have ended", hold.Count())
		}
	})
}

func TestTheSlotsOfWhatWasTakenInAreTheEmbeddersAgain(t *testing.T) {
	shelved(t, nil, func(t *testing.T, h *host, n *network) {
		a, b, c := h.lease(t), h.lease(t), h.lease(t)
		for _, rest := range [][]held{{a}, {b, c}} {
			for _, lease := range rest {
				h.end(lease, true)
			}
			h.wantResting(t, len(rest))
			_ = h.p.Status() // takes them in
			h.wantResting(t, 0)
		}
		h.recycle(h.slot())
		if len(h.free) != len(h.seats) {
			t.Errorf("%d slots of %d are free", len(h.free), len(h.seats))
		}
		for i := range h.seats {
			if !h.seats[i].Empty() {
				t.Errorf("seat %d keeps its connection", i)
			}
		}
	})
}

func TestALeaseBeginsWithNothingOfTheOneBefore(t *testing.T) {
	shelved(t, nil, func(t *testing.T, h *host, n *network) {
		c := h.lease(t)
		rest := &h.rests[c.slot]
		rest.Wrote.Store(1)
		rest.Read.Store(2)
		rest.Asked.Store(3)
		rest.Uses.Store(4)
		h.end(c, false)
		h.free = []uint32{uint32(c.slot)}
		d := h.lease(t)
		if wrote, read, asked := rest.Wrote.Load(), rest.Read.Load(), rest.Asked.Load(); wrote+read > 0 || asked != 0 || d.Uses() != 0 {
			t.Errorf("after %d uses %d written, %d read, asked at %d", d.Uses(), wrote, read, asked)
		}
	})
}

func TestALeaseGoesHomeToBeJudged(t *testing.T) {
	shelved(t, quiet, func(t *testing.T, h *host, n *network) {
		c := h.lease(t)
		h.end(c, true)
		h.wantResting(t, 1)
		c = h.lease(t)
		pass(time.Second)
		h.end(c, true)
		h.wantResting(t, 0)
		c = h.lease(t)
		pass(900 * time.Millisecond)
		h.end(c, true)
		h.wantResting(t, 1)
	})
}

func TestWhatTheEmbedderNotedStaysWithTheConnection(t *testing.T) {
	shelved(t, nil, func(t *testing.T, h *host, n *network) {
		c := h.lease(t)
		h.rests[c.slot].Note.Store(7)
		h.end(c, true)
		_ = h.p.Status() // takes it in
		if got := h.lease(t).Note().Load(); got != 7 {
			t.Errorf("the note is %d", got)
		}
	})
}

func TestWhatTookPlaceFromTheShelfIsTakenIn(t *testing.T) {
	shelved(t, unjudged, func(t *testing.T, h *host, n *network) {
		h.end(h.lease(t), true)
		pass(10 * time.Second)
		c := h.lease(t)
		pass(time.Second)
		h.end(c, true)
		h.wantResting(t, 1)
		s := h.p.Status()
		within(t, "held", time.Duration(1e9*s.Endpoints[0].Hold.Sum), time.Second, time.Second)
		if uses := s.Connections[0].Uses; uses != 2 {
			t.Errorf("%d uses", uses)
		}
	})
}

func TestALeaseThatFailedGoesHome(t *testing.T) {
	for name, fails := range map[string]func(held) error{
		"write": func(c held) error { _, err := c.Write([]byte("?")); return err },
		"read":  func(c held) error { _, err := c.Read(make([]byte, 1)); return err },
	} {
		t.Run(name, func(t *testing.T) {
			shelved(t, nil, func(t *testing.T, h *host, n *network) {
				c := h.lease(t)
				n.kill()
				if err := fails(c); err == nil {
					t.Error("it did not fail")
				}
				h.end(c, true)
				h.wantResting(t, 0)
			})
		})
	}
}

func TestWhatWentThroughIsOfTheLeaseFromTheShelf(t *testing.T) {
	shelved(t, nil, func(t *testing.T, h *host, n *network) {
		h.p.ConnectWith(n.answerAll)
		c := h.lease(t)
		if got, err := request(&c.Conn, "more", time.Second, 0); err != nil || got != "more\n" {
			t.Fatalf("%q, %v", got, err)
		}
		h.end(c, true)
		h.wantResting(t, 1)
		if info, err := h.lease(t).Info(); err != nil || info.Written+info.Read != 0 {
			t.Errorf("%+v, %v", info, err)
		}
	})
}

func TestALeaseThatIsToBeReplacedGoesHome(t *testing.T) {
	shelved(t, unjudged, func(t *testing.T, h *host, n *network) {
		startCleanup(t, h.p)
		h.end(h.lease(t), true)
		n.set("a:1", errDown)
		if err := h.p.Rotate(); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		c := h.lease(t)
		if c.ID() != 1 {
			t.Fatalf("connection %d, and none could be opened", c.ID())
		}
		h.end(c, true)
		h.wantResting(t, 0)
	})
}
