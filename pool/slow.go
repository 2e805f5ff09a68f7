package pool

import (
	"slices"
	"time"
)

// What is slow. One slow answer is not; and where most connections are, it is the
// endpoint, which fresh connections would not help.
const (
	slowWindow  = 30 * time.Second // the present one and the one before count
	slowSamples = 50               // fewer say nothing
	slowFactor  = 2                // above the median of the pool
	judgeEvery  = time.Second      // a connection, at its return
)

// Why a connection above MaxLatency is spared.
const (
	sparedByShare = iota
	sparedByMedian
)

var spareNames = [...]string{"share", "median"}

// judges says whether anything needs recent latencies.
func (o *Options) judges() bool { return o.MaxLatency > 0 || o.IdleOrder == OrderLatency }

// judgeAt is when a connection is judged next.
func (p *Pool) judgeAt(ch *channel) time.Duration {
	if !p.opts.judges() {
		return never
	}
	return ch.judged + judgeEvery
}

// judge looks at the latency of a connection that is returned. The caller holds mu.
func (p *Pool) judge(ch *channel, now time.Duration) {
	ch.judged = now
	ch.p95 = ch.latency.recentP95(now)
	if slow := p.isSlow(ch); slow != ch.slow {
		ch.slow = slow
		p.cleanup.nudge()
	}
}

// isSlow says whether the p95 of ch is above MaxLatency and above twice the median of
// all that have enough samples, of which no more than half are above MaxLatency.
func (p *Pool) isSlow(ch *channel) bool {
	limit := p.opts.MaxLatency.Microseconds()
	if limit == 0 || ch.p95 <= limit {
		return false
	}
	all, above := make([]int64, 0, len(p.open)), 0
	for _, other := range p.open {
		if other.p95 > 0 {
			all = append(all, other.p95)
		}
		if other.p95 > limit {
			above++
		}
	}
	slices.Sort(all)
	switch {
	case 2*above > len(all):
		p.slowSpared[sparedByShare]++
	case ch.p95 <= slowFactor*all[(len(all)-1)/2]:
		p.slowSpared[sparedByMedian]++
	default:
		return true
	}
	return false
}
