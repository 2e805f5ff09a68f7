package securemem

import (
	"bytes"
	"errors"
	"testing"
)

// McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 14 to 16.
func TestDecryptAnswersThePublishedVectors(t *testing.T) {
	const plain = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
	const sealed = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
	const key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
	for i, c := range []struct{ key, nonce, aad, plain, sealed, tag string }{
		{
			"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000", "",
			"00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919",
		},
		{key, "cafebabefacedbaddecaf888", "", plain + "1aafd255", sealed + "898015ad", "b094dac5d93471bdec1a502270e3cc6c"},
		{key, "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2", plain, sealed, "76fc6ece0f4e1768cddf8853bb2d551b"},
	} {
		key := secretOf(t, unhex(t, c.key))
		got, err := key.Decrypt(unhex(t, c.aad), unhex(t, c.nonce+c.sealed+c.tag), 0)
		wantSecret(t, got, err, unhex(t, c.plain), "case %d", i+14)
		free(t, key)
	}
}

func TestDecryptUndoesEncryptAtEveryLength(t *testing.T) {
	key := newPattern(t, 32)
	defer free(t, key)
	for n := 1; n < 300_000; n += 1 + n/3 {
		out := make([]byte, n+EncryptOverhead+1)
		got, err := key.Encrypt(pattern(n%50), pattern(n), out)
		if err != nil || got != n+EncryptOverhead {
			t.Fatalf("%d bytes: %d, %v", n, got, err)
		}
		plain, err := key.Decrypt(pattern(n%50), out[:got], NoAccess)
		wantSecret(t, plain, err, pattern(n), "%d bytes", n)
	}
}

func TestEncryptNeverUsesANonceTwice(t *testing.T) {
	key := newPattern(t, 32)
	defer free(t, key)
	seen := map[string]bool{}
	out := make([]byte, EncryptOverhead)
	for range 1000 {
		if _, err := key.Encrypt(nil, nil, out); err != nil {
			t.Fatal(err)
		}
		if seen[string(out[:gcmNonceSize])] {
			t.Fatal("a nonce came twice")
		}
		seen[string(out[:gcmNonceSize])] = true
	}
}

func TestDecryptRefusesWhatWasNotEncryptedSo(t *testing.T) {
	key, other, short := newPattern(t, 32), secretOf(t, bytes.Repeat([]byte{7}, 32)), newPattern(t, 31)
	defer free(t, key, other, short)
	sealed := make([]byte, 20+EncryptOverhead)
	if _, err := key.Encrypt([]byte("aad"), pattern(20), sealed); err != nil {
		t.Fatal(err)
	}
	before := ReadStats().Buffers
	refused := func(what string, b *Buffer, err error) {
		t.Helper()
		if b != nil || !errors.Is(err, ErrCrypto) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 0x80
		b, err := key.Decrypt([]byte("aad"), changed, 0)
		refused("changed byte", b, err)
	}
	for _, n := range []int{0, 1, EncryptOverhead, len(sealed) - 1} {
		b, err := key.Decrypt([]byte("aad"), sealed[:n], 0)
		refused("cut", b, err)
	}
	b, err := key.Decrypt([]byte("AAD"), sealed, 0)
	refused("other aad", b, err)
	b, err = other.Decrypt([]byte("aad"), sealed, 0)
	refused("other key", b, err)
	b, err = short.Decrypt([]byte("aad"), sealed, 0)
	refused("short key", b, err)
	if _, err := short.Encrypt(nil, nil, sealed); !errors.Is(err, ErrCrypto) {
		t.Errorf("encrypting with a short key: %v", err)
	}
	if got := ReadStats().Buffers; got != before {
		t.Errorf("%d buffers alive, were %d", got, before)
	}
}

func TestEncryptReportsTheNeededSizeAndRefusesOverlap(t *testing.T) {
	key := newPattern(t, 32)
	defer free(t, key)
	if n, err := key.Encrypt(nil, pattern(20), make([]byte, 47)); n != 48 || !errors.Is(err, ErrShort) {
		t.Errorf("%d, %v", n, err)
	}
	memory := pattern(100)
	for what, c := range map[string]struct{ aad, plain, out []byte }{
		"in place":         {nil, memory[:20], memory},
		"plain in the end": {nil, memory[37:47], memory[:48]},
		"aad":              {memory[10:12], pattern(20), memory},
	} {
		if _, err := key.Encrypt(c.aad, c.plain, c.out); !errors.Is(err, ErrOverlap) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if !bytes.Equal(memory, pattern(100)) {
		t.Error("something was written")
	}
	if _, err := key.Encrypt(memory[90:], memory[80:90], memory[:38]); err != nil {
		t.Errorf("side by side: %v", err)
	}
}
