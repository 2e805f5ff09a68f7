package ticks

import (
	"testing"
	"time"
)

// machine is a counter and a kernel's clock that do what they are told, and a follower
// that answers from them as Clock does.
type machine struct {
	t     testing.TB
	hz    float64 // of the counter
	scale float64 // of the kernel's clock
	tick  float64
	at    float64 // in ns
	width time.Duration
	f     follower
	last  time.Duration // answer
	asked int           // the kernel
}

func newMachine(t testing.TB) *machine {
	return &machine{t: t, hz: 2.6e9, scale: 1, tick: 5e12, width: 40}
}

// pass lets both clocks run.
func (m *machine) pass(d time.Duration) {
	m.tick += float64(d) * m.hz / 1e9
	m.at += float64(d) * m.scale
}

// sleep stops the kernel's clock.
func (m *machine) sleep(d time.Duration) { m.tick += float64(d) * m.hz / 1e9 }

func (m *machine) now() time.Duration {
	m.t.Helper()
	tick := uint64(m.tick)
	at, ok := m.f.anchor.instant(tick)
	if !ok {
		m.asked++
		r := reading{tick, time.Duration(m.at)}
		if m.f.due(r.at) {
			m.f.take(r, uint64(float64(m.width)*m.hz/1e9))
		}
		at = max(r.at, m.f.anchor.latest(tick))
	}
	if at < m.last {
		m.t.Fatalf("backwards: %v after %v", at, m.last)
	}
	m.last = at
	return at
}

// run reads the clock every so often and returns by how much it was off at most.
func (m *machine) run(d, every time.Duration) (off time.Duration) {
	m.t.Helper()
	for end := m.at + float64(d)*m.scale; m.at < end; m.pass(every) {
		off = max(off, (m.now() - time.Duration(m.at)).Abs())
	}
	return off
}

func within(t *testing.T, off, limit time.Duration) {
	t.Helper()
	if off > limit {
		t.Errorf("off by %v, more than %v", off, limit)
	}
}

func TestTheCounterIsFollowedOnceTwoRatesAgree(t *testing.T) {
	for _, hz := range []float64{1.1e8, 1e9, 2.6e9, 5.7e9, 1.5e10} {
		m := newMachine(t)
		m.hz = hz
		within(t, m.run(10*time.Millisecond, time.Microsecond), time.Microsecond)
		m.asked = 0
		within(t, m.run(time.Second, 10*time.Microsecond), time.Microsecond)
		if m.asked > 260 {
			t.Errorf("%v Hz: the kernel was asked %d times in a second", hz, m.asked)
		}
	}
}

func TestACounterThatNoProcessorHasIsNotFollowed(t *testing.T) {
	for _, hz := range []float64{0, 1e3, 5e7, 2e10} {
		m := newMachine(t)
		m.hz = hz
		if off := m.run(50*time.Millisecond, time.Microsecond); off != 0 {
			t.Errorf("%v Hz: off by %v", hz, off)
		}
	}
}

// adjtimex(2): 500 ppm each way; a change of the counter's rate looks the same.
func TestTheKernelMayChangeItsScale(t *testing.T) {
	m := newMachine(t)
	m.run(10*time.Millisecond, time.Microsecond)
	for _, scale := range []float64{1.0005, 0.9995, 1, 1.0002} {
		m.scale = scale
		within(t, m.run(100*time.Millisecond, time.Microsecond), 5*time.Microsecond)
		within(t, m.run(100*time.Millisecond, time.Microsecond), time.Microsecond)
	}
	if !m.f.trusted || m.f.refused {
		t.Error("given up")
	}
}

func TestARateThatLeapsIsLearntAnew(t *testing.T) {
	m := newMachine(t)
	m.run(10*time.Millisecond, time.Microsecond)
	m.hz *= 0.9 // it seems to be early by a tenth: behind the kernel, never ahead
	m.run(10*time.Millisecond, time.Microsecond)
	m.asked = 0
	within(t, m.run(100*time.Millisecond, time.Microsecond), time.Microsecond)
	if m.asked > 30 || m.f.refused {
		t.Errorf("asked %d times, refused %v", m.asked, m.f.refused)
	}
}

