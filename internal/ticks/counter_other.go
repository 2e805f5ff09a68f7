//go:build !linux || !amd64

package ticks

func counter() uint64 { return 0 }

func kernelTrustsCounter() bool { return false }
