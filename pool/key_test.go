package pool_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/securemem"
)

// secretKey is the key of an identity in a secure buffer.
func (i identity) secretKey(t testing.TB) *securemem.Buffer {
	t.Helper()
	b, err := securemem.From(i.pkcs8(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Free() })
	return b
}

// keyIn has a pool use the key in b.
func keyIn(b *securemem.Buffer) func() (crypto.Signer, error) {
	return func() (crypto.Signer, error) { return b.PrivateKey() }
}

func TestAClientKeyInASecureBufferSignsWhateverKindItIs(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	peer := newIdentity(t, "peer")
	for name, key := range map[string]crypto.Signer{"ed25519": ed, "rsa": rsaKey, "P-384": p384} {
		t.Run(name, func(t *testing.T) {
			client := identityOf(t, "client", key)
			clients := x509.NewCertPool()
			clients.AddCert(client.leaf)
			p := poolTo(t, server(t, peer, clients), peer, func(o *pool.Options) {
				o.CertPEM, o.LoadKey = client.pem, keyIn(client.secretKey(t))
			})
			if got, err := whoAmI(t, p); got != "client" || err != nil {
				t.Fatalf("%q, %v", got, err)
			}
		})
	}
}

func TestAKeyThatIsNotTheCertificatesIsRefusedWhenThePoolIsMade(t *testing.T) {
	mine, other := newIdentity(t, "mine"), newIdentity(t, "other")
	o := pool.Defaults()
	o.CertPEM, o.LoadKey = mine.pem, keyIn(other.secretKey(t))
	_, err := pool.New("a:1", o)
	wantKind(t, err, pool.ErrCert, "not its private key")

	o.LoadKey = func() (crypto.Signer, error) { return nil, errors.New("gone") }
	_, err = pool.New("a:1", o)
	wantKind(t, err, pool.ErrKey, "gone")

	o.Key = mine.key
	_, err = pool.New("a:1", o)
	wantKind(t, err, pool.ErrOption, "key_file and key")
}

func TestADialWhoseKeyIsGoneSaysSo(t *testing.T) {
	peer, client := newIdentity(t, "peer"), newIdentity(t, "client")
	clients := x509.NewCertPool()
	clients.AddCert(client.leaf)
	addr := server(t, peer, clients)
	for name, c := range map[string]struct {
		end  func(*securemem.Buffer) error
		want error
	}{
		"freed":   {(*securemem.Buffer).Free, securemem.ErrFreed},
		"expired": {func(b *securemem.Buffer) error { return b.ExpireAfter(time.Nanosecond) }, securemem.ErrExpired},
	} {
		t.Run(name, func(t *testing.T) {
			key := client.secretKey(t)
			p := poolTo(t, addr, peer, func(o *pool.Options) { o.CertPEM, o.LoadKey = client.pem, keyIn(key) })
			if _, err := whoAmI(t, p); err != nil {
				t.Fatal(err)
			}
			if err := c.end(key); err != nil {
				t.Fatal(err)
			}
			if _, err := whoAmI(t, p); err != nil {
				t.Fatalf("the connection that is there: %v", err)
			}
			if err := p.Reset(); err != nil {
				t.Fatal(err)
			}
			for range 2 { // by the dial, and by the breaker that it opened
				_, err := p.AcquireWithin(patience)
				wantKind(t, err, pool.ErrKey, "client's key", addr)
				if !errors.Is(err, c.want) {
					t.Fatalf("%v is not %v", err, c.want)
				}
			}
		})
	}
}

func TestRotateReadsTheKeyAnew(t *testing.T) {
	peer, first, second := newIdentity(t, "peer"), newIdentity(t, "first"), newIdentity(t, "second")
	clients := x509.NewCertPool()
	clients.AddCert(first.leaf)
	clients.AddCert(second.leaf)
	certFile, _ := first.write(t, t.TempDir())
	key, next := first.secretKey(t), second.secretKey(t)
	p := poolTo(t, server(t, peer, clients), peer, func(o *pool.Options) { o.CertFile, o.LoadKey = certFile, keyIn(key) })
	if got, err := whoAmI(t, p); got != "first" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	overwrite(t, certFile, second.pem)
	wantKind(t, p.Rotate(), pool.ErrCert, "not its private key")
	if err := next.Use(func(secret []byte) error { return key.WriteAt(bytes.Clone(secret), 0) }); err != nil {
		t.Fatal(err)
	}
	if err := p.Rotate(); err != nil {
		t.Fatal(err)
	}
	if got, err := whoAmI(t, p); got != "second" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
}
