"""Warm, verified TLS connections and locked memory for secrets, through libsprint.

    with sprint.Pool("relay.example:443", max_connections=4) as pool:
        pool.warm_up(2)
        with pool.acquire(timeout=1.5) as conn:
            answer = conn.request(b"PING\\n", timeout=0.5)

:mod:`sprint.aio` is the same for asyncio.

The library is loaded by the first call, not by the import, so a process may fork
before it; in a process that was forked after it every call raises ForkedError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._errors import (
    ABIError,
    ArgumentError,
    BreakerOpen,
    BufferTooSmall,
    CertificateError,
    ConnectionClosed,
    CryptoError,
    ForkedError,
    HandleError,
    InternalError,
    LockedMemoryError,
    MemoryCorrupted,
    NetworkError,
    OutOfMemory,
    PoolExhausted,
    SecretExpired,
    SprintError,
    StaleConnection,
    StateError,
    Timeout,
    TLSError,
    Truncated,
    UnsupportedError,
    WouldBlock,
)
from ._library import events_to_fd, log_to_fd, version
from .bridge import LogBridge, events_to_logging, log_to_logging
from .buffer import BufferFlags, SecureBuffer, equal, wipe
from .channel import SecureChannelPool
from .config import Options
from .conn import WANT_READ, WANT_WRITE, Conn
from .pool import Pool
from .protection import (
    MappingStatus,
    MemoryProtectionStatus,
    MemoryStats,
    memory_self_check,
    memory_set,
    memory_stats,
    memory_status,
)
from .status import (
    CleanupStatus,
    ConnectionStatus,
    EndpointStatus,
    HandshakeCount,
    PoolStats,
    PoolStatus,
)

if TYPE_CHECKING:
    from . import aio

__version__ = "1.0.0"

__all__ = [
    "WANT_READ",
    "WANT_WRITE",
    "ABIError",
    "ArgumentError",
    "BreakerOpen",
    "BufferFlags",
    "BufferTooSmall",
    "CertificateError",
    "CleanupStatus",
    "Conn",
    "ConnectionClosed",
    "ConnectionStatus",
    "CryptoError",
    "EndpointStatus",
    "ForkedError",
    "HandleError",
    "HandshakeCount",
    "InternalError",
    "LockedMemoryError",
    "LogBridge",
    "MappingStatus",
    "MemoryCorrupted",
    "MemoryProtectionStatus",
    "MemoryStats",
    "NetworkError",
    "Options",
    "OutOfMemory",
    "Pool",
    "PoolExhausted",
    "PoolStats",
    "PoolStatus",
    "SecretExpired",
    "SecureBuffer",
    "SecureChannelPool",
    "SprintError",
    "StaleConnection",
    "StateError",
    "TLSError",
    "Timeout",
    "Truncated",
    "UnsupportedError",
    "WouldBlock",
    "__version__",
    "aio",
    "equal",
    "events_to_fd",
    "events_to_logging",
    "log_to_fd",
    "log_to_logging",
    "memory_self_check",
    "memory_set",
    "memory_stats",
    "memory_status",
    "version",
    "wipe",
]


def __getattr__(name: str) -> Any:
    """asyncio is imported by those who use it, at the first mention of ``sprint.aio``."""
    if name == "aio":
        import importlib

        return importlib.import_module(".aio", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
