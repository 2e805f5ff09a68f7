// Package faults puts every fault on a pool that works, takes it away, and wants the pool
// to be whole five quiet seconds later. Bytes on their way are the business of the proxy;
// what a TLS server does is that of the relay's switches.
package faults

import (
	"cmp"
	"errors"
	"flag"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/tests/leak"
	"github.com/bitcoin-sprint/libsprint/tests/relay"
)

func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", "64") // faults mostly wait
	leak.Main(m)
}

const (
	wanted = 4
	bound  = 12
	lasts  = 2 * time.Second // a fault
	quiet  = 5 * time.Second
	// patience bounds what a test waits for that must happen.
	patience = 30 * time.Second
	// hangs is what a dial may take where dials hang. It is longer than a caller's budget, so
	// that who waits for one gives up before it fails and opens the breaker. A dial that began
	// just before the fault ended and then the cooldown leave more than a second of the quiet
	// time.
	hangs    = 3500 * time.Millisecond
	cooldown = 300 * time.Millisecond
)

// place is where faults are put: caller, pool, proxy, relay.
type place struct {
	t     *testing.T
	relay *relay.Relay
	proxy *proxy
	pool  *pool.Pool
}

func newPlace(t *testing.T, connect time.Duration) *place {
	t.Helper()
	r, err := relay.Start(relay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	pl := &place{t: t, relay: r, proxy: startProxy(t, r.Addr())}
	o := pool.Defaults()
	o.CAPEM = r.CAPEM()
	o.MaxConnections, o.MinIdle = bound, wanted
	o.ConnectTimeout, o.BreakerCooldown = connect, cooldown
	if pl.pool, err = pool.New(pl.proxy.addr, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pl.pool.Close(0) })
	if err := pl.pool.StartCleanup(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pool is filled", func() bool { return pl.pool.Status().Idle >= wanted })
	return pl
}

func (pl *place) set(name, value string) {
	pl.t.Helper()
	if err := pl.relay.Set(name, value); err != nil {
		pl.t.Error(err)
	}
}

// heal takes every fault away.
func (pl *place) heal() {
	pl.relay.Reset()
	pl.proxy.set(weather{})
}

// fault is one, and what callers may and must see of it.
type fault struct {
	put func(*place)
	// again, if not nil, is done every now and then while the fault lasts.
	again func(*place)
	heal  func(*place)
	may   []pool.Kind // while it lasts, and until the quiet time is over
	must  []pool.Kind // one of these
	// hurry and connect are for faults that make callers and dials wait for ever: the little
	// time that they have while it lasts. All others have much, so that nothing but the fault
	// fails, however slow the machine is.
	hurry, connect time.Duration
}

// switched is a fault that is a switch of the relay.
func switched(name, value string) func(*place) { return func(pl *place) { pl.set(name, value) } }

// under is a fault that is the proxy's weather.
func under(w weather) func(*place) { return func(pl *place) { pl.proxy.set(w) } }

// fresh ends what is open once f is on, so that new connections meet it.
func fresh(f func(*place)) func(*place) {
	return func(pl *place) { f(pl); pl.set("drop_idle", "1") }
}

// Kinds of errors: of a connection that ends under its lease; of callers who find none
// in time because so many end; of an endpoint that does not work.
var (
	lost   = []pool.Kind{pool.ErrStale, pool.ErrTruncated, pool.ErrIO}
	losses = append([]pool.Kind{pool.ErrTimeout}, lost...)
	outage = append([]pool.Kind{pool.ErrBreakerOpen}, losses...)
)

var faults = map[string]fault{
	"FIN on everything that is open": { // handshakes too
		again: switched("drop_idle", "1"), may: outage, must: lost,
	},
	"FIN instead of an answer": {
		put: switched("truncate_after", "1"), may: losses, must: lost,
	},
	"close_notify instead of an answer": {
		put: switched("close_after", "1"), may: losses, must: lost,
	},
	"close_notify on everything that is open": {
		again: switched("notify", "1"), may: losses, must: lost,
	},
	"half-close of everything that is open": {
		again: switched("half_close", "1"), may: outage, must: lost,
	},
	"RST instead of an answer": {
		put: switched("reset_after", "1"), may: losses, must: lost,
	},
	"RST on accept": {
		put: fresh(switched("refuse", "1")), may: outage, must: []pool.Kind{pool.ErrBreakerOpen},
	},
	"RST in the handshake": {
		put: fresh(under(weather{reset: true})),
		may: outage, must: []pool.Kind{pool.ErrBreakerOpen},
	},
	"black hole": {
		put: under(weather{hole: true}), may: outage, must: []pool.Kind{pool.ErrTimeout},
		hurry: budget, connect: hangs,
	},
	"nobody listens": {
		put: func(pl *place) { pl.proxy.down() },
		heal: func(pl *place) {
			if err := pl.proxy.up(); err != nil {
				pl.t.Error(err)
			}
		},
		may: outage, must: []pool.Kind{pool.ErrBreakerOpen},
	},
	"slow drip": { // an answer of 67 bytes takes more than two budgets
		put: under(weather{piece: 8, delay: budget / 4}), may: outage, must: []pool.Kind{pool.ErrTimeout},
		hurry: budget, connect: hangs,
	},
	"drip that is just fast enough": {
		put: under(weather{piece: 16, delay: time.Millisecond}),
	},
	"handshake stall": {
		put: fresh(switched("stall_handshake", "1")), may: outage, must: []pool.Kind{pool.ErrTimeout},
		hurry: budget, connect: hangs,
	},
	"certificate swap": {
		put: fresh(switched("cert", "untrusted")),
		may: append([]pool.Kind{pool.ErrCert}, losses...), must: []pool.Kind{pool.ErrCert},
	},
	"answers that come too late": {
		put: switched("delay_ms", "2500"), may: []pool.Kind{pool.ErrTimeout}, must: []pool.Kind{pool.ErrTimeout},
		hurry: budget,
	},
	"bytes that nobody asked for, at once": {
		put: fresh(switched("unsolicited", "1")),
		may: append([]pool.Kind{garbled}, losses...), must: []pool.Kind{garbled},
	},
	"bytes that nobody asked for, at any time": {
		again: switched("speak", "1"), may: append([]pool.Kind{garbled}, losses...),
	},
}

// The faults run side by side, each on a pool of its own.
func TestFiveQuietSecondsAfterAnyFaultThePoolIsWhole(t *testing.T) {
	startProxy(t, "127.0.0.1:0").down() // Go's poller opens descriptors of its own, once
	before := openFiles(t)
	t.Run("faults", func(t *testing.T) {
		for name, f := range faults {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				suffer(t, f, f.last)
			})
		}
		t.Run("everything in turn", func(t *testing.T) {
			t.Parallel()
			suffer(t, fault{may: anyKind, hurry: budget, connect: hangs}, everything)
		})
	})
	eventually(t, "no descriptor is left open", func() bool { return openFiles(t) <= before })
}

