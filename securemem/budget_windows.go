package securemem

import "golang.org/x/sys/windows"

const lockLimitName = "the minimum working set"

// measure reads the limits. Windows lets a process lock a little less than its minimum
// working set, and does not tell how much of that others have locked: the kernel has
// the last word.
func measure() limits {
	l := unlimited()
	var least, most uintptr
	var flags uint32
	windows.GetProcessWorkingSetSizeEx(windows.CurrentProcess(), &least, &most, &flags)
	if least > 0 {
		l.lockLimit, l.bound = uint64(least), true
	}
	l.locked = uint64(count.lockedBytes.Load())
	return l
}

// mappingsToSpare: only Linux counts them.
func mappingsToSpare() bool { return true }
