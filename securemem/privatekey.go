package securemem

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"reflect"
)

// PrivateKey is a crypto.Signer whose key stays in its buffer, which is opened only to
// sign. It owns nothing: once the buffer is freed or expired, Sign says so.
//
// Ed25519 is used in place. For ECDSA and RSA the standard library makes objects of the
// key for each signature; those that can be reached are wiped after it, but copies that
// it makes on the way stay on the Go heap until that is reused.
type PrivateKey struct {
	buffer *Buffer
	public crypto.PublicKey
}

// PrivateKey reads the buffer as an Ed25519 seed of 32 bytes, or as a private key in
// PKCS#8, SEC 1 or PKCS#1, DER or PEM: Ed25519, ECDSA on P-256, P-384 or P-521, or RSA.
//
// Errors: [ErrCrypto] (no such key; the text says what is wrong, and nothing of the
// key), those of [Alloc] for PEM, which is decoded into a second buffer, and those of
// every use (see [Buffer.ReadAt]).
func (b *Buffer) PrivateKey() (*PrivateKey, error) {
	k := &PrivateKey{buffer: b}
	err := b.withKey(func(key keyIn) (err error) {
		k.public, err = key.public()
		return err
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

// Public implements crypto.Signer: the public key of what the buffer held when
// [Buffer.PrivateKey] read it.
func (k *PrivateKey) Public() crypto.PublicKey { return k.public }

// Sign implements crypto.Signer. It reads the buffer anew.
func (k *PrivateKey) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) (signature []byte, err error) {
	err = k.buffer.withKey(func(key keyIn) (err error) {
		signature, err = key.sign(random, digest, opts)
		return err
	})
	return signature, err
}

// withKey runs fn with the key that is in the secret, which may be PEM.
func (b *Buffer) withKey(fn func(keyIn) error) error {
	scrubStack()
	defer scrubStack()
	return b.useClean(func(secret []byte) error {
		text, isPEM, err := findPEM(secret)
		if err != nil {
			return err
		}
		if isPEM {
			return withDecoded(text, func(der []byte) error { return withDER(der, fn) })
		}
		return withDER(secret, fn)
	})
}

func withDER(der []byte, fn func(keyIn) error) error {
	key, err := parseKey(der)
	if err != nil {
		return err
	}
	return fn(key)
}

func (k keyIn) public() (crypto.PublicKey, error) {
	if k.seed != nil {
		var public ed25519.PublicKey
		err := withSeed(k.seed, func(s *signer) error {
			p := s.public()
			public = p[:]
			return nil
		})
		return public, err
	}
	key, err := k.open()
	if err != nil {
		return nil, err
	}
	defer wipeKey(key)
	switch p := key.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := p.Bytes()
		if err != nil {
			return nil, errKey("not a scalar of its curve")
		}
		return ecdsa.ParseUncompressedPublicKey(p.Curve, point)
	case *rsa.PublicKey:
		return &rsa.PublicKey{N: new(big.Int).Set(p.N), E: p.E}, nil
	}
	return nil, errKey("of a kind that is not known here")
}

func (k keyIn) sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if k.seed == nil {
		key, err := k.open()
		if err != nil {
			return nil, err
		}
		defer wipeKey(key)
		return key.Sign(random, digest, opts)
	}
	if opts.HashFunc() != 0 {
		return nil, fmt.Errorf("%w: Ed25519 signs messages, not their hashes", ErrCrypto)
	}
	var signature []byte
	err := withSeed(k.seed, func(s *signer) error {
		public := s.public()
		sum, err := s.sign(public[:], digest)
		signature = sum[:]
		return err
	})
	return signature, err
}

// open makes the standard library's key of it. wipeKey must follow.
func (k keyIn) open() (crypto.Signer, error) {
	if k.curve != nil {
		key, err := ecdsa.ParseRawPrivateKey(k.curve, k.scalar)
		if err != nil {
			return nil, errKey("not a scalar of its curve")
		}
		return key, nil
	}
	key, err := x509.ParsePKCS1PrivateKey(k.rsa)
	if err != nil {
		return nil, errKey("not a valid RSA key")
	}
	return key, nil
}

// wipeKey overwrites what a key of the standard library leads to.
func wipeKey(key crypto.Signer) { scrubAll(reflect.ValueOf(key)) }
