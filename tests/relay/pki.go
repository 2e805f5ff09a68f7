package relay

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"maps"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// leaf names one of the certificates that the relay can present.
type leaf int

const (
	leafGood leaf = iota
	leafExpired
	leafWrongName
	leafUntrusted
	leafCount
)

// leafFiles are the base names of the leaves' files: NAME.pem and NAME-key.pem.
var leafFiles = [leafCount]string{"server", "expired", "wrongname", "untrusted"}

// begin lies before the year 2000, where the clock of a testing/synctest bubble starts.
var begin = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)

// pki is a certificate authority, a second one that nobody trusts, the leaves, and what
// clients may show, by the base name of its files.
type pki struct {
	caPEM   []byte
	roots   *x509.CertPool
	leaves  [leafCount]*tls.Certificate
	clients map[string]*tls.Certificate
}

func newPKI(now time.Time) (*pki, error) {
	trusted, err := newAuthority("sprint relay CA", now)
	if err != nil {
		return nil, err
	}
	stranger, err := newAuthority("sprint relay untrusted CA", now)
	if err != nil {
		return nil, err
	}
	names := []string{"localhost", "relay.test"}
	year := now.AddDate(1, 0, 0)

	p := &pki{caPEM: certificatePEM(trusted.cert.Raw), roots: x509.NewCertPool(), clients: map[string]*tls.Certificate{}}
	p.roots.AddCert(trusted.cert)
	for _, l := range []struct {
		leaf leaf
		ca   *authority
		dns  []string
		end  time.Time
	}{
		{leafGood, trusted, names, year},
		{leafExpired, trusted, names, now.Add(-time.Hour)},
		{leafWrongName, trusted, []string{"wrong.test"}, year},
		{leafUntrusted, stranger, names, year},
	} {
		if p.leaves[l.leaf], err = l.ca.issue(l.dns, l.end); err != nil {
			return nil, err
		}
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	for name, key := range map[string]crypto.Signer{"client": ed, "client-ecdsa": ec} {
		if p.clients[name], err = trusted.sign(key, []string{"client.test"}, year, x509.ExtKeyUsageClientAuth); err != nil {
			return nil, err
		}
	}
	return p, nil
}

type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(name string, now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             begin,
		NotAfter:              now.AddDate(1, 0, 1),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{cert: cert, key: key}, nil
}

// issue makes a server certificate for dns and, unless that is a foreign name, for
// the loopback addresses.
func (a *authority) issue(dns []string, end time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return a.sign(key, dns, end, x509.ExtKeyUsageServerAuth)
}

func (a *authority) sign(key crypto.Signer, dns []string, end time.Time, use x509.ExtKeyUsage) (*tls.Certificate, error) {
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: dns[0]},
		NotBefore:    begin,
		NotAfter:     end,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{use},
		DNSNames:     dns,
	}
	if dns[0] == "localhost" {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: cert}, nil
}

func serial() *big.Int {
	b := make([]byte, 16)
	rand.Read(b)
	b[0] &= 0x7f // positive in at most 20 octets (RFC 5280, 4.1.2.2)
	return new(big.Int).SetBytes(b)
}

func (p *pki) write(dir string) error {
	if err := writeFile(dir, "ca.pem", p.caPEM, 0o644); err != nil {
		return err
	}
	files := maps.Clone(p.clients)
	for i, cert := range p.leaves {
		files[leafFiles[i]] = cert
	}
	for name, cert := range files {
		if err := writeFile(dir, name+".pem", certificatePEM(cert.Certificate[0]), 0o644); err != nil {
			return err
		}
		der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
		if err != nil {
			return err
		}
		key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
		if err := writeFile(dir, name+"-key.pem", key, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// writeFile replaces a file in one step: whoever polls for it never reads half.
func writeFile(dir, name string, data []byte, mode os.FileMode) error {
	part := filepath.Join(dir, name+".part")
	if err := os.WriteFile(part, data, mode); err != nil {
		return err
	}
	return os.Rename(part, filepath.Join(dir, name))
}

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
