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
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
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
	expanded := sha512.Sum512(key) // of an Ed25519 seed
	list := []string{"expanded=" + flipped(expanded[:32]), "prefix=" + flipped(expanded[32:])}
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

// withChaCha uses the secret as the key of what is sealed is used.
func withChaCha(b *Buffer, fn func(cipher.AEAD) error) error {
	return b.useClean(func(key []byte) error {
		aead, err := chaChaIn(key)
		if err != nil {
			return err
		}
		return fn(aead)
	})
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
		return withChaCha(b, func(aead cipher.AEAD) error {
			aead.Seal(nil, make([]byte, aead.NonceSize()), make([]byte, 100), nil)
			return nil
		})
	},
	"ed25519": func(b *Buffer) error {
		if _, err := b.PublicEd25519(); err != nil {
			return err
		}
		_, err := b.SignEd25519([]byte("a message"))
		return err
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
	"private key": signOnce,
	"private key in PEM": func(b *Buffer) error {
		const header, footer = "-----BEGIN PRIVATE KEY-----\n", "\n-----END PRIVATE KEY-----\n"
		prefix := []byte("\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20") // RFC 8410
		der, err := Alloc(len(prefix)+b.Len(), NoAccess)
		if err != nil {
			return err
		}
		text, err := Alloc(len(header)+base64.StdEncoding.EncodedLen(der.Len())+len(footer), NoAccess)
		if err != nil {
			return err
		}
		err = errors.Join(der.enter(Write), text.enter(Write), b.Use(func(seed []byte) error {
			copy(der.data[copy(der.data, prefix):], seed)
			end := copy(text.data, header)
			base64.StdEncoding.Encode(text.data[end:], der.data)
			copy(text.data[end+base64.StdEncoding.EncodedLen(der.Len()):], footer)
			return nil
		}))
		der.leave(Write)
		text.leave(Write)
		return errors.Join(err, signOnce(text), der.Free(), text.Free())
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

func signOnce(b *Buffer) error {
	k, err := b.PrivateKey()
	if err != nil {
		return err
	}
	return signedBy(k)
}

func TestNothingOfAKeyIsLeftInTheProcessAfterUse(t *testing.T) {
	for name := range residueUses {
		t.Run(name, func(t *testing.T) {
			key := make([]byte, 32)
			if _, err := rand.Read(key); err != nil {
				t.Fatal(err)
			}
			out := runHelper(t, "residue "+name, func(cmd *exec.Cmd) {
				// As in the library: a signal to preempt a goroutine would save the registers of
				// the moment, those of the copy that brought the key in among them.
				cmd.Env = append(cmd.Env, "GODEBUG=asyncpreemptoff=1")
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
	var names []string
	var wanted [][2]uint64     // still flipped
	var possible [1 << 16]bool // by their first two bytes
	for spec := range strings.SplitSeq(os.Getenv(needleVariable), ",") {
		name, text, _ := strings.Cut(spec, "=")
		p, err := hex.DecodeString(text)
		if err != nil || len(p) < 16 {
			fmt.Println("FAIL needle", name, err)
			return
		}
		names = append(names, name)
		possible[binary.NativeEndian.Uint16(p)] = true
		wanted = append(wanted, [2]uint64{binary.NativeEndian.Uint64(p), binary.NativeEndian.Uint64(p[8:])})
	}
	// A signal makes the kernel write a thread's registers to its signal stack.
	threads, _ := os.ReadDir("/proc/self/task")
	for _, thread := range threads {
		if tid, err := strconv.Atoi(thread.Name()); err == nil {
			_ = unix.Tgkill(os.Getpid(), tid, unix.SIGURG)
		}
	}
	fmt.Println("searched", searchMemory(names, wanted, &possible)>>20, "MiB", when)
}

// searchMemory looks for 16 bytes of each needle, at every address that is a multiple
// of 4, in all that this process can read and write.
func searchMemory(names []string, wanted [][2]uint64, possible *[1 << 16]bool) (searched int) {
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
		for at := lo; at+16 <= hi; at += 4 {
			p := *(*unsafe.Pointer)(unsafe.Pointer(&at))
			if !possible[^*(*uint16)(p)] {
				continue
			}
			for i, w := range wanted {
				if ^*(*uint64)(p) == w[0] && ^*(*uint64)(unsafe.Add(p, 8)) == w[1] {
					fmt.Printf("found %s at %#x in %s", names[i], at, line)
				}
			}
		}
		searched += int(hi - lo)
	}
	return searched
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
