package securemem

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"hash"
	"sync"
)

// Hash names a hash function. Numbers are those of SPRINT_HASH_* in sprint.h.
type Hash int

// Hashes of [Buffer.HMAC].
const (
	SHA256 Hash = 1
	SHA384 Hash = 2
	SHA512 Hash = 3
)

// Size is the length of a digest in bytes, 0 for an unknown hash.
func (h Hash) Size() int {
	switch h {
	case SHA256:
		return sha256.Size
	case SHA384:
		return sha512.Size384
	case SHA512:
		return sha512.Size
	}
	return 0
}

// HMAC computes the tag of msg (RFC 2104) with the buffer as the key and writes it to
// the start of mac. It returns the size of the tag, with [ErrShort] too.
//
// Errors: [ErrHash], [ErrShort], and those of every use (see [Buffer.ReadAt]).
func (b *Buffer) HMAC(h Hash, msg, mac []byte) (int, error) {
	n := h.Size()
	if n == 0 {
		return 0, fmt.Errorf("%w, not %d", ErrHash, int(h))
	}
	if len(mac) < n {
		return n, fmt.Errorf("%w: a tag of %d bytes does not fit into %d", ErrShort, n, len(mac))
	}
	err := b.useClean(func(key []byte) error {
		w := workers[h].Get().(*macWorker)
		defer workers[h].Put(w)
		w.sum(mac[:n], key, msg)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// macWorker computes HMACs. It is our own, and not crypto/hmac, for what is left in
// memory: that one keeps the padded key and the hash states derived from it, each as
// good as the key, in objects that nobody wipes. Here the only copies are pad, which
// is wiped, the states in hash, which are reset, and what useClean wipes.
type macWorker struct {
	hash   hash.Hash
	pad    [sha512.BlockSize]byte
	digest [sha512.Size]byte
}

var workers = [...]*sync.Pool{
	SHA256: {New: func() any { return &macWorker{hash: sha256.New()} }},
	SHA384: {New: func() any { return &macWorker{hash: sha512.New384()} }},
	SHA512: {New: func() any { return &macWorker{hash: sha512.New()} }},
}

var zeros [sha512.BlockSize]byte

// sum writes the tag of the parts of msg to mac.
func (w *macWorker) sum(mac, key []byte, msg ...[]byte) {
	defer w.wipe() // also when msg is memory of a host that faults
	w.padKey(key)
	pad := w.pad[:w.hash.BlockSize()]
	w.hash.Write(pad)
	for _, part := range msg {
		w.hash.Write(part)
	}
	inner := w.hash.Sum(w.digest[:0])
	w.hash.Reset()
	w.flipPad()
	w.hash.Write(pad)
	w.hash.Write(inner)
	copy(mac, w.hash.Sum(w.digest[:0]))
}

// What the key is padded with, in blocks of the largest hash, and what turns the inner
// padding into the outer one.
var (
	ipads = bytes.Repeat([]byte{0x36}, sha512.BlockSize)
	flips = bytes.Repeat([]byte{0x36 ^ 0x5c}, sha512.BlockSize)
)

// padKey sets pad, which is zero, to the inner padded key.
func (w *macWorker) padKey(key []byte) {
	pad := w.pad[:w.hash.BlockSize()]
	if len(key) > len(pad) {
		w.hash.Write(key)
		w.hash.Sum(pad[:0])
		w.hash.Reset()
	} else {
		copy(pad, key)
	}
	subtle.XORBytes(pad, pad, ipads)
}

// flipPad turns the inner padded key into the outer one.
func (w *macWorker) flipPad() {
	pad := w.pad[:w.hash.BlockSize()]
	subtle.XORBytes(pad, pad, flips)
}

// wipe makes w as good as new.
func (w *macWorker) wipe() {
	Wipe(w.pad[:])
	Wipe(w.digest[:])
	// Reset leaves the last partial block (the end of a long key, an inner digest) in
	// the hash's own buffer: overwrite that with all but one byte of a block.
	w.hash.Reset()
	w.hash.Write(zeros[:w.hash.BlockSize()-1])
	w.hash.Reset()
}
