"""The shared library: finding it, loading it at first use, and its prototypes.

Nothing is loaded at import, so a process may fork before its first call. Every call
gives up the GIL. A failing status becomes an exception on the spot, before another
call on the same thread can replace its text.
"""

from __future__ import annotations

import ctypes
import json
import os
import threading
from ctypes import (
    POINTER,
    c_char_p,
    c_int32,
    c_int64,
    c_size_t,
    c_uint8,
    c_uint16,
    c_uint32,
    c_uint64,
)
from ctypes import c_void_p as pointer
from pathlib import Path
from typing import Any

from . import _errors

ABI = 1 << 16 | 0
"""SPRINT_ABI of the header that this package was written against."""

OK = 0
WOULD_BLOCK = _errors.WouldBlock.code

SONAME = "libsprint.so.1"

_INT64_MAX = (1 << 63) - 1
UINT32_MAX = (1 << 32) - 1


class PoolStats(ctypes.Structure):
    """struct sprint_pool_stats"""

    _fields_ = [
        *(
            (name, c_uint32)
            for name in (
                "struct_size",
                "max_connections",
                "idle",
                "lent",
                "dialing",
                "waiting",
                "breaker_state",
                "healthy",
            )
        ),
        *(
            (name, c_uint64)
            for name in (
                "acquires",
                "dials",
                "dial_errors",
                "reconnects",
                "errors",
                "timeouts",
                "discards",
                "bytes_sent",
                "bytes_received",
            )
        ),
    ]


class MemoryStats(ctypes.Structure):
    """struct sprint_memory_stats"""

    _fields_ = [
        *((name, c_uint32) for name in ("struct_size", "enabled", "self_check", "backend")),
        *(
            (name, c_uint64)
            for name in (
                "buffers",
                "sealed",
                "locked_bytes",
                "lock_limit_bytes",
                "slots_cached",
                "refused",
                "canary_failures",
                "forks_refused",
                "unlocked",
            )
        ),
    ]


class Status(c_int32):
    """sprint_status: what fails raises, see :func:`_check`."""


class handle(c_uint64):
    """sprint_config, sprint_pool, sprint_conn or sprint_buffer."""


_sizes = POINTER(c_size_t)
_handles = POINTER(handle)
_bytes = POINTER(c_uint8)

