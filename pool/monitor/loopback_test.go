package monitor_test

import (
	"encoding/json"
	"net"
	"net/netip"
	"testing"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/pool/monitor"
	"github.com/bitcoin-sprint/libsprint/tests/relay"
)

func TestAPoolIsShownAtEachLoopback(t *testing.T) {
	for _, at := range relay.Loopbacks(t.Logf) {
		t.Run(at.String(), func(t *testing.T) {
			r, err := relay.Start(relay.Options{Listen: netip.AddrPortFrom(at, 0).String()})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(r.Close)
			o := pool.Defaults()
			o.CAPEM = r.CAPEM()
			p, err := pool.New(r.Addr(), o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { p.Close(0) })
			c, err := p.AcquireWithin(patience)
			if err != nil {
				t.Fatal(err)
			}
			ping(t, c)
			c.Release()

			s := serve(t, p, monitor.Options{Host: at.String()})
			if host, _, err := net.SplitHostPort(s.Addr().String()); err != nil || host != at.String() {
				t.Errorf("it listens at %v, not at %v", s.Addr(), at)
			}
			for _, name := range []string{"active_connections", "latency_ms"} {
				series := scrape(t, s)["secure_channel_"+name].GetMetric()
				if len(series) != 1 || series[0].Label[0].GetValue() != r.Addr() {
					t.Errorf("%s is %v, not of %s", name, series, r.Addr())
				}
			}
			var status pool.Status
			if err := json.Unmarshal([]byte(ask(t, s, "GET", "/status/connections").body), &status); err != nil {
				t.Fatal(err)
			}
			if status.Endpoint != r.Addr() || len(status.Connections) != 1 || status.Connections[0].Endpoint != r.Addr() {
				t.Errorf("%+v is not of %s", status, r.Addr())
			}
			for _, path := range []string{"/healthz", "/"} {
				if a := ask(t, s, "GET", path); a.code != 200 {
					t.Errorf("%s answers %d", path, a.code)
				}
			}
		})
	}
}
