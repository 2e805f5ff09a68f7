package main

// #include "bridge.h"
import "C"

import (
	"errors"
	"unsafe"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/securemem"
)

// The one table from errors to statuses.
var poolStatus = map[pool.Kind]C.sprint_status{
	pool.ErrOption:     C.SPRINT_E_ARG,
	pool.ErrClosed:     C.SPRINT_E_CLOSED,
	pool.ErrTimeout:    C.SPRINT_E_TIMEOUT,
	pool.ErrExhausted:  C.SPRINT_E_EXHAUSTED,
	pool.ErrTruncated:  C.SPRINT_E_EOF,
	pool.ErrIO:         C.SPRINT_E_IO,
	pool.ErrTLS:        C.SPRINT_E_TLS,
	pool.ErrCert:       C.SPRINT_E_CERT,
	pool.ErrState:      C.SPRINT_E_STATE,
	pool.ErrStale:      C.SPRINT_E_STALE,
	pool.ErrWouldBlock: C.SPRINT_E_WOULD_BLOCK,

	pool.ErrBreakerOpen: C.SPRINT_E_BREAKER_OPEN,
	pool.ErrKey:         C.SPRINT_E_CERT, // where secure memory does not say more
}

var memoryStatus = []struct {
	err    error
	status C.sprint_status
}{
	{securemem.ErrSize, C.SPRINT_E_ARG},
	{securemem.ErrRange, C.SPRINT_E_ARG},
	{securemem.ErrMode, C.SPRINT_E_ARG},
	{securemem.ErrShort, C.SPRINT_E_RANGE},
	{securemem.ErrState, C.SPRINT_E_STATE},
	{securemem.ErrFreed, C.SPRINT_E_HANDLE},
	{securemem.ErrLimit, C.SPRINT_E_MLOCK},
	{securemem.ErrNoMemory, C.SPRINT_E_NOMEM},
	{securemem.ErrCorrupt, C.SPRINT_E_CORRUPT},
	{securemem.ErrUnsupported, C.SPRINT_E_UNSUPPORTED},
	{securemem.ErrHash, C.SPRINT_E_UNSUPPORTED},
	{securemem.ErrNoReplace, C.SPRINT_E_UNSUPPORTED},
	{securemem.ErrExpired, C.SPRINT_E_EXPIRED},
	{securemem.ErrCrypto, C.SPRINT_E_CRYPTO},
	{securemem.ErrWeak, C.SPRINT_E_ARG},
	{securemem.ErrOverlap, C.SPRINT_E_ARG},
	{securemem.ErrSelfCheck, C.SPRINT_E_STATE},
}

// status translates err and leaves its text with the calling thread.
func status(err error) C.sprint_status {
	if err == nil {
		return C.SPRINT_OK
	}
	if err == pool.ErrWouldBlock { // asked for on every read: no text
		return C.SPRINT_E_WOULD_BLOCK
	}
	text := []byte(err.Error())
	C.sprint_thread_set_error((*C.char)(unsafe.Pointer(&text[0])), C.size_t(len(text)))
	var kind pool.Kind
	var classed *pool.Error
	switch {
	case errors.As(err, &classed) && classed.Kind != pool.ErrKey:
		return poolStatus[classed.Kind]
	case errors.As(err, &kind):
		return poolStatus[kind]
	}
	var own argError
	if errors.As(err, &own) {
		return own.status
	}
	for _, row := range memoryStatus {
		if errors.Is(err, row.err) {
			return row.status
		}
	}
	if classed != nil {
		return poolStatus[classed.Kind]
	}
	return C.SPRINT_E_IO // the operating system's: bind, read a file
}

// argError is an error that this package found itself.
type argError struct {
	status C.sprint_status
	text   string
}

func (e argError) Error() string { return "sprint: " + e.text }