PROTOTYPES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "sprint_init": (Status, (c_uint32,)),
    "sprint_version": (c_char_p, ()),
    "sprint_strerror": (c_char_p, (c_int32,)),
    "sprint_errname": (c_char_p, (c_int32,)),
    "sprint_last_error": (c_size_t, (pointer, c_size_t)),
    "sprint_log_to_fd": (Status, (c_int32, c_int32)),
    "sprint_config_new": (Status, (c_char_p, _handles)),
    "sprint_config_set_str": (Status, (handle, c_int32, c_char_p)),
    "sprint_config_set_int": (Status, (handle, c_int32, c_int64)),
    "sprint_config_set_bytes": (Status, (handle, c_int32, pointer, c_size_t)),
    "sprint_config_set_buffer": (Status, (handle, c_int32, handle)),
    "sprint_config_free": (None, (handle,)),
    "sprint_pool_new": (Status, (handle, _handles)),
    "sprint_pool_warm_up": (Status, (handle, c_uint32, c_int64)),
    "sprint_pool_acquire": (Status, (handle, c_int64, _handles)),
    "sprint_pool_start_cleanup": (Status, (handle,)),
    "sprint_pool_stop_cleanup": (Status, (handle,)),
    "sprint_pool_start_metrics": (Status, (handle, POINTER(c_uint16))),
    "sprint_pool_stop_metrics": (Status, (handle,)),
    "sprint_pool_resize": (Status, (handle, c_uint32, c_uint32)),
    "sprint_pool_pause": (Status, (handle,)),
    "sprint_pool_resume": (Status, (handle,)),
    "sprint_pool_evict_endpoint": (Status, (handle, c_char_p)),
    "sprint_pool_reset": (Status, (handle,)),
    "sprint_pool_rotate": (Status, (handle,)),
    "sprint_pool_stats_get": (Status, (handle, POINTER(PoolStats))),
    "sprint_pool_status_json": (Status, (handle, pointer, c_size_t, _sizes)),
    "sprint_pool_close": (Status, (handle, c_int64, POINTER(c_uint32))),
    "sprint_pool_free": (None, (handle,)),
    "sprint_conn_write": (Status, (handle, pointer, c_size_t, c_int64)),
    "sprint_conn_read": (Status, (handle, pointer, c_size_t, c_int64, _sizes)),
    "sprint_conn_read_exact": (Status, (handle, pointer, c_size_t, c_int64, _sizes)),
    "sprint_conn_request": (
        Status,
        (handle, pointer, c_size_t, pointer, c_size_t, c_uint32, c_int64, _sizes),
    ),
    "sprint_conn_write_secret": (Status, (handle, handle, c_int64)),
    "sprint_conn_try_write": (Status, (handle, pointer, c_size_t, _sizes)),
    "sprint_conn_try_read": (Status, (handle, pointer, c_size_t, _sizes)),
    "sprint_conn_flush": (Status, (handle, c_int64)),
    "sprint_conn_poll_info": (Status, (handle, POINTER(c_int32), POINTER(c_uint32))),
    "sprint_conn_id": (Status, (handle, POINTER(c_uint64))),
    "sprint_conn_uses": (Status, (handle, POINTER(c_uint64))),
    "sprint_conn_info_json": (Status, (handle, pointer, c_size_t, _sizes)),
    "sprint_conn_release": (None, (handle,)),
    "sprint_conn_discard": (None, (handle,)),
    "sprint_buffer_alloc": (Status, (c_size_t, c_uint32, _handles)),
    "sprint_buffer_from": (Status, (pointer, c_size_t, c_uint32, _handles)),
    "sprint_buffer_random": (Status, (c_size_t, c_uint32, _handles)),
    "sprint_buffer_len": (Status, (handle, _sizes)),
    "sprint_buffer_protection": (Status, (handle, POINTER(c_uint32), POINTER(c_uint32))),
    "sprint_buffer_read": (Status, (handle, c_size_t, pointer, c_size_t)),
    "sprint_buffer_write": (Status, (handle, c_size_t, pointer, c_size_t)),
    "sprint_buffer_open": (Status, (handle, c_int32, POINTER(pointer), _sizes)),
    "sprint_buffer_close": (Status, (handle,)),
    "sprint_buffer_seal": (Status, (handle,)),
    "sprint_buffer_expire_after": (Status, (handle, c_int64)),
    "sprint_buffer_equal": (Status, (handle, handle, POINTER(c_int32))),
    "sprint_buffer_hmac": (
        Status,
        (handle, c_int32, pointer, c_size_t, pointer, c_size_t, _sizes),
    ),
    "sprint_buffer_public_ed25519": (Status, (handle, _bytes)),
    "sprint_buffer_sign_ed25519": (Status, (handle, pointer, c_size_t, _bytes)),
    "sprint_buffer_encrypt": (
        Status,
        (handle, pointer, c_size_t, pointer, c_size_t, pointer, c_size_t, _sizes),
    ),
    "sprint_buffer_decrypt": (
        Status,
        (handle, pointer, c_size_t, pointer, c_size_t, c_uint32, _handles),
    ),
    "sprint_buffer_hkdf": (
        Status,
        (handle, c_int32, pointer, c_size_t, pointer, c_size_t, c_size_t, c_uint32, _handles),
    ),
    "sprint_buffer_pbkdf2": (
        Status,
        (handle, c_int32, pointer, c_size_t, c_uint32, c_size_t, c_uint32, _handles),
    ),
    "sprint_buffer_free": (None, (handle,)),
    "sprint_wipe": (None, (pointer, c_size_t)),
    "sprint_memory_stats_get": (Status, (POINTER(MemoryStats),)),
    "sprint_memory_status_json": (Status, (pointer, c_size_t, _sizes)),
    "sprint_memory_self_check": (Status, ()),
    "sprint_memory_set": (Status, (c_int32, c_int64)),
    "sprint_events_to_fd": (Status, (c_int32,)),
}

_lock = threading.Lock()
_loaded: ctypes.CDLL | None = None  # the library, in a forked child too
_library: ctypes.CDLL | None = None  # what lib() gives: None before the load and after a fork
_loading = False  # a dlopen has begun, so a process forked from now on may not call
_forked = False


def lib() -> ctypes.CDLL:
    """The library, loaded by the first call; ForkedError in a process forked after it."""
    return _library or _load()


def free(function: str, number: int) -> None:
    """Call one of the void functions; nothing happens without a usable library."""
    if number and _library is not None:
        getattr(_library, function)(number)


def usable() -> bool:
    """False before the load and in a process forked after it."""
    return _library is not None


