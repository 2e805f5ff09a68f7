// Package leak finds goroutines that tests leave behind, by way of goleak, with more patience:
// goleak itself waits for half a second, in which a goroutine that is ending need not run on a
// busy machine.
package leak

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience bounds the wait for goroutines that are ending.
const patience = 10 * time.Second

// Main runs the tests of a package, which must leave no goroutine behind.
func Main(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if err := left(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// Since returns a check that no goroutine is left of those that begin from now on.
func Since(t testing.TB) (check func()) {
	before := goleak.IgnoreCurrent()
	return func() {
		t.Helper()
		if err := left(before); err != nil {
			t.Error(err)
		}
	}
}

func left(options ...goleak.Option) error {
	for end := time.Now().Add(patience); ; {
		err := goleak.Find(options...)
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}
