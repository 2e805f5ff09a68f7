package pool

import "golang.org/x/sys/unix"

// monotonic reads CLOCK_MONOTONIC, the clock that an embedder passes instants of.
func monotonic() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return ts.Nano()
}
