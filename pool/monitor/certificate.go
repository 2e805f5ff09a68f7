package monitor

import (
	"crypto/tls"
	"os"
	"sync"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// certificate is the server's own, read from files that may be renewed while it runs.
type certificate struct {
	certFile, keyFile string

	mu      sync.Mutex // guards all below; held while files are read, once a second at most
	looked  time.Time
	written [2]time.Time
	now     *tls.Certificate
}

// lookEvery is how often the files are looked at, by handshakes.
const lookEvery = time.Second

// certificates are the settings of an HTTPS server; nil for HTTP.
func (o *Options) certificates() (*tls.Config, error) {
	if o.CertFile == "" {
		return nil, nil
	}
	c := &certificate{certFile: o.CertFile, keyFile: o.KeyFile, looked: time.Now()}
	for _, f := range []struct{ option, path string }{
		{"metrics_tls_cert_file", o.CertFile}, {"metrics_tls_key_file", o.KeyFile},
	} {
		if _, err := os.ReadFile(f.path); err != nil {
			return nil, &pool.Error{Kind: pool.ErrOption, Text: f.option, Err: err}
		}
	}
	c.written = c.stamps()
	now, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
	if err != nil {
		return nil, &pool.Error{Kind: pool.ErrCert, Text: "metrics_tls_cert_file " + o.CertFile + " with metrics_tls_key_file " + o.KeyFile, Err: err}
	}
	c.now = &now
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}, nil
}

// get reads the files again if they have changed. A pair that is not whole, because it
// is being renewed, is read again the next time.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) < lookEvery {
		return c.now, nil
	}
	c.looked = time.Now()
	if written := c.stamps(); written != c.written {
		if next, err := tls.LoadX509KeyPair(c.certFile, c.keyFile); err == nil {
			c.now, c.written = &next, written
		}
	}
	return c.now, nil
}

func (c *certificate) stamps() (at [2]time.Time) {
	for i, path := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(path); err == nil {
			at[i] = info.ModTime()
		}
	}
	return at
}
