//go:build !amd64

package transport

// stirs does not know: newer architectures have only ppoll(2), which takes as long as recv.
func stirs(int) bool { return true }
