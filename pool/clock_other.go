//go:build !linux

package pool

// monotonic is for embedders, which are on Linux.
func monotonic() int64 { return 0 }
