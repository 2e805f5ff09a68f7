package memcall

import (
	"errors"
	"fmt"
)

// What can fail, as [Failure] names it.
const (
	OpAlloc   = "allocate"
	OpLock    = "lock"
	OpProtect = "protect"
)

var (
	errFlag   = errors.New(ErrInvalidFlag)
	errLength = errors.New("length must be positive")
)

// Failure is the value of every panic of this package: the kernel refused.
type Failure struct {
	Op    string // OpAlloc, OpLock or OpProtect
	Bytes int    // how many were asked for
	Err   error  // the kernel's answer
}

// Error names the operation, the size and the kernel's answer.
func (f *Failure) Error() string {
	return fmt.Sprintf("memcall: could not %s %d bytes: %v", f.Op, f.Bytes, f.Err)
}

// Unwrap returns the kernel's answer.
func (f *Failure) Unwrap() error { return f.Err }

// Operation is Op for those who know this type by its methods only, because they
// must compile against upstream too.
func (f *Failure) Operation() string { return f.Op }
