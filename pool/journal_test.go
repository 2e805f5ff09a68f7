package pool_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// lines keeps what is logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *lines) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: level}))
}

// take returns the lines so far, each as "LEVEL msg key=value ..." without the time and
// without the keys named, and forgets them.
func (l *lines) take(t testing.TB, without ...string) (list []string) {
	t.Helper()
	l.mu.Lock()
	text := l.text.String()
	l.text.Reset()
	l.mu.Unlock()
	for line := range strings.Lines(text) {
		d := json.NewDecoder(strings.NewReader(line))
		d.UseNumber()
		var fields map[string]any
		if err := d.Decode(&fields); err != nil {
			t.Fatal(err)
		}
		said := fmt.Sprintf("%v %v", fields["level"], fields["msg"])
		var keys []string
		for key := range fields {
			if !slices.Contains(append(without, "time", "level", "msg"), key) {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		for _, key := range keys {
			said += fmt.Sprintf(" %s=%v", key, fields[key])
		}
		list = append(list, said)
	}
	return list
}

func wantLines(t testing.TB, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("logged\n %s\nnot\n %s", strings.Join(got, "\n "), strings.Join(want, "\n "))
	}
}

func TestWhoIsOnCallReadsWhatHappened(t *testing.T) {
	var log lines
	virtual(t, "a:1", func(o *pool.Options) {
		o.Logger, o.Name = log.logger(slog.LevelInfo), "orders"
		o.BreakerThreshold = 3
	}, func(t *testing.T, p *pool.Pool, n *network) {
		c := lease(t, p)
		wantLines(t, log.take(t)) // that all is well is no news

		c.Release()
		n.kill()
		n.set("a:1", errDown)
		if _, err := p.AcquireWithin(time.Minute); err == nil {
			t.Fatal("a connection to nowhere")
		}
		synctest.Wait()
		wantLines(t, log.take(t, "for_ms"),
			"INFO connection lost cause=closed by the peer while idle connection=1 endpoint=a:1 pool=orders repeated=0 state=idle",
			"WARN dial failed cause=sprint: down endpoint=a:1 pool=orders repeated=0",
			"WARN circuit breaker opened cause=sprint: down endpoint=a:1 pool=orders")
		n.set("a:1", nil)
		pass(2 * time.Second)
		c = lease(t, p)
		synctest.Wait()
		wantLines(t, log.take(t), "INFO circuit breaker closed endpoint=a:1 failed_dials=3 pool=orders")

		n.kill()
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Fatal("a read from nobody")
		}
		wantLines(t, log.take(t, "cause"), "WARN connection lost connection=2 endpoint=a:1 pool=orders repeated=0 state=lent")
		c.Release()

		for _, step := range []func() error{
			func() error { return p.Resize(7, 3) }, p.Pause, p.Resume, p.Rotate, p.Reset,
			func() error { return p.EvictEndpoint("a:1") },
		} {
			if err := step(); err != nil {
				t.Fatal(err)
			}
		}
		wantLines(t, log.take(t), "INFO resized max_connections=7 min_idle=3 pool=orders", "INFO paused pool=orders",
			"INFO resumed pool=orders", "INFO keys rotated generation=1 pool=orders", "INFO reset pool=orders",
			"INFO endpoint evicted endpoint=a:1 pool=orders")

		if err := p.Resize(7, 0); err != nil {
			t.Fatal(err)
		}
		startCleanup(t, p)
		c = lease(t, p)
		pass(31 * time.Second)
		wantLines(t, log.take(t), "INFO resized max_connections=7 min_idle=0 pool=orders",
			"WARN idle connections are not watched cause=unsupported operation pool=orders", // they are pipes
			"WARN lease held for long connection=3 endpoint=a:1 held_ms=30000 pool=orders")
		p.Close(0)
		p.Close(0)
		c.Release()
		wantLines(t, log.take(t), "INFO pool closed forced=1 pool=orders")
	})
}

func TestALineThatRepeatsIsWrittenOnceASecondAndCounted(t *testing.T) {
	var log lines
	virtual(t, "a:1,b:1", func(o *pool.Options) {
		o.Logger, o.BreakerThreshold = log.logger(slog.LevelInfo), 0
	}, func(t *testing.T, p *pool.Pool, n *network) {
		n.set("a:1", errDown)
		n.set("b:1", errDown)
		began := time.Now()
		for range 40 {
			if _, err := p.AcquireWithin(100 * time.Millisecond); err == nil {
				t.Fatal("a connection to nowhere")
			}
		}
		told := map[string]uint64{}
		for _, line := range log.take(t, "cause") {
			var endpoint string
			var repeated uint64
			if _, err := fmt.Sscanf(line, "WARN dial failed endpoint=%s pool=a:1,b:1 repeated=%d", &endpoint, &repeated); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			told[endpoint] += 1 + repeated
			told[endpoint+" lines"]++
		}
		for _, e := range p.Totals().Endpoints { // the last ones may still be held back
			n, lines := told[e.Endpoint], told[e.Endpoint+" lines"]
			if n > e.DialErrors || n < e.DialErrors/2 || lines >= n || lines > 1+uint64(time.Since(began)/time.Second) {
				t.Errorf("%s: %d lines tell of %d failures, there were %d", e.Endpoint, lines, n, e.DialErrors)
			}
		}
		n.set("a:1", nil)
		pass(5 * time.Second)
		lease(t, p).Release()
		synctest.Wait()
		if said := log.take(t); len(said) != 1 || !strings.HasPrefix(said[0], "INFO endpoint works again endpoint=a:1 failed_dials=") {
			t.Errorf("%q", said)
		}
	})
}

func TestDebugFollowsConnectionsAndTraceTheirBytes(t *testing.T) {
	var log lines
	r := startRelay(t)
	for _, detach := range []bool{false, true} {
		p := newPool(t, r, func(o *pool.Options) {
			o.Logger, o.Detach = log.logger(pool.LevelTrace), detach
		})
		c := acquire(t, p)
		if detach {
			if _, _, err := c.Send([]byte("PING\n"), 1); err != nil {
				t.Fatal(err)
			}
			c.Release()
		} else {
			if _, err := io.WriteString(c, "PING\n"); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(c, make([]byte, len("ERR login first\n"))); err != nil {
				t.Fatal(err)
			}
			c.Release()
		}
		p.Close(0)
		named := " connection=1 endpoint=" + r.Addr() + " pool=" + r.Addr()
		got := log.take(t, "age_ms", "reason")
		want := []string{
			"DEBUG connection opened" + named,
			"DEBUG-4 write bytes=5" + named,
			"DEBUG-4 read bytes=16" + named,
			"DEBUG connection closed" + named + " uses=1",
			"INFO pool closed forced=0 pool=" + r.Addr(),
		}
		if detach { // nothing was read
			want = slices.Delete(want, 2, 3)
		}
		slices.Sort(got)
		slices.Sort(want)
		wantLines(t, got, want...)
	}
}

func TestTracingThatIsOffAllocatesNothing(t *testing.T) {
	var log lines
	p := newPool(t, startRelay(t), func(o *pool.Options) { o.Logger = log.logger(slog.LevelDebug) })
	c := acquire(t, p)
	defer c.Release()
	if n := testing.AllocsPerRun(1000, func() { c.Trace() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTraceOff(b *testing.B) {
	var log lines
	p := newPool(b, startRelay(b), func(o *pool.Options) { o.Logger = log.logger(slog.LevelDebug) })
	c := acquire(b, p)
	defer c.Release()
	b.ReportAllocs()
	for b.Loop() {
		c.Trace()
	}
}
