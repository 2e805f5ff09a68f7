package securemem

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"unsafe"
)

const (
	aes256KeySize = 32
	gcmNonceSize  = 12
	gcmTagSize    = 16

	// EncryptOverhead is by how many bytes a message grows: nonce and tag.
	EncryptOverhead = gcmNonceSize + gcmTagSize
)

// Encrypt encrypts plain with AES-256-GCM, the buffer being the key of 32 bytes, and
// writes nonce (12 bytes, random), ciphertext and tag (16 bytes) to the start of out.
// aad is authenticated and not sent. It returns the size, with [ErrShort] too.
//
// Random nonces bound a key to 2^32 messages (NIST SP 800-38D, 8.3).
//
// Errors: [ErrCrypto] (no key of 32 bytes), [ErrShort], [ErrOverlap], and those of
// every use (see [Buffer.ReadAt]).
func (b *Buffer) Encrypt(aad, plain, out []byte) (int, error) {
	n := len(plain) + EncryptOverhead
	if len(out) < n {
		return n, fmt.Errorf("%w: a message of %d bytes does not fit into %d", ErrShort, n, len(out))
	}
	out = out[:n:n]
	if overlap(out, plain) || overlap(out, aad) {
		return 0, ErrOverlap
	}
	err := b.withGCM(func(gcm cipher.AEAD) error {
		nonce, rest := out[:gcmNonceSize], out[gcmNonceSize:]
		_, _ = rand.Read(nonce) // never fails
		gcm.Seal(rest[:0], nonce, plain, aad)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// Decrypt opens what Encrypt returned, with the same aad, into a new buffer: the
// plaintext is never anywhere else. It has 1 byte at least.
//
// Errors: [ErrCrypto] (changed message or aad, another key, too short), those of
// [Alloc], and those of every use (see [Buffer.ReadAt]).
func (b *Buffer) Decrypt(aad, sealed []byte, f Flags) (*Buffer, error) {
	n := len(sealed) - EncryptOverhead
	if n < 1 {
		return nil, fmt.Errorf("%w: a message of %d bytes is too short", ErrCrypto, len(sealed))
	}
	return b.derive(n, f, func(out []byte) error {
		return b.withGCM(func(gcm cipher.AEAD) error {
			if _, err := gcm.Open(out[:0], sealed[:gcmNonceSize], sealed[gcmNonceSize:], aad); err != nil {
				return fmt.Errorf("%w: message, additional data or key is not what was encrypted", ErrCrypto)
			}
			return nil
		})
	})
}

// withGCM runs fn with the buffer as an AES-256 key, and leaves no key schedule behind.
func (b *Buffer) withGCM(fn func(cipher.AEAD) error) error {
	if b.size != aes256KeySize {
		return fmt.Errorf("%w: a key of %d bytes, AES-256 takes %d", ErrCrypto, b.size, aes256KeySize)
	}
	return b.useClean(func(key []byte) error {
		block, err := aes.NewCipher(key)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrCrypto, err)
		}
		defer scrub(block)
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrCrypto, err)
		}
		defer scrub(gcm)
		return fn(gcm)
	})
}

// derive returns a new buffer of n bytes that fill writes, or the error of fill.
func (b *Buffer) derive(n int, f Flags, fill func(out []byte) error) (*Buffer, error) {
	var fillErr error
	out, err := alloc(n, f, func(p []byte) { fillErr = fill(p) })
	if err != nil {
		return nil, err
	}
	if fillErr != nil {
		_ = out.Free()
		return nil, fillErr
	}
	return out, nil
}

func overlap(a, b []byte) bool {
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	a0, b0 := uintptr(unsafe.Pointer(&a[0])), uintptr(unsafe.Pointer(&b[0]))
	return a0 < b0+uintptr(len(b)) && b0 < a0+uintptr(len(a))
}
