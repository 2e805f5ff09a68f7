package monitor_test

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/pool/monitor"
	"github.com/bitcoin-sprint/libsprint/pool/monitor/secrets"
)

// A server for one pool, on a free port, with what protects the secrets of the process.
func ExampleStart() {
	p, err := pool.New("relay.example:443", pool.Defaults())
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close(0)
	s, err := monitor.Start(p, monitor.Options{Namespace: "orders", Memory: secrets.Memory()})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	for _, path := range []string{"/healthz", "/status/connections"} {
		answer, err := http.Get("http://" + s.Addr().String() + path)
		if err != nil {
			log.Fatal(err)
		}
		defer answer.Body.Close()
		var said struct {
			Status, Endpoint string
		}
		if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
			log.Fatal(err)
		}
		fmt.Println(answer.StatusCode, said.Status+said.Endpoint)
	}
	http.DefaultClient.CloseIdleConnections()
	// Output:
	// 200 healthy
	// 200 relay.example:443
}
