from __future__ import annotations

import asyncio
import inspect
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

import sprint
from relay import ROOT, Relay

os.environ.setdefault("SPRINT_LIBRARY", str(ROOT / "build/libsprint.so.1"))

# A shell that runs us in the background has SIGINT ignored, for us and for our children.
signal.signal(signal.SIGINT, signal.default_int_handler)

T = TypeVar("T")
Run = Callable[[Callable[[], Any]], Any]
"""Runs a call where the test wants it and gives back what it returns or raises."""


def in_thread(call: Callable[[], T]) -> T:
    results: list[T] = []
    errors: list[BaseException] = []

    def target() -> None:
        try:
            results.append(call())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=target)
    thread.start()
    thread.join(60)
    assert not thread.is_alive(), "the call hangs"
    if errors:
        raise errors.pop()
    return results.pop()


def until(condition: Callable[[], bool], limit: float = 20) -> None:
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        time.sleep(0.005)


def is_expired(secret: sprint.SecureBuffer) -> bool:
    try:
        secret.read(0, 1)
    except sprint.SecretExpired:
        return True
    return False


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A test that is a coroutine function is run by a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), 60))
    return True


async def becomes_true(condition: Callable[[], bool], limit: float = 20) -> None:
    """:func:`until` for a coroutine."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        await asyncio.sleep(0.005)


@pytest.fixture(params=["main thread", "other thread"])
def run(request: pytest.FixtureRequest) -> Run:
    """The main thread waits differently from others (see sprint._wait): test both."""
    return in_thread if request.param == "other thread" else lambda call: call()


@pytest.fixture(scope="session")
def relay_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    relay = Relay(tmp_path_factory.mktemp("relay"))
    yield relay
    assert relay.stop() == 0


@pytest.fixture
def relay(relay_process: Relay) -> Iterator[Relay]:
    yield relay_process
    relay_process.reset()


@pytest.fixture
def own_relay(tmp_path: Path) -> Iterator[Relay]:
    """One that nobody else has talked to."""
    relay = Relay(tmp_path / "relay")
    yield relay
    assert relay.stop() == 0


@pytest.fixture
def pool(relay: Relay) -> Iterator[sprint.Pool]:
    with sprint.Pool(relay.address, ca_file=relay.ca_file, max_connections=2) as pool:
        yield pool


@pytest.fixture
def echo(pool: sprint.Pool) -> Iterator[sprint.Conn]:
    """A lease on which every byte is echoed."""
    conn = pool.acquire(5)
    conn.write(b"ECHO\n", 5)
    yield conn
    conn.discard()
