"""Lease: what a connection on lease is and does without waiting."""

from __future__ import annotations

import warnings
from ctypes import byref, c_size_t, c_uint64
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _native
from ._handle import Handle
from ._memory import pinned

if TYPE_CHECKING:
    from typing_extensions import Buffer

CHUNK = 65536
"""Bytes that a read asks for if the caller does not say."""

IDEMPOTENT = 1


class Lease(Handle):
    """What :class:`sprint.Conn` and :class:`sprint.aio.Conn` have in common."""

    __slots__ = ("_owed", "_pool")
    _free = "sprint_conn_discard"

    def __init__(self, pool: Handle, handle: int) -> None:
        super().__init__(handle)
        self._pool = pool  # a pool that nobody else holds must not be freed meanwhile
        self._owed = False  # a request failed before its answer, which may still come

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
        generation, opened, bytes_written and bytes_read in this lease, tls_version,
        cipher_suite, alpn, resumed, peer_certificate_expires."""
        info: dict[str, Any] = _native.json_of("sprint_conn_info_json", self._handle)
        return info

    def _request(self, data: Buffer, answer: bytearray, limit: int, flags: int) -> int:
        """sprint_conn_request, which waits: how many bytes of ``answer`` it filled."""
        n = c_size_t()
        with pinned(data) as (source, length), pinned(answer, writable=True) as (target, cap):
            _native.lib().sprint_conn_request(
                self._handle, source, length, target, cap, flags, limit, byref(n)
            )
        return n.value

    def release(self) -> None:
        """End the lease: the connection goes back to the pool, or is closed if it failed,
        timed out on a write, holds unread or unsent bytes, or owes the answer to a request
        that timed out. Idempotent."""
        self._drop("sprint_conn_discard" if self._owed else "sprint_conn_release")

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
        return f"<{type(self).__name__} {'released' if self.closed else 'on lease'}>"
