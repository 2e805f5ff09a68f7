package securemem

import (
	"encoding"
	"encoding/binary"
	"fmt"
)

// Floors of [Buffer.PBKDF2], and the size of what it derives.
const (
	MinSalt       = 16      // bytes, NIST SP 800-132, 5.1
	MinIterations = 100_000 // where guessing costs milliseconds a try
	maxPBKDF2     = 1024    // bytes; each hash length costs all iterations again
)

// HKDF derives a new buffer of n bytes from this one (RFC 5869, extract and expand).
// salt and info may be empty. n is at most 255 digests.
//
// Errors: [ErrHash], [ErrSize], those of [Alloc], and those of every use (see
// [Buffer.ReadAt]).
func (b *Buffer) HKDF(h Hash, salt, info []byte, n int, f Flags) (*Buffer, error) {
	size := h.Size()
	if size == 0 {
		return nil, fmt.Errorf("%w, not %d", ErrHash, int(h))
	}
	if n > 255*size {
		return nil, fmt.Errorf("%w, and at most %d for this hash, not %d", ErrSize, 255*size, n)
	}
	return b.derive(n, f, func(out []byte) error {
		return b.useClean(func(secret []byte) error {
			w := workers[h].Get().(*macWorker)
			defer workers[h].Put(w)
			w.hkdf(out, secret, salt, info, size)
			return nil
		})
	})
}

// hkdf fills out. Each block of it is the input of the next, where it stands.
func (w *macWorker) hkdf(out, secret, salt, info []byte, size int) {
	scratch := make([]byte, 2*size)
	defer Wipe(scratch)
	prk, last := scratch[:size], scratch[size:]
	w.sum(prk, salt, secret)
	var previous []byte
	for i := byte(1); len(out) > 0; i++ {
		block := out
		if len(block) < size {
			block = last
		}
		w.sum(block[:size], prk, previous, info, []byte{i})
		previous = block[:size]
		out = out[copy(out, previous):]
	}
}

// PBKDF2 derives a new buffer of n bytes from this one, a password (RFC 8018). It
// takes as long as iterations say.
//
// Errors: [ErrHash], [ErrSize] (n is 1 to 1024), [ErrWeak] (salt below [MinSalt] or
// iterations below [MinIterations]), those of [Alloc], and those of every use (see
// [Buffer.ReadAt]).
func (b *Buffer) PBKDF2(h Hash, salt []byte, iterations uint32, n int, f Flags) (*Buffer, error) {
	switch {
	case h.Size() == 0:
		return nil, fmt.Errorf("%w, not %d", ErrHash, int(h))
	case n > maxPBKDF2:
		return nil, fmt.Errorf("%w, and at most %d from a password, not %d", ErrSize, maxPBKDF2, n)
	case len(salt) < MinSalt:
		return nil, fmt.Errorf("%w: a salt of %d bytes, at least %d", ErrWeak, len(salt), MinSalt)
	case iterations < MinIterations:
		return nil, fmt.Errorf("%w: %d iterations, at least %d", ErrWeak, iterations, MinIterations)
	}
	return b.pbkdf2(h, salt, iterations, n, f)
}

// pbkdf2 has no floors, for published vectors.
func (b *Buffer) pbkdf2(h Hash, salt []byte, iterations uint32, n int, f Flags) (*Buffer, error) {
	return b.derive(n, f, func(out []byte) error {
		return b.useClean(func(password []byte) error {
			w := workers[h].Get().(*macWorker)
			defer workers[h].Put(w)
			defer w.wipe()
			return w.pbkdf2(out, password, salt, iterations, h.Size())
		})
	})
}

// pbkdf2 fills out. The hash states after the padded key are made once and restored
// for each iteration, which halves the work.
func (w *macWorker) pbkdf2(out, password, salt []byte, iterations uint32, size int) error {
	states := make([]byte, 0, 2*256)
	defer func() { Wipe(states[:cap(states)]) }()
	hash := w.hash.(interface {
		encoding.BinaryAppender
		encoding.BinaryUnmarshaler
	})
	w.padKey(password)
	w.hash.Write(w.pad[:w.hash.BlockSize()])
	states, err := hash.AppendBinary(states)
	if err != nil {
		return err
	}
	inner := states
	w.flipPad()
	w.hash.Reset()
	w.hash.Write(w.pad[:w.hash.BlockSize()])
	if states, err = hash.AppendBinary(states); err != nil {
		return err
	}
	outer := states[len(inner):]

	u := w.digest[:size]
	prf := func(parts ...[]byte) error {
		if err := hash.UnmarshalBinary(inner); err != nil {
			return err
		}
		for _, p := range parts {
			w.hash.Write(p)
		}
		w.hash.Sum(u[:0])
		if err := hash.UnmarshalBinary(outer); err != nil {
			return err
		}
		w.hash.Write(u)
		w.hash.Sum(u[:0])
		return nil
	}
	t := make([]byte, size)
	defer Wipe(t)
	for block := uint32(1); len(out) > 0; block++ {
		if err := prf(salt, binary.BigEndian.AppendUint32(nil, block)); err != nil {
			return err
		}
		copy(t, u)
		for range iterations - 1 {
			if err := prf(u); err != nil {
				return err
			}
			for i := range t {
				t[i] ^= u[i]
			}
		}
		out = out[copy(out, t):]
	}
	return nil
}
