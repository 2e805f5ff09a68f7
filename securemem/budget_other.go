//go:build !linux && !windows

package securemem

// measure knows of no limit here: the system is asked and its refusal is the answer.
func measure() limits { return unlimited() }

const lockLimitName = "the system's limit"

// mappingsToSpare: only Linux counts them.
func mappingsToSpare() bool { return true }
