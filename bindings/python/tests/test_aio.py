"""Pools and leases for asyncio: no call blocks the loop, no cancellation loses a lease or
mixes up a stream."""

from __future__ import annotations

import asyncio
import select
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from ctypes import c_size_t

import pytest

import sprint
from conftest import becomes_true, in_thread, until
from relay import Relay, stopped
from sprint import _native, _steps, aio
from sprint._line import Line

MIB = bytes(range(256)) * 4096
PATIENCE = 20.0


@pytest.fixture
def tasks_pool(relay: Relay) -> Iterator[aio.Pool]:
    options = sprint.Options(ca_file=relay.ca_file, max_connections=2)
    options["acquire_timeout"] = 60  # no acquire ends in time unless by the limit that it was given
    pool = aio.Pool(relay.address, **options)
    yield pool
    pool.free()


@asynccontextmanager
async def echoing(pool: aio.Pool) -> AsyncIterator[aio.Conn]:
    """A lease on which every byte is echoed."""
    conn = await pool.acquire(PATIENCE)
    try:
        await conn.write(b"ECHO\n", PATIENCE)
        yield conn
    finally:
        conn.discard()


def fill(conn: aio.Conn, pool: aio.Pool) -> int:
    """Send zeros until nothing moves any more, while the relay is stopped; how many bytes the
    pool has sent then."""
    room, zeros, n = select.poll(), bytes(1 << 16), c_size_t()
    room.register(_steps.poll_info(conn._handle)[0], select.POLLOUT)
    lib = _native.lib()
    while room.poll(300) or lib.sprint_conn_try_write(conn._handle, zeros, len(zeros), n) == 0:
        lib.sprint_conn_try_write(conn._handle, zeros, len(zeros), n)
        lib.sprint_conn_flush(conn._handle, 0)
    return pool.stats().bytes_sent


def helpers() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "sprint-wait"]


# --------------------------------------------------------------------------- leases


async def test_a_lease_goes_back_at_the_end_of_its_block_and_is_reused(relay: Relay) -> None:
    async with aio.Pool(relay.address, ca_file=relay.ca_file) as pool:
        async with pool.acquire() as first:
            assert (first.id, first.uses) == (1, 0)
            assert pool.stats().lent == 1
        assert pool.stats().idle == 1
        second = await pool.acquire(timeout=5)
        assert (second.id, second.uses) == (1, 1)
        assert second.info()["tls_version"] == "TLS 1.3"
        second.release()
        with await pool.acquire() as third:
            assert third.uses == 2
    assert pool.closed


async def test_a_block_that_raises_discards_its_connection(tasks_pool: aio.Pool) -> None:
    with pytest.raises(ZeroDivisionError):
        async with tasks_pool.acquire():
            _ = 1 // 0
    assert tasks_pool.stats().discards == 1


async def test_warm_up_and_close_do_not_block_the_loop(tasks_pool: aio.Pool) -> None:
    await tasks_pool.warm_up(2, PATIENCE)
    assert tasks_pool.stats().idle == 2
    conn = await tasks_pool.acquire()
    closing = asyncio.create_task(tasks_pool.close(PATIENCE))
    await becomes_true(lambda: not tasks_pool.stats().idle)
    conn.release()  # which the loop has time for
    assert await closing == 0
    with pytest.raises(sprint.ConnectionClosed):
        await tasks_pool.acquire()


async def test_an_acquire_that_waits_is_served_when_another_task_releases(
    tasks_pool: aio.Pool,
) -> None:
    first, second = await tasks_pool.acquire(), await tasks_pool.acquire()
    third = asyncio.ensure_future(tasks_pool.acquire())
    await becomes_true(lambda: tasks_pool.stats().waiting == 1)
    first.release()
    conn = await third
    assert conn.id == 1
    conn.release()
    second.release()


