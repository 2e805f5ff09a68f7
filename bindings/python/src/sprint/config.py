"""A pool's options: SPRINT_OPT_* of sprint.h, as keyword arguments."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from ctypes import byref
from typing import Any, NamedTuple, TypedDict

from . import _native
from ._handle import Handle
from .buffer import SecureBuffer


class Options(TypedDict, total=False):
    """Keyword arguments of :class:`Pool`. What is not given keeps the library's default.
    All are validated together; the error names every option that is wrong."""

    namespace: str
    """Prefix of metric names; "secure_channel"."""
    max_connections: int
    """Hard bound on connections, those being dialled included, 1 to 65536; 100."""
    min_idle: int
    """Idle connections wanted, 0 to max_connections; 10, or max_connections if less."""
    max_waiters: int
    """Callers that may wait in acquire, 1 to 1048576; 4 x max_connections."""
    max_dials: int
    """Dials in flight, 1 to 1024; 8."""
    max_latency: float
    """Seconds of p95 above which a connection is slow and replaced; 0.5, 0: off."""
    max_lifetime: float
    """Seconds after which a connection is replaced, less up to a fifth; 1800, 0: off."""
    idle_timeout: float
    """Seconds after which an idle connection is closed; 300, 0: off."""
    key_rotation_interval: float
    """As max_lifetime, for fresh keys; 3600, 0: off."""
    cleanup_interval: float
    """Seconds that the cleanup task sleeps at most; 300."""
    circuit_breaker_failure_threshold: int
    """Failed dials in a row that open an endpoint's breaker; 5, 0: never."""
    circuit_breaker_cooldown: float
    """Seconds that a breaker stays open at most; 60."""
    probe_sweep: float
    """Seconds after which the cleanup task looks at a connection that lies idle; 10, 0: off."""
    dns_refresh: float
    """Seconds after which the cleanup task resolves the endpoints' names anew; 30, 0: off."""
    leak_after: float
    """Seconds after which a lease is reported as held too long; 30, 0: off."""
    idle_order: str
    """Which idle connection is lent first: "lifo", "fifo" or "latency"; "lifo"."""
    endpoint_order: str
    """Which endpoint is dialled first: "failover" or "latency"; "failover"."""
    cert_file: str | os.PathLike[str]
    """PEM chain to show to a peer that asks for one."""
    cert_pem: bytes | str
    """The same."""
    key_file: str | os.PathLike[str]
    """Its private key, which is then kept in ordinary memory."""
    key: SecureBuffer
    """Its private key instead, in its buffer, which is opened only to sign: PKCS#8, SEC 1 or
    PKCS#1, DER or PEM, or an Ed25519 seed of 32 bytes. The buffer may be closed afterwards."""
    pin_sha256: str | Iterable[str]
    """Base64 of hashes of public keys, of which the chain must hold one."""
    alpn: str | Iterable[str]
    """Protocols to offer."""
    connect_timeout: float
    """Seconds for one dial, TLS handshake included; 5."""
    acquire_timeout: float
    """Seconds that acquire and warm_up wait when they are given none; 5."""
    histogram_rotation_interval: float
    """Seconds of one latency window; 3600."""
    server_name: str
    """Name to send and to verify; the endpoint's host."""
    ca_file: str | os.PathLike[str]
    """PEM roots, instead of the system's."""
    ca_pem: bytes | str
    """PEM roots, instead of the system's."""
    min_tls_version: int
    """12 or 13; 13."""
    busy_poll_us: int
    """Microseconds to spin for an answer before sleeping; 0. Has no effect on the main
    thread, which waits on the descriptor for Ctrl-C's sake."""
    metrics_host: str
    """Where start_metrics listens; "127.0.0.1"."""
    metrics_port: int
    """0 to 65535, 0: any free one; 9090."""
    metrics_auth_token: SecureBuffer | str
    """Asked for by /metrics and /status/connections; none."""
    metrics_public: bool
    """Allows a metrics_host that others reach without a token; False."""
    metrics_tls_cert_file: str | os.PathLike[str]
    """PEM chain: the metrics are served over HTTPS; none."""
    metrics_tls_key_file: str | os.PathLike[str]
    """Its private key."""
    name: str
    """Tells the pool from others in logs, and where pools share a metrics address; ""."""


_Setter = Callable[[int, int, str, Any], None]


