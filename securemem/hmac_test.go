package securemem

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"hash"
	"reflect"
	"strings"
	"testing"
	"unsafe"
)

// RFC 4231, test cases 1 to 7. Case 5 is of tags cut to 128 bits.
var rfc4231 = []struct {
	key, data              string
	sha256, sha384, sha512 string
}{
	{
		strings.Repeat("0b", 20), hex.EncodeToString([]byte("Hi There")),
		"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
		"afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
		"87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
	},
	{
		"4a656665", hex.EncodeToString([]byte("what do ya want for nothing?")),
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
		"af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
		"164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
	},
	{
		strings.Repeat("aa", 20), strings.Repeat("dd", 50),
		"773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
		"88062608d3e6ad8a0aa2ace014c8a86f0aa635d947ac9febe83ef4e55966144b2a5ab39dc13814b94e3ab6e101a34f27",
		"fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb",
	},
	{
		"0102030405060708090a0b0c0d0e0f10111213141516171819", strings.Repeat("cd", 50),
		"82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
		"3e8a69b7783c25851933ab6290af6ca77a9981480850009cc5577c6e1f573b4e6801dd23c4a7d679ccf8a386c674cffb",
		"b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3dba91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd",
	},
	{
		strings.Repeat("0c", 20), hex.EncodeToString([]byte("Test With Truncation")),
		"a3b6167473100ee06e0c796c2955552b", "3abf34c3503b2a23a46efc619baef897", "415fad6271580a531d4179bc891d87a6",
	},
	{
		strings.Repeat("aa", 131), hex.EncodeToString([]byte("Test Using Larger Than Block-Size Key - Hash Key First")),
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
		"4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952",
		"80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
	},
	{
		strings.Repeat("aa", 131), hex.EncodeToString([]byte("This is a test using a larger than block-size key and a larger than block-size data. " +
			"The key needs to be hashed before being used by the HMAC algorithm.")),
		"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
		"6617178e941f020d351e2f254e8fd32c602420feb0b8fb9adccebb82461e99c5a678cc31e799176d3860e6110c46523e",
		"e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58",
	},
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	p, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestHMACAnswersRFC4231(t *testing.T) {
	for i, c := range rfc4231 {
		key, err := From(unhex(t, c.key), 0)
		if err != nil {
			t.Fatal(err)
		}
		for h, want := range map[Hash]string{SHA256: c.sha256, SHA384: c.sha384, SHA512: c.sha512} {
			mac := make([]byte, h.Size())
			n, err := key.HMAC(h, unhex(t, c.data), mac)
			if err != nil || n != h.Size() {
				t.Errorf("case %d, hash %d: %d, %v", i+1, h, n, err)
			}
			if got := hex.EncodeToString(mac); !strings.HasPrefix(got, want) {
				t.Errorf("case %d, hash %d: %s", i+1, h, got)
			}
		}
		free(t, key)
	}
}

func TestHMACAgreesWithTheStandardLibraryAtEveryKeyLength(t *testing.T) {
	std := map[Hash]func() hash.Hash{SHA256: sha256.New, SHA384: sha512.New384, SHA512: sha512.New}
	for n := 1; n <= 260; n++ {
		key := newPattern(t, n)
		msg := pattern(3 * n)
		for h, newHash := range std {
			ref := hmac.New(newHash, pattern(n))
			ref.Write(msg)
			mac := make([]byte, h.Size()+1)
			if _, err := key.HMAC(h, msg, mac); err != nil || !bytes.Equal(mac, append(ref.Sum(nil), 0)) {
				t.Fatalf("key of %d bytes, hash %d: %x, %v", n, h, mac, err)
			}
		}
		free(t, key)
	}
}

func TestHMACReportsTheNeededSize(t *testing.T) {
	key := newPattern(t, 32)
	defer free(t, key)
	for _, h := range []Hash{SHA256, SHA384, SHA512} {
		mac := make([]byte, h.Size()-1)
		if n, err := key.HMAC(h, nil, mac); n != h.Size() || !errors.Is(err, ErrShort) {
			t.Errorf("hash %d: %d, %v", h, n, err)
		}
		if !bytes.Equal(mac, make([]byte, len(mac))) {
			t.Errorf("hash %d: short output was written to", h)
		}
	}
	for _, h := range []Hash{0, 4, -1} {
		if _, err := key.HMAC(h, nil, make([]byte, 64)); !errors.Is(err, ErrHash) {
			t.Errorf("hash %d: %v", h, err)
		}
	}
}

func TestAWorkerKeepsNothingOfTheKey(t *testing.T) {
	for _, h := range []Hash{SHA256, SHA384, SHA512} {
		pool := workers[h]
		for _, n := range []int{20, 64, 100, 128, 200} {
			w := pool.New().(*macWorker)
			key := pattern(n)
			w.sum(make([]byte, h.Size()), key, pattern(77))
			fresh := pool.New().(*macWorker)
			fresh.wipe()
			if got, want := stateOf(t, w.hash), stateOf(t, fresh.hash); !bytes.Equal(got, want) {
				t.Errorf("hash %d, key of %d bytes: state %x, fresh %x", h, n, got, want)
			}
			if w.pad != fresh.pad || w.digest != fresh.digest {
				t.Errorf("hash %d, key of %d bytes: scratch not wiped", h, n)
			}
		}
	}
}

// stateOf is the memory of the object behind a hash.Hash.
func stateOf(t *testing.T, h hash.Hash) []byte {
	t.Helper()
	v := reflect.ValueOf(h).Elem()
	return unsafe.Slice((*byte)(v.Addr().UnsafePointer()), v.Type().Size())
}