async def test_tasks_are_served_in_their_order(tasks_pool: aio.Pool) -> None:
    held = [await tasks_pool.acquire(), await tasks_pool.acquire()]
    order: list[int] = []

    async def one(number: int) -> None:
        async with tasks_pool.acquire(PATIENCE):
            order.append(number)

    # At the library's end of the line several threads race for the first places.
    waiting: list[asyncio.Task[None]] = []
    for number in range(30):
        waiting.append(asyncio.create_task(one(number)))
        await becomes_true(lambda: tasks_pool.stats().waiting == min(len(waiting), aio.THREADS))
    held.pop().release()
    await asyncio.gather(*waiting)
    assert order[: aio.THREADS] == list(range(aio.THREADS))
    assert sorted(order) == list(range(30))
    held.pop().release()
    until(lambda: not helpers())


async def test_timeout_zero_takes_only_what_can_be_had_now(tasks_pool: aio.Pool) -> None:
    with pytest.raises(sprint.PoolExhausted):
        await tasks_pool.acquire(0)
    (await tasks_pool.acquire()).release()
    (await tasks_pool.acquire(0)).release()


async def test_each_of_many_waiting_tasks_has_its_own_deadline(tasks_pool: aio.Pool) -> None:
    held = [await tasks_pool.acquire(), await tasks_pool.acquire()]

    async def patient() -> None:
        (await tasks_pool.acquire(PATIENCE)).release()

    long = [asyncio.create_task(patient()) for _ in range(aio.THREADS)]
    await becomes_true(lambda: tasks_pool.stats().waiting == aio.THREADS)
    loop = asyncio.get_running_loop()
    begin = loop.time()
    short = await asyncio.gather(
        *(tasks_pool.acquire(0.3) for _ in range(20)), return_exceptions=True
    )
    assert [type(outcome) for outcome in short] == [sprint.Timeout] * 20
    assert 0.3 <= loop.time() - begin < PATIENCE / 2
    for conn in held:
        conn.release()
    await asyncio.gather(*long)


async def test_more_tasks_may_wait_than_max_waiters_says(relay: Relay) -> None:
    options = sprint.Options(ca_file=relay.ca_file, max_connections=1, max_waiters=1)
    async with aio.Pool(relay.address, **options) as pool:

        async def work() -> None:
            async with pool.acquire(PATIENCE) as conn:
                await conn.request(b"NONCE\n", timeout=PATIENCE)

        await asyncio.gather(*(work() for _ in range(50)))
        assert (pool.stats().acquires, pool.stats().dials) == (50, 1)


async def test_the_pool_s_acquire_timeout_counts_from_the_call(relay: Relay) -> None:
    options = sprint.Options(ca_file=relay.ca_file, max_connections=1, acquire_timeout=0.3)
    async with aio.Pool(relay.address, **options) as pool, pool.acquire():
        loop = asyncio.get_running_loop()
        begin = loop.time()
        calls = (pool.acquire() for _ in range(40 * aio.THREADS))
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {sprint.Timeout}
        assert loop.time() - begin < 0.3 * 40  # not one after another


async def test_a_cancelled_acquire_leaks_no_lease(tasks_pool: aio.Pool) -> None:
    held = [await tasks_pool.acquire(), await tasks_pool.acquire()]
    waiting = [asyncio.ensure_future(tasks_pool.acquire(PATIENCE)) for _ in range(20)]
    await becomes_true(lambda: tasks_pool.stats().waiting == aio.THREADS)
    for task in waiting[::2]:
        task.cancel()
    for conn in held:
        conn.release()
    for served in asyncio.as_completed(waiting[1::2]):
        (await served).release()
    await becomes_true(lambda: tasks_pool.stats().lent == 0)
    assert tasks_pool.stats().idle == 2


async def test_a_task_that_is_cancelled_with_the_lease_in_hand_gives_it_back(
    tasks_pool: aio.Pool,
) -> None:
    held = [await tasks_pool.acquire(), await tasks_pool.acquire()]
    loop = asyncio.get_running_loop()
    for _ in range(50):
        task = asyncio.ensure_future(tasks_pool.acquire(PATIENCE))
        await becomes_true(lambda: tasks_pool.stats().waiting == 1)
        held.pop().release()
        while not task.done():
            # Sooner or later in the turn between the delivery and the task's next step.
            loop.call_soon(task.cancel)
            await asyncio.sleep(0)
        assert task.cancelled()
        await becomes_true(lambda: tasks_pool.stats().lent == 1 and not tasks_pool.stats().waiting)
        held.append(await tasks_pool.acquire())
    for conn in held:
        conn.release()


