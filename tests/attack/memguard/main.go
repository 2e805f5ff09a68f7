// Command memguard is a control of the attacks: a secret in memguard as it is
// published, and in the hands of crypto/hmac, behind three C functions. One at a time.
package main

// #include <stddef.h>
import "C"

import (
	"crypto/hmac"
	"crypto/sha256"
	"unsafe"

	"github.com/awnumar/memguard"
)

var secret *memguard.LockedBuffer

//export memguard_new
func memguard_new(size C.size_t) unsafe.Pointer {
	secret = memguard.NewBuffer(int(size))
	return unsafe.Pointer(unsafe.SliceData(secret.Bytes()))
}

//export memguard_hmac
func memguard_hmac() {
	mac := hmac.New(sha256.New, secret.Bytes())
	mac.Write([]byte("message"))
	mac.Sum(nil)
}

//export memguard_destroy
func memguard_destroy() { secret.Destroy() }

func main() {}
