package securemem

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"
)

// Seal encrypts the secret into ordinary memory and gives its locked pages back, so
// that more secrets can be kept than can be locked. The next use or borrow decrypts it
// into locked pages again, or fails with [ErrLimit] and leaves it sealed. A sealed
// secret stays so on a second call.
//
// The key is in locked memory as long as anything is sealed, and new each time. This
// is one more obstacle for whoever reads ordinary memory, and no more: the key is in
// the same process.
//
// Errors: [ErrState] (borrowed or in use), [ErrFreed], [ErrExpired], [ErrLimit] (for
// the key); [ErrCorrupt] if the canary was damaged: the secret is sealed all the same.
func (b *Buffer) Seal() error {
	b.mu.Lock()
	return b.sealLocked()
}

// sealLocked is Seal with mu held; it unlocks.
func (b *Buffer) sealLocked() error {
	err := b.encrypt()
	b.tell("seal", err)
	if err != nil {
		_ = b.unlock()
		return err
	}
	s := b.slot
	b.slot, b.data = nil, nil
	b.depart()
	b.mu.Unlock()
	if s == nil {
		return nil
	}
	return s.end(b.size)
}

// encrypt sets b.sealed. mu is held.
func (b *Buffer) encrypt() error {
	if err := b.present(); err != nil {
		return err
	}
	if !b.idle() {
		return fmt.Errorf("%w: open or in use", ErrState)
	}
	if b.sealed != nil {
		return nil
	}
	if err := b.reach(readOnly); err != nil {
		return err
	}
	sealed, err := sealing.seal(b.id, b.data, b.spare)
	b.sealed = sealed
	return err
}

// unseal brings a sealed secret into a slot. mu is held.
func (b *Buffer) unseal() error {
	if err := b.occupy(); err != nil {
		return err
	}
	if err := sealing.open(b.id, b.data, b.sealed); err != nil {
		s := b.slot
		b.slot, b.data = nil, nil
		b.depart()
		_ = s.end(b.size)
		return err
	}
	b.tell("unseal", nil)
	b.sealed, b.spare = nil, b.sealed
	sealing.forget()
	return nil
}

// sealing holds the key of this process while anything is sealed.
var sealing sealer

type sealer struct {
	mu    sync.Mutex
	key   *Buffer // nil: nothing is sealed
	users int     // sealed secrets
	held  bool    // kept also while nothing is sealed
	used  uint64  // nonces of this key
}

// forget ends the claim of one sealed secret on the key.
func (k *sealer) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.users--
	count.sealed.Add(-1)
	k.dropKey()
}

// dropKey frees the key if nothing is sealed and nothing is there to be. mu is held.
func (k *sealer) dropKey() {
	if k.users == 0 && !k.held && k.key != nil && count.buffers.Load() == 0 {
		_ = k.key.Free() // damage is counted
		k.key = nil
	}
}

// forgetUnused is called when the last buffer was freed.
func (k *sealer) forgetUnused() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dropKey()
}

// hold makes the key now and keeps it until letGo, also while nothing is sealed.
func (k *sealer) hold() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	err := k.makeKey()
	k.held = err == nil
	return err
}

func (k *sealer) letGo() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held = false
	k.dropKey()
}

// makeKey makes the key if there is none. mu is held.
func (k *sealer) makeKey() error {
	if k.key != nil {
		return nil
	}
	key := &Buffer{id: lastID.Add(1), size: chacha20poly1305.KeySize, owners: 1, ours: true}
	if err := key.occupy(); err != nil {
		return err
	}
	_, _ = rand.Read(key.data) // never fails
	key.depart()               // it is never sealed itself
	k.key, k.used = key, 0
	return nil
}

// claim returns the key, making it if there is none, and a nonce of its own.
func (k *sealer) claim() (key *Buffer, nonce uint64, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.makeKey(); err != nil {
		return nil, 0, err
	}
	k.users++
	count.sealed.Add(1)
	k.used++
	return k.key, k.used, nil
}

// seal returns nonce, ciphertext and tag, in spare if that is of the right size.
func (k *sealer) seal(id uint64, secret, spare []byte) ([]byte, error) {
	key, nonce, err := k.claim()
	if err != nil {
		return nil, err
	}
	out := spare
	if out == nil {
		out = make([]byte, chacha20poly1305.NonceSize+len(secret)+chacha20poly1305.Overhead)
	}
	out = out[:chacha20poly1305.NonceSize]
	clear(out)
	binary.LittleEndian.PutUint64(out, nonce)
	err = key.withChaCha(func(aead cipher.AEAD) error {
		out = aead.Seal(out, out, secret, identity(id))
		return nil
	})
	if err != nil {
		k.forget()
		return nil, err
	}
	return out, nil
}

// open decrypts what seal returned for the same id into secret.
func (k *sealer) open(id uint64, secret, sealed []byte) error {
	k.mu.Lock()
	key := k.key // stays as long as this secret is sealed
	k.mu.Unlock()
	return key.withChaCha(func(aead cipher.AEAD) error {
		nonce, ciphertext := sealed[:chacha20poly1305.NonceSize], sealed[chacha20poly1305.NonceSize:]
		if _, err := aead.Open(secret[:0], nonce, ciphertext, identity(id)); err != nil {
			return fmt.Errorf("%w: a sealed secret was changed", ErrCrypto)
		}
		return nil
	})
}

// identity binds a sealed secret to its buffer.
func identity(id uint64) []byte { return binary.LittleEndian.AppendUint64(nil, id) }

// withChaCha runs fn with the buffer as a ChaCha20-Poly1305 key, and leaves no copy of
// it behind.
func (b *Buffer) withChaCha(fn func(cipher.AEAD) error) error {
	return b.useClean(func(key []byte) error {
		aead, err := chacha20poly1305.New(key)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrCrypto, err)
		}
		defer scrub(aead)
		return fn(aead)
	})
}
