// Command relay runs the TLS test server of package relay until SIGTERM or SIGINT.
//
// When it is ready it prints one line, "relay ready ADDRESS CONTROL_ADDRESS DIR", and
// DIR holds
//
//	address, control, raw         host:port of the listeners (raw only with -raw)
//	ca.pem                        what a client must trust
//	server.pem, server-key.pem    the certificate in use; likewise expired, wrongname
//	                              and untrusted, which the control server switches to
//	client.pem, client-key.pem    what a client may show, Ed25519; client-ecdsa.pem likewise
//	login.key                     the login key, unless -key-file names one
package main

import (
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/bitcoin-sprint/libsprint/tests/relay"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	listen := flag.String("listen", "127.0.0.1:0", "TLS `address`")
	control := flag.String("control", "127.0.0.1:0", "HTTP `address` of the control server")
	dir := flag.String("dir", "", "`directory` for certificates, keys and addresses (default: a temporary one)")
	keyFile := flag.String("key-file", "", "`file` with the login key, raw bytes (default: a random key in DIR/login.key)")
	tlsMin := flag.Int("tls-min", 12, "lowest TLS version, `12 or 13`")
	raw := flag.Bool("raw", false, "also listen for plain TCP echo, address in DIR/raw")
	noTickets := flag.Bool("no-tickets", false, "keep clients from resuming their sessions")
	flag.Parse()

	o := relay.Options{Listen: *listen, Control: *control, Dir: *dir, Raw: *raw, NoTickets: *noTickets}
	switch *tlsMin {
	case 12:
		o.MinTLS = tls.VersionTLS12
	case 13:
		o.MinTLS = tls.VersionTLS13
	default:
		return fmt.Errorf("relay: -tls-min %d is neither 12 nor 13", *tlsMin)
	}
	if *keyFile != "" {
		key, err := os.ReadFile(*keyFile)
		if err != nil {
			return fmt.Errorf("relay: -key-file: %w", err)
		}
		if len(key) == 0 {
			return errors.New("relay: -key-file: the file is empty")
		}
		o.LoginKey = key
	}
	if o.Control == "" {
		return errors.New("relay: -control must not be empty")
	}

	// Before the ready line, so that whoever reads it may signal at once.
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)

	r, err := relay.Start(o)
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := fmt.Printf("relay ready %s %s %s\n", r.Addr(), r.ControlAddr(), r.Dir()); err != nil {
		return err
	}
	<-stop
	return nil
}
