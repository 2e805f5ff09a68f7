"""Zero, stale, forged and foreign handles are errors of the library, below the classes
that would keep them away from it."""

from __future__ import annotations

import ctypes
import random
import threading
from collections.abc import Iterator
from ctypes import byref
from typing import Any

import pytest

import sprint
from relay import Relay
from sprint import _native

KINDS = ("config", "pool", "conn", "buffer")
TAKES_A_HANDLE = sorted(
    name
    for name, (_, argtypes) in _native.PROTOTYPES.items()
    if argtypes and argtypes[0] is _native.handle
)


def kind(function: str) -> str:
    """Of the handle that a function takes."""
    return "config" if function == "sprint_pool_new" else function.split("_")[1]


def is_pointer(argtype: Any) -> bool:
    return argtype in (ctypes.c_void_p, ctypes.c_char_p) or hasattr(argtype, "contents")


def call(function: str, handle: int, second: int | None = None, null: int | None = None) -> Any:
    """Call with valid other arguments, but for a NULL at one place."""
    storage = ctypes.create_string_buffer(4096)
    arguments: list[Any] = [handle]
    for index, argtype in enumerate(_native.PROTOTYPES[function][1]):
        if index == 0:
            continue
        if index == null:
            arguments.append(None)
        elif argtype is _native.handle:
            arguments.append(handle if second is None else second)
        elif argtype is ctypes.POINTER(_native.PoolStats):
            arguments.append(_native.PoolStats(struct_size=ctypes.sizeof(_native.PoolStats)))
        elif is_pointer(argtype):
            arguments.append(ctypes.cast(storage, argtype))
        else:
            arguments.append(0 if argtype is ctypes.c_uint32 else 1)
    return getattr(_native.lib(), function)(*arguments)


@pytest.fixture
def live(relay: Relay) -> Iterator[dict[str, int]]:
    """One live handle of each kind."""
    config, pool, conn, buffer = (_native.handle() for _ in KINDS)
    lib = _native.lib()
    lib.sprint_config_new(relay.address.encode(), byref(config))
    lib.sprint_config_set_str(config, 31, relay.ca_file.encode())
    lib.sprint_pool_new(config, byref(pool))
    lib.sprint_pool_acquire(pool, 5000, byref(conn))
    lib.sprint_buffer_random(32, 0, byref(buffer))
    yield dict(zip(KINDS, (h.value for h in (config, pool, conn, buffer)), strict=True))
    lib.sprint_conn_release(conn)
    lib.sprint_pool_free(pool)
    lib.sprint_config_free(config)
    lib.sprint_buffer_free(buffer)


def refused(function: str, handle: int, second: int | None = None) -> None:
    if _native.PROTOTYPES[function][0] is None:  # free, release, discard: in silence
        call(function, handle)
        return
    with pytest.raises(sprint.HandleError):
        call(function, handle, second)


def everything_works(live: dict[str, int]) -> None:
    length, stats = ctypes.c_size_t(), _native.PoolStats(struct_size=8)
    lib = _native.lib()
    lib.sprint_pool_stats_get(live["pool"], byref(stats))
    lib.sprint_buffer_len(live["buffer"], byref(length))
    answer = ctypes.create_string_buffer(128)
    lib.sprint_conn_request(live["conn"], b"NONCE\n", 6, answer, 128, 0, 5000, byref(length))
    assert answer.value.startswith(b"NONCE ")
    lib.sprint_config_set_int(live["config"], 2, 5)


@pytest.mark.parametrize("function", TAKES_A_HANDLE)
def test_zero_and_forged_handles_are_refused(function: str, live: dict[str, int]) -> None:
    rng = random.Random(function)
    real = live[kind(function)]
    forged = [real ^ 1 << bit for bit in range(64)] + [rng.getrandbits(64) for _ in range(50)]
    for handle in [0, 1, (1 << 64) - 1, *forged]:
        refused(function, handle)
    everything_works(live)


@pytest.mark.parametrize("function", TAKES_A_HANDLE)
def test_handles_of_another_kind_are_refused(function: str, live: dict[str, int]) -> None:
    for other in KINDS:
        if other != kind(function):
            refused(function, live[other])
    everything_works(live)


