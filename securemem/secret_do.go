//go:build goexperiment.runtimesecret

package securemem

import "runtime/secret"

// runtimeSecret says that this build has the Go runtime erase what a use of a key
// leaves on the stack and, at the next garbage collection, on the heap.
const runtimeSecret = true

// inSecret runs fn so.
func inSecret(fn func() error) (err error) {
	secret.Do(func() { err = fn() })
	return err
}
