//go:build linux && !race

package securemem

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestWhatRuntimeSecretChanges prints, for this build, the cost of each use of a key
// and whether a copy of the key that a use leaves on the Go heap is still there after
// a garbage collection. Run it with and without GOEXPERIMENT=runtimesecret.
func TestWhatRuntimeSecretChanges(t *testing.T) {
	t.Logf("runtimesecret: %t", runtimeSecret)
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		t.Fatal(err)
	}
	out := runHelper(t, "careless use", func(cmd *exec.Cmd) {
		cmd.Env = append(cmd.Env, "GODEBUG=asyncpreemptoff=1", keyVariable+"="+flipped(key), needleVariable+"=key="+flipped(key))
	})
	found := strings.Contains(out, "found")
	t.Logf("a copy that a careless use left on the heap is found after it: %t", found)
	if found == runtimeSecret {
		t.Errorf("found %t with runtimesecret %t:\n%s", found, runtimeSecret, out)
	}

	b, err := From([]byte(strings.Repeat("k", 32)), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Free() //nolint:errcheck // damage is counted
	mac, sealed := make([]byte, 32), make([]byte, 64+EncryptOverhead)
	for _, use := range []struct {
		name string
		do   func() error
	}{
		{"HMAC-SHA-256 of 64 B", func() error { _, err := b.HMAC(SHA256, sealed[:64], mac); return err }},
		{"AES-256-GCM of 64 B", func() error { _, err := b.Encrypt(nil, make([]byte, 64), sealed); return err }},
		{"Ed25519 signature", func() error { _, err := b.SignEd25519(mac); return err }},
	} {
		const rounds = 200
		began := time.Now()
		for range rounds {
			if err := use.do(); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("%-22s %8.2f us", use.name, float64(time.Since(began).Microseconds())/rounds)
	}
}

func init() {
	// A use that leaves a copy of the key on the heap, as a careless library would.
	helpers["careless use"] = func() {
		searchAfter(func(b *Buffer) error {
			defer runtime.GC()
			return withChaCha(b, func(cipher.AEAD) error {
				carelessCopy(b)
				return nil
			})
		})
	}
}

//go:noinline
func carelessCopy(b *Buffer) {
	p := make([]byte, len(b.data))
	copy(p, b.data)
	if len(hex.EncodeToString(p[:1])) != 2 { // p is on the heap, and in use
		fmt.Println(p)
	}
}
