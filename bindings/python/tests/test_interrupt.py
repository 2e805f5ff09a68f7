"""Ctrl-C in a wait of the main thread acts at once and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import sprint
from conftest import until
from relay import Relay


@contextmanager
def ctrl_c(when: Callable[[], bool]) -> Iterator[None]:
    """SIGINT as soon as the condition holds, and KeyboardInterrupt soon after."""
    sent: list[float] = []

    def send() -> None:
        until(when)
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=send)
    with pytest.raises(KeyboardInterrupt):
        thread.start()
        yield
    took = time.monotonic() - sent[0]
    thread.join()
    assert took < 10  # each wait would be a minute long


def after(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def helpers() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "sprint-wait"]


@pytest.mark.parametrize(
    "call",
    [
        lambda conn: conn.read(),
        lambda conn: conn.read(100, 60),
        lambda conn: conn.read_exact(100),
        lambda conn: conn.request(b"\n\n\n", 100) and conn.read(),
    ],
    ids=["read", "read with timeout", "read_exact", "request"],
)
def test_ctrl_c_ends_a_blocked_read(echo: sprint.Conn, call: Callable[[Any], Any]) -> None:
    with ctrl_c(after(0.3)):
        call(echo)


def test_ctrl_c_ends_a_blocked_write(echo: sprint.Conn) -> None:
    with ctrl_c(after(1)):
        while True:
            echo.write(bytes(1 << 20))


def test_a_write_that_was_interrupted_in_the_middle_discards_the_connection(
    pool: sprint.Pool, echo: sprint.Conn
) -> None:
    with ctrl_c(lambda: pool.stats().bytes_sent > 1 << 16):
        echo.write(bytes(1 << 26))
    with pytest.raises(sprint.HandleError):
        echo.write(b"more")
    assert pool.stats().discards == 1


def test_ctrl_c_ends_a_blocked_write_of_a_secret(echo: sprint.Conn) -> None:
    with sprint.SecureBuffer(1 << 18) as secret, ctrl_c(after(1)):
        while True:
            echo.write_secret(secret)


def test_a_read_that_was_interrupted_can_be_repeated(echo: sprint.Conn) -> None:
    with ctrl_c(after(0.3)):
        echo.read()
    assert echo.request(b"again", timeout=5) == b"again"


def test_ctrl_c_ends_a_blocked_acquire_and_the_lease_is_not_lost(pool: sprint.Pool) -> None:
    with pool.acquire() as first, pool.acquire():
        with ctrl_c(lambda: pool.stats().waiting == 1):
            pool.acquire(60)
        first.release()
        # Whoever is left behind in the queue gives back what it still gets.
        until(lambda: pool.stats().waiting == 0 and pool.stats().idle == 1)
        pool.acquire(5).release()
    assert pool.stats().lent == 0


def test_ctrl_c_ends_a_blocked_warm_up(relay: Relay) -> None:
    relay.set(stall_handshake=1)
    options = sprint.Options(ca_file=relay.ca_file, connect_timeout=60)
    with sprint.Pool(relay.address, **options) as pool, ctrl_c(lambda: pool.stats().dialing > 0):
        pool.warm_up(1, 60)


def test_ctrl_c_ends_a_close_that_waits_for_leases(pool: sprint.Pool) -> None:
    conn = pool.acquire()
    with ctrl_c(after(0.3)):
        pool.close(60)
    conn.release()


def test_ctrl_c_ends_a_derivation_and_what_is_derived_yet_is_freed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However long the main thread takes to its handler, the derivation takes longer."""
    make, interrupted = sprint.SecureBuffer._made, threading.Event()

    def make_slowly(*args: Any) -> sprint.SecureBuffer:
        made = make(*args)
        interrupted.wait(60)
        return made

    with sprint.SecureBuffer.random(8) as password:
        monkeypatch.setattr(sprint.SecureBuffer, "_made", staticmethod(make_slowly))
        before = sprint.memory_stats().buffers
        with ctrl_c(lambda: any(helper.ident for helper in helpers())):
            password.pbkdf2("sha512", bytes(16), 100_000, 32)
        assert helpers(), "the derivation was waited for"
        interrupted.set()
        until(lambda: not helpers())
        assert sprint.memory_stats().buffers == before


def test_a_handler_that_returns_does_not_end_the_wait(echo: sprint.Conn) -> None:
    calls: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: calls.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        begin = time.monotonic()
        with pytest.raises(sprint.Timeout):
            echo.read(1, 0.6)
        assert 0.6 <= time.monotonic() - begin < 10
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(calls) > 1


def test_no_helper_thread_stays(pool: sprint.Pool) -> None:
    pool.warm_up(2)
    for _ in range(5):
        pool.acquire().release()
    until(lambda: not helpers())
