package monitor_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/pool/monitor"
	"github.com/bitcoin-sprint/libsprint/tests/leak"
)

func TestPoolsWithNamesShareAnAddress(t *testing.T) {
	noneLeft := leak.Since(t)
	first, second := busy(), busy()
	second.status.Active = 44
	second.health = pool.Health{Cause: pool.CauseDialFailed, Reason: "connect to b.test:2: refused", Unready: pool.CausePaused}
	a := serve(t, first, monitor.Options{Name: "orders"})
	if got := ask(t, a, "GET", "/status/connections"); got.code != 200 {
		t.Errorf("alone: %d", got.code)
	}
	b := serve(t, second, monitor.Options{Name: "prices", Port: a.Port()})
	if a.Port() != b.Port() {
		t.Fatalf("ports %d and %d", a.Port(), b.Port())
	}
	var pools []string
	for _, m := range scrape(t, a)["secure_channel_active_connections"].Metric {
		pools = append(pools, m.Label[1].GetName()+"="+m.Label[1].GetValue())
	}
	slices.Sort(pools)
	if want := []string{"pool=orders", "pool=orders", "pool=prices", "pool=prices"}; !slices.Equal(pools, want) {
		t.Errorf("series of %v, not %v", pools, want)
	}
	for query, want := range map[string]int{"?pool=orders": 3, "?pool=prices": 44} {
		var s pool.Status
		if err := json.Unmarshal([]byte(ask(t, a, "GET", "/status/connections"+query).body), &s); err != nil || s.Active != want {
			t.Errorf("%s: %d active, %v", query, s.Active, err)
		}
	}
	for path, want := range map[string]int{
		"/status/connections": 300, "/status/connections?pool=": 404, "/status/connections?pool=other": 404,
		"/healthz": 503, "/healthz?pool=orders": 200, "/healthz?pool=prices": 503, "/healthz?pool=other": 404,
		"/metrics?pool=other": 200, "/elsewhere": 404, "/elsewhere?pool=orders": 404,
	} {
		if got := ask(t, a, "GET", path); got.code != want {
			t.Errorf("GET %s: %d %s, not %d", path, got.code, got.body, want)
		}
	}
	if got := ask(t, a, "GET", "/healthz"); !strings.Contains(got.body, `"prices: connect to`) || !strings.Contains(got.body, `"active_connections":3`) {
		t.Errorf("%s", got.body)
	}
	if got := ask(t, a, "GET", "/status/connections"); !strings.Contains(got.body, "/status/connections?pool=orders\n/status/connections?pool=prices\n") {
		t.Errorf("%s", got.body)
	}

	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if got := ask(t, b, "GET", "/status/connections"); got.code != 200 || !strings.Contains(got.body, `"active_connections":44`) {
		t.Errorf("one is left: %d %s", got.code, got.body)
	}
	if n := len(scrape(t, b)["secure_channel_active_connections"].Metric); n != 2 {
		t.Errorf("%d series are left", n)
	}
	again := serve(t, first, monitor.Options{Name: "orders", Port: b.Port()})
	for _, s := range []*monitor.Server{b, again} {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	noneLeft()
	l, err := net.Listen("tcp", b.Addr().String())
	if err != nil {
		t.Fatalf("the port is not free: %v", err)
	}
	l.Close()
}

func TestPoolsShareAnAddressOnlyIfTheyAgree(t *testing.T) {
	cert, key := writeCertificate(t, t.TempDir(), 1)
	const right, wrong = "right", "wrong"
	s := serve(t, busy(), with(right, monitor.Options{Name: "a"}))
	for what, o := range map[string]monitor.Options{
		"name":                  with(right, monitor.Options{Name: "a"}),
		"metrics_auth_token":    with(wrong, monitor.Options{Name: "b"}),
		"metrics_auth_token: ":  {Name: "b"},
		"metrics_tls_cert_file": with(right, monitor.Options{Name: "b", CertFile: cert, KeyFile: key}),
		"metrics_public":        with(right, monitor.Options{Name: "b", Public: true}),
	} {
		o.Port = s.Port()
		_, err := monitor.Start(busy(), o)
		wantKind(t, err, pool.ErrOption)
		if !strings.Contains(err.Error(), what) {
			t.Errorf("%v does not mention %s", err, what)
		}
	}
	_, err := monitor.Start(busy(), with(right, monitor.Options{Port: s.Port()}))
	wantKind(t, err, pool.ErrIO) // without a name the address is its own
	other := serve(t, busy(), with(right, monitor.Options{Name: "b", Port: s.Port()}))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if a := ask(t, other, "GET", "/metrics", "X-Auth-Token", right); a.code != 200 {
		t.Errorf("after the first has left: %d", a.code)
	}
}

// with sets a token.
func with(token string, o monitor.Options) monitor.Options {
	o.Token = func(candidate []byte) bool { return string(candidate) == token }
	o.Secret, o.SameToken = token, func(other any) bool { return other == token }
	return o
}

func TestSharingIsSafeWhileOthersComeAndGo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	var all sync.WaitGroup
	for _, name := range []string{"a", "b", "c", "d"} {
		all.Go(func() {
			for range 10 {
				s, err := monitor.StartPatient(busy(), monitor.Options{Name: name, Port: port})
				if err != nil {
					t.Error(err)
					return
				}
				if a, err := try(s, "GET", "/status/connections?pool="+name); err != nil || a.code != 200 {
					t.Errorf("%s: %d, %v", name, a.code, err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// writeCertificate makes a certificate for 127.0.0.1 with a serial number.
func writeCertificate(t testing.TB, dir string, serial int64) (certFile, keyFile string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// shown is the serial number of the certificate that s shows.
func shown(t testing.TB, s *monitor.Server) int64 {
	t.Helper()
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	c, err := d.DialContext(t.Context(), "tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func TestHTTPSIsServedFromFilesAndFollowsTheirRenewal(t *testing.T) {
	dir := t.TempDir()
	cert, key := writeCertificate(t, dir, 1)
	s := serve(t, busy(), monitor.Options{CertFile: cert, KeyFile: key})

	roots := x509.NewCertPool()
	text, err := os.ReadFile(cert)
	if err != nil || !roots.AppendCertsFromPEM(text) {
		t.Fatal(err)
	}
	client := http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+s.Addr().String()+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || res.StatusCode != 200 || !strings.Contains(string(body), "secure_channel_errors_total") {
		t.Errorf("%d, %v: %.100s", res.StatusCode, err, body)
	}
	if a := ask(t, s, "GET", "/healthz"); a.code != 400 {
		t.Errorf("without TLS: %d", a.code)
	}

	if err := os.WriteFile(key, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(1200 * time.Millisecond)
	for time.Now().Before(old) { // a pair that is not whole leaves the old one in use
		if n := shown(t, s); n != 1 {
			t.Fatalf("certificate %d", n)
		}
		time.Sleep(50 * time.Millisecond)
	}
	writeCertificate(t, dir, 2)
	for end := time.Now().Add(patience); shown(t, s) != 2; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the renewed certificate is not shown")
		}
	}
}

func TestBadCertificateFilesAreErrorsOfStartThatNameThem(t *testing.T) {
	dir := t.TempDir()
	cert, key := writeCertificate(t, dir, 1)
	missing, junk := filepath.Join(dir, "missing.pem"), filepath.Join(dir, "junk.pem")
	if err := os.WriteFile(junk, []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, foreign := writeCertificate(t, t.TempDir(), 2)
	for _, test := range []struct {
		cert, key string
		kind      pool.Kind
		names     string
	}{
		{missing, key, pool.ErrOption, missing},
		{cert, missing, pool.ErrOption, missing},
		{cert, dir, pool.ErrOption, dir},
		{junk, key, pool.ErrCert, junk},
		{cert, junk, pool.ErrCert, junk},
		{cert, foreign, pool.ErrCert, foreign},
		{cert, "", pool.ErrOption, "metrics_tls_key_file"},
		{"", key, pool.ErrOption, "metrics_tls_cert_file"},
	} {
		s, err := monitor.Start(busy(), monitor.Options{CertFile: test.cert, KeyFile: test.key})
		if err == nil {
			s.Close()
		}
		wantKind(t, err, test.kind)
		if !strings.Contains(err.Error(), test.names) {
			t.Errorf("%v does not name %s", err, test.names)
		}
	}
}
