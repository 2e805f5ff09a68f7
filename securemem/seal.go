package securemem

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"reflect"
	"sync"
	"unsafe"

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
	defer b.mu.Unlock()
	return b.vacate()
}

// vacate wipes the slot of a secret that is sealed now, and leaves the slot to it as
// long as nobody else needs one. mu is held.
func (b *Buffer) vacate() error {
	s := b.slot
	if s == nil {
		return nil // sealed before
	}
	b.slot, b.data = nil, nil
	b.depart()
	if err := s.wipe(b.size); err != nil {
		return err
	}
	if b.flags&NoAccess != 0 {
		_ = s.allow(none) // a slot that could not be closed is still wiped
	}
	if !s.attach(b) {
		s.giveBack()
	}
	return nil
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
	sealed, err := sealing.seal(b.identity(), b.data, b.spare)
	b.sealed = sealed
	return err
}

// unseal brings a sealed secret into a slot. mu is held.
func (b *Buffer) unseal() error {
	if err := b.occupy(); err != nil {
		return err
	}
	if err := sealing.open(b.identity(), b.data, b.sealed); err != nil {
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
	mu     sync.Mutex
	key    *Buffer     // nil: nothing is sealed
	cipher cipher.AEAD // in the slot of key. Whoever sealed something may use it unlocked
	users  int         // sealed secrets
	held   bool        // kept also while nothing is sealed
	used   uint64      // nonces of this key
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
		k.key, k.cipher = nil, nil
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
	key.depart()               // it is never sealed itself
	_, _ = rand.Read(key.data) // never fails
	clearVectors()
	var err error
	if k.cipher, err = chaChaIn(key.data); err != nil {
		_ = key.Free()
		return err
	}
	k.key, k.used = key, 0
	return nil
}

// chaChaIn is the cipher whose key is in the slot: the cipher's object is the key and
// nothing else, and is used where it is, so that no copy is ever made.
func chaChaIn(key []byte) (cipher.AEAD, error) {
	probe, err := chacha20poly1305.New(make([]byte, chacha20poly1305.KeySize))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCrypto, err)
	}
	t := reflect.TypeOf(probe).Elem()
	if t.Size() != chacha20poly1305.KeySize || t.NumField() != 1 || t.Field(0).Type != reflect.TypeFor[[chacha20poly1305.KeySize]byte]() {
		return nil, fmt.Errorf("%w: golang.org/x/crypto/chacha20poly1305 is of a version that cannot be used in place", ErrUnsupported)
	}
	return reflect.NewAt(t, unsafe.Pointer(unsafe.SliceData(key))).Interface().(cipher.AEAD), nil
}

// claim returns the cipher, making its key if there is none, and a nonce of its own.
func (k *sealer) claim() (aead cipher.AEAD, nonce uint64, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.makeKey(); err != nil {
		return nil, 0, err
	}
	k.users++
	count.sealed.Add(1)
	k.used++
	return k.cipher, k.used, nil
}

// seal returns nonce, ciphertext and tag, bound to id, in spare if there is one.
func (k *sealer) seal(id, secret, spare []byte) ([]byte, error) {
	aead, nonce, err := k.claim()
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
	err = clean(func() error {
		out = aead.Seal(out, out, secret, id)
		return nil
	})
	return out, err
}

// open decrypts what seal returned for the same id into secret.
func (k *sealer) open(id, secret, sealed []byte) error {
	return clean(func() error {
		nonce, ciphertext := sealed[:chacha20poly1305.NonceSize], sealed[chacha20poly1305.NonceSize:]
		if _, err := k.cipher.Open(secret[:0], nonce, ciphertext, id); err != nil {
			return fmt.Errorf("%w: a sealed secret was changed", ErrCrypto)
		}
		return nil
	})
}

// identity is what binds a sealed secret to its buffer. mu is held.
func (b *Buffer) identity() []byte {
	binary.LittleEndian.PutUint64(b.name[:], b.id)
	return b.name[:]
}
