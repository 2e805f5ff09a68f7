//go:build race

package relay_test

// raceEnabled: the race detector allocates, so counts of allocations mean nothing.
const raceEnabled = true
