package monitor_test

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/pool/monitor"
)

// ill is what hostile clients send, each to the end or to its middle.
var ill = []string{
	"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
	"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n",
	"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", // slow loris: never the rest
	"",
	"GET / HTTP/1.1\r\nHost: localhost\r\nX-Huge: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
	"GET /status/connections HTTP/1.1\r\nHost: localhost\r\nX-Auth-Token: guess\r\nAuthorization: Bearer guess\r\nConnection: close\r\n\r\n",
	"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999999\r\n\r\nhalf",
	"POST /metrics HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
	"GET /../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
	"GET //metrics/%2e%2e/%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
	"GET http://attacker.test/metrics HTTP/1.1\r\nHost: attacker.test\r\nConnection: close\r\n\r\n",
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", // TLS where there is none
	"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
}

// TestAThousandHostileClientsAtOnceLeaveThePoolUnharmed: callers are served all the while,
// and afterwards the process has no goroutine and no memory more than after the first wave.
func TestAThousandHostileClientsAtOnceLeaveThePoolUnharmed(t *testing.T) {
	const clients, waves = 1000, 3
	_, p, _ := watched(t)
	s, err := monitor.StartBounded(p, monitor.Options{}, 100*time.Millisecond, 64)
	started(t, s, err)
	if err := request(p); err != nil { // its connection is open from now on
		t.Fatal(err)
	}
	stop, leases := make(chan struct{}), atomic.Int64{}
	var caller sync.WaitGroup
	caller.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if err := request(p); err != nil {
					t.Error(err)
					return
				}
				leases.Add(1)
			}
		}
	})
	var memory [waves]uint64
	most := runtime.NumGoroutine() + 5 // those come and go
	for wave := range waves {
		before := leases.Load()
		inParallelNumbered(t, clients, func(i int) error { return hostile(s, ill[i%len(ill)]) })
		if leases.Load() == before {
			t.Error("no caller was served during a wave")
		}
		memory[wave] = settled(t, most)
	}
	close(stop)
	caller.Wait()
	if grown := int64(memory[waves-1]) - int64(memory[0]); grown > 1<<20 {
		t.Errorf("memory after each wave: %v", memory)
	}
	answers(t, s, "/metrics")
	if st := p.Status(); st.Errors != 0 || st.Lent != 0 {
		t.Errorf("%+v", st)
	}
}

func request(p *pool.Pool) error {
	c, err := p.AcquireWithin(patience)
	if err != nil {
		return err
	}
	defer c.Release()
	if _, err := io.WriteString(c, "PING\n"); err != nil {
		return err
	}
	_, err = io.ReadFull(c, make([]byte, len("ERR login first\n")))
	return err
}

// hostile sends and reads whatever comes until the server ends the connection.
func hostile(s *monitor.Server, text string) error {
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	_, _ = io.WriteString(c, text) // the server may have ended it before
	_, err = io.Copy(io.Discard, c)
	if e, ok := err.(net.Error); ok && e.Timeout() {
		return fmt.Errorf("still open after %.40q", text)
	}
	return nil
}

func inParallelNumbered(t *testing.T, n int, f func(int) error) {
	t.Helper()
	var next atomic.Int64
	inParallel(t, n, func() error { return f(int(next.Add(1))) })
}

// settled is the memory that is alive once no more than so many goroutines are left.
func settled(t *testing.T, most int) uint64 {
	t.Helper()
	for end := time.Now().Add(patience); runtime.NumGoroutine() > most; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, not %d", runtime.NumGoroutine(), most)
		}
	}
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what sync.Pool kept
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
