// Package spawn holds the only bare go statement of the project.
//
// A panic in a goroutine cannot be caught by anyone else and would end the host
// process, so every goroutine is started here, with a recover.
package spawn

import (
	"fmt"
	"log/slog"
	"runtime/debug"
)

// Go runs fn in a goroutine of its own. A panic in fn is logged with the given
// name and ends that goroutine only; then onPanic, if not nil, is called with the
// panic as an error so that the owner can give back what fn held.
func Go(name string, fn func(), onPanic func(error)) {
	go func() {
		defer func() {
			r := recover()
			if r == nil {
				return
			}
			err := fmt.Errorf("sprint: internal error in %s: %v", name, r)
			slog.Default().Error("panic", "goroutine", name, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			if onPanic != nil {
				onPanic(err)
			}
		}()
		fn()
	}()
}
