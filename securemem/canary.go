package securemem

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"sync"
	"unsafe"
)

const canarySize = aes.BlockSize

// canaryKey makes canaries unpredictable to whoever overflows a buffer. It guards no
// secret.
var canaryKey = sync.OnceValue(func() cipher.Block {
	key := make([]byte, 16)
	defer Wipe(key)
	_, _ = rand.Read(key) // never fails
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // 16 bytes are a key
	}
	return block
})

// renewCanary sets s.canary for this use of the slot: AES of address and generation,
// which no other slot and no other use has.
func (s *slot) renewCanary() {
	s.generation++
	binary.LittleEndian.PutUint64(s.canary[:8], uint64(uintptr(unsafe.Pointer(unsafe.SliceData(s.mem)))))
	binary.LittleEndian.PutUint64(s.canary[8:], s.generation)
	canaryKey().Encrypt(s.canary[:], s.canary[:])
}
