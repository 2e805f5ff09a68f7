package securemem_test

import (
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/bitcoin-sprint/libsprint/securemem"
)

// From moves a secret in and wipes where it came from. The key signs where it lies.
func Example() {
	message := []byte("what do ya want for nothing?")
	key := []byte("Jefe") // read it straight into a buffer if you can: see Buffer.Open

	secret, err := securemem.From(key, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer secret.Free()
	mac := make([]byte, securemem.SHA256.Size())
	if _, err := secret.HMAC(securemem.SHA256, message, mac); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%x\n", mac[:8])
	fmt.Printf("%q\n", key)
	// Output:
	// 5bdcc146bf60754e
	// "\x00\x00\x00\x00"
}

// The summary's names: the buffer, and what protects it.
func ExampleSecureBuffer() {
	var key *securemem.SecureBuffer
	key, err := securemem.Random(32, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer key.Free()
	if err := securemem.SelfCheck(); err != nil {
		log.Fatal(err)
	}
	var status securemem.MemoryProtectionStatus = securemem.ReadStatus()
	fmt.Println(status.Enabled, status.SelfCheck, status.ActiveBuffers > 0)
	// Output: true passed true
}

// A borrow is the locked memory itself: a file or a socket reads straight into it.
func ExampleBuffer_Open() {
	secret, err := securemem.Alloc(5, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer secret.Free()
	view, err := secret.Open(securemem.Write)
	if err != nil {
		log.Fatal(err)
	}
	copy(view, "hello")
	if err := secret.Close(); err != nil { // view is no longer valid
		log.Fatal(err)
	}
	err = secret.Use(func(inPlace []byte) error {
		fmt.Println(len(inPlace), "bytes")
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: 5 bytes
}

// A secret with a lifetime is wiped when that is over, whoever still holds it.
func ExampleBuffer_ExpireAfter() {
	token, err := securemem.Random(16, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer token.Free()
	if err := token.ExpireAfter(time.Millisecond); err != nil {
		log.Fatal(err)
	}
	use := func() error { return token.Use(func([]byte) error { return nil }) }
	for use() == nil {
		time.Sleep(time.Millisecond)
	}
	fmt.Println(errors.Is(use(), securemem.ErrExpired))
	// Output: true
}