async def test_a_close_wakes_those_who_wait(tasks_pool: aio.Pool) -> None:
    async with tasks_pool.acquire(), tasks_pool.acquire():
        calls = [asyncio.ensure_future(tasks_pool.acquire(PATIENCE)) for _ in range(20)]
        await becomes_true(lambda: tasks_pool.stats().waiting == aio.THREADS)
        assert await tasks_pool.close() == 2
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {sprint.ConnectionClosed}


async def test_failures_of_a_dial_are_those_of_the_blocking_pool(relay: Relay) -> None:
    async with aio.Pool(relay.address) as pool:
        with pytest.raises(sprint.CertificateError, match=relay.address):
            await pool.acquire()
        with pytest.raises(ValueError, match="timeout"):
            pool.acquire(-1)
    with pytest.raises(sprint.HandleError):
        await pool.acquire()


# ------------------------------------------------------------------------ the stream


async def test_a_megabyte_comes_back_while_it_is_written(tasks_pool: aio.Pool) -> None:
    async with echoing(tasks_pool) as conn:
        writer = asyncio.create_task(conn.write(memoryview(MIB), PATIENCE))
        assert await conn.read_exact(len(MIB), PATIENCE) == MIB
        await writer


async def test_the_calls_of_a_stream(tasks_pool: aio.Pool) -> None:
    async with echoing(tasks_pool) as conn:
        assert await conn.request(b"question", timeout=5) == b"question"
        await conn.write(bytearray(b"abcdef"), 5)
        assert await conn.readexactly(2, 5) == b"ab"
        target = bytearray(8)
        assert await conn.read_into(memoryview(target)[1:3], 5) == 2
        assert target == b"\0cd\0\0\0\0\0"
        assert await conn.read(timeout=5) == b"ef"
        with sprint.SecureBuffer.from_bytearray(bytearray(b"token")) as secret:
            await conn.write_secret(secret, 5)
        assert await conn.read(100, 5) == b"token"


async def test_zero_lengths_are_argument_errors(tasks_pool: aio.Pool) -> None:
    async with echoing(tasks_pool) as conn:
        await conn.write(b"", 5)
        for call in (
            conn.read(0, 5),
            conn.read_exact(0, 5),
            conn.request(b"", timeout=5),
            conn.request(b"x", size=0, timeout=5),
        ):
            with pytest.raises(sprint.ArgumentError):
                await call
        with pytest.raises(ValueError, match="timeout"):
            await conn.read(timeout=-1)
        assert await conn.request(b"still good", timeout=5) == b"still good"


async def test_close_notify_is_an_empty_read_and_a_cut_is_truncated(
    relay: Relay, tasks_pool: aio.Pool
) -> None:
    async with tasks_pool.acquire() as conn:
        assert await conn.request(b"QUIT\n", timeout=5) == b"BYE\n"
        assert await conn.read(timeout=5) == b""
        with pytest.raises(sprint.Truncated):
            await conn.read_exact(1, 5)
    relay.set(truncate_after=10)
    async with tasks_pool.acquire() as conn:
        await conn.write(b"NONCE\n", 5)
        with pytest.raises(sprint.Truncated, match=relay.address) as caught:
            await conn.read_exact(71, 5)
        assert len(caught.value.partial) == 10


async def test_a_read_gives_up_at_its_deadline_and_loses_nothing(tasks_pool: aio.Pool) -> None:
    loop = asyncio.get_running_loop()
    async with echoing(tasks_pool) as conn:
        begin = loop.time()
        with pytest.raises(sprint.Timeout):
            await conn.read(timeout=0.2)
        assert loop.time() - begin >= 0.2
        assert tasks_pool.stats().timeouts == 1
        with pytest.raises(sprint.Timeout):
            await conn.read(timeout=0)
        assert await conn.request(b"later", timeout=5) == b"later"