def wipe(address: int | None, length: int) -> None:
    """sprint_wipe, the one call that works in a forked child."""
    (_loaded or lib()).sprint_wipe(address, length)


def _load() -> ctypes.CDLL:
    global _library, _loaded, _loading
    with _lock:
        if _forked:
            raise _errors.ForkedError(
                "sprint: this process was forked after libsprint was loaded; start workers "
                "with the spawn or forkserver method, or fork before the first call"
            )
        if _library is None:
            _loading = True
            try:
                found = _find()
            except ImportError:
                _loading = False
                raise
            _library = _loaded = _declare(found)
        return _library


def _candidates() -> list[str]:
    """Where the library may be; a path that the user gave is the only one tried."""
    if given := os.environ.get("SPRINT_LIBRARY"):
        return [given]
    return [str(Path(__file__).with_name("_lib") / SONAME), SONAME]


def _find() -> ctypes.CDLL:
    tried = []
    for path in _candidates():
        try:
            return ctypes.CDLL(path)
        except OSError as error:
            tried.append(f"{path}: {error}")
    raise ImportError(
        "sprint: cannot load libsprint; set SPRINT_LIBRARY to its path. Tried " + "; ".join(tried)
    )


def _declare(library: ctypes.CDLL) -> ctypes.CDLL:
    check = _checker(library)
    for name, (restype, argtypes) in PROTOTYPES.items():
        try:
            function = getattr(library, name)
        except AttributeError:
            raise ImportError(
                f"sprint: {library._name} lacks {name}: it is not a libsprint "
                f"that serves version {ABI >> 16}.{ABI & 0xFFFF}"
            ) from None
        function.argtypes = argtypes
        if restype is Status:
            function.restype = c_int32
            function.errcheck = check
        else:
            function.restype = restype
    library.sprint_init(ABI)
    return library


def _checker(library: ctypes.CDLL) -> Any:
    """An errcheck that raises what failed. WOULD_BLOCK is an answer, not a failure."""

    def check(status: int, _function: Any, _args: Any) -> int:
        if status >= OK or status == WOULD_BLOCK:
            return status
        raise _errors.from_status(status, _last_error(library))

    return check


def _last_error(library: ctypes.CDLL) -> str:
    cap = 512
    while True:
        text = ctypes.create_string_buffer(cap)
        needed = library.sprint_last_error(text, cap)
        if needed <= cap:
            return text.value.decode("utf-8", "replace")
        cap = needed


def _after_fork_in_child() -> None:
    global _lock, _forked, _library
    _lock = threading.Lock()  # another thread of the parent may have held it
    if _loading:
        _forked = True
        _library = None


os.register_at_fork(after_in_child=_after_fork_in_child)


def milliseconds(seconds: float | None, name: str = "timeout") -> int:
    """Seconds to the library's milliseconds, rounded up; None is its -1."""
    if seconds is None:
        return -1
    if not seconds >= 0:  # NaN too
        raise ValueError(f"{name}: {seconds} is not a number of seconds >= 0")
    scaled = seconds * 1000
    return _INT64_MAX if scaled >= _INT64_MAX else -int(-scaled // 1)


def size(name: str, value: int) -> int:
    """A count that fits a size_t; ctypes would cut off higher bits in silence."""
    if not 0 <= value <= _INT64_MAX:
        raise ValueError(f"{name}: {value} is not within 0 to {_INT64_MAX}")
    return value


def count(name: str, value: int) -> int:
    """A count that fits a uint32_t."""
    if not 0 <= value <= UINT32_MAX:
        raise ValueError(f"{name}: {value} is not within 0 to {UINT32_MAX}")
    return value


def integer(name: str, value: int) -> int:
    """A number that fits an int64_t."""
    if not -_INT64_MAX - 1 <= value <= _INT64_MAX:
        raise ValueError(f"{name}: {value} does not fit 64 bits")
    return value


def json_of(function: str, *args: int) -> Any:
    """What a function that fills (buf, cap, needed) says. It may grow between two calls."""
    call = getattr(lib(), function)
    needed = c_size_t(4096)
    while True:
        cap = needed.value + 1024
        buf = ctypes.create_string_buffer(cap)
        try:
            call(*args, buf, cap, ctypes.byref(needed))
        except _errors.BufferTooSmall:
            continue
        return json.loads(buf.value)


def text(name: str, value: str) -> bytes:
    """Text without the NUL that would end it early."""
    if "\0" in value:
        raise ValueError(f"{name}: holds a NUL character")
    return value.encode()
