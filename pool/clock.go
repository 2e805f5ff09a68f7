package pool

import (
	"math/rand/v2"
	"time"
)

// maxEarly is the part of an age that chance may take off.
const maxEarly = 0.2

func ageJitter() float64 { return maxEarly * rand.Float64() }

// maxLeap is by how much the clocks may part before it counts as a leap: more than
// they are steered apart, less than a peer's patience.
const maxLeap = 5 * time.Second

// leapt says whether the wall clock has moved against the monotonic one: the machine
// slept, or was set anew. Both are what it showed at the pool's instant 0, as it seems
// at two moments.
func leapt(before, after time.Time) bool { return after.Sub(before).Abs() > maxLeap }

// wallZero is what the wall clock would have shown at the pool's instant 0.
func (p *Pool) wallZero() time.Time { return p.cleanup.wall().Round(0).Add(-p.now()) }
