//go:build linux && !race

package securemem

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// What is left in a process of a key that was used and freed. The process that is
// searched never had the key in another place than its source, which From wipes, and
// gets what to search for with every byte flipped.

const (
	keyVariable    = "SPRINT_TEST_KEY"
	needleVariable = "SPRINT_TEST_NEEDLES"
)

func flipped(p []byte) string {
	q := bytes.Clone(p)
	for i := range q {
		q[i] = ^q[i]
	}
	return hex.EncodeToString(q)
}

// needles are the key and what is as good as it.
func needles(t *testing.T, key []byte) string {
	t.Helper()
	pad := func(with byte) []byte {
		p := bytes.Repeat([]byte{with}, 128)
		for i := range key {
			p[i] ^= key[i]
		}
		return p
	}
	var list []string
	for name, p := range map[string][]byte{"key": key, "inner-pad": pad(0x36)[:len(key)], "outer-pad": pad(0x5c)[:len(key)]} {
		list = append(list, name+"="+flipped(p), name+"-swapped-4="+flipped(swapped(p, 4)), name+"-swapped-8="+flipped(swapped(p, 8)))
	}
	for name, p := range map[string][]byte{"inner-state": pad(0x36), "outer-state": pad(0x5c)} {
		small, large := sha256.New(), sha512.New()
		small.Write(p[:64])
		large.Write(p)
		list = append(list, name+"-256="+flipped(stateOf(t, small)[:32]), name+"-512="+flipped(stateOf(t, large)[:64]))
	}
	return strings.Join(list, ",")
}

// swapped is p in words of the other byte order, as ciphers and hashes load it.
func swapped(p []byte, word int) []byte {
	q := bytes.Clone(p)
	for rest := q; len(rest) >= word; rest = rest[word:] {
		slices.Reverse(rest[:word])
	}
	return q
}

var residueUses = map[string]func(b *Buffer) error{
	"nothing": func(*Buffer) error { return nil },
	"hmac": func(b *Buffer) error {
		for _, h := range []Hash{SHA256, SHA512} {
			if _, err := b.HMAC(h, []byte("a message that is not secret"), make([]byte, 64)); err != nil {
				return err
			}
		}
		return nil
	},
	"seal": func(b *Buffer) error {
		if err := b.Seal(); err != nil {
			return err
		}
		return b.Use(func([]byte) error { return nil })
	},
	"chacha20-poly1305": func(b *Buffer) error {
		return b.withChaCha(func(aead cipher.AEAD) error {
			aead.Seal(nil, make([]byte, aead.NonceSize()), make([]byte, 100), nil)
			return nil
		})
	},
	"aes-gcm": func(b *Buffer) error {
		out := make([]byte, 10+EncryptOverhead)
		if _, err := b.Encrypt(nil, make([]byte, 10), out); err != nil {
			return err
		}
		p, err := b.Decrypt(nil, out, 0)
		if err != nil {
			return err
		}
		return p.Free()
	},
	"hkdf": func(b *Buffer) error {
		p, err := b.HKDF(SHA256, nil, nil, 100, 0)
		if err != nil {
			return err
		}
		return p.Free()
	},
	"pbkdf2": func(b *Buffer) error {
		p, err := b.pbkdf2(SHA512, make([]byte, 16), 1000, 64, 0)
		if err != nil {
			return err
		}
		return p.Free()
	},
	// Controls that must be found, or the search is worth nothing.
	"control hmac": func(b *Buffer) error {
		return b.Use(func(key []byte) error {
			leaked = hmac.New(sha256.New, key)
			return nil
		})
	},
	"control aes": func(b *Buffer) error {
		return b.Use(func(key []byte) (err error) {
			leaked, err = aes.NewCipher(key)
			return err
		})
	},
}

var leaked any

func TestNothingOfAKeyIsLeftInTheProcessAfterUse(t *testing.T) {
	for name := range residueUses {
		t.Run(name, func(t *testing.T) {
			key := make([]byte, 32)
			if _, err := rand.Read(key); err != nil {
				t.Fatal(err)
			}
			out := runHelper(t, "residue "+name, func(cmd *exec.Cmd) {
				cmd.Env = append(cmd.Env, keyVariable+"="+flipped(key), needleVariable+"="+needles(t, key))
			})
			found := strings.Contains(out, "found")
			if control := strings.HasPrefix(name, "control"); found != control {
				t.Errorf("found %t, want %t:\n%s", found, control, out)
			}
			if !strings.Contains(out, "searched") {
				t.Errorf("no search: %s", out)
			}
		})
	}
}

func init() {
	for name, use := range residueUses {
		helpers["residue "+name] = func() { searchAfter(use) }
	}
}

func searchAfter(use func(*Buffer) error) {
	debug.SetGCPercent(-1) // which could free and reuse what is to be found
	// On a goroutine that waits then: its stack stays as the use left it. The buffer's
	// own pages are without access meanwhile, and not searched.
	result, end := make(chan error), make(chan struct{})
	var b *Buffer
	go func() {
		var err error
		unflip(keySource[:], os.Getenv(keyVariable))
		if b, err = From(keySource[:], NoAccess); err == nil {
			err = use(b)
		}
		result <- err
		<-end
		result <- b.Free()
	}()
	if err := <-result; err != nil {
		fmt.Println("FAIL", err)
		return
	}
	search("after use")
	close(end)
	if err := <-result; err != nil {
		fmt.Println("FAIL", err)
	}
	search("after Free")
	runtime.KeepAlive(leaked)
}

func search(when string) {
	searched := 0
	for spec := range strings.SplitSeq(os.Getenv(needleVariable), ",") {
		name, text, _ := strings.Cut(spec, "=")
		masked, _ := hex.DecodeString(text) // still flipped
		searched += searchMemory(name, masked)
	}
	fmt.Println("searched", searched>>20, "MiB", when)
}

// keySource is a variable of the package because the compiler may build a local one on
// the stack first and then move it.
var keySource [32]byte

func unflip(dst []byte, text string) {
	for i := range dst {
		dst[i] = ^(nibble(text[2*i])<<4 | nibble(text[2*i+1]))
	}
}

func nibble(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

// searchMemory looks for the first 16 bytes of a flipped needle in everything that
// this process can read and write.
func searchMemory(name string, masked []byte) (searched int) {
	want := [2]uint64{*(*uint64)(unsafe.Pointer(&masked[0])), *(*uint64)(unsafe.Pointer(&masked[8]))}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		fmt.Println("FAIL", err)
		return 0
	}
	for line := range strings.Lines(string(maps)) {
		var lo, hi uintptr
		var prot string
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &lo, &hi, &prot); n != 3 || !strings.HasPrefix(prot, "rw") {
			continue
		}
		for at := lo; at+16 <= hi; at++ {
			p := *(*unsafe.Pointer)(unsafe.Pointer(&at))
			if ^*(*uint64)(p) == want[0] && ^*(*uint64)(unsafe.Add(p, 8)) == want[1] {
				fmt.Printf("found %s at %#x in %s", name, at, line)
			}
		}
		searched += int(hi - lo)
	}
	return searched
}
