"""Conn: a TLS connection on lease from a pool."""

from __future__ import annotations

import ctypes
import json
import math
import select
import warnings
from collections.abc import Callable
from ctypes import byref, c_int32, c_size_t, c_uint32, c_uint64
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _native
from ._errors import BufferTooSmall, ConnectionClosed, HandleError, SprintError
from ._handle import Handle
from ._memory import pinned
from ._wait import SLICE, Deadline, may_block

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from .buffer import SecureBuffer
    from .pool import Pool

WANT_READ = 1
WANT_WRITE = 2

_CHUNK = 65536


class Conn(Handle):
    """A connection on lease, made by :meth:`Pool.acquire`.

    As a context manager it goes back to the pool at the end of the block, or is closed
    if the block raised. One thread may read while another one writes. Timeouts are
    seconds: None waits for ever, 0 does what can be done now; one deadline covers the
    call. After a write that timed out or failed every later write is a StateError.
    """

    __slots__ = ("_pool",)
    _free = "sprint_conn_discard"

    def __init__(self, pool: Pool, handle: int) -> None:
        super().__init__(handle)
        self._pool = pool  # a pool that nobody else holds must not be freed meanwhile

    # ------------------------------------------------------------------ the stream

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
                self._write_sliced(address or 0, length, Deadline(timeout))

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

    def read(self, size: int = _CHUNK, timeout: float | None = None) -> bytes:
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
        with pinned(target, writable=True) as (address, length):
            return self._read(address or 0, length, timeout)

    def read_exact(self, size: int, timeout: float | None = None) -> bytes:
        """Receive exactly ``size`` bytes, at least 1.

        Raises as :meth:`read`, and Truncated also if close_notify comes first. The
        exception's ``partial`` holds what had been received.
        """
        target = bytearray(_native.size("size", size))
        got = c_size_t()
        with pinned(target, writable=True) as (address, length):
            try:
                self._read_exact(address or 0, length, timeout, got)
            except SprintError as error:
                error.partial = bytes(memoryview(target)[: got.value])
                raise
        return bytes(target)

    def request(self, data: Buffer, size: int = _CHUNK, timeout: float | None = None) -> bytes:
        """Send all of ``data``, then receive once: :meth:`write` and :meth:`read` under
        one deadline."""
        limit = _native.milliseconds(timeout)
        answer = bytearray(_native.size("size", size))
        n = c_size_t()
        with pinned(data) as (source, length), pinned(answer, writable=True) as (target, cap):
            if length == 0 or cap == 0 or may_block(timeout):
                _native.lib().sprint_conn_request(
                    self._handle, source, length, target, cap, 0, limit, byref(n)
                )
            else:
                deadline = Deadline(timeout)
                self._write_sliced(source or 0, length, deadline)
                self._read_sliced(target or 0, cap, deadline, n)
        return bytes(memoryview(answer)[: n.value])

    # -------------------------------------------------------------- for event loops

    def try_write(self, data: Buffer) -> int | None:
        """Send what can be sent without waiting: how many bytes were taken, None if none
        could be. Taken bytes may still need a :meth:`flush`."""
        n = c_size_t()
        with pinned(data) as (address, length):
            status = _native.lib().sprint_conn_try_write(self._handle, address, length, byref(n))
        return None if status == _native.WOULD_BLOCK else n.value

    def try_read(self, size: int = _CHUNK) -> bytes | None:
        """Receive without waiting: None if nothing is there, b"" for close_notify. Call it
        until it gives None before polling: decrypted bytes do not show on the socket."""
        chunk = bytearray(_native.size("size", size))
        n = c_size_t()
        with pinned(chunk, writable=True) as (address, length):
            status = _native.lib().sprint_conn_try_read(self._handle, address, length, byref(n))
        return None if status == _native.WOULD_BLOCK else bytes(memoryview(chunk)[: n.value])

    def flush(self, timeout: float | None = None) -> bool:
        """Send what was taken but is not on its way yet. True when nothing is left; with
        timeout 0 False when something is, otherwise Timeout."""
        limit = _native.milliseconds(timeout)
        if may_block(timeout):
            status: int = _native.lib().sprint_conn_flush(self._handle, limit)
            return status != _native.WOULD_BLOCK
        self._flush_sliced(Deadline(timeout))
        return True

    def fileno(self) -> int:
        """The descriptor to poll, valid until the lease ends. Never read, write or close
        it."""
        return self.poll_info()[0]

    def poll_info(self) -> tuple[int, int]:
        """The descriptor and what to poll for: WANT_READ, and WANT_WRITE while something
        is unsent."""
        fd, want = c_int32(), c_uint32()
        _native.lib().sprint_conn_poll_info(self._handle, byref(fd), byref(want))
        return fd.value, want.value

    # -------------------------------------------------------------------- the lease

    @property
    def id(self) -> int:
        """The connection's number in its pool, as in logs and in the status."""
        value = c_uint64()
        _native.lib().sprint_conn_id(self._handle, byref(value))
        return value.value

    @property
    def uses(self) -> int:
        """How many leases of this connection came before; 0: it is fresh, so a protocol
        with a login logs in first."""
        value = c_uint64()
        _native.lib().sprint_conn_uses(self._handle, byref(value))
        return value.value

    def info(self) -> dict[str, Any]:
        """The connection and what its handshake agreed on: connection_id, endpoint, uses,
        generation, opened, tls_version, cipher_suite, alpn, resumed,
        peer_certificate_expires."""
        needed = c_size_t(1024)
        while True:
            cap = needed.value
            text = ctypes.create_string_buffer(cap)
            try:
                _native.lib().sprint_conn_info_json(self._handle, text, cap, byref(needed))
            except BufferTooSmall:
                continue
            info: dict[str, Any] = json.loads(text.value)
            return info

    def release(self) -> None:
        """End the lease: the connection goes back to the pool, or is closed if it failed,
        timed out on a write, or holds unread or unsent bytes. Idempotent."""
        self._drop("sprint_conn_release")

    def discard(self) -> None:
        """End the lease and close the connection. Idempotent."""
        self._drop("sprint_conn_discard")

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc_type is None:
            self.release()
        else:
            self.discard()

    def __del__(self) -> None:
        # Where the protocol stands is unknown, so nobody may reuse the connection.
        try:
            if getattr(self, "_handle", 0) and _native.usable():
                warnings.warn(
                    "sprint: a lease was never released", ResourceWarning, stacklevel=2, source=self
                )
        finally:
            super().__del__()

    def __repr__(self) -> str:
        return f"<Conn {'released' if self.closed else 'on lease'}>"

    # ------------------------------------------- waits that Ctrl-C can interrupt
    #
    # Until the last slice the thread waits on the descriptor, where signals reach it.
    # The rest of the time is one call of the library, so that a timeout is what it is
    # on any thread: counted once, and for a write the end of the stream.

    def _read(self, address: int, length: int, timeout: float | None) -> int:
        limit, n = _native.milliseconds(timeout), c_size_t()
        if length == 0 or may_block(timeout):
            _native.lib().sprint_conn_read(self._handle, address, length, limit, byref(n))
        else:
            self._read_sliced(address, length, Deadline(timeout), n)
        return n.value

    def _read_sliced(self, address: int, length: int, deadline: Deadline, n: c_size_t) -> None:
        lib = _native.lib()
        if not self._sliced(
            deadline, WANT_READ, lib.sprint_conn_try_read, address, length, byref(n)
        ):
            with deadline.last_slice() as limit:
                lib.sprint_conn_read(self._handle, address, length, limit, byref(n))

    def _read_exact(self, address: int, length: int, timeout: float | None, got: c_size_t) -> None:
        lib = _native.lib()
        limit = _native.milliseconds(timeout)
        if length == 0 or may_block(timeout):
            lib.sprint_conn_read_exact(self._handle, address, length, limit, byref(got))
            return
        deadline, n = Deadline(timeout), c_size_t()
        while got.value < length:
            at, left = address + got.value, length - got.value
            self._read_sliced(at, left, deadline, n)
            if n.value == 0:  # close_notify, too early here: let the library say so
                lib.sprint_conn_read_exact(self._handle, at, left, 0, byref(n))
            got.value += n.value

    def _write_sliced(self, address: int, length: int, deadline: Deadline) -> None:
        lib = _native.lib()
        sent, n = 0, c_size_t()
        while sent < length:
            at, left = address + sent, length - sent
            if not self._sliced(
                deadline, WANT_WRITE, lib.sprint_conn_try_write, at, left, byref(n)
            ):
                with deadline.last_slice() as limit:
                    lib.sprint_conn_write(self._handle, at, left, limit)
                return
            sent += n.value
        # Nothing is left to write, but for the library it is the write that may time out.
        if not self._sliced(deadline, WANT_WRITE, lib.sprint_conn_flush, 0):
            with deadline.last_slice() as limit:
                lib.sprint_conn_write(self._handle, None, 0, limit)

    def _flush_sliced(self, deadline: Deadline) -> None:
        lib = _native.lib()
        if not self._sliced(deadline, WANT_WRITE, lib.sprint_conn_flush, 0):
            with deadline.last_slice() as limit:
                lib.sprint_conn_flush(self._handle, limit)

    def _sliced(
        self, deadline: Deadline, want: int, call: Callable[..., int], *args: object
    ) -> bool:
        """Repeat a call that does not wait until it succeeds, waiting on the descriptor in
        between; False at the last slice.

        Another thread may end the lease meanwhile and the descriptor's number may be
        given to something else: then one slice waits for the wrong thing, no more.
        """
        waited = False
        try:
            while call(self._handle, *args) == _native.WOULD_BLOCK:
                seconds = min(SLICE, deadline.left() - SLICE)
                if seconds <= 0:
                    return False
                fd, wanted = self.poll_info()
                # A reader helps to send what is unsent. A writer must not wake for what
                # there is to read: nobody might read it.
                events = select.POLLOUT if (want | wanted) & WANT_WRITE else 0
                if want == WANT_READ:
                    events |= select.POLLIN
                poll = select.poll()
                poll.register(fd, events)
                waited = True
                poll.poll(math.ceil(seconds * 1000))
        except HandleError:
            if not waited:
                raise
            raise ConnectionClosed("sprint: the lease was ended by another thread") from None
        return True
