package securemem

import (
	"bytes"
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
)

func secretOf(t testing.TB, secret []byte) *Buffer {
	t.Helper()
	b, err := From(bytes.Clone(secret), 0)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wantSecret checks a derived buffer and frees it.
func wantSecret(t *testing.T, b *Buffer, err error, want []byte, format string, args ...any) {
	t.Helper()
	what := fmt.Sprintf(format, args...)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	if err := b.Use(func(got []byte) error {
		if !bytes.Equal(got, want) {
			t.Errorf("%s: %x, want %x", what, got, want)
		}
		return nil
	}); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	free(t, b)
}

func counting(first, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(first + i)
	}
	return p
}

func TestHKDFAnswersRFC5869(t *testing.T) {
	for i, c := range []struct {
		secret, salt, info []byte
		want               string
	}{
		{
			bytes.Repeat([]byte{0x0b}, 22), counting(0, 13), counting(0xf0, 10),
			"3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
		},
		{
			counting(0, 80), counting(0x60, 80), counting(0xb0, 80),
			"b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
		},
		{
			bytes.Repeat([]byte{0x0b}, 22), nil, nil,
			"8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
		},
	} {
		key := secretOf(t, c.secret)
		want := unhex(t, c.want)
		got, err := key.HKDF(SHA256, c.salt, c.info, len(want), 0)
		wantSecret(t, got, err, want, "case %d", i+1)
		free(t, key)
	}
}

func TestHKDFAgreesWithTheStandardLibraryAtEveryLength(t *testing.T) {
	key := newPattern(t, 50)
	defer free(t, key)
	for n := 1; n <= 255*32; n += 1 + n/10 {
		want, err := hkdf.Key(sha256.New, pattern(50), pattern(9), "info", n)
		if err != nil {
			t.Fatal(err)
		}
		got, err := key.HKDF(SHA256, pattern(9), []byte("info"), n, 0)
		wantSecret(t, got, err, want, "SHA-256, %d bytes", n)
		if want, err = hkdf.Key(sha512.New384, pattern(50), nil, "", n); err != nil {
			t.Fatal(err)
		}
		got, err = key.HKDF(SHA384, nil, nil, n, 0)
		wantSecret(t, got, err, want, "SHA-384, %d bytes", n)
		if want, err = hkdf.Key(sha512.New, pattern(50), pattern(200), "x", n); err != nil {
			t.Fatal(err)
		}
		got, err = key.HKDF(SHA512, pattern(200), []byte("x"), n, 0)
		wantSecret(t, got, err, want, "SHA-512, %d bytes", n)
	}
}

func TestHKDFRefusesUnknownHashesAndTooMuch(t *testing.T) {
	key := newPattern(t, 32)
	defer free(t, key)
	for n, h := range map[int]Hash{255*32 + 1: SHA256, 255*48 + 1: SHA384, 255*64 + 1: SHA512, 0: SHA256, -1: SHA256} {
		if _, err := key.HKDF(h, nil, nil, n, 0); !errors.Is(err, ErrSize) {
			t.Errorf("%d bytes of hash %d: %v", n, h, err)
		}
	}
	if _, err := key.HKDF(9, nil, nil, 32, 0); !errors.Is(err, ErrHash) {
		t.Errorf("hash 9: %v", err)
	}
	if _, err := key.HKDF(SHA256, nil, nil, 32, 1<<30); !errors.Is(err, ErrUnsupported) {
		t.Errorf("flags: %v", err)
	}
}

// RFC 7914, section 11.
func TestPBKDF2AnswersRFC7914(t *testing.T) {
	for _, c := range []struct {
		password, salt string
		iterations     uint32
		want           string
	}{
		{
			"passwd", "salt", 1,
			"55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783",
		},
		{
			"Password", "NaCl", 80000,
			"4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d",
		},
	} {
		password := secretOf(t, []byte(c.password))
		want, err := hex.DecodeString(c.want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := password.pbkdf2(SHA256, []byte(c.salt), c.iterations, len(want), 0)
		wantSecret(t, got, err, want, "%s", c.password)
		free(t, password)
	}
}

func TestPBKDF2AgreesWithTheStandardLibrary(t *testing.T) {
	for _, passwordLen := range []int{1, 63, 64, 65, 128, 129, 300} {
		password := newPattern(t, passwordLen)
		for _, n := range []int{1, 20, 64, 65, 200} {
			for h, want := range map[Hash][]byte{
				SHA256: std(t)(pbkdf2.Key(sha256.New, string(pattern(passwordLen)), pattern(20), 7, n)),
				SHA384: std(t)(pbkdf2.Key(sha512.New384, string(pattern(passwordLen)), pattern(20), 7, n)),
				SHA512: std(t)(pbkdf2.Key(sha512.New, string(pattern(passwordLen)), pattern(20), 7, n)),
			} {
				got, err := password.pbkdf2(h, pattern(20), 7, n, 0)
				wantSecret(t, got, err, want, "hash %d, password of %d, %d bytes", h, passwordLen, n)
			}
		}
		free(t, password)
	}
}

func std(t *testing.T) func([]byte, error) []byte {
	return func(p []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
}

func TestPBKDF2HasFloors(t *testing.T) {
	password := newPattern(t, 10)
	defer free(t, password)
	got, err := password.PBKDF2(SHA512, pattern(MinSalt), MinIterations, 32, 0)
	want := std(t)(pbkdf2.Key(sha512.New, string(pattern(10)), pattern(MinSalt), MinIterations, 32))
	wantSecret(t, got, err, want, "at the floors")
	for _, c := range []struct {
		hash       Hash
		salt       int
		iterations uint32
		n          int
		want       error
	}{
		{SHA256, MinSalt - 1, MinIterations, 32, ErrWeak},
		{SHA256, 0, MinIterations, 32, ErrWeak},
		{SHA256, MinSalt, MinIterations - 1, 32, ErrWeak},
		{SHA256, MinSalt, 0, 32, ErrWeak},
		{SHA256, MinSalt, MinIterations, 0, ErrSize},
		{SHA256, MinSalt, MinIterations, maxPBKDF2 + 1, ErrSize},
		{0, MinSalt, MinIterations, 32, ErrHash},
	} {
		if _, err := password.PBKDF2(c.hash, pattern(c.salt), c.iterations, c.n, 0); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
