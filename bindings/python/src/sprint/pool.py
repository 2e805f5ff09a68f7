"""Pool: a bounded number of warm, verified TLS connections."""

from __future__ import annotations

from ctypes import byref, c_uint32
from types import TracebackType

from . import _native
from ._control import Control
from ._errors import PoolExhausted
from ._wait import in_main_thread, interruptible
from .conn import Conn


class Pool(Control):
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

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.free()
