package securemem

import (
	"fmt"

	"filippo.io/edwards25519"
)

// Sizes of Ed25519 in bytes.
const (
	Ed25519SeedSize      = 32
	Ed25519PublicKeySize = 32
	Ed25519SignatureSize = 64
)

// SignEd25519 signs msg (RFC 8032, Ed25519 without context) with the buffer as the
// seed of 32 bytes.
//
// Errors: [ErrCrypto] (no seed of 32 bytes), and those of every use (see
// [Buffer.ReadAt]).
func (b *Buffer) SignEd25519(msg []byte) (signature [Ed25519SignatureSize]byte, err error) {
	err = b.withEd25519(func(k *signer) (err error) {
		signature, err = k.sign(b.publicOf(k), msg)
		return err
	})
	return signature, err
}

// sign is RFC 8032, 5.1.6.
func (k *signer) sign(public, msg []byte) (signature [Ed25519SignatureSize]byte, err error) {
	k.sum(k.prefix[:], msg)
	if _, err := k.nonce.SetUniformBytes(k.digest()); err != nil {
		return signature, err
	}
	copy(signature[:32], new(edwards25519.Point).ScalarBaseMult(&k.nonce).Bytes())

	k.sum(signature[:32], public, msg)
	challenge, err := new(edwards25519.Scalar).SetUniformBytes(k.digest())
	if err != nil {
		return signature, err
	}
	copy(signature[32:], challenge.MultiplyAdd(challenge, &k.scalar, &k.nonce).Bytes())
	return signature, nil
}

// PublicEd25519 returns the public key of the buffer as a seed of 32 bytes. Errors are
// those of [Buffer.SignEd25519].
func (b *Buffer) PublicEd25519() (public [Ed25519PublicKeySize]byte, err error) {
	err = b.withEd25519(func(k *signer) error {
		copy(public[:], b.publicOf(k))
		return nil
	})
	return public, err
}

// signer is the private key that a seed stands for, and what signing takes. It is our
// own over edwards25519, and not crypto/ed25519, because that one keeps the expanded
// key in a cache of its own.
type signer struct {
	worker *macWorker // for its hash
	scalar edwards25519.Scalar
	nonce  edwards25519.Scalar
	prefix [32]byte
}

// withEd25519 runs fn with the expanded seed (RFC 8032, 5.1.5), and wipes that.
func (b *Buffer) withEd25519(fn func(*signer) error) error {
	if b.size != Ed25519SeedSize {
		return fmt.Errorf("%w: a seed of %d bytes, Ed25519 takes %d", ErrCrypto, b.size, Ed25519SeedSize)
	}
	scrubStack()
	defer scrubStack()
	return b.useClean(func(seed []byte) error { return withSeed(seed, fn) })
}

// withSeed runs fn with an expanded seed, and wipes that. The stack is the caller's to
// scrub.
func withSeed(seed []byte, fn func(*signer) error) error {
	k := &signer{worker: workers[SHA512].Get().(*macWorker)}
	defer func() {
		k.worker.wipe()
		workers[SHA512].Put(k.worker)
		*k = signer{}
	}()
	k.sum(seed)
	if _, err := k.scalar.SetBytesWithClamping(k.digest()[:32]); err != nil {
		return err
	}
	copy(k.prefix[:], k.digest()[32:])
	return fn(k)
}

// sum leaves the SHA-512 of the parts in digest.
func (k *signer) sum(parts ...[]byte) {
	h := k.worker.hash
	h.Reset()
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(k.worker.digest[:0])
}

func (k *signer) digest() []byte { return k.worker.digest[:] }

// publicOf returns the public key, which costs as much as half a signature and is kept
// until the seed is written.
func (b *Buffer) publicOf(k *signer) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.public == nil {
		b.public = k.public()
	}
	return b.public[:]
}

func (k *signer) public() *[Ed25519PublicKeySize]byte {
	return (*[Ed25519PublicKeySize]byte)(new(edwards25519.Point).ScalarBaseMult(&k.scalar).Bytes())
}
