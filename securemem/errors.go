package securemem

import "errors"

// Every error of this package is one of these, or wraps one with what happened.
var (
	ErrSize        = errors.New("sprint: size of a secure buffer must be 1 byte to 1 GiB")
	ErrRange       = errors.New("sprint: outside of the secure buffer")
	ErrShort       = errors.New("sprint: output is too short")
	ErrState       = errors.New("sprint: secure buffer is in another state")
	ErrFreed       = errors.New("sprint: secure buffer was freed")
	ErrLimit       = errors.New("sprint: locked memory limit reached")
	ErrNoMemory    = errors.New("sprint: the system has no memory for a secure buffer")
	ErrExpired     = errors.New("sprint: lifetime of the secret is over")
	ErrCrypto      = errors.New("sprint: authentication failed or bad key")
	ErrWeak        = errors.New("sprint: too weak")
	ErrOverlap     = errors.New("sprint: input and output overlap")
	ErrCorrupt     = errors.New("sprint: canary of a secure buffer is damaged: something wrote before its start")
	ErrUnsupported = errors.New("sprint: secure buffer flag or backend is not supported here")
	ErrMode        = errors.New("sprint: mode must be Read or Write")
	ErrHash        = errors.New("sprint: hash must be SHA256, SHA384 or SHA512")
	ErrNoReplace   = errors.New("sprint: go.mod of this program lacks the line " +
		"\"replace github.com/awnumar/memcall => <libsprint>/securemem/memcall\"")
)
