"""Conn: a TLS connection on lease from a pool."""

from __future__ import annotations

import math
import select
from ctypes import byref, c_size_t
from typing import TYPE_CHECKING

from . import _native, _steps
from ._errors import ArgumentError, SprintError, StateError
from ._lease import CHUNK, IDEMPOTENT, Lease
from ._memory import pinned
from ._steps import WANT_READ, WANT_WRITE, Steps
from ._wait import SLICE, Deadline, interruptible, may_block

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from .buffer import SecureBuffer

__all__ = ["WANT_READ", "WANT_WRITE", "Conn"]


class Conn(Lease):
    """A connection on lease, made by :meth:`Pool.acquire`.

    As a context manager it goes back to the pool at the end of the block, or is closed
    if the block raised. One thread may read while another one writes. Timeouts are
    seconds: None waits for ever, 0 does what can be done now; one deadline covers the
    call. After a write that timed out or failed every later write is a StateError; one
    that Ctrl-C interrupts in the middle discards the connection.
    """

    __slots__ = ()

    def write(self, data: Buffer, timeout: float | None = None) -> None:
        """Send all of ``data``, which is any contiguous buffer and is not copied.

        Raises Timeout, StaleConnection, NetworkError, TLSError, ConnectionClosed,
        StateError.
        """
        limit = _native.milliseconds(timeout)
        with pinned(data) as (address, length):
            if may_block(timeout):
                _native.lib().sprint_conn_write(self._handle, address, length, limit)
            else:
                deadline = Deadline(timeout)
                _walk(_steps.writing(self, address or 0, length, deadline), deadline)

    def write_secret(self, secret: SecureBuffer, timeout: float | None = None) -> None:
        """Send a secret, a token usually, from its buffer: it passes through no memory of
        Python. On its way it is in the memory of TLS, which is not locked.

        Raises as :meth:`write`, StateError also if the buffer is open for writing, and
        SecretExpired, LockedMemoryError (it was sealed).
        """
        if may_block(timeout):
            limit = _native.milliseconds(timeout)
            _native.lib().sprint_conn_write_secret(self._handle, secret._handle, limit)
        else:
            with secret.open() as view:
                self.write(view, timeout)

    def read(self, size: int = CHUNK, timeout: float | None = None) -> bytes:
        """Receive what is there, 1 to ``size`` bytes; b"" when the peer ended the stream
        with close_notify.

        Raises Timeout (nothing is lost, read again), Truncated, StaleConnection,
        NetworkError, TLSError, ConnectionClosed.
        """
        chunk = bytearray(_native.size("size", size))
        return bytes(memoryview(chunk)[: self.read_into(chunk, timeout)])

    def read_into(self, target: Buffer, timeout: float | None = None) -> int:
        """As :meth:`read`, into a writable buffer of at least 1 byte; returns how many
        bytes, 0 for close_notify."""
        limit, n = _native.milliseconds(timeout), c_size_t()
        with pinned(target, writable=True) as (address, length):
            if length == 0 or may_block(timeout):
                _native.lib().sprint_conn_read(self._handle, address, length, limit, byref(n))
            else:
                deadline = Deadline(timeout)
                _walk(_steps.reading(self, address or 0, length, deadline, n), deadline)
        self._owed = False
        return n.value

    def read_exact(self, size: int, timeout: float | None = None) -> bytes:
        """Receive exactly ``size`` bytes, at least 1.

        Raises as :meth:`read`, and Truncated also if close_notify comes first. The
        exception's ``partial`` holds what had been received.
        """
        target = bytearray(_native.size("size", size))
        limit, n = _native.milliseconds(timeout), c_size_t()
        with pinned(target, writable=True) as (address, length):
            try:
                if length == 0 or may_block(timeout):
                    _native.lib().sprint_conn_read_exact(
                        self._handle, address, length, limit, byref(n)
                    )
                else:
                    deadline = Deadline(timeout)
                    _walk(_steps.reading_exactly(self, address or 0, length, deadline, n), deadline)
            except SprintError as error:
                error.partial = bytes(memoryview(target)[: n.value])
                raise
        self._owed = False
        return bytes(target)

    def request(
        self,
        data: Buffer,
        size: int = CHUNK,
        timeout: float | None = None,
        *,
        idempotent: bool = False,
    ) -> bytes:
        """Send all of ``data``, then receive once: :meth:`write` and :meth:`read` under
        one deadline.

        ``idempotent`` says that the peer may get it twice. What would be a StaleConnection
        is then sent once more on a connection that is dialled for it, if nothing else was
        done on this lease and the retry budget of the pool allows it; :attr:`id` and
        :meth:`fileno` change, and :attr:`uses` is 0.
        """
        limit = _native.milliseconds(timeout)
        answer = bytearray(_native.size("size", size))
        owed, self._owed = self._owed, True
        try:
            if may_block(timeout):
                n = self._request(data, answer, limit, IDEMPOTENT if idempotent else 0)
            elif idempotent:
                # It may dial, so it is one call. If this thread gives up, the end of the
                # lease ends that call.
                n = interruptible(
                    lambda: self._request(data, answer, limit, IDEMPOTENT), lambda _n: None
                )
            else:
                n = self._request_sliced(data, answer, Deadline(timeout))
        except (ArgumentError, StateError, TypeError, BufferError):  # nothing was sent
            self._owed = owed
            raise
        self._owed = False
        return bytes(memoryview(answer)[:n])

    def _request_sliced(self, data: Buffer, answer: bytearray, deadline: Deadline) -> int:
        n = c_size_t()
        with pinned(data) as (source, length), pinned(answer, writable=True) as (target, cap):
            if length == 0 or cap == 0:  # let the library say what is wrong
                return self._request(data, answer, 0, 0)
            _walk(_steps.writing(self, source or 0, length, deadline), deadline)
            _walk(_steps.reading(self, target or 0, cap, deadline, n), deadline)
        return n.value

    def flush(self, timeout: float | None = None) -> bool:
        """Send what was taken but is not on its way yet. True when nothing is left; with
        timeout 0 False when something is, otherwise Timeout."""
        limit = _native.milliseconds(timeout)
        if may_block(timeout):
            status: int = _native.lib().sprint_conn_flush(self._handle, limit)
            return status != _native.WOULD_BLOCK
        deadline = Deadline(timeout)
        _walk(_steps.flushing(self, deadline), deadline)
        return True

    # -------------------------------------------------------------- for event loops

    def try_write(self, data: Buffer) -> int | None:
        """Send what can be sent without waiting: how many bytes were taken, None if none
        could be. Taken bytes may still need a ``flush``."""
        n = c_size_t()
        with pinned(data) as (address, length):
            status = _native.lib().sprint_conn_try_write(self._handle, address, length, byref(n))
        return None if status == _native.WOULD_BLOCK else n.value

    def try_read(self, size: int = CHUNK) -> bytes | None:
        """Receive without waiting: None if nothing is there, b"" for close_notify. Call it
        until it gives None before polling: decrypted bytes do not show on the socket."""
        chunk = bytearray(_native.size("size", size))
        n = c_size_t()
        with pinned(chunk, writable=True) as (address, length):
            status = _native.lib().sprint_conn_try_read(self._handle, address, length, byref(n))
        return None if status == _native.WOULD_BLOCK else bytes(memoryview(chunk)[: n.value])

    def fileno(self) -> int:
        """The descriptor to poll, valid until the lease ends. Never read, write or close
        it."""
        return self.poll_info()[0]

    def poll_info(self) -> tuple[int, int]:
        """The descriptor and what to poll for: WANT_READ, and WANT_WRITE while something
        is unsent."""
        return _steps.poll_info(self._handle)


def _walk(steps: Steps, deadline: Deadline) -> None:
    """Take the steps, waiting on the descriptor, where signals reach the thread, until the
    last slice of the time."""
    try:
        fd, want = next(steps)
        while True:
            seconds = min(SLICE, deadline.left() - SLICE)
            if seconds > 0:
                events = select.POLLIN if want & WANT_READ else 0
                if want & WANT_WRITE:
                    events |= select.POLLOUT
                poll = select.poll()
                poll.register(fd, events)
                poll.poll(math.ceil(seconds * 1000))
            fd, want = steps.send(seconds > 0)
    except StopIteration:
        pass
    finally:
        steps.close()  # a signal handler may have raised