async def test_a_write_that_timed_out_ends_the_stream(tasks_pool: aio.Pool) -> None:
    async with echoing(tasks_pool) as conn:
        with pytest.raises(sprint.Timeout):
            while True:
                await conn.write(MIB, 0.3)
        with pytest.raises(sprint.StateError):
            await conn.write(b"more", 5)
        conn.release()
        assert tasks_pool.stats().discards == 1


async def test_a_request_that_timed_out_is_not_lent_again_before_its_answer_is_read(
    relay: Relay, tasks_pool: aio.Pool
) -> None:
    for read_it in (False, True):
        async with tasks_pool.acquire() as conn:
            with stopped(relay.process):
                with pytest.raises(sprint.Timeout):
                    await conn.request(b"NONCE\n", timeout=0.05)
                if not read_it:
                    conn.release()  # while the answer is not there
            if read_it:
                assert len(await conn.read_exact(71, 5)) == 71
        assert tasks_pool.stats().discards == 1


# ---------------------------------------------------------------------- cancellation


async def test_a_cancelled_read_loses_nothing(tasks_pool: aio.Pool) -> None:
    async with echoing(tasks_pool) as conn:
        for number in range(20):
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(conn.read(), 0.001 * number)
            assert await conn.request(b"%d" % number, timeout=5) == b"%d" % number


async def test_a_cancelled_read_exact_keeps_what_it_had_for_the_next_read(
    tasks_pool: aio.Pool,
) -> None:
    async with echoing(tasks_pool) as conn:
        reader = asyncio.create_task(conn.read_exact(10, PATIENCE))
        await conn.write(b"abcdef", 5)
        await becomes_true(lambda: tasks_pool.stats().bytes_received == 6)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(conn.read_exact(7), 0.05)
        assert await conn.read(2, 5) == b"ab"
        assert await conn.read_exact(3, 5) == b"cde"
        conn.release()
        assert tasks_pool.stats().discards == 1  # f is unread


async def test_a_write_that_is_cancelled_in_the_middle_discards_the_connection(
    tasks_pool: aio.Pool,
) -> None:
    async with echoing(tasks_pool) as conn:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(conn.write(bytes(1 << 26)), 0.5)
        with pytest.raises(sprint.HandleError):
            await conn.write(b"more", 5)
        assert tasks_pool.stats().discards == 1


async def test_a_write_that_is_cancelled_before_it_began_changes_nothing(
    relay: Relay, tasks_pool: aio.Pool
) -> None:
    async with echoing(tasks_pool) as conn:
        with stopped(relay.process):
            sent = fill(conn, tasks_pool)
            for _ in range(3):
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(conn.write(b"never"), 0.02)
            assert tasks_pool.stats().bytes_sent == sent
        reader = asyncio.create_task(conn.read_exact(sent - len(b"ECHO\n"), PATIENCE))
        await conn.write(b"the end", PATIENCE)
        assert not any(await reader)
        assert await conn.read_exact(7, 5) == b"the end"


async def test_a_request_that_was_cancelled_is_not_lent_again(tasks_pool: aio.Pool) -> None:
    async with tasks_pool.acquire() as conn:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(conn.request(b"half a line"), 0.1)
    assert tasks_pool.stats().discards == 1
    async with tasks_pool.acquire() as conn:
        assert conn.uses == 0


async def test_cancelling_the_block_discards_its_connection(tasks_pool: aio.Pool) -> None:
    in_the_block = asyncio.Event()

    async def work() -> None:
        async with tasks_pool.acquire() as conn:
            in_the_block.set()
            await conn.read()

    task = asyncio.create_task(work())
    await in_the_block.wait()  # the pool has lent it before the task has it
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (tasks_pool.stats().lent, tasks_pool.stats().discards) == (0, 1)


# -------------------------------------------------------------------- several parties


async def test_a_second_reader_or_writer_is_a_state_error(tasks_pool: aio.Pool) -> None:
    async with echoing(tasks_pool) as conn:
        reader = asyncio.create_task(conn.read(timeout=PATIENCE))
        await asyncio.sleep(0)
        for call in (conn.read(), conn.request(b"x")):
            with pytest.raises(sprint.StateError, match="another task is reading"):
                await call
        await conn.write(b"x", 5)
        assert await reader == b"x"
        writer = asyncio.create_task(conn.write(bytes(1 << 26), PATIENCE))
        await asyncio.sleep(0)
        with pytest.raises(sprint.StateError, match="another task is writing"):
            await conn.write(b"x")
        writer.cancel()


