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
	"github.com/bitcoin-sprint/libsprint/pool"
)

const levelTrace = pool.LevelTrace // SPRINT_LOG_TRACE

// sink writes lines to a descriptor of the host, or nowhere.
type sink struct {
	fd atomic.Int32 // one more than the descriptor; 0 is off
	// writing is held for reading while a line is written: when the descriptor was
	// changed, nothing goes to the old one any more, which the host may close.
	writing sync.RWMutex
}

var _ io.Writer = (*sink)(nil)

func (s *sink) on() bool { return s.fd.Load() > 0 }

func (s *sink) set(fd int32) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.fd.Store(fd + 1)
}

// Write writes a line with one write(2); what the descriptor refuses is lost.
func (s *sink) Write(line []byte) (int, error) {
	s.writing.RLock()
	defer s.writing.RUnlock()
	if fd := s.fd.Load() - 1; fd >= 0 && len(line) > 0 {
		C.sprint_log_write(C.int32_t(fd), unsafe.Pointer(&line[0]), C.size_t(len(line)))
	}
	return len(line), nil
}

var (
	logFD, eventFD sink
	logLevel       slog.LevelVar
	// logger tells what happens to connections, eventLog what happens to secrets.
	logger   = newLogger(&logFD, &logLevel)
	eventLog = newLogger(&eventFD, slog.LevelInfo)
)

func init() { spawn.LogTo(logger) }

func newLogger(s *sink, level slog.Leveler) *slog.Logger {
	return slog.New(gate{s, slog.NewJSONHandler(s, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			switch {
			case a.Key == slog.LevelKey && a.Value.Any() == levelTrace:
				a.Value = slog.StringValue("TRACE")
			case a.Key == slog.TimeKey:
				a.Value = slog.TimeValue(a.Value.Time().UTC()) // as in the status
			}
			return a
		},
	})})
}

// gate makes a line that goes nowhere cost one comparison.
type gate struct {
	sink *sink
	slog.Handler
}

func (g gate) Enabled(ctx context.Context, level slog.Level) bool {
	return g.sink.on() && g.Handler.Enabled(ctx, level)
}

func (g gate) WithAttrs(a []slog.Attr) slog.Handler { return gate{g.sink, g.Handler.WithAttrs(a)} }

func (g gate) WithGroup(name string) slog.Handler { return gate{g.sink, g.Handler.WithGroup(name)} }

//export sprintgo_log_to
func sprintgo_log_to(fd, level C.int32_t) (st C.sprint_status) {
	defer guard(&st)
	logLevel.Set(slog.Level(level))
	logFD.set(int32(fd))
	return C.SPRINT_OK
}
