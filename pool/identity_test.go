package pool_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// identity is a key with a certificate of its own signature.
type identity struct {
	key  crypto.Signer
	leaf *x509.Certificate
	pem  []byte
}

func newIdentity(t testing.TB, name string) identity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return identityOf(t, name, key)
}

func identityOf(t testing.TB, name string, key crypto.Signer) identity {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return identity{key, leaf, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

func (i identity) pin() string {
	hash := sha256.Sum256(i.leaf.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(hash[:])
}

// pkcs8 is the key as files and buffers have it.
func (i identity) pkcs8(t testing.TB) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(i.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (i identity) write(t testing.TB, dir string) (cert, key string) {
	t.Helper()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: i.pkcs8(t)})
	for path, data := range map[string][]byte{cert: i.pem, key: keyPEM} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// server says to each connection the subject of the certificate it was shown.
func server(t testing.TB, own identity, clients *x509.CertPool, protocols ...string) (addr string) {
	t.Helper()
	c := &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{own.leaf.Raw}, PrivateKey: own.key}},
		NextProtos:   protocols,
	}
	if clients != nil {
		c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, clients
		c.SessionTicketsDisabled = true // who resumes does not sign
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", c)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				conn := conn.(*tls.Conn)
				if conn.Handshake() != nil {
					return
				}
				one := make([]byte, 1)
				for {
					if _, err := conn.Read(one); err != nil {
						return
					}
					name := "nobody"
					if shown := conn.ConnectionState().PeerCertificates; len(shown) > 0 {
						name = shown[0].Subject.CommonName
					}
					if _, err := io.WriteString(conn, name); err != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(all.Wait)
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

func overwrite(t testing.TB, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func poolTo(t testing.TB, addr string, peer identity, change func(*pool.Options)) *pool.Pool {
	t.Helper()
	o := pool.Defaults()
	o.CAPEM = peer.pem
	if change != nil {
		change(&o)
	}
	p, err := pool.New(addr, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close(0) })
	return p
}

// whoAmI asks the server.
func whoAmI(t testing.TB, p *pool.Pool) (string, error) {
	t.Helper()
	c := acquire(t, p)
	defer c.Release()
	if _, err := c.Write([]byte("?")); err != nil {
		return "", err
	}
	name := make([]byte, 64)
	n, err := c.Read(name)
	return string(name[:n]), err
}

// signer is a key that can only sign.
type signer struct{ crypto.Signer }

func TestAClientShowsItsCertificateWithAKeyFromAFileOrOneThatOnlySigns(t *testing.T) {
	peer, client := newIdentity(t, "peer"), newIdentity(t, "client")
	clients := x509.NewCertPool()
	clients.AddCert(client.leaf)
	addr := server(t, peer, clients)
	certFile, keyFile := client.write(t, t.TempDir())
	for name, change := range map[string]func(*pool.Options){
		"files":  func(o *pool.Options) { o.CertFile, o.KeyFile = certFile, keyFile },
		"signer": func(o *pool.Options) { o.CertPEM, o.Key = client.pem, signer{client.key} },
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := whoAmI(t, poolTo(t, addr, peer, change)); got != "client" || err != nil {
				t.Fatalf("%q, %v", got, err)
			}
		})
	}
	if got, err := whoAmI(t, poolTo(t, addr, peer, nil)); err == nil {
		t.Fatalf("without a certificate the peer says %q", got)
	}
}

func TestCertificatesAndKeysThatDoNotFitAreRefusedEachByItsOption(t *testing.T) {
	mine, other := newIdentity(t, "mine"), newIdentity(t, "other")
	cert, key := mine.write(t, t.TempDir())
	for _, c := range []struct {
		kind     pool.Kind
		mentions string
		change   func(*pool.Options)
	}{
		{pool.ErrOption, "cert_file", func(o *pool.Options) { o.CertFile, o.CertPEM, o.KeyFile = cert, mine.pem, key }},
		{pool.ErrOption, "key_file", func(o *pool.Options) { o.CertFile, o.KeyFile, o.Key = cert, key, mine.key }},
		{pool.ErrOption, "key_file", func(o *pool.Options) { o.CertFile = cert }},
		{pool.ErrOption, "cert_file", func(o *pool.Options) { o.KeyFile = key }},
		{pool.ErrOption, "cert_file", func(o *pool.Options) { o.CertFile, o.KeyFile = "/does/not/exist", key }},
		{pool.ErrOption, "key_file", func(o *pool.Options) { o.CertFile, o.KeyFile = cert, "/does/not/exist" }},
		{pool.ErrCert, "key_file", func(o *pool.Options) { o.CertFile, o.KeyFile = cert, cert }},
		{pool.ErrCert, "cert_pem", func(o *pool.Options) { o.CertPEM, o.Key = []byte("x"), mine.key }},
		{pool.ErrCert, "not its private key", func(o *pool.Options) { o.CertPEM, o.Key = mine.pem, other.key }},
		{pool.ErrOption, "pin_sha256", func(o *pool.Options) { o.Pins = []string{"AAAA"} }},
		{pool.ErrOption, "alpn", func(o *pool.Options) { o.ALPN = []string{""} }},
	} {
		o := pool.Defaults()
		c.change(&o)
		_, err := pool.New("a:1", o)
		wantKind(t, err, c.kind, c.mentions)
	}
}

func TestAPinnedKeyIsRequiredOnEveryConnection(t *testing.T) {
	peer, other := newIdentity(t, "peer"), newIdentity(t, "other")
	addr := server(t, peer, nil)
	good := poolTo(t, addr, peer, func(o *pool.Options) { o.Pins = []string{other.pin(), peer.pin()} })
	if _, err := whoAmI(t, good); err != nil {
		t.Fatal(err)
	}
	bad := poolTo(t, addr, peer, func(o *pool.Options) { o.Pins = []string{other.pin()} })
	_, err := bad.AcquireWithin(patience)
	wantKind(t, err, pool.ErrCert, "pinned")
}

func TestTheHandshakeIsDescribed(t *testing.T) {
	peer := newIdentity(t, "peer")
	p := poolTo(t, server(t, peer, nil, "sprint/1"), peer, func(o *pool.Options) { o.ALPN = []string{"other", "sprint/1"} })
	c := acquire(t, p)
	info, err := c.Info()
	if err != nil {
		t.Fatal(err)
	}
	if info.ALPN != "sprint/1" || info.TLSVersion != "TLS 1.3" || info.CipherSuite == "" || info.Resumed ||
		!info.PeerExpiry.Equal(peer.leaf.NotAfter) || info.ID != 1 {
		t.Fatalf("%+v", info)
	}
	c.Release()
	_, err = c.Info()
	wantKind(t, err, pool.ErrClosed)
}

func TestSessionsAreResumedUntilTheKeysAreRotated(t *testing.T) {
	peer := newIdentity(t, "peer")
	p := poolTo(t, server(t, peer, nil), peer, nil)
	resumed := func() bool {
		if _, err := whoAmI(t, p); err != nil { // reads the ticket too
			t.Fatal(err)
		}
		c := acquire(t, p)
		defer c.Discard()
		info, err := c.Info()
		if err != nil {
			t.Fatal(err)
		}
		return info.Resumed
	}
	if first, second := resumed(), resumed(); first || !second {
		t.Fatalf("resumed: first %v, second %v", first, second)
	}
	if err := p.Rotate(); err != nil {
		t.Fatal(err)
	}
	if resumed() {
		t.Fatal("a ticket outlived the rotation")
	}
}

func TestRotateReadsRootsAnewAndChangesNothingIfItCannot(t *testing.T) {
	peer, other := newIdentity(t, "peer"), newIdentity(t, "other")
	roots := filepath.Join(t.TempDir(), "ca.pem")
	write := func(text []byte) {
		if err := os.WriteFile(roots, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(peer.pem)
	p := poolTo(t, server(t, peer, nil), peer, func(o *pool.Options) { o.CAPEM, o.CAFile = nil, roots })
	acquire(t, p).Release()
	write([]byte("nothing"))
	wantKind(t, p.Rotate(), pool.ErrCert, "ca_file")
	if s := p.Status(); s.Idle != 1 || s.Generation != 0 {
		t.Fatalf("%+v", s)
	}
	write(other.pem)
	if err := p.Rotate(); err != nil {
		t.Fatal(err)
	}
	_, err := p.AcquireWithin(patience)
	wantKind(t, err, pool.ErrCert, "unknown authority")
}