@pytest.mark.parametrize("ended_by", ["release", "discard"])
async def test_ending_a_lease_wakes_its_reader_and_leaves_others_alone(
    tasks_pool: aio.Pool, ended_by: str
) -> None:
    async with echoing(tasks_pool) as other:
        for _ in range(10):  # descriptors are reused
            conn = await tasks_pool.acquire(PATIENCE)
            waits = asyncio.create_task(other.read(timeout=PATIENCE))
            reader = asyncio.create_task(conn.read(timeout=PATIENCE))
            await asyncio.sleep(0)
            getattr(conn, ended_by)()
            fresh = await tasks_pool.acquire(PATIENCE)
            listens = asyncio.create_task(fresh.request(b"NONCE\n", timeout=PATIENCE))
            with pytest.raises(sprint.ConnectionClosed):
                await reader
            assert (await listens).startswith(b"NONCE ")
            await other.write(b"x", 5)
            assert await waits == b"x"
            fresh.discard()


async def test_an_idempotent_request_goes_on_with_a_fresh_connection(
    relay: Relay, tasks_pool: aio.Pool
) -> None:
    (await tasks_pool.acquire()).release()
    async with tasks_pool.acquire() as conn:
        before = conn.id
        relay.set(drop_idle=1)
        answer = await conn.request(b"NONCE\n", timeout=PATIENCE, idempotent=True)
        assert answer.startswith(b"NONCE ")
        assert (conn.id != before, conn.uses) == (True, 0)
        assert await conn.request(b"NONCE\n", timeout=PATIENCE)
    assert tasks_pool.status().retries["success"] == 1
    until(lambda: not helpers())


async def test_closing_the_pool_from_a_thread_wakes_a_reader(tasks_pool: aio.Pool) -> None:
    async with tasks_pool.acquire() as conn:
        reader = asyncio.create_task(conn.read(timeout=PATIENCE))
        assert await tasks_pool.close() == 1
        with pytest.raises(sprint.ConnectionClosed):
            await reader


def test_loops_of_several_threads_share_a_pool(tasks_pool: aio.Pool) -> None:
    async def work() -> None:
        for number in range(20):
            async with tasks_pool.acquire(PATIENCE) as conn:
                assert await conn.request(b"NONCE\n", timeout=PATIENCE)
                assert number >= 0

    threads = [threading.Thread(target=lambda: asyncio.run(work())) for _ in range(4)]
    for thread in threads:
        thread.start()
    in_thread(lambda: asyncio.run(work()))
    for thread in threads:
        thread.join(PATIENCE)
    stats = tasks_pool.stats()
    assert (stats.acquires, stats.lent, stats.errors, stats.discards) == (100, 0, 0, 0)
    until(lambda: not helpers())


def test_a_loop_that_ends_while_a_task_waits_leaves_nothing(tasks_pool: aio.Pool) -> None:
    async def work() -> None:
        conn = await tasks_pool.acquire()
        other = await tasks_pool.acquire()
        assert other.uses == 0  # never released
        asyncio.ensure_future(tasks_pool.acquire(PATIENCE))  # noqa: RUF006
        await becomes_true(lambda: tasks_pool.stats().waiting == 1)
        conn.release()

    with pytest.warns(ResourceWarning, match="never released"):
        asyncio.run(work())
    until(lambda: tasks_pool.stats().lent == 0 and not helpers())


def test_what_a_cancelled_task_gets_goes_back_though_its_loop_runs_no_more() -> None:
    begun, given, undone = threading.Event(), threading.Event(), threading.Event()
    loop = asyncio.new_event_loop()

    def waits() -> bool:
        begun.set()
        return given.wait()

    async def cancelled() -> None:
        task = asyncio.ensure_future(Line().call(waits, lambda _result: undone.set()))
        await becomes_true(begun.is_set)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    loop.run_until_complete(cancelled())
    given.set()
    until(undone.is_set)
    loop.close()
