package securemem

import (
	"context"
	"log/slog"
	"sync/atomic"
)

var events atomic.Pointer[slog.Logger]

// SetEvents has every allocate, refuse, open, close, use, seal, unseal, expire and
// free told to l: the number of the secret, its size and the result, never content.
// nil is silence, which costs one comparison.
func SetEvents(l *slog.Logger) { events.Store(l) }

// tell reports that op was done to b.
func (b *Buffer) tell(op string, err error) {
	l := events.Load()
	if l == nil || b.ours {
		return
	}
	level, result := slog.LevelInfo, "ok"
	if err != nil {
		level, result = slog.LevelWarn, err.Error()
	}
	l.LogAttrs(context.Background(), level, op, slog.Uint64("secret", b.id), slog.Int("size", b.size), slog.String("result", result))
}
