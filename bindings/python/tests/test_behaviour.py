"""What every binding must do: the rules of tests/behaviour.txt, one test each."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import pytest

import sprint
from conftest import becomes_true, until
from peers import PATIENCE, Peer, RedisPeer, RelayPeer
from relay import ROOT, Relay, stopped
from sprint import aio

Test = TypeVar("Test", bound=Callable[..., object])

RULES: dict[str, tuple[str, ...]] = {}
"""The servers that each rule is tested against."""


def rule(*servers: str) -> Callable[[Test], Test]:
    """Mark a test as the rule of its name, against these servers."""

    def mark(test: Test) -> Test:
        RULES[test.__name__.removeprefix("test_")] = servers
        return cast(Test, pytest.mark.parametrize("peer", servers, indirect=True)(test))

    return mark


@pytest.fixture(scope="module")
def redis_process(
    relay_process: Relay, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RedisPeer]:
    peer = RedisPeer(relay_process, tmp_path_factory.mktemp("redis"))
    yield peer
    peer.stop()


@pytest.fixture
def peer(request: pytest.FixtureRequest, relay: Relay, redis_process: RedisPeer) -> Peer:
    return RelayPeer(relay) if request.param == "relay" else redis_process


@pytest.fixture
def outage(relay: Relay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisPeer]:
    """A Redis of one test, which may end it and start it again."""
    peer = RedisPeer(relay, tmp_path_factory.mktemp("outage"))
    yield peer
    peer.stop()


@pytest.fixture
def pool(peer: Peer) -> Iterator[sprint.Pool]:
    with sprint.Pool(peer.address, **peer.pool_options()) as pool:
        yield pool


@contextmanager
def lease(pool: sprint.Pool, peer: Peer) -> Iterator[sprint.Conn]:
    """A lease that is logged in."""
    with pool.acquire(PATIENCE) as conn:
        if conn.uses == 0:
            with peer.secret() as secret:
                assert peer.log_in(conn, secret) == peer.accepted
        yield conn


def in_threads(count: int, work: Callable[[int], None]) -> None:
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


def later(condition: Callable[[], bool], action: Callable[[], object]) -> threading.Thread:
    """Another thread that acts when the condition holds."""

    def run() -> None:
        until(condition)
        action()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_the_rules_are_those_of_the_list() -> None:
    listed: dict[str, tuple[str, ...]] = {}
    known = {"relay", "redis", "outage"}
    for line in (ROOT / "tests/behaviour.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, *words = line.split()
            listed[name] = tuple(word for word in words[:2] if word in known)
    assert listed == RULES


@rule("relay", "redis")
def test_connect(peer: Peer, pool: sprint.Pool) -> None:
    assert pool.stats().dials == 0
    with lease(pool, peer) as conn:
        assert (conn.id, conn.uses) == (1, 0)
        assert conn.info()["tls_version"] == "TLS 1.3"
        peer.ask(conn, 1)


@rule("relay", "redis")
def test_login(peer: Peer, pool: sprint.Pool) -> None:
    with peer.secret() as secret, pool.acquire(PATIENCE) as conn:
        assert peer.log_in(conn, secret) == peer.accepted
        peer.ask(conn, 1)
    with pool.acquire(PATIENCE) as conn:
        assert (conn.id, conn.uses) == (1, 1)
        peer.ask(conn, 2)


@rule("relay", "redis")
def test_wrong_secret(peer: Peer, pool: sprint.Pool) -> None:
    with (
        peer.secret() as secret,
        sprint.SecureBuffer.random(32) as wrong,
        pool.acquire(PATIENCE) as conn,
    ):
        assert peer.log_in(conn, wrong).startswith(peer.refused)
        assert peer.log_in(conn, secret) == peer.accepted
        peer.ask(conn, 1)


@rule("relay", "redis")
def test_ten_thousand(peer: Peer, pool: sprint.Pool) -> None:
    pool.warm_up(4, PATIENCE)

    def work(thread: int) -> None:
        for number in range(1250):
            with lease(pool, peer) as conn:
                peer.ask(conn, thread * 10_000 + number)

    in_threads(8, work)
    stats = pool.stats()
    assert (stats.acquires, stats.dials, stats.idle) == (10_000, 4, 4)
    assert (stats.errors, stats.timeouts, stats.discards, stats.reconnects) == (0, 0, 0, 0)


@rule("relay", "redis")
def test_acquire_timeout(peer: Peer) -> None:
    with sprint.Pool(peer.address, **peer.pool_options(1)) as pool, pool.acquire(PATIENCE):
        begin = time.monotonic()
        with pytest.raises(sprint.PoolExhausted):
            pool.acquire(0)
        with pytest.raises(sprint.Timeout):
            pool.acquire(0.3)
        assert 0.3 <= time.monotonic() - begin < PATIENCE / 2


@rule("relay", "redis")
def test_read_timeout(peer: Peer, pool: sprint.Pool) -> None:
    with lease(pool, peer) as conn:
        begin = time.monotonic()
        with pytest.raises(sprint.Timeout):
            conn.read(timeout=0.3)
        assert 0.3 <= time.monotonic() - begin < PATIENCE / 2
        assert pool.stats().timeouts == 1
        peer.ask(conn, 1)


@rule("relay", "redis")
def test_write_timeout(peer: Peer, pool: sprint.Pool) -> None:
    with lease(pool, peer) as conn:
        with stopped(peer.process()), pytest.raises(sprint.Timeout):
            while True:  # until no buffer on the way takes more
                conn.write(bytes(1 << 20), 0.3)
        with pytest.raises(sprint.StateError):
            conn.write(b"more", PATIENCE)
    assert (pool.stats().discards, pool.stats().idle) == (1, 0)


@rule("relay", "redis")
def test_cancel_read(peer: Peer, pool: sprint.Pool) -> None:
    def seen() -> bool:
        with lease(pool, peer) as conn:
            end = time.monotonic() + 0.2
            thread = later(lambda: time.monotonic() > end, conn.discard)
            with pytest.raises((sprint.ConnectionClosed, sprint.HandleError)) as caught:
                conn.read(timeout=PATIENCE)
            thread.join()
        # HandleError: the lease had ended before the read began. Once more.
        return caught.type is sprint.ConnectionClosed

    until(seen)


@rule("relay", "redis")
def test_cancel_acquire(peer: Peer) -> None:
    with sprint.Pool(peer.address, **peer.pool_options(1)) as pool, pool.acquire(PATIENCE):
        thread = later(lambda: pool.stats().waiting == 1, pool.close)
        with pytest.raises(sprint.ConnectionClosed):
            pool.acquire(PATIENCE)
        thread.join()


@rule("relay", "redis")
def test_stale(peer: Peer, pool: sprint.Pool) -> None:
    with lease(pool, peer):
        pass
    with lease(pool, peer) as conn:
        assert conn.uses == 1
        peer.end_connections()
        with pytest.raises(sprint.StaleConnection, match=peer.address):
            peer.ask(conn, 1)
    with lease(pool, peer) as conn:
        assert (conn.id, conn.uses) == (2, 0)
        peer.ask(conn, 2)


@rule("relay", "redis")
def test_dead_idle(peer: Peer, pool: sprint.Pool) -> None:
    with lease(pool, peer):
        pass
    peer.end_connections()

    def replaced() -> bool:
        with lease(pool, peer) as conn:
            return conn.id == 2

    until(replaced)
    assert pool.stats().reconnects == 1


@rule("relay", "redis")
def test_dirty(peer: Peer, pool: sprint.Pool) -> None:
    with lease(pool, peer) as conn:
        request, answer = peer.question(1)
        conn.write(request, PATIENCE)
        conn.read_exact(len(answer) - 1, PATIENCE)
    assert (pool.stats().discards, pool.stats().idle) == (1, 0)


@rule("relay", "redis")
def test_close_waits(peer: Peer, pool: sprint.Pool) -> None:
    conn = pool.acquire(PATIENCE)

    def refused() -> bool:
        try:
            pool.acquire(0).release()
        except sprint.ConnectionClosed:
            return True
        except sprint.PoolExhausted:
            pass
        return False

    thread = later(refused, conn.release)
    assert pool.close(PATIENCE) == 0
    thread.join()


@rule("relay", "redis")
def test_close_cuts_off(peer: Peer, pool: sprint.Pool) -> None:
    with lease(pool, peer) as conn:
        assert pool.close(0.1) == 1
        with pytest.raises(sprint.ConnectionClosed):
            conn.read(timeout=PATIENCE)


@rule("relay", "redis")
def test_closed(peer: Peer, pool: sprint.Pool) -> None:
    with lease(pool, peer):
        pass
    assert pool.close() == 0
    with pytest.raises(sprint.ConnectionClosed):
        pool.acquire(PATIENCE)
    assert pool.stats().acquires == 1
    pool.free()
    with pytest.raises(sprint.HandleError):
        pool.stats()


@rule("relay", "redis")
def test_fork(peer: Peer, pool: sprint.Pool) -> None:
    with lease(pool, peer) as conn, peer.secret() as secret:

        def all_refused() -> bool:
            calls: list[Callable[[], Any]] = [
                pool.acquire,
                pool.stats,
                conn.read,
                lambda: conn.write(b"x"),
                secret.read,
                lambda: sprint.Pool(peer.address),
            ]
            for call in calls:
                try:
                    call()
                except sprint.ForkedError:
                    continue
                return False
            return True

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads
            child = os.fork()
        if child == 0:
            signal.alarm(int(PATIENCE))  # the end of a call that hangs
            os._exit(0 if all_refused() else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        peer.ask(conn, 1)


# ----------------------------------------------------------------- an outage of Redis


def outage_rule(test: Test) -> Test:
    RULES[test.__name__.removeprefix("test_")] = ("outage",)
    return test


@outage_rule
def test_refused(outage: RedisPeer) -> None:
    outage.stop()
    with sprint.Pool(outage.address, **outage.pool_options()) as pool:
        for _ in range(2):
            with pytest.raises(sprint.BreakerOpen, match="refused"):
                pool.acquire(PATIENCE)
        status = pool.status()
        # Five opened the breaker, and each probe that fails opens it again; the second was
        # refused without a dial.
        assert status.total_dial_errors == 4 + status.endpoints[0].circuit_breaker_trips
        assert pool.stats().healthy == 0


@outage_rule
def test_silent(outage: RedisPeer) -> None:
    with (
        stopped(outage.process()),
        sprint.Pool(outage.address, **outage.pool_options()) as pool,
    ):
        begin = time.monotonic()
        with pytest.raises(sprint.Timeout):
            pool.acquire(0.3)
        assert 0.3 <= time.monotonic() - begin < PATIENCE / 2


@outage_rule
def test_lost(outage: RedisPeer) -> None:
    with (
        sprint.Pool(outage.address, **outage.pool_options()) as pool,
        lease(pool, outage) as conn,
    ):
        outage.stop()
        with pytest.raises(ConnectionError):
            conn.read(timeout=PATIENCE)


@outage_rule
def test_recovery(outage: RedisPeer) -> None:
    with sprint.Pool(outage.address, **outage.pool_options()) as pool:
        with lease(pool, outage) as conn:
            outage.ask(conn, 1)
        outage.stop()
        with pytest.raises(sprint.BreakerOpen):
            pool.acquire(PATIENCE)
        outage.start()

        def serves() -> bool:
            try:
                with lease(pool, outage) as conn:
                    outage.ask(conn, 2)
            except sprint.BreakerOpen:
                return False  # not yet probed again
            return True

        until(serves)
        assert pool.stats().reconnects == 1
        assert pool.stats().healthy == 1


@outage_rule
def test_failover(outage: RedisPeer, relay: Relay) -> None:
    outage.stop()
    second = RelayPeer(relay)
    with (
        sprint.Pool([outage.address, second.address], **outage.pool_options()) as pool,
        lease(pool, second) as conn,
    ):
        assert conn.info()["endpoint"] == second.address
        second.ask(conn, 1)


# --------------------------------------------------------------------------- asyncio


@contextmanager
def tasks_pool(peer: Peer, max_connections: int) -> Iterator[aio.Pool]:
    pool = aio.Pool(peer.address, **peer.pool_options(max_connections))
    try:
        yield pool
    finally:
        pool.free()


async def ask(pool: aio.Pool, peer: Peer, number: int) -> None:
    async with pool.acquire(PATIENCE) as conn:
        request, answer = peer.question(number)
        if conn.uses == 0:
            await log_in(conn, peer)
        await conn.write(request, PATIENCE)
        assert await conn.read_exact(len(answer), PATIENCE) == answer


async def log_in(conn: aio.Conn, peer: Peer) -> None:
    with peer.secret() as secret:
        if isinstance(peer, RelayPeer):
            nonce = await conn.request(b"NONCE\n", timeout=PATIENCE)
            mac = secret.hmac("sha256", bytes.fromhex(nonce[6:].decode()))
            answer = await conn.request(b"LOGIN %s\n" % mac.hex().encode(), timeout=PATIENCE)
        else:
            await conn.write(b"*2\r\n$4\r\nAUTH\r\n$%d\r\n" % len(secret), PATIENCE)
            await conn.write_secret(secret, PATIENCE)
            answer = await conn.request(b"\r\n", timeout=PATIENCE)
    assert answer == peer.accepted


@rule("relay", "redis")
async def test_async_tasks(peer: Peer) -> None:
    with tasks_pool(peer, 10) as pool:
        await pool.warm_up(10, PATIENCE)

        async def work(task: int) -> None:
            for number in range(5):
                await ask(pool, peer, task * 10 + number)

        tasks = [asyncio.create_task(work(task)) for task in range(200)]
        await becomes_true(lambda: pool.stats().acquires > 50)
        with stopped(peer.process()):  # every task waits, for an answer or for a lease
            for _ in range(100):
                await asyncio.sleep(0)
            assert not all(task.done() for task in tasks)
        await asyncio.gather(*tasks)
        stats = pool.stats()
        assert (stats.acquires, stats.dials, stats.idle) == (1000, 10, 10)
        assert (stats.errors, stats.timeouts, stats.discards) == (0, 0, 0)


@rule("relay", "redis")
async def test_async_timeout(peer: Peer) -> None:
    with tasks_pool(peer, 1) as pool:
        async with pool.acquire(PATIENCE) as conn:
            await log_in(conn, peer)
            begin = time.monotonic()
            with pytest.raises(sprint.Timeout):
                await conn.read(timeout=0.3)
            assert 0.3 <= time.monotonic() - begin < PATIENCE / 2
            request, answer = peer.question(1)
            assert await conn.request(request, timeout=PATIENCE) == answer


@rule("relay", "redis")
async def test_async_cancel(peer: Peer) -> None:
    with tasks_pool(peer, 1) as pool:
        async with pool.acquire(PATIENCE) as conn:
            await log_in(conn, peer)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(conn.read(), 0.1)
            request, answer = peer.question(1)
            assert await conn.request(request, timeout=PATIENCE) == answer

            waiting = asyncio.ensure_future(pool.acquire(PATIENCE))
            await becomes_true(lambda: pool.stats().waiting == 1)
            waiting.cancel()

            with stopped(peer.process()), pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(conn.write(bytes(1 << 26)), 0.3)
            with pytest.raises(sprint.HandleError):
                await conn.write(request)
        await becomes_true(lambda: pool.stats().waiting == 0 and pool.stats().lent == 0)
        assert pool.stats().discards == 1
