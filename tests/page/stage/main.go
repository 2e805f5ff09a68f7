// Command stage runs what the tests of the page look at: a relay, a busy pool, and a metrics
// server. It prints one line of JSON when it is ready, and then does what it is told on
// standard input, a line at a time, until that ends:
//
//	SWITCH=VALUE   sets a switch of the relay
//	outage         the relay is gone
//	repair         and back
//	rest, work     the traffic stops, and goes on
//	quit           the metrics server ends
//
// Each line is answered by "ok" or by what went wrong.
package main

import (
	"bufio"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/pool/monitor"
	"github.com/bitcoin-sprint/libsprint/securemem"
	"github.com/bitcoin-sprint/libsprint/tests/relay"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "stage:", err)
		os.Exit(1)
	}
}

// stage is what the lines of standard input act on.
type stage struct {
	relay   *relay.Relay
	servers []*monitor.Server
	resting atomic.Bool
	ended   atomic.Bool
}

func run() error {
	names := flag.String("pools", "", "names of pools that share the metrics server, with commas")
	token := flag.String("token", "", "the token of the metrics server")
	port := flag.Int("port", 0, "of the metrics server")
	callers := flag.Int("callers", 6, "that use each pool at once")
	flag.Parse()

	r, err := relay.Start(relay.Options{})
	if err != nil {
		return err
	}
	defer r.Close()
	s := &stage{relay: r}
	defer s.stop()
	key, err := securemem.Random(32, 0)
	if err != nil {
		return err
	}
	defer key.Close()
	if err := securemem.SelfCheck(); err != nil {
		return err
	}

	var working sync.WaitGroup
	for _, name := range strings.Split(*names, ",") {
		o := pool.Defaults()
		o.CAPEM, o.Name, o.MaxConnections, o.MinIdle, o.BreakerThreshold = r.CAPEM(), name, 8, 2, 3
		p, err := pool.New(r.Addr(), o)
		if err != nil {
			return err
		}
		defer p.Close(0)
		if err := p.StartCleanup(); err != nil {
			return err
		}
		m := monitor.Options{Name: name, Port: *port, Version: "1.0.0", Memory: &memory}
		if *token != "" {
			m.Token = func(candidate []byte) bool { return subtle.ConstantTimeCompare(candidate, []byte(*token)) == 1 }
			m.SameToken = func(any) bool { return true }
		}
		server, err := monitor.Start(p, m)
		if err != nil {
			return err
		}
		*port = server.Port()
		s.servers = append(s.servers, server)
		for range *callers {
			working.Add(1)
			spawn.Go("caller", func() {
				defer working.Done()
				s.work(p)
			})
		}
	}
	defer working.Wait()
	defer s.ended.Store(true)

	ready, err := json.Marshal(map[string]any{"url": fmt.Sprintf("http://127.0.0.1:%d", *port), "endpoint": r.Addr()})
	if err != nil {
		return err
	}
	fmt.Println(string(ready))
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if err := s.obey(lines.Text()); err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println("ok")
	}
	return lines.Err()
}

func (s *stage) obey(line string) error {
	switch line {
	case "outage":
		return errors.Join(s.relay.Set("refuse", "1"), s.relay.Set("drop_idle", "1"))
	case "repair":
		s.relay.Reset()
	case "rest", "work":
		s.resting.Store(line == "rest")
	case "quit":
		s.stop()
	default:
		name, value, _ := strings.Cut(line, "=")
		return s.relay.Set(name, value)
	}
	return nil
}

func (s *stage) stop() {
	for _, server := range s.servers {
		_ = server.Close()
	}
	s.servers = nil
}

// work asks the relay for something now and then, as a program would.
func (s *stage) work(p *pool.Pool) {
	answer := make([]byte, 256)
	for !s.ended.Load() {
		time.Sleep(time.Duration(rand.ExpFloat64() * float64(8*time.Millisecond))) // a caller's own pace
		if s.resting.Load() {
			continue
		}
		c, err := p.AcquireWithin(200 * time.Millisecond)
		if err != nil {
			continue // the page shows it
		}
		if _, err = io.WriteString(c, "PING\n"); err == nil {
			_, err = c.Read(answer)
		}
		if err != nil {
			c.Discard()
			continue
		}
		c.Release()
	}
}

// memory is what package capi gives a metrics server.
var memory = monitor.Memory{
	Stats: func() monitor.MemoryStats {
		s := securemem.ReadStats()
		return monitor.MemoryStats{
			Enabled: s.Enabled, SelfCheck: [...]string{"not_run", "passed", "failed"}[s.SelfCheck], Backend: s.Backend.String(),
			Buffers: s.Buffers, Sealed: s.Sealed, Unlocked: s.Unlocked, LockedBytes: s.LockedBytes, LimitBytes: s.LockLimitBytes,
		}
	},
	Status: func() (any, bool) {
		s := securemem.ReadStatus()
		return s, s.Enabled && s.SelfCheck == "passed"
	},
}
