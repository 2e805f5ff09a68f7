"""What protects secrets: status, self check, settings of the process, events."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sprint
from test_load import passes

LARGE = 1 << 21
ONE_OF_THEM = LARGE * 3 // 2
"""A budget that holds one large secret and not two."""


@pytest.fixture
def settings() -> Iterator[None]:
    yield
    sprint.memory_set(budget_bytes=0, backend="auto", at_limit="fail")


def test_the_status_is_measured() -> None:
    sprint.memory_self_check()
    with sprint.SecureBuffer(4096), sprint.SecureBuffer(32) as sealed:
        assert sealed.protection() == (sprint.memory_stats().backend, True)
        sealed.seal()
        assert sealed.protection() == (0, True)
        status, stats = sprint.memory_status(), sprint.memory_stats()
    assert status.self_check_failure is None
    assert status.enabled is True
    assert status.self_check == "passed"
    assert status.last_self_check is not None
    assert abs(status.last_self_check.timestamp() - time.time()) < 60
    assert status.backend in ("secretmem", "mlock")
    assert status.active_buffers == stats.buffers >= 2
    assert status.sealed_buffers == stats.sealed >= 1
    assert status.locked_bytes == stats.locked_bytes >= 4096
    limit = stats.lock_limit_bytes
    assert status.memlock_limit_bytes == (None if limit == 2**64 - 1 else limit)
    mappings = status.mappings  # on Linux
    assert mappings is not None
    assert mappings.guard_pages == 2 * mappings.slots > 0
    assert mappings.no_core_dump == mappings.no_fork == mappings.slots


def test_a_self_check_that_passed_is_in_the_stats() -> None:
    sprint.memory_self_check()
    assert sprint.memory_stats().self_check == 1


def test_at_the_budget_an_allocation_is_refused_and_others_live_on(settings: None) -> None:
    sprint.memory_set(budget_bytes=ONE_OF_THEM)
    with sprint.SecureBuffer.random(LARGE) as first:
        content = first.read()
        refused = sprint.memory_stats().refused
        with pytest.raises(sprint.LockedMemoryError):
            sprint.SecureBuffer(LARGE)
        assert sprint.memory_stats().refused > refused
        assert first.read() == content


def test_at_the_budget_idle_secrets_are_sealed_if_so_chosen(settings: None) -> None:
    sprint.memory_set(budget_bytes=ONE_OF_THEM, at_limit="seal")
    with sprint.SecureBuffer.random(LARGE) as first:
        content = first.read()
        sealed = sprint.memory_stats().sealed
        with sprint.SecureBuffer.random(LARGE) as second:
            assert sprint.memory_stats().sealed > sealed
            assert not sprint.equal(first, sprint.SecureBuffer(1))
            assert len(second) == LARGE
        assert first.read() == content


def test_a_secret_that_is_being_made_is_not_sealed() -> None:
    passes(
        f"""
import hashlib, threading, sprint
sprint.memory_set(budget_bytes={ONE_OF_THEM}, at_limit="seal")
derived = []
with sprint.SecureBuffer.from_bytearray(bytearray(b"password")) as password:
    thread = threading.Thread(
        target=lambda: derived.append(password.pbkdf2("sha512", bytes(16), 400_000, 32))
    )
    thread.start()
    while thread.is_alive():
        with sprint.SecureBuffer({LARGE}), sprint.SecureBuffer({LARGE}):
            pass
assert derived[0].read() == hashlib.pbkdf2_hmac("sha512", b"password", bytes(16), 400_000, 32)
"""
    )


@pytest.mark.parametrize("how", ["flag", "setting"])
def test_at_the_budget_unlocked_memory_is_taken_if_so_chosen_and_told(
    settings: None, how: str
) -> None:
    sprint.memory_set(budget_bytes=ONE_OF_THEM)
    if how == "setting":
        sprint.memory_set(at_limit="degrade")
    before = sprint.memory_status().unlocked_buffers
    with sprint.SecureBuffer(LARGE), sprint.SecureBuffer(LARGE, degrade=how == "flag") as second:
        assert sprint.memory_status().unlocked_buffers == before + 1
        second.write(b"works")
    assert sprint.memory_status().unlocked_buffers == before


def test_the_chosen_backend_is_that_of_the_next_allocation(settings: None) -> None:
    sprint.memory_set(backend="mlock")
    with sprint.SecureBuffer(32):
        assert sprint.memory_stats().backend == 2
        assert sprint.memory_status().backend == "mlock"


@pytest.mark.parametrize(
    "bad",
    [{"backend": "paper"}, {"at_limit": "cry"}, {"budget_bytes": -1}, {"budget_bytes": 2**63}],
)
def test_a_setting_that_is_none_is_a_value_error_that_names_it(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        sprint.memory_set(**bad)


def test_events_tell_what_happens_to_secrets_and_never_their_content(tmp_path: Path) -> None:
    with (tmp_path / "events").open("w+b") as file:
        sprint.events_to_fd(file)
        try:
            with sprint.SecureBuffer.from_bytearray(bytearray(b"not-a-real-secret")) as secret:
                secret.seal()
                with secret.open():
                    pass
                secret.hmac("sha256", b"message")
                secret.expire_after(0.001)
        finally:
            sprint.events_to_fd(None)
        sprint.SecureBuffer(32).close()
        file.seek(0)
        text = file.read()
    events = [json.loads(line) for line in text.splitlines()]
    told = " ".join(str(event) for event in events)
    for what in ("allocate", "seal", "open", "close", "use", "free"):
        assert what in told
    assert b"not-a-real-secret" not in text


def test_events_that_nobody_takes_are_dropped() -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    sprint.events_to_fd(write)
    try:
        for _ in range(2000):  # more than a pipe holds
            sprint.SecureBuffer(32).close()
    finally:
        sprint.events_to_fd(None)
        os.close(write)
        os.close(read)


def test_a_descriptor_that_is_closed_is_an_argument_error() -> None:
    read, write = os.pipe()
    os.close(read)
    os.close(write)
    with pytest.raises(sprint.ArgumentError):
        sprint.events_to_fd(write)
