"""SecureChannelPool: :class:`sprint.Pool` under the names of the other languages' builders.

pool = (
    SecureChannelPool.builder("relay.example:443")
    .with_namespace("btc_sprint")
    .with_max_latency_ms(300)
    .build()
)
pool.run_cleanup_task()
with pool.get_connection() as conn:
    ...
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from .buffer import SecureBuffer
from .config import Options
from .conn import Conn
from .pool import Pool

V = TypeVar("V")


class SecureChannelPool(Pool):
    """A :class:`Pool`, which can do all that is said here, too."""

    __slots__ = ()

    @staticmethod
    def builder(endpoints: str | Iterable[str]) -> Builder:
        """The settings of a pool, to be put together; nothing is opened or started."""
        return Builder(endpoints)

    def get_connection(self, timeout: float | None = None) -> Conn:
        """:meth:`Pool.acquire`"""
        return self.acquire(timeout)

    def run_cleanup_task(self) -> None:
        """:meth:`Pool.start_cleanup`, which returns at once."""
        self.start_cleanup()

    def run_metrics_task(self) -> int:
        """:meth:`Pool.start_metrics`, which returns at once, with the port."""
        return self.start_metrics()


class _With(Generic[V]):
    """The method of a builder that sets the option of its name."""

    def __init__(self, scale: float = 1) -> None:
        self._scale = scale

    def __set_name__(self, _owner: type, name: str) -> None:
        self.option = name.removeprefix("with_")
        if self._scale != 1:
            self.option = self.option.removesuffix("_ms")

    def __get__(self, builder: Builder, _owner: type) -> Callable[[V], Builder]:
        def set_option(value: V) -> Builder:
            options: dict[str, Any] = builder._options  # type: ignore[assignment]
            options[self.option] = value if self._scale == 1 else value * self._scale  # type: ignore[operator]
            return builder

        return set_option


class Builder:
    """Settings of a pool, by a method for each of :class:`Options`: durations are seconds,
    but for ``with_max_latency_ms``. ``build`` validates them all together."""

    def __init__(self, endpoints: str | Iterable[str]) -> None:
        self._endpoints = endpoints
        self._options: Options = {}

    with_name = _With[str]()
    with_namespace = _With[str]()
    with_max_connections = _With[int]()
    with_min_idle = _With[int]()
    with_max_waiters = _With[int]()
    with_max_dials = _With[int]()
    with_max_latency_ms = _With[float](scale=0.001)
    with_max_lifetime = _With[float]()
    with_idle_timeout = _With[float]()
    with_key_rotation_interval = _With[float]()
    with_cleanup_interval = _With[float]()
    with_circuit_breaker_failure_threshold = _With[int]()
    with_circuit_breaker_cooldown = _With[float]()
    with_probe_sweep = _With[float]()
    with_dns_refresh = _With[float]()
    with_leak_after = _With[float]()
    with_idle_order = _With[str]()
    with_endpoint_order = _With[str]()
    with_connect_timeout = _With[float]()
    with_acquire_timeout = _With[float]()
    with_histogram_rotation_interval = _With[float]()
    with_server_name = _With[str]()
    with_ca_file = _With[str | os.PathLike[str]]()
    with_ca_pem = _With[bytes | str]()
    with_cert_file = _With[str | os.PathLike[str]]()
    with_cert_pem = _With[bytes | str]()
    with_key_file = _With[str | os.PathLike[str]]()
    with_key = _With[SecureBuffer]()
    with_pin_sha256 = _With[str | Iterable[str]]()
    with_alpn = _With[str | Iterable[str]]()
    with_min_tls_version = _With[int]()
    with_busy_poll_us = _With[int]()
    with_metrics_host = _With[str]()
    with_metrics_port = _With[int]()
    with_metrics_auth_token = _With[SecureBuffer | str]()
    with_metrics_public = _With[bool]()
    with_metrics_tls_cert_file = _With[str | os.PathLike[str]]()
    with_metrics_tls_key_file = _With[str | os.PathLike[str]]()

    def build(self) -> SecureChannelPool:
        """Make the pool. Raises as :class:`Pool`."""
        return SecureChannelPool(self._endpoints, **self._options)
