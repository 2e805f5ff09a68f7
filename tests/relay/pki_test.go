package relay_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/bitcoin-sprint/libsprint/tests/relay"
)

func TestTheGoodCertificateIsValidForEveryName(t *testing.T) {
	r := start(t, relay.Options{})
	for _, name := range []string{"localhost", "relay.test", "127.0.0.1", "::1"} {
		c := config(r)
		c.ServerName = name
		if _, err := handshake(t, r, c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEachBadCertificateIsRefusedForItsOwnReason(t *testing.T) {
	r := start(t, relay.Options{})
	for _, test := range []struct {
		cert    string
		refused func(error) bool
	}{
		{"expired", func(err error) bool {
			var e x509.CertificateInvalidError
			return errors.As(err, &e) && e.Reason == x509.Expired
		}},
		{"wrongname", func(err error) bool {
			var e x509.HostnameError
			return errors.As(err, &e)
		}},
		{"untrusted", func(err error) bool {
			var e x509.UnknownAuthorityError
			return errors.As(err, &e)
		}},
	} {
		set(t, r, "cert", test.cert)
		if _, err := handshake(t, r, config(r)); !test.refused(err) {
			t.Errorf("%s: %v", test.cert, err)
		}
	}
	set(t, r, "cert", "good")
	connect(t, r)
}

func TestTLSMinRefusesOlderVersions(t *testing.T) {
	for name, test := range map[string]struct {
		min, client uint16
		ok          bool
	}{
		"1.1 never":          {0, tls.VersionTLS11, false},
		"1.2 by default":     {0, tls.VersionTLS12, true},
		"1.2 when 1.3 is up": {tls.VersionTLS13, tls.VersionTLS12, false},
		"1.3":                {tls.VersionTLS13, tls.VersionTLS13, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, relay.Options{MinTLS: test.min})
			c := config(r)
			c.MinVersion, c.MaxVersion = tls.VersionTLS10, test.client
			if _, err := handshake(t, r, c); (err == nil) != test.ok {
				t.Fatal(err)
			}
		})
	}
}

func TestDirHoldsCertificatesKeysAndAddresses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "by", "start")
	r := start(t, relay.Options{Dir: dir, Raw: true, Control: "127.0.0.1:0"})
	for name, want := range map[string][]byte{
		"ca.pem":    r.CAPEM(),
		"login.key": r.LoginKey,
		"address":   []byte(r.Addr()),
		"control":   []byte(r.ControlAddr()),
		"raw":       []byte(r.RawAddr()),
	} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s does not hold what the relay uses: %v", name, err)
		}
	}
	secret := []string{"login.key"}
	for _, name := range []string{"server", "expired", "wrongname", "untrusted"} {
		cert := filepath.Join(dir, name+".pem")
		if _, err := tls.LoadX509KeyPair(cert, filepath.Join(dir, name+"-key.pem")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		secret = append(secret, name+"-key.pem")
	}
	for _, name := range secret {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}
