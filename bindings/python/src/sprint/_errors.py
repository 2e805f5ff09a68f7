"""One exception class for each status code of sprint.h."""

from __future__ import annotations


class SprintError(OSError):
    """A call into libsprint failed. ``str()`` is the library's own sentence: what it
    happened to, and why."""

    code: int = 0
    """The SPRINT_E_* number."""
    name: str = "SPRINT_E_UNKNOWN"
    """The SPRINT_E_* name, for logs."""
    partial: bytes = b""
    """What :meth:`Conn.read_exact` had received when it failed."""


class ArgumentError(SprintError, ValueError):
    """A bad value; the text names the argument, the option or the endpoint."""

    code, name = -1, "SPRINT_E_ARG"


class HandleError(SprintError, ValueError):
    """The object was closed, released or freed before."""

    code, name = -2, "SPRINT_E_HANDLE"


class ConnectionClosed(SprintError, ConnectionError):
    """The pool was closed, or the lease was ended by another thread."""

    code, name = -3, "SPRINT_E_CLOSED"


class Timeout(SprintError, TimeoutError):
    """The deadline passed."""

    code, name = -4, "SPRINT_E_TIMEOUT"


class PoolExhausted(SprintError):
    """No connection is free and no wait was wanted, or too many callers wait already."""

    code, name = -5, "SPRINT_E_EXHAUSTED"


class Truncated(SprintError, ConnectionError, EOFError):
    """The peer went away without the close_notify that ends a TLS stream."""

    code, name = -6, "SPRINT_E_EOF"


class NetworkError(SprintError, ConnectionError):
    """Name resolution, connect or the socket failed."""

    code, name = -7, "SPRINT_E_IO"


class TLSError(SprintError):
    """The handshake or the record layer failed; the text holds the alert."""

    code, name = -8, "SPRINT_E_TLS"


class CertificateError(TLSError):
    """An untrusted, expired or wrong-name certificate, or no usable root to judge it by."""

    code, name = -9, "SPRINT_E_CERT"


class BufferTooSmall(SprintError, ValueError):
    """An output did not fit."""

    code, name = -10, "SPRINT_E_RANGE"


class OutOfMemory(SprintError, MemoryError):
    """Out of ordinary memory or of handles."""

    code, name = -11, "SPRINT_E_NOMEM"


class LockedMemoryError(SprintError, MemoryError):
    """The limit of locked memory is reached; no other secret was lost."""

    code, name = -12, "SPRINT_E_MLOCK"


class StateError(SprintError, RuntimeError):
    """The call is not valid in this state: a second reader, a write to an open buffer."""

    code, name = -13, "SPRINT_E_STATE"


class UnsupportedError(SprintError):
    """An option, flag or feature that this build of the library does not know."""

    code, name = -14, "SPRINT_E_UNSUPPORTED"


class ForkedError(SprintError, RuntimeError):
    """This process was forked after the library was loaded."""

    code, name = -15, "SPRINT_E_FORKED"


class ABIError(SprintError):
    """The library is older than this package, or of another major version."""

    code, name = -16, "SPRINT_E_ABI"


class InternalError(SprintError):
    """A bug in the library, caught at its boundary."""

    code, name = -17, "SPRINT_E_INTERNAL"


class BreakerOpen(SprintError, ConnectionError):
    """Every endpoint's circuit breaker is open."""

    code, name = -18, "SPRINT_E_BREAKER_OPEN"


class WouldBlock(SprintError, BlockingIOError):
    """Nothing to be had now. The ``try_`` methods return None instead of raising it."""

    code, name = -19, "SPRINT_E_WOULD_BLOCK"


class SecretExpired(SprintError):
    """The secret's lifetime is over."""

    code, name = -20, "SPRINT_E_EXPIRED"


class MemoryCorrupted(SprintError):
    """A canary was found damaged: something in this process wrote past the end."""

    code, name = -21, "SPRINT_E_CORRUPT"


class StaleConnection(SprintError, ConnectionError):
    """A reused connection died before any answer: retry if that is harmless."""

    code, name = -22, "SPRINT_E_STALE"


class CryptoError(SprintError):
    """Authentication failed, or a bad key."""

    code, name = -23, "SPRINT_E_CRYPTO"


def _descendants(cls: type[SprintError]) -> list[type[SprintError]]:
    return [d for sub in cls.__subclasses__() for d in (sub, *_descendants(sub))]


BY_CODE: dict[int, type[SprintError]] = {cls.code: cls for cls in _descendants(SprintError)}


def from_status(code: int, text: str) -> SprintError:
    """The exception for a status; a code of a newer library gives a plain SprintError."""
    error = BY_CODE.get(code, SprintError)(text)
    error.code = code
    return error
