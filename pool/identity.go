package pool

import (
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"slices"
)

// maxCertFile bounds what is read as a certificate chain or a key.
const maxCertFile = 1 << 20

func (o *Options) checkClientCertificate(refuse func(string, ...any)) {
	cert, key := o.CertFile != "" || len(o.CertPEM) > 0, o.KeyFile != "" || o.Key != nil || o.LoadKey != nil
	switch {
	case o.CertFile != "" && len(o.CertPEM) > 0:
		refuse("cert_file and cert_pem: only one of them can be set")
	case o.KeyFile != "" && (o.Key != nil || o.LoadKey != nil), o.Key != nil && o.LoadKey != nil:
		refuse("key_file and key: only one of them can be set")
	case cert && !key:
		refuse("key_file: a client certificate needs its key, in key_file or key")
	case key && !cert:
		refuse("cert_file: a client key needs its certificate, in cert_file or cert_pem")
	}
}

// clientCertificate is what is shown to a peer that asks; nil if none was given. It is
// read anew each time, and so is its key.
func clientCertificate(o *Options) (*tls.Certificate, error) {
	if o.CertFile == "" && len(o.CertPEM) == 0 {
		return nil, nil
	}
	source, text := "cert_pem", o.CertPEM
	if o.CertFile != "" {
		source = fmt.Sprintf("cert_file %q", o.CertFile)
		var err error
		if text, err = readFile(o.CertFile, maxCertFile); err != nil {
			return nil, errorf(ErrOption, err, "%s", source)
		}
	}
	if o.KeyFile != "" {
		key, err := readFile(o.KeyFile, maxCertFile)
		if err != nil {
			return nil, errorf(ErrOption, err, "key_file %q", o.KeyFile)
		}
		defer clear(key)
		c, err := tls.X509KeyPair(text, key)
		if err != nil {
			return nil, errorf(ErrCert, err, "%s with key_file %q", source, o.KeyFile)
		}
		return &c, nil
	}
	key := o.Key
	if o.LoadKey != nil {
		var err error
		if key, err = o.LoadKey(); err != nil {
			return nil, errorf(ErrKey, err, "key")
		}
	}
	return certificateFor(key, source, text)
}

// certificateFor joins a chain in PEM with the key of its first certificate.
func certificateFor(key crypto.Signer, source string, text []byte) (*tls.Certificate, error) {
	c := &tls.Certificate{PrivateKey: witness{Signer: key}}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			c.Certificate = append(c.Certificate, block.Bytes)
		}
	}
	if len(c.Certificate) == 0 {
		return nil, errorf(ErrCert, nil, "%s: no certificate in it", source)
	}
	var err error
	if c.Leaf, err = x509.ParseCertificate(c.Certificate[0]); err != nil {
		return nil, errorf(ErrCert, err, "%s", source)
	}
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(c.Leaf.PublicKey) {
		return nil, errorf(ErrCert, nil, "%s: key is not its private key", source)
	}
	return c, nil
}

// witness is a key that tells the dial why it could not sign: crypto/tls keeps only the
// text of that error.
type witness struct {
	crypto.Signer
	refusal *error // nil outside of a handshake
}

// Sign implements crypto.Signer.
func (w witness) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	signature, err := w.Signer.Sign(random, digest, opts)
	if err != nil && w.refusal != nil {
		*w.refusal = errorf(ErrKey, err, "the client's key cannot sign")
	}
	return signature, err
}

// refusalOf is the key of a handshake's context for where its witness puts the error.
type refusalOf struct{}

// show is what a handshake asks for the client's certificate: c, if the peer can use it.
func show(c *tls.Certificate) func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return func(r *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if r.SupportsCertificate(c) != nil {
			return new(tls.Certificate), nil
		}
		w, seen := c.PrivateKey.(witness)
		refusal, asked := r.Context().Value(refusalOf{}).(*error)
		if !seen || !asked {
			return c, nil
		}
		own := *c
		w.refusal = refusal
		own.PrivateKey = w
		return &own, nil
	}
}

var errPin = errors.New("no certificate of the verified chain has a pinned key")

// pins are SHA-256 hashes of SubjectPublicKeyInfo (RFC 7469, section 2.4).
type pins [][sha256.Size]byte

func parsePins(texts []string) (pins, error) {
	var out pins
	for _, text := range texts {
		hash, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(hash) != sha256.Size {
			return nil, errorf(ErrOption, nil, "pin_sha256: %q is not the base64 of a SHA-256 hash", text)
		}
		out = append(out, [sha256.Size]byte(hash))
	}
	return out, nil
}

// verify runs after the chain was verified, on resumption too.
func (p pins) verify(s tls.ConnectionState) error {
	for _, chain := range s.VerifiedChains {
		for _, c := range chain {
			if slices.Contains(p, sha256.Sum256(c.RawSubjectPublicKeyInfo)) {
				return nil
			}
		}
	}
	return errPin
}
