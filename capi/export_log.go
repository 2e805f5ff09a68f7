package main

// #include "bridge.h"
import "C"

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
)

const levelTrace = slog.Level(C.SPRINT_LOG_TRACE)

// logFD is where lines go; -1 is off.
var logFD atomic.Int32

// logWriting is held for reading while a line is written: when the descriptor was
// changed, nothing goes to the old one any more, which the host may close.
var logWriting sync.RWMutex

var logLevel slog.LevelVar

// logger writes to the host's descriptor, or nowhere.
var logger = slog.New(gate{slog.NewJSONHandler(lines{}, &slog.HandlerOptions{
	Level: &logLevel,
	ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.LevelKey && a.Value.Any() == levelTrace {
			a.Value = slog.StringValue("TRACE")
		}
		return a
	},
})})

func init() {
	logFD.Store(-1)
	spawn.LogTo(logger)
}

// gate makes a line that goes nowhere cost one comparison.
type gate struct{ slog.Handler }

func (g gate) Enabled(ctx context.Context, level slog.Level) bool {
	return logFD.Load() >= 0 && g.Handler.Enabled(ctx, level)
}

func (g gate) WithAttrs(a []slog.Attr) slog.Handler { return gate{g.Handler.WithAttrs(a)} }

func (g gate) WithGroup(name string) slog.Handler { return gate{g.Handler.WithGroup(name)} }

// lines writes each line with one write(2); what the descriptor refuses is lost.
type lines struct{}

var _ io.Writer = lines{}

func (lines) Write(line []byte) (int, error) {
	logWriting.RLock()
	defer logWriting.RUnlock()
	if fd := logFD.Load(); fd >= 0 && len(line) > 0 {
		C.sprint_log_write(C.int32_t(fd), unsafe.Pointer(&line[0]), C.size_t(len(line)))
	}
	return len(line), nil
}

//export sprintgo_log_to
func sprintgo_log_to(fd, level C.int32_t) (st C.sprint_status) {
	defer guard(&st)
	logWriting.Lock()
	defer logWriting.Unlock()
	logLevel.Set(slog.Level(level))
	logFD.Store(int32(fd))
	return C.SPRINT_OK
}
