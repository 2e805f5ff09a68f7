"""Pool: a bounded number of warm, verified TLS connections."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from ctypes import byref, c_uint16, c_uint32
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _native
from ._errors import PoolExhausted
from ._handle import Handle
from ._wait import in_main_thread, interruptible
from .config import Config, Options
from .conn import Conn

if TYPE_CHECKING:
    from typing_extensions import Unpack


class PoolStats(NamedTuple):
    """Counters of a pool at one moment."""

    max_connections: int
    """The hard bound."""
    idle: int
    """Open and free."""
    lent: int
    """Open and leased."""
    dialing: int
    """Being connected; counts against the bound."""
    waiting: int
    """Callers in acquire."""
    breaker_state: int
    """0: closed, 1: open (every endpoint's is), 2: half-open."""
    healthy: int
    """1: as /healthz says, 0: not."""
    acquires: int
    """Leases given."""
    dials: int
    """Connections opened."""
    dial_errors: int
    """Attempts that failed."""
    reconnects: int
    """Dials that replaced a lost connection."""
    errors: int
    """Failures of connections and of dials."""
    timeouts: int
    """Acquires and I/O calls that ran out of time."""
    discards: int
    """Leases that ended without going back to the pool."""
    bytes_sent: int
    """Application bytes, before encryption."""
    bytes_received: int
    """Application bytes, after decryption."""


class Pool(Handle):
    """``Pool("host:port", ca_file=..., max_connections=4)``; the keywords are those of
    :class:`Options`.

    ``endpoints`` is "host:port[,host:port...]" or an iterable of such; with several,
    each dial tries them in order. Nothing is dialled before :meth:`warm_up` or
    :meth:`acquire`. Any thread may use a pool at any time. The end of a ``with`` block
    closes it without grace and frees it.

    Raises ArgumentError, which names every wrong option or the endpoint, and
    CertificateError when the given roots hold no certificate.
    """

    __slots__ = ()
    _free = "sprint_pool_free"

    def __init__(self, endpoints: str | Iterable[str], **options: Unpack[Options]) -> None:
        super().__init__(0)
        out = _native.handle()
        with Config(endpoints, options) as config:
            _native.lib().sprint_pool_new(config._handle, byref(out))
        self._handle = out.value

    def warm_up(self, count: int, timeout: float | None = None) -> None:
        """Open connections ahead of need, until ``count`` or the bound are open. ``timeout``
        as for :meth:`acquire`.

        Raises Timeout, BreakerOpen or CertificateError. What was opened stays open.
        """
        limit = _native.milliseconds(timeout)
        wanted = min(_native.size("count", count), _native.UINT32_MAX)
        lib = _native.lib()
        interruptible(
            lambda: lib.sprint_pool_warm_up(self._handle, wanted, limit), lambda _status: None
        )

    def acquire(self, timeout: float | None = None) -> Conn:
        """Lease a connection: an idle one whose liveness was just checked, or a new one.

        ``timeout`` is in seconds over waiting and dialling: None is the pool's
        acquire_timeout, 0 takes only what can be had now and dials nothing. Callers are
        served strictly in their order. The main thread waits by way of a helper thread,
        so Ctrl-C acts at once and the caller still keeps its place for the whole wait.

        Raises Timeout, PoolExhausted, BreakerOpen, ConnectionClosed, CertificateError.
        """
        limit = _native.milliseconds(timeout)
        if limit != 0 and in_main_thread():
            try:
                return self._lease(0)
            except PoolExhausted:
                return interruptible(lambda: self._lease(limit), Conn.release)
        return self._lease(limit)

    def _lease(self, limit: int) -> Conn:
        lib, out = _native.lib(), _native.handle()
        try:
            lib.sprint_pool_acquire(self._handle, limit, byref(out))
            return Conn(self, out.value)
        except BaseException:  # a signal handler may raise with the lease in hand
            _native.free("sprint_conn_release", out.value)
            raise

    def start_cleanup(self) -> None:
        """Keep min_idle connections idle, replace old and slow ones, close what is idle for
        too long, until :meth:`stop_cleanup` or :meth:`close`. Idempotent."""
        _native.lib().sprint_pool_start_cleanup(self._handle)

    def stop_cleanup(self) -> None:
        """End what :meth:`start_cleanup` began. Idempotent."""
        _native.lib().sprint_pool_stop_cleanup(self._handle)

    def resize(self, max_connections: int, min_idle: int) -> None:
        """Change the bound and the idle connections wanted."""
        most = min(_native.size("max_connections", max_connections), _native.UINT32_MAX)
        least = min(_native.size("min_idle", min_idle), _native.UINT32_MAX)
        _native.lib().sprint_pool_resize(self._handle, most, least)

    def pause(self) -> None:
        """Let every acquire wait until :meth:`resume`."""
        _native.lib().sprint_pool_pause(self._handle)

    def resume(self) -> None:
        """End :meth:`pause`."""
        _native.lib().sprint_pool_resume(self._handle)

    def evict_endpoint(self, endpoint: str) -> None:
        """Close the connections to one endpoint: idle ones now, lent ones at their return."""
        _native.lib().sprint_pool_evict_endpoint(self._handle, _native.text("endpoint", endpoint))

    def reset(self) -> None:
        """Close idle connections now, lent ones at their return, and all circuit breakers."""
        _native.lib().sprint_pool_reset(self._handle)

    def rotate(self) -> None:
        """Replace every connection by one with fresh keys; files of certificates and keys
        are read again."""
        _native.lib().sprint_pool_rotate(self._handle)

    def start_metrics(self) -> int:
        """Serve /metrics, /status/connections and /healthz; the port. Idempotent."""
        port = c_uint16()
        _native.lib().sprint_pool_start_metrics(self._handle, byref(port))
        return port.value

    def stop_metrics(self) -> None:
        """Stop the metrics server and free its port. Idempotent."""
        _native.lib().sprint_pool_stop_metrics(self._handle)

    def stats(self) -> PoolStats:
        """The pool's counters. Works on a closed pool too."""
        raw = _native.PoolStats(struct_size=ctypes.sizeof(_native.PoolStats))
        _native.lib().sprint_pool_stats_get(self._handle, byref(raw))
        return PoolStats(*(getattr(raw, name) for name in PoolStats._fields))

    def status(self) -> dict[str, Any]:
        """The pool and each of its connections, what /status/connections serves."""
        status: dict[str, Any] = _native.json_of("sprint_pool_status_json", self._handle)
        return status

    def close(self, grace: float = 0) -> int:
        """No new leases, waiters woken, leases drained for ``grace`` seconds and then cut
        off: how many. Idempotent; the counters can still be read."""
        limit = _native.milliseconds(grace)
        lib, forced = _native.lib(), c_uint32()
        interruptible(
            lambda: lib.sprint_pool_close(self._handle, limit, byref(forced)),
            lambda _status: None,
        )
        return forced.value

    def free(self) -> None:
        """Close without grace if that was not done, and give everything back. Leases that
        are still out fail with ConnectionClosed. Idempotent."""
        self._drop(self._free)

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.free()

    def __repr__(self) -> str:
        return f"<Pool{' freed' if self.closed else ''}>"
