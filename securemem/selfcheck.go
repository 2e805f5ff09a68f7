package securemem

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrSelfCheck is a self check that failed; the text names the step.
var ErrSelfCheck = errors.New("sprint: self check of the secure memory failed")

var lastCheck check

type check struct {
	mu  sync.Mutex
	at  time.Time // zero: never
	err error
}

// result is 0 not run, 1 passed, 2 failed. mu is held.
func (c *check) result() uint32 {
	switch {
	case c.at.IsZero():
		return 0
	case c.err == nil:
		return 1
	}
	return 2
}

// SelfCheck tries the protection here and now, with a buffer of its own, and keeps the
// result for [ReadStats] and [ReadStatus]. Errors: [ErrSelfCheck], and those of [Alloc].
func SelfCheck() error {
	err := selfCheck()
	lastCheck.mu.Lock()
	defer lastCheck.mu.Unlock()
	lastCheck.at, lastCheck.err = time.Now(), err
	return err
}

func selfCheck() (err error) {
	step := "allocate"
	fail := func(why error) error {
		for _, limit := range []error{ErrLimit, ErrNoMemory, ErrNoReplace} {
			if errors.Is(why, limit) {
				return fmt.Errorf("self check, step %s: %w", step, why)
			}
		}
		return fmt.Errorf("%w: step %s: %w", ErrSelfCheck, step, why)
	}
	b, err := Alloc(64, 0)
	if err != nil {
		return fail(err)
	}
	defer func() {
		if freed := b.Free(); freed != nil && err == nil {
			step = "canary"
			err = fail(freed)
		}
	}()

	step = "write and read"
	pattern, got := bytes.Repeat([]byte{0x5a, 0xa5}, 32), make([]byte, 64)
	if err := errors.Join(b.WriteAt(pattern, 0), b.ReadAt(got, 0)); err != nil {
		return fail(err)
	}
	if !bytes.Equal(got, pattern) {
		return fail(errors.New("what was written was not read back"))
	}

	step = "pages"
	b.mu.Lock()
	err = checkMappings(b.slot)
	b.mu.Unlock()
	if err != nil {
		return fail(err)
	}

	for _, known := range knownAnswers {
		step = known.name
		if err := known.check(); err != nil {
			return fail(err)
		}
	}
	return nil
}

var knownAnswers = []struct {
	name  string
	check func() error
}{
	{"HMAC-SHA-256 known answer", checkHMAC},
	{"AES-256-GCM known answer", checkGCM},
}

var errAnswer = errors.New("the result is not the known one")

// checkHMAC is RFC 4231, test case 2.
func checkHMAC() error {
	key, err := From([]byte("Jefe"), 0)
	if err != nil {
		return err
	}
	defer key.Free() //nolint:errcheck // damage is counted
	mac := make([]byte, 32)
	if _, err := key.HMAC(SHA256, []byte("what do ya want for nothing?"), mac); err != nil {
		return err
	}
	if hex.EncodeToString(mac) != "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" {
		return errAnswer
	}
	return nil
}

// checkGCM decrypts test case 14 of the GCM specification (McGrew and Viega): key,
// nonce and plaintext of zeros.
func checkGCM() error {
	key, err := Alloc(32, 0)
	if err != nil {
		return err
	}
	defer key.Free() //nolint:errcheck // damage is counted
	sealed, err := hex.DecodeString("000000000000000000000000" +
		"cea7403d4d606b6e074ec5d3baf39d18" + "d0d1c8a799996bf0265b98b5d48ab919")
	if err != nil {
		return err
	}
	plain, err := key.Decrypt(nil, sealed, 0)
	if err != nil {
		return err
	}
	defer plain.Free() //nolint:errcheck // damage is counted
	return plain.Use(func(p []byte) error {
		if !bytes.Equal(p, make([]byte, 16)) {
			return errAnswer
		}
		return nil
	})
}