// last puts the fault for its time, and until callers have felt it.
func (f fault) last(pl *place, tr *traffic) {
	if f.put != nil {
		f.put(pl)
	}
	felt := func() bool { return len(f.must) == 0 || slices.ContainsFunc(f.must, tr.saw) }
	end := time.Now().Add(lasts)
	eventually(pl.t, "callers feel the fault", func() bool {
		if f.again != nil {
			f.again(pl)
		}
		time.Sleep(200 * time.Millisecond) // the fault's own pace
		return felt() && time.Now().After(end)
	})
	if f.heal != nil {
		f.heal(pl)
	}
}

var anyKind = slices.Concat(outage, []pool.Kind{pool.ErrCert, pool.ErrTLS, garbled})

// everything puts faults on and takes them off as chance says.
func everything(pl *place, _ *traffic) {
	seed := uint64(time.Now().UnixNano())
	pl.t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	names := slices.Sorted(maps.Keys(faults))
	for end := time.Now().Add(2 * lasts); time.Now().Before(end); {
		f := faults[names[random.IntN(len(names))]]
		if f.put != nil {
			f.put(pl)
		}
		if f.again != nil {
			f.again(pl)
		}
		time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
		if f.heal != nil {
			f.heal(pl)
		}
		pl.heal()
	}
}

// suffer has callers use a pool before, under and after a fault, which put puts. They may see
// errors of the kinds that it may cause while it lasts and until the quiet time is over, and
// none before and after.
func suffer(t *testing.T, f fault, put func(*place, *traffic)) {
	pl := newPlace(t, cmp.Or(f.connect, patience))
	tr := startTraffic(pl.pool)
	unharmed(t, tr, "before the fault")
	tr.grant(cmp.Or(f.hurry, calm))
	put(pl, tr)
	pl.heal()
	time.Sleep(quiet)
	tr.grant(calm)
	for kind, err := range tr.take() {
		if !slices.Contains(f.may, kind) {
			t.Errorf("of the wrong kind: %v", err)
		}
	}
	unharmed(t, tr, "after the quiet time")
	tr.end(t)

	eventually(t, "with nobody there the pool is full", func() bool { return pl.pool.Status().Idle >= wanted })
	s, h := pl.pool.Status(), pl.pool.Health()
	if !h.Healthy || !h.Ready || h.Breaker != pool.BreakerClosed || s.Lent+s.Waiting != 0 {
		t.Errorf("not whole: %+v, %+v", h, s)
	}
	if s.Idle+s.Dialing+s.Closing > bound {
		t.Errorf("over its bound: %+v", s)
	}
	if forced := pl.pool.Close(time.Second); forced != 0 {
		t.Errorf("%d leases were left", forced)
	}
	eventually(t, "the relay has no connection left", func() bool { return pl.relay.Stats().Open == 0 })
}

// unharmed wants enough requests to go well, and none to fail.
func unharmed(t *testing.T, tr *traffic, when string) {
	t.Helper()
	was := tr.count()
	eventually(t, "requests go well "+when, func() bool { return tr.count() >= was+50 })
	for _, err := range tr.take() {
		t.Errorf("%s: %v", when, err)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) }

// openFiles counts the descriptors of this process.
func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}
