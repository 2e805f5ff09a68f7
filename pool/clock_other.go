//go:build !linux && !windows

package pool

// monotonic is for embedders, which are on Linux and Windows.
func monotonic() int64 { return 0 }
