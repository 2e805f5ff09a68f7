package securemem

import (
	"bytes"
	"crypto/elliptic"
	"encoding/asn1"
	"encoding/base64"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// Private keys as files hold them, read without copies of the key: every slice here is
// a part of the secret it was found in.

// keyIn is the part of a secret that is the key. One of seed, scalar and rsa is set.
type keyIn struct {
	seed   []byte // Ed25519
	curve  elliptic.Curve
	scalar []byte // ECDSA, as long as the curve's order
	rsa    []byte // RSAPrivateKey of PKCS#1, DER
}

// errKey never holds anything of a key.
func errKey(what string) error { return fmt.Errorf("%w: private key: %s", ErrCrypto, what) }

var (
	beginPEM = []byte("-----BEGIN ")
	dashes   = []byte("-----")
	endPEM   = []byte("-----END ")
)

// findPEM returns the base64 of the first private key in PEM; a file of OpenSSL may hold
// the parameters of its curve before it.
func findPEM(secret []byte) (text []byte, isPEM bool, err error) {
	for rest := secret; ; isPEM = true {
		_, after, found := bytes.Cut(rest, beginPEM)
		if !found {
			break
		}
		label, body, found := bytes.Cut(after, dashes)
		text, next, ended := bytes.Cut(body, endPEM)
		switch {
		case !found || !ended:
			return nil, true, errKey("its PEM is cut short")
		case bytes.HasPrefix(label, []byte("ENCRYPTED")), bytes.IndexByte(text, ':') >= 0:
			return nil, true, errKey("encrypted with a password, which is not supported: decrypt it before")
		case bytes.HasSuffix(label, []byte("PRIVATE KEY")):
			return text, true, nil
		}
		rest = next
	}
	if isPEM {
		return nil, true, errKey("no private key among its PEM blocks")
	}
	return nil, false, nil
}

// withDecoded decodes base64 into locked memory: encoding/pem would leave the key on the
// heap, twice.
func withDecoded(text []byte, fn func(der []byte) error) error {
	if len(text) == 0 {
		return errKey("its PEM is empty")
	}
	scratch, err := Alloc(2*len(text), 0)
	if err != nil {
		return err
	}
	defer func() { _ = scratch.Free() }() // damage is counted
	if err := scratch.enter(Write); err != nil {
		return err
	}
	defer scratch.leave(Write)
	compact, der := scratch.data[:0:len(text)], scratch.data[len(text):]
	for _, c := range text {
		if c != '\n' && c != '\r' && c != ' ' && c != '\t' {
			compact = append(compact, c)
		}
	}
	n, err := base64.StdEncoding.Decode(der, compact)
	if err != nil {
		return errKey("its PEM is not base64")
	}
	return fn(der[:n])
}

// The algorithms of PKCS#8: RFC 8017, RFC 5480, RFC 8410.
var (
	oidRSA     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidECDSA   = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidEd25519 = asn1.ObjectIdentifier{1, 3, 101, 112}
)

var curves = []struct {
	oid   asn1.ObjectIdentifier
	curve elliptic.Curve
}{
	{asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}, elliptic.P256()},
	{asn1.ObjectIdentifier{1, 3, 132, 0, 34}, elliptic.P384()},
	{asn1.ObjectIdentifier{1, 3, 132, 0, 35}, elliptic.P521()},
}

var errNotDER = errKey("neither PEM, nor PKCS#8, SEC 1 or PKCS#1 in DER, nor an Ed25519 seed of 32 bytes")

// parseKey tells the forms apart by what follows the version: PKCS#8 has an algorithm,
// SEC 1 (RFC 5915) a string of bytes, PKCS#1 a number.
func parseKey(der []byte) (keyIn, error) {
	input, key := cryptobyte.String(der), cryptobyte.String(nil)
	var version int
	switch {
	case input.ReadASN1(&key, tags.SEQUENCE) && input.Empty() && key.ReadASN1Integer(&version):
	case len(der) == Ed25519SeedSize:
		return keyIn{seed: der}, nil
	default:
		return keyIn{}, errNotDER
	}
	switch {
	case key.PeekASN1Tag(tags.SEQUENCE):
		return parsePKCS8(key)
	case key.PeekASN1Tag(tags.OCTET_STRING):
		return parseSEC1(key, nil)
	case key.PeekASN1Tag(tags.INTEGER):
		return keyIn{rsa: der}, nil
	}
	return keyIn{}, errNotDER
}

// parsePKCS8 reads what follows the version in a PrivateKeyInfo (RFC 5208, RFC 5958).
func parsePKCS8(info cryptobyte.String) (keyIn, error) {
	var algorithm, key cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !info.ReadASN1(&algorithm, tags.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&oid) || !info.ReadASN1(&key, tags.OCTET_STRING) {
		return keyIn{}, errNotDER
	}
	switch {
	case oid.Equal(oidRSA):
		return keyIn{rsa: key}, nil
	case oid.Equal(oidEd25519):
		var seed cryptobyte.String
		if !key.ReadASN1(&seed, tags.OCTET_STRING) || len(seed) != Ed25519SeedSize {
			return keyIn{}, errKey("not an Ed25519 seed of 32 bytes")
		}
		return keyIn{seed: seed}, nil
	case oid.Equal(oidECDSA):
		var curve asn1.ObjectIdentifier
		var inner cryptobyte.String
		var version int
		if !algorithm.ReadASN1ObjectIdentifier(&curve) || !key.ReadASN1(&inner, tags.SEQUENCE) || !inner.ReadASN1Integer(&version) {
			return keyIn{}, errNotDER
		}
		return parseSEC1(inner, curve)
	}
	return keyIn{}, errKey("neither Ed25519 nor ECDSA nor RSA")
}

// parseSEC1 reads what follows the version in an ECPrivateKey; its curve may be known
// from outside of it.
func parseSEC1(key cryptobyte.String, oid asn1.ObjectIdentifier) (keyIn, error) {
	var scalar, parameters cryptobyte.String
	var given bool
	if !key.ReadASN1(&scalar, tags.OCTET_STRING) ||
		!key.ReadOptionalASN1(&parameters, &given, tags.Tag(0).Constructed().ContextSpecific()) ||
		given && oid == nil && !parameters.ReadASN1ObjectIdentifier(&oid) {
		return keyIn{}, errNotDER
	}
	for _, c := range curves {
		if c.oid.Equal(oid) {
			if len(scalar) != (c.curve.Params().BitSize+7)/8 {
				return keyIn{}, errKey("not as long as its curve asks for")
			}
			return keyIn{curve: c.curve, scalar: scalar}, nil
		}
	}
	return keyIn{}, errKey("on none of the curves P-256, P-384 and P-521")
}
