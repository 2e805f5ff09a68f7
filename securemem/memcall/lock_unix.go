//go:build unix && !linux

package memcall

// lockPages has mlock only: dumps and forked children are not kept out here.
func lockPages(b []byte, _ Backend) (Backend, error) {
	return Mlock, pinPages(b)
}

func hidePages([]byte) error { return nil }
