package securemem

// Wipe overwrites p with zeros. It is never inlined, so that the compiler cannot see
// that nobody reads them.
//
//go:noinline
func Wipe(p []byte) { clear(p) }
