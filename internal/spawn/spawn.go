// Package spawn holds the only bare go statement of the project.
//
// A panic in a goroutine cannot be caught by anyone else and would end the host
// process, so every goroutine is started here, with a recover.
package spawn

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
)

var logger atomic.Pointer[slog.Logger]

// LogTo sends the report of a panic to l. Nothing is written before the first call.
func LogTo(l *slog.Logger) { logger.Store(l) }

// Go runs fn in a goroutine of its own. A panic in fn ends that goroutine only and
// is logged under the given name.
func Go(name string, fn func()) {
	go func() {
		var err error
		defer Recover(name, &err)
		fn()
	}()
}

// Recover, deferred, turns a panic into an error, for work that has to give back
// what it holds.
func Recover(name string, err *error) {
	if r := recover(); r != nil {
		*err = Caught(name, r)
	}
}

// Caught is for who recovers by himself: r is logged, and an error is made of it.
func Caught(name string, r any) error {
	if l := logger.Load(); l != nil {
		l.Error("panic", "in", name, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
	}
	return fmt.Errorf("sprint: internal error in %s: %v", name, r)
}
