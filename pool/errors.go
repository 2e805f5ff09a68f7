package pool

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/bitcoin-sprint/libsprint/pool/transport"
)

// Kind is what class of thing went wrong. The set is closed. A Kind is an error of
// its own, so errors.Is(err, pool.ErrTimeout) asks for it.
type Kind uint8

// The kinds of errors.
const (
	_              Kind = iota
	ErrOption           // an option or an endpoint list is not valid
	ErrClosed           // the pool is closed, or the lease has ended
	ErrTimeout          // the deadline passed
	ErrExhausted        // nothing free and no wait wanted, or too many waiters
	ErrTruncated        // the peer went without close_notify
	ErrIO               // name resolution, connect, reset
	ErrTLS              // handshake or record layer
	ErrCert             // the peer's certificate, or the roots to judge it by
	ErrState            // not valid in this state
	ErrStale            // a reused connection died before any answer
	ErrWouldBlock       // nothing to be had now
	ErrBreakerOpen      // every endpoint's circuit breaker is open
	ErrKey              // the client's private key cannot be had or cannot sign; see the cause
)

var kindText = [...]string{
	ErrOption: "bad option", ErrClosed: "closed", ErrTimeout: "timed out",
	ErrExhausted: "exhausted", ErrTruncated: "truncated", ErrIO: "I/O error",
	ErrTLS: "TLS error", ErrCert: "certificate error", ErrState: "not valid in this state",
	ErrStale:       "the reused connection died before any answer",
	ErrWouldBlock:  "would block",
	ErrBreakerOpen: "the circuit breaker is open",
	ErrKey:         "client key error",
}

// Error implements error.
func (k Kind) Error() string { return "sprint: " + kindText[k] }

// final says that a dial which failed so would fail so again: the two ends do not agree
// on certificates or on TLS, or there is no key, and somebody has to change that.
func (k Kind) final() bool { return k == ErrCert || k == ErrTLS || k == ErrKey }

// Error is a failure with what it happened to.
type Error struct {
	Kind Kind
	// Text says what happened to whom.
	Text string
	// Err is the cause; may be nil.
	Err error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Err == nil {
		return "sprint: " + e.Text
	}
	return "sprint: " + e.Text + ": " + plain(e.Err)
}

// plain is the text of an error that goes into another one's.
func plain(err error) string { return strings.TrimPrefix(err.Error(), "sprint: ") }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the error's Kind.
func (e *Error) Is(target error) bool { return target == e.Kind }

func errorf(k Kind, cause error, format string, args ...any) *Error {
	return &Error{Kind: k, Text: fmt.Sprintf(format, args...), Err: cause}
}

// kindOf is the kind of err; ErrIO if it has none.
func kindOf(err error) Kind {
	var classed *Error
	if errors.As(err, &classed) {
		return classed.Kind
	}
	return ErrIO
}

// connectKind classifies what ended a name resolution or a TCP connect.
func connectKind(err error) Kind {
	if isTimeout(err) {
		return ErrTimeout
	}
	return ErrIO
}

// handshakeKind classifies what ended a TLS handshake.
func handshakeKind(err error) Kind {
	var verify *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var roots x509.SystemRootsError
	var op *net.OpError
	switch {
	case errors.Is(err, errPin):
		return ErrCert
	case errors.As(err, &verify), errors.As(err, &unknown), errors.As(err, &roots):
		return ErrCert
	case isTimeout(err):
		return ErrTimeout
	case errors.As(err, &op):
		return socketKind(op)
	case errors.Is(err, transport.ErrTruncated):
		return ErrIO
	}
	return ErrTLS
}

// streamKind classifies what ended an open connection.
func streamKind(err error) Kind {
	var op *net.OpError
	var errno syscall.Errno
	switch {
	case errors.Is(err, transport.ErrTruncated), errors.Is(err, io.EOF):
		return ErrTruncated
	case errors.Is(err, net.ErrClosed):
		return ErrClosed
	case isTimeout(err):
		return ErrTimeout
	case errors.As(err, &op):
		return socketKind(op)
	case errors.As(err, &errno):
		return ErrIO
	}
	return ErrTLS
}

// socketKind tells an alert, which crypto/tls reports as a *net.OpError with one of
// two operation names, from a failure of the socket.
func socketKind(op *net.OpError) Kind {
	if op.Op == "remote error" || op.Op == "local error" {
		return ErrTLS
	}
	return ErrIO
}

// isTimeout says that a deadline of ours passed. ETIMEDOUT is not one: the kernel has
// given the connection up.
func isTimeout(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}
