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

// Go runs fn in a goroutine of its own. A panic in fn ends that goroutine only: it
// is logged under the given name, then onPanic, if not nil, is called with it as an
// error so that the owner can give back what fn held.
func Go(name string, fn func(), onPanic func(error)) {
	go func() {
		defer func() {
			r := recover()
			if r == nil {
				return
			}
			if l := logger.Load(); l != nil {
				l.Error("panic", "goroutine", name, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			}
			if onPanic != nil {
				onPanic(fmt.Errorf("sprint: internal error in %s: %v", name, r))
			}
		}()
		fn()
	}()
}
