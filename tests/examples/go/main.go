// Gateway is a complete service in Go: it answers its clients by asking a relay over a pool of
// warm connections, proves who it is with a key in locked memory, and shows how it fares.
//
//	go run . -endpoint relay.example:443 -ca-file ca.pem -key-file login.key
//	curl 'http://127.0.0.1:8080/ping?text=hello'
//	curl http://127.0.0.1:9090/metrics
//	curl http://127.0.0.1:9090/status/connections
//	curl http://127.0.0.1:9090/status/memory
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/pool/monitor"
	"github.com/bitcoin-sprint/libsprint/pool/monitor/secrets"
	"github.com/bitcoin-sprint/libsprint/securemem"
)

type settings struct {
	endpoint, caFile, keyFile, listen string
	metricsPort                       int
}

func main() {
	var s settings
	flag.StringVar(&s.endpoint, "endpoint", "", "host:port of the relay, or several with commas")
	flag.StringVar(&s.caFile, "ca-file", "", "roots to trust, PEM (default the system's)")
	flag.StringVar(&s.keyFile, "key-file", "", "the login key, 32 bytes")
	flag.StringVar(&s.listen, "listen", "127.0.0.1:8080", "where clients ask")
	flag.IntVar(&s.metricsPort, "metrics-port", 9090, "where Prometheus asks; 0 is any")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "gateway:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends. What was made is given back in the opposite order.
func run(ctx context.Context, s settings, out io.Writer) error {
	// A protection that does not hold is found now and not in an incident.
	if err := securemem.SelfCheck(); err != nil {
		return err
	}
	key, err := loadKey(s.keyFile)
	if err != nil {
		return err
	}
	defer func() {
		_ = key.Free()
		fmt.Fprintf(out, "%d secrets left\n", securemem.ReadStatus().ActiveBuffers)
	}()

	options := pool.Defaults()
	options.CAFile = s.caFile
	options.MaxConnections, options.MinIdle = 16, 4
	options.Logger = slog.New(slog.NewJSONHandler(os.Stderr, nil))
	relay, err := pool.New(s.endpoint, options)
	if err != nil {
		return err
	}
	defer func() { fmt.Fprintf(out, "%d leases cut off\n", relay.Close(time.Second)) }()
	if err := relay.StartCleanup(); err != nil {
		return err
	}
	metrics, err := monitor.Start(relay, monitor.Options{
		Namespace: "gateway", Port: s.metricsPort, Memory: secrets.Memory(),
	})
	if err != nil {
		return err
	}
	defer metrics.Close()

	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "clients http://%s\nmetrics http://%s\n", listener.Addr(), metrics.Addr())
	return serve(ctx, listener, &gateway{relay: relay, key: key})
}

// serve answers until ctx ends, and lets requests under way finish.
func serve(ctx context.Context, l net.Listener, g *gateway) error {
	routes := http.NewServeMux()
	routes.HandleFunc("GET /ping", g.ping)
	server := &http.Server{Handler: routes, ReadHeaderTimeout: 5 * time.Second}
	var closing sync.WaitGroup
	closing.Go(func() {
		<-ctx.Done()
		patience, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(patience)
	})
	err := server.Serve(l)
	if !errors.Is(err, http.ErrServerClosed) {
		return err // and the process ends with it
	}
	closing.Wait()
	return nil
}

// loadKey reads a key from its file into locked memory, without a copy elsewhere.
func loadKey(path string) (*securemem.SecureBuffer, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	key, err := securemem.Alloc(32, 0)
	if err != nil {
		return nil, err
	}
	view, err := key.Open(securemem.Write)
	if err == nil {
		_, err = io.ReadFull(file, view)
		err = errors.Join(err, key.Close())
	}
	if err != nil {
		_ = key.Free()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}