@pytest.mark.parametrize("function", TAKES_A_HANDLE)
def test_stale_handles_are_refused_although_their_slot_lives_on(
    function: str, live: dict[str, int]
) -> None:
    lib = _native.lib()
    stale: list[int] = []
    for _ in range(8):
        fresh = _native.handle()
        if kind(function) == "buffer":
            lib.sprint_buffer_alloc(8, 0, byref(fresh))
            lib.sprint_buffer_free(fresh)
        else:
            lib.sprint_config_new(b"localhost:1", byref(fresh))
            if kind(function) == "config":
                lib.sprint_config_free(fresh)
            else:
                config = fresh.value
                lib.sprint_pool_new(config, byref(fresh))
                lib.sprint_config_free(config)
                if kind(function) == "conn":
                    lib.sprint_pool_free(fresh)
                    lib.sprint_pool_acquire(live["pool"], 5000, byref(fresh))
                    lib.sprint_conn_discard(fresh)
                else:
                    lib.sprint_pool_free(fresh)
        stale.append(fresh.value)
    assert len(set(stale)) == 8
    for handle in stale:
        refused(function, handle)
    everything_works(live)


def test_a_bad_second_handle_is_refused_too(live: dict[str, int]) -> None:
    for second in (0, live["pool"], live["buffer"] ^ 1 << 40):
        refused("sprint_buffer_equal", live["buffer"], second)
        with pytest.raises(sprint.HandleError):
            _native.lib().sprint_config_set_buffer(live["config"], 22, second)
        refused("sprint_conn_write_secret", live["conn"], second)
    everything_works(live)


MAY_BE_NULL = {
    ("sprint_pool_start_metrics", 1),
    ("sprint_pool_close", 2),
    ("sprint_pool_status_json", 3),
    ("sprint_conn_info_json", 3),
    ("sprint_conn_read_exact", 4),
    ("sprint_buffer_open", 3),
    ("sprint_buffer_protection", 2),
    ("sprint_buffer_hmac", 6),
    ("sprint_buffer_encrypt", 7),
}
MUST_POINT = [
    (name, index)
    for name in TAKES_A_HANDLE
    for index, argtype in enumerate(_native.PROTOTYPES[name][1])
    if is_pointer(argtype) and (name, index) not in MAY_BE_NULL
]


@pytest.mark.parametrize(("function", "index"), MUST_POINT)
def test_a_null_pointer_is_an_argument_error(
    function: str, index: int, live: dict[str, int]
) -> None:
    with pytest.raises(sprint.ArgumentError):
        call(function, live[kind(function)], null=index)
    everything_works(live)


def test_optional_outputs_may_be_null(live: dict[str, int]) -> None:
    lib = _native.lib()
    data, tag = ctypes.c_void_p(), ctypes.create_string_buffer(32)
    lib.sprint_buffer_hmac(live["buffer"], 1, None, 0, tag, 32, None)
    lib.sprint_buffer_encrypt(live["buffer"], None, 0, None, 0, tag, 32, None)
    lib.sprint_buffer_open(live["buffer"], 1, byref(data), None)
    lib.sprint_buffer_close(live["buffer"])
    with pytest.raises(sprint.Timeout):
        lib.sprint_conn_read_exact(live["conn"], tag, 1, 0, None)
    text = ctypes.create_string_buffer(9999)
    lib.sprint_pool_status_json(live["pool"], text, 9999, None)
    lib.sprint_memory_status_json(text, 9999, None)
    lib.sprint_conn_info_json(live["conn"], text, 9999, None)
    lib.sprint_pool_close(live["pool"], 0, None)


@pytest.mark.parametrize("function", ["sprint_buffer_alloc", "sprint_buffer_random"])
def test_outputs_without_a_handle_must_point_too(function: str) -> None:
    with pytest.raises(sprint.ArgumentError):
        getattr(_native.lib(), function)(1, 0, None)


def test_double_free_and_use_after_free_from_eight_threads() -> None:
    lib = _native.lib()
    failures: list[BaseException] = []
    for _ in range(50):
        handle = _native.handle()
        lib.sprint_buffer_random(32, 0, byref(handle))
        barrier = threading.Barrier(8)

        def work(handle: int, use: bool, barrier: threading.Barrier) -> None:
            tag = ctypes.create_string_buffer(32)
            barrier.wait(10)
            try:
                for _ in range(5):
                    if use:
                        lib.sprint_buffer_hmac(handle, 1, b"m", 1, tag, 32, None)
                    else:
                        lib.sprint_buffer_free(handle)
            except sprint.HandleError:
                pass
            except BaseException as error:
                failures.append(error)

        threads = [
            threading.Thread(target=work, args=(handle.value, n % 2 == 0, barrier))
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        refused("sprint_buffer_len", handle.value)
    assert failures == []
