//go:build !linux

package memcall

import "testing"

func backends(*testing.T) []Backend { return []Backend{Mlock} }
