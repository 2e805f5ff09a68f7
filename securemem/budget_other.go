//go:build !linux

package securemem

// measure knows of no limit here: the system is asked and its refusal is the answer.
func measure() limits { return unlimited() }

// mappingsToSpare: only Linux counts them.
func mappingsToSpare() bool { return true }
