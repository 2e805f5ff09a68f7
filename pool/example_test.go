package pool_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/tests/relay"
)

// exampleRelay is a server to talk to, which repeats what it is sent after ECHO, and options
// that trust it.
func exampleRelay() (*relay.Relay, pool.Options) {
	r, err := relay.Start(relay.Options{})
	if err != nil {
		log.Fatal(err)
	}
	o := pool.Defaults()
	o.CAPEM = r.CAPEM() // without it, the system's roots
	return r, o
}

// A lease is an io.ReadWriter. Release gives the connection back; one that failed or still
// holds bytes is closed instead.
func Example() {
	server, options := exampleRelay()
	defer server.Close()
	options.MaxConnections, options.MinIdle = 10, 2

	p, err := pool.New(server.Addr(), options) // "relay.example:443", or several with commas
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(time.Second) // leases that are out have so long to end
	if err := p.StartCleanup(); err != nil {
		log.Fatal(err)
	}

	c, err := p.AcquireWithin(5 * time.Second)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Release()
	if c.Uses() == 0 { // a fresh connection: log in here
		if _, err := io.WriteString(c, "ECHO\n"); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := io.WriteString(c, "hello"); err != nil {
		log.Fatal(err)
	}
	answer := make([]byte, len("hello"))
	if _, err := io.ReadFull(c, answer); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, on connection %d\n", answer, c.ID())
	// Output: hello, on connection 1
}

// The summary's names: the pool, its status, and that of each connection.
func ExampleSecureChannelPool() {
	server, options := exampleRelay()
	defer server.Close()

	var channels *pool.SecureChannelPool
	channels, err := pool.New(server.Addr(), options)
	if err != nil {
		log.Fatal(err)
	}
	defer channels.Close(0)
	if err := channels.WarmUpWithin(2, 5*time.Second); err != nil {
		log.Fatal(err)
	}
	var status pool.PoolStatus = channels.Status()
	var first pool.ConnectionStatus = status.Connections[0]
	fmt.Println(status.Active, "connections,", status.Errors, "errors; the first is", first.State)
	// Output: 2 connections, 0 errors; the first is idle
}

// A request that may be sent twice survives a connection that died while it was idle.
func ExampleConn_Request() {
	server, options := exampleRelay()
	defer server.Close()
	p, err := pool.New(server.Addr(), options)
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(0)

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := p.Acquire(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { c.Release() }() // the lease may have become that of another connection
	answer := make([]byte, 64)
	n, err := c.Request(ctx, []byte("PING\n"), answer, pool.Idempotent)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", answer[:n])
	// Output: ERR login first
}

// Every option that is wrong is named, before anything is opened.
func ExampleNew_invalid() {
	options := pool.Defaults()
	options.MaxConnections, options.ConnectTimeout = 0, -time.Second
	_, err := pool.New("relay.example:443", options)
	fmt.Println(err)
	// Output:
	// sprint: max_connections: 0 is not within 1 to 65536; connect_timeout: -1s is not a positive duration
}
