package securemem

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"
)

// asBuffer moves a copy of text into a buffer.
func asBuffer(t testing.TB, text []byte) *Buffer {
	t.Helper()
	b, err := From(bytes.Clone(text), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Free() })
	return b
}

func inPEM(label string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
}

func pkcs8(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func sec1(t testing.TB, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// signedBy says whether the key signs what its own public key verifies.
func signedBy(k *PrivateKey) error {
	message := []byte("what was agreed in a handshake")
	digest := sha256.Sum256(message)
	switch public := k.Public().(type) {
	case ed25519.PublicKey:
		signature, err := k.Sign(rand.Reader, message, crypto.Hash(0))
		if err == nil && !ed25519.Verify(public, message, signature) {
			err = errors.New("the signature is not valid")
		}
		return err
	case *ecdsa.PublicKey:
		signature, err := k.Sign(rand.Reader, digest[:], crypto.SHA256)
		if err == nil && !ecdsa.VerifyASN1(public, digest[:], signature) {
			err = errors.New("the signature is not valid")
		}
		return err
	case *rsa.PublicKey:
		opts := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
		signature, err := k.Sign(rand.Reader, digest[:], opts)
		if err != nil {
			return err
		}
		return rsa.VerifyPSS(public, crypto.SHA256, digest[:], signature, opts)
	}
	return errors.New("a public key of no kind")
}

func TestAPrivateKeySignsInEveryFormThatFilesHold(t *testing.T) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	forms := map[string]struct {
		key  crypto.Signer
		text []byte
	}{
		"ed25519 seed":      {ed, ed.Seed()},
		"ed25519 pkcs8":     {ed, pkcs8(t, ed)},
		"ed25519 pkcs8 pem": {ed, inPEM("PRIVATE KEY", pkcs8(t, ed))},
		"rsa pkcs8":         {rsaKey, pkcs8(t, rsaKey)},
		"rsa pkcs1":         {rsaKey, x509.MarshalPKCS1PrivateKey(rsaKey)},
		"rsa pkcs1 pem":     {rsaKey, inPEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey))},
	}
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		name := curve.Params().Name
		parameters := inPEM("EC PARAMETERS", []byte{6, 1, 1})
		forms[name+" pkcs8"] = struct {
			key  crypto.Signer
			text []byte
		}{key, pkcs8(t, key)}
		forms[name+" sec1 pem after its parameters"] = struct {
			key  crypto.Signer
			text []byte
		}{key, append(parameters, inPEM("EC PRIVATE KEY", sec1(t, key))...)}
	}
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			k, err := asBuffer(t, form.text).PrivateKey()
			if err != nil {
				t.Fatal(err)
			}
			if !form.key.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(k.Public()) {
				t.Fatalf("public key %v", k.Public())
			}
			for range 2 {
				if err := signedBy(k); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestWhatIsNoPrivateKeyIsRefusedWithItsFault(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der := pkcs8(t, good)
	for text, says := range map[string]string{
		"x":                               "neither PEM",
		string(der[:len(der)-1]):          "neither PEM",
		string(append(der, 0)):            "neither PEM",
		string(pkcs8(t, key)):             "none of the curves",
		"-----BEGIN PRIVATE KEY-----\nMC": "cut short",
		string(inPEM("CERTIFICATE", der)): "no private key among",
		"-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n":                                     "not base64",
		"-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----":                                               "empty",
		string(inPEM("ENCRYPTED PRIVATE KEY", der)):                                                          "encrypted",
		"-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMHcCAQEE\n-----END EC PRIVATE KEY-----\n": "encrypted",
	} {
		_, err := asBuffer(t, []byte(text)).PrivateKey()
		if !errors.Is(err, ErrCrypto) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text[:min(len(text), 30)], err, says)
		}
	}
	zero := asBuffer(t, []byte("\x30\x31\x02\x01\x01\x04\x20"+strings.Repeat("\x00", 32)+"\xa0\x0a\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"))
	if _, err := zero.PrivateKey(); !errors.Is(err, ErrCrypto) || !strings.Contains(err.Error(), "scalar") {
		t.Errorf("a zero scalar: %v", err)
	}
}

func TestAPrivateKeyEndsWithItsBuffer(t *testing.T) {
	seed := bytes.Repeat([]byte{7}, Ed25519SeedSize)
	for name, c := range map[string]struct {
		end  func(*Buffer) error
		want error
	}{
		"freed":                {(*Buffer).Free, ErrFreed},
		"expired":              {func(b *Buffer) error { return b.ExpireAfter(time.Nanosecond) }, ErrExpired},
		"borrowed for writing": {func(b *Buffer) error { _, err := b.Open(Write); return err }, ErrState},
	} {
		b, err := From(bytes.Clone(seed), 0)
		if err != nil {
			t.Fatal(err)
		}
		k, err := b.PrivateKey()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.end(b); err != nil {
			t.Fatal(err)
		}
		if err := signedBy(k); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		_ = b.Close()
		_ = b.Free()
	}
}

func TestASealedPrivateKeySigns(t *testing.T) {
	b := asBuffer(t, bytes.Repeat([]byte{9}, Ed25519SeedSize))
	k, err := b.PrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Seal(); err != nil {
		t.Fatal(err)
	}
	if err := signedBy(k); err != nil {
		t.Fatal(err)
	}
}

func FuzzPrivateKey(f *testing.F) {
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(pkcs8(f, ed))
	f.Add(pkcs8(f, key))
	f.Add(sec1(f, key))
	f.Add(inPEM("EC PRIVATE KEY", sec1(f, key)))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) == 0 {
			return
		}
		k, err := asBuffer(t, text).PrivateKey()
		if err == nil {
			err = signedBy(k)
		}
		if err != nil && !errors.Is(err, ErrCrypto) && !strings.Contains(err.Error(), "rsa") {
			t.Fatal(err)
		}
	})
}
