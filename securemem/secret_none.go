//go:build !goexperiment.runtimesecret

package securemem

// runtimeSecret says that this build has the Go runtime erase what a use of a key
// leaves behind; it does not.
const runtimeSecret = false

func inSecret(fn func() error) error { return fn() }
