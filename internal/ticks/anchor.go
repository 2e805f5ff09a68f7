package ticks

import "time"

const (
	// span is how long an anchor is followed. The scale of the kernel's clock may change by
	// a part in a thousand (adjtimex(2)), which is 4 us by then.
	span = 4 * time.Millisecond
	// learning is the least time from which a rate is taken.
	learning = time.Millisecond
	// remembered is the most: over longer times the machine may have slept, in which the
	// kernel's clock stands still and the counter may not.
	remembered = time.Second
	// torn is how far the two clocks of one reading may be apart.
	torn = 2 * time.Microsecond
	// accuracy is by how much the clock may be early. A counter that was further ahead has
	// leapt, or the machine slept; answers that it may have given are held until the kernel's
	// clock is there, for span at most.
	accuracy = 20 * time.Microsecond
	// patience is how often that may happen.
	patience = 8
	// skew is how many ticks the counters of two processors may be apart.
	skew = 1 << 12
)

// Rates are in nanoseconds per tick, in units of 2^-32, between 100 MHz and 16 GHz.
const (
	fastest = 1 << 32 / 16
	slowest = 10 << 32
)

// Two rates agree if they differ by less than 2^-agreed; what is followed is the measured
// one less 2^-slower, so that the clock is a little late rather than early when the anchor
// is renewed, and need not wait for the kernel's.
const (
	agreed = 10
	slower = 13
)

// scaled is the time of so many ticks.
func scaled(ticks, rate uint64) uint64 { return ticks * rate >> 32 }

// reading is what both clocks show at one moment.
type reading struct {
	tick uint64
	at   time.Duration
}

// anchor is where the counter is followed from, and how far.
type anchor struct {
	tick uint64
	at   time.Duration
	rate uint64
	span uint64 // in ticks; 0: not at all
}

// instant is the time at tick; not ok when the anchor is too old for it.
func (a *anchor) instant(tick uint64) (at time.Duration, ok bool) {
	age := tick - a.tick
	if -age < skew {
		age = 0 // another processor's counter
	}
	return a.at + time.Duration(scaled(min(age, a.span), a.rate)), age < a.span
}

// latest is the most that the anchor can have answered by the moment of tick.
func (a *anchor) latest(tick uint64) time.Duration {
	at, _ := a.instant(tick)
	return at
}

// follower decides from readings of both clocks whether the counter is followed, from where
// and how fast.
type follower struct {
	anchor  anchor
	last    reading
	rate    uint64 // between the last two readings; 0 if it was nothing to believe
	trusted bool   // the last two rates agreed
	leaps   int
	refused bool // for good
}

// due says that at is late enough to learn from a reading.
func (f *follower) due(at time.Duration) bool { return at-f.last.at >= learning }

// take renews the anchor with a reading whose clocks were width ticks apart at most. It
// does not with one that was torn apart by an interruption.
func (f *follower) take(r reading, width uint64) bool {
	if f.refused || f.rate != 0 && width > uint64(torn)<<32/f.rate {
		return false
	}
	latest, followed := f.anchor.latest(r.tick), f.anchor.span > 0
	f.anchor = anchor{tick: r.tick, at: max(r.at, latest)}
	if latest-r.at > accuracy {
		if followed {
			f.leaps++
			f.refused = f.leaps == patience
		}
		f.last, f.rate, f.trusted = r, 0, false
		return true
	}
	if passed := r.at - f.last.at; passed <= remembered {
		rate := rateOf(r.tick-f.last.tick, passed)
		f.trusted = rate != 0 && alike(rate, f.rate)
		f.rate = rate
	}
	f.last = r
	if f.trusted {
		f.anchor.rate = f.rate - f.rate>>slower
		f.anchor.span = uint64(span) << 32 / f.rate
	}
	return true
}

// rateOf is the rate at which so many ticks took so long; 0 for one that no processor has.
func rateOf(ticks uint64, took time.Duration) uint64 {
	if ticks == 0 || took < 0 || took > remembered {
		return 0
	}
	rate := uint64(took) << 32 / ticks
	if rate < fastest || rate > slowest {
		return 0
	}
	return rate
}

func alike(a, b uint64) bool { return max(a, b)-min(a, b) < b>>agreed }
