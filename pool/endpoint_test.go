package pool

import (
	"crypto/tls"
	"testing"
)

// One address has several spellings in IPv6, and a zone, which says by which interface it is
// reached and is nothing that a certificate could hold.
func TestAnEndpointsAddressAndTheNameToVerify(t *testing.T) {
	for spelling, want := range map[string]struct{ addr, name string }{
		"[fe80::1%eth0]:443":       {"[fe80::1%eth0]:443", "fe80::1"},
		"[FE80:0::0001%eth0]:0443": {"[fe80::1%eth0]:443", "fe80::1"},
		"[0:0::1]:1":               {"[::1]:1", "::1"},
		"127.0.0.1:1":              {"127.0.0.1:1", "127.0.0.1"},
		"A.test:1":                 {"A.test:1", "A.test"},
	} {
		addr, err := parseEndpoint(spelling)
		if err != nil || addr != want.addr {
			t.Errorf("%q is %q, not %q: %v", spelling, addr, want.addr, err)
			continue
		}
		common := &tls.Config{}
		if own := forEndpoint(common, addr); own.ServerName != want.name || common.ServerName != "" {
			t.Errorf("%q has to name %q, not %q; all others %q", spelling, own.ServerName, want.name, common.ServerName)
		}
		if own := forEndpoint(&tls.Config{ServerName: "given"}, addr); own.ServerName != "given" {
			t.Errorf("%q has to name %q, though a name was given", spelling, own.ServerName)
		}
	}
}