def _texts(value: str | Iterable[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _set_text(config: int, option: int, name: str, value: str | os.PathLike[str]) -> None:
    utf8 = _native.text(name, os.fspath(value))
    _native.lib().sprint_config_set_str(config, option, utf8)


def _set_int(config: int, option: int, name: str, value: int) -> None:
    _native.lib().sprint_config_set_int(config, option, _native.integer(name, value))


def _set_flag(config: int, option: int, name: str, value: bool) -> None:
    _set_int(config, option, name, 1 if value else 0)


def _set_seconds(config: int, option: int, name: str, value: float) -> None:
    if value != value:
        raise ValueError(f"{name}: {value} is not a number of seconds")
    # Negative and huge durations are the library's to judge, like any other value.
    milliseconds = max(-(2**63), min(value * 1000, 2**63 - 1))
    _set_int(config, option, name, -int(-milliseconds // 1))


def _set_each(config: int, option: int, name: str, value: str | Iterable[str]) -> None:
    for text in _texts(value):
        _set_text(config, option, name, text)


def _set_list(config: int, option: int, name: str, value: str | Iterable[str]) -> None:
    _set_text(config, option, name, ",".join(_texts(value)))


def _set_bytes(config: int, option: int, _name: str, value: bytes | str) -> None:
    data = value.encode() if isinstance(value, str) else value
    _native.lib().sprint_config_set_bytes(config, option, data, len(data))


def _set_secret(config: int, option: int, name: str, value: SecureBuffer | str) -> None:
    if isinstance(value, SecureBuffer):
        _set_buffer(config, option, name, value)
    else:
        _set_text(config, option, name, value)


def _set_buffer(config: int, option: int, name: str, value: SecureBuffer) -> None:
    if not isinstance(value, SecureBuffer):
        raise TypeError(f"{name}: want a SecureBuffer, not {type(value).__name__}")
    _native.lib().sprint_config_set_buffer(config, option, value._handle)


class _Option(NamedTuple):
    number: int
    set: _Setter


OPTIONS: Mapping[str, _Option] = {
    "namespace": _Option(1, _set_text),
    "max_connections": _Option(2, _set_int),
    "min_idle": _Option(3, _set_int),
    "max_waiters": _Option(4, _set_int),
    "max_latency": _Option(5, _set_seconds),
    "max_lifetime": _Option(6, _set_seconds),
    "idle_timeout": _Option(7, _set_seconds),
    "connect_timeout": _Option(8, _set_seconds),
    "cleanup_interval": _Option(9, _set_seconds),
    "histogram_rotation_interval": _Option(10, _set_seconds),
    "key_rotation_interval": _Option(11, _set_seconds),
    "circuit_breaker_failure_threshold": _Option(12, _set_int),
    "circuit_breaker_cooldown": _Option(13, _set_seconds),
    "metrics_host": _Option(20, _set_text),
    "metrics_port": _Option(21, _set_int),
    "metrics_auth_token": _Option(22, _set_secret),
    "metrics_public": _Option(23, _set_flag),
    "metrics_tls_cert_file": _Option(49, _set_text),
    "metrics_tls_key_file": _Option(50, _set_text),
    "name": _Option(48, _set_text),
    "server_name": _Option(30, _set_text),
    "ca_file": _Option(31, _set_text),
    "ca_pem": _Option(32, _set_bytes),
    "cert_file": _Option(33, _set_text),
    "cert_pem": _Option(34, _set_bytes),
    "key_file": _Option(35, _set_text),
    "key": _Option(36, _set_buffer),
    "pin_sha256": _Option(37, _set_each),
    "alpn": _Option(38, _set_list),
    "min_tls_version": _Option(39, _set_int),
    "idle_order": _Option(40, _set_text),
    "endpoint_order": _Option(41, _set_text),
    "busy_poll_us": _Option(42, _set_int),
    "probe_sweep": _Option(43, _set_seconds),
    "dns_refresh": _Option(44, _set_seconds),
    "max_dials": _Option(45, _set_int),
    "leak_after": _Option(46, _set_seconds),
    "acquire_timeout": _Option(47, _set_seconds),
}


class Config(Handle):
    """The settings of one pool, between the keywords and sprint_pool_new."""

    __slots__ = ()
    _free = "sprint_config_free"

    def __init__(self, endpoints: str | Iterable[str], options: Options) -> None:
        super().__init__(0)
        names = endpoints if isinstance(endpoints, str) else ",".join(endpoints)
        out = _native.handle()
        _native.lib().sprint_config_new(_native.text("endpoints", names), byref(out))
        self._handle = out.value
        try:
            for name, value in options.items():
                self._set(name, value)
        except BaseException:
            self._drop(self._free)
            raise

    def _set(self, name: str, value: Any) -> None:
        if name not in OPTIONS:
            raise TypeError(f"Pool() has no option {name!r}")
        option = OPTIONS[name]
        option.set(self._handle, option.number, name, value)