// The counter ran on while the kernel's clock stood, or began anew.
func TestAfterASleepTheClockStandsForAMomentAtMost(t *testing.T) {
	m := newMachine(t)
	m.run(10*time.Millisecond, time.Microsecond)
	for _, d := range []time.Duration{time.Millisecond, 100 * time.Millisecond, time.Hour, 400 * 24 * time.Hour, 0} {
		m.sleep(d)
		if d == 0 {
			m.tick = 1000
		}
		within(t, m.run(20*time.Millisecond, time.Microsecond), span)
		within(t, m.run(20*time.Millisecond, time.Microsecond), time.Microsecond)
		if !m.f.trusted {
			t.Errorf("after %v the counter is not followed any more", d)
		}
	}
}

func TestACounterThatLeapsAgainAndAgainIsGivenUp(t *testing.T) {
	m := newMachine(t)
	for leaps := range patience {
		if m.f.leaps != leaps || m.f.refused {
			t.Fatalf("%d leaps were counted as %d, refused %v", leaps, m.f.leaps, m.f.refused)
		}
		for m.f.anchor.span == 0 {
			m.run(time.Millisecond, time.Microsecond)
		}
		m.sleep(3 * time.Millisecond)
		m.run(5*time.Millisecond, time.Microsecond)
	}
	if !m.f.refused {
		t.Fatal("it is still followed")
	}
	if off := m.run(100*time.Millisecond, time.Microsecond); off != 0 {
		t.Errorf("off by %v", off)
	}
}

func TestAReadingThatWasInterruptedIsNotTaken(t *testing.T) {
	m := newMachine(t)
	m.run(10*time.Millisecond, time.Microsecond)
	m.width = 10 * time.Microsecond
	m.asked = 0
	if m.run(10*time.Millisecond, time.Microsecond); m.asked < 5000 {
		t.Errorf("the kernel was asked only %d times", m.asked)
	}
	m.width = 40
	m.asked = 0
	if m.run(10*time.Millisecond, time.Microsecond); m.asked > 10 {
		t.Errorf("the kernel was asked %d times", m.asked)
	}
}

func TestTheCountersOfProcessorsMayBeALittleApart(t *testing.T) {
	m := newMachine(t)
	for i := range 100_000 {
		m.tick += float64(2000 - 4000*(i%2))
		m.now()
		m.pass(10 * time.Microsecond)
	}
	if m.f.refused || !m.f.trusted {
		t.Error("given up")
	}
}

// FuzzNeverBackwards has the clocks do anything but go back themselves.
func FuzzNeverBackwards(f *testing.F) {
	f.Add([]byte("\x00\x10\x01\xff\x02\x03\x03\x40\x04\x20\x05\x01"))
	f.Add([]byte("\x01\xff\x01\xff\x01\xff\x02\xff\x01\xff\x03\xff\x01\xff\x04\x00\x01\x20"))
	f.Fuzz(func(t *testing.T, does []byte) {
		m := newMachine(t)
		m.run(5*time.Millisecond, 50*time.Microsecond)
		for i := 0; i+1 < min(len(does), 200); i += 2 {
			n := time.Duration(does[i+1])
			switch does[i] % 7 {
			case 0:
				m.pass(n)
			case 1:
				m.pass(n * n * 100)
			case 2:
				m.scale = 1 + (float64(n)-128)/1e5
			case 3:
				m.sleep(n * n * n * 100)
			case 4:
				m.hz = 1e7 * float64(n*n)
			case 5:
				m.width = n * n
			case 6:
				m.pass(n * time.Second)
			}
			m.now()
		}
		m.width, m.hz, m.scale = 40, 2.6e9, 1
		m.run(20*time.Millisecond, 50*time.Microsecond)
		if off := m.run(20*time.Millisecond, 50*time.Microsecond); off > accuracy {
			t.Fatalf("off by %v", off)
		}
	})
}
