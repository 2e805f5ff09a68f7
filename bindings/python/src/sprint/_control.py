"""Control: what a pool is and does without waiting."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from ctypes import byref, c_uint16
from typing import TYPE_CHECKING

from . import _native
from ._handle import Handle
from ._parse import parse
from .config import Config, Options
from .status import PoolStats, PoolStatus

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Control(Handle):
    """What :class:`sprint.Pool` and :class:`sprint.aio.Pool` have in common."""

    __slots__ = ()
    _free = "sprint_pool_free"

    def __init__(self, endpoints: str | Iterable[str], **options: Unpack[Options]) -> None:
        super().__init__(0)
        out = _native.handle()
        with Config(endpoints, options) as config:
            _native.lib().sprint_pool_new(config._handle, byref(out))
        self._handle = out.value

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
        """Serve /metrics, /status/connections, /healthz and a page; the port. Idempotent."""
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

    def status(self) -> PoolStatus:
        """The pool and each of its connections, what /status/connections serves."""
        return parse(PoolStatus, _native.json_of("sprint_pool_status_json", self._handle))

    def free(self) -> None:
        """Close without grace if that was not done, and give everything back. Leases that
        are still out fail with ConnectionClosed. Idempotent."""
        self._drop(self._free)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}{' freed' if self.closed else ''}>"
