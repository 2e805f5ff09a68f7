package pool

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
)

// maxCAFile bounds what is read as a file of roots.
const maxCAFile = 16 << 20

// ticketsKept bounds the session tickets of one generation.
const ticketsKept = 256

// newTLSConfig makes the settings common to all endpoints: what is read from files is
// read now, and no session ticket is known yet. Verification is always on: by the
// system's roots, or only by those that were given.
func newTLSConfig(o *Options) (*tls.Config, error) {
	c := &tls.Config{
		MinVersion:         o.MinTLSVersion,
		ServerName:         o.ServerName,
		NextProtos:         o.ALPN,
		ClientSessionCache: tls.NewLRUClientSessionCache(ticketsKept),
		// One application write is one flush: nothing is gained by small first records.
		DynamicRecordSizingDisabled: true,
	}
	var err error
	if c.RootCAs, err = roots(o); err != nil {
		return nil, err
	}
	if cert, err := clientCertificate(o); err != nil {
		return nil, err
	} else if cert != nil {
		c.GetClientCertificate = show(cert)
	}
	if pins, err := parsePins(o.Pins); err != nil {
		return nil, err
	} else if len(pins) > 0 {
		c.VerifyConnection = pins.verify
	}
	return c, nil
}

// roots are those given, or nil for the system's.
func roots(o *Options) (*x509.CertPool, error) {
	if o.CAFile == "" && len(o.CAPEM) == 0 {
		return nil, nil
	}
	source, pem := "ca_pem", o.CAPEM
	if o.CAFile != "" {
		source = fmt.Sprintf("ca_file %q", o.CAFile)
		var err error
		if pem, err = readFile(o.CAFile, maxCAFile); err != nil {
			return nil, errorf(ErrOption, err, "%s", source)
		}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errorf(ErrCert, nil, "%s: no certificate in it", source)
	}
	return pool, nil
}

// forEndpoint is the common settings with the name to verify.
func forEndpoint(c *tls.Config, addr string) *tls.Config {
	c = c.Clone()
	if c.ServerName == "" {
		c.ServerName, _, _ = net.SplitHostPort(addr)
		if a, err := netip.ParseAddr(c.ServerName); err == nil {
			c.ServerName = a.WithZone("").String() // no certificate has a zone in it
		}
	}
	return c
}

func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, cause(err)
	}
	if int64(len(b)) > limit {
		return nil, errors.New("too large")
	}
	return b, nil
}

// cause drops the operation and path of a file error, which the caller names.
func cause(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
