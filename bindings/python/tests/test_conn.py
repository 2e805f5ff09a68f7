"""Bytes over a lease, each way of waiting, each way of ending."""

from __future__ import annotations

import select
import threading
import time
from array import array

import pytest

import sprint
from conftest import Run, is_expired, until
from relay import Relay, stopped

MIB = bytes(range(256)) * 4096


def test_what_is_written_comes_back(echo: sprint.Conn, run: Run) -> None:
    run(lambda: echo.write(b"hello", 5))
    assert run(lambda: echo.read_exact(5, 5)) == b"hello"


def test_a_megabyte_comes_back(echo: sprint.Conn, run: Run) -> None:
    """More than the sockets hold: the writer and the reader are two threads."""
    writer = threading.Thread(target=lambda: echo.write(MIB, 30))
    writer.start()
    assert run(lambda: echo.read_exact(len(MIB), 30)) == MIB
    writer.join(30)


def test_a_large_write_waits_for_room(echo: sprint.Conn, run: Run) -> None:
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(echo.read_exact(len(MIB), 30)))
    reader.start()
    run(lambda: echo.write(memoryview(MIB), 30))
    reader.join(30)
    assert received == [MIB]


def test_read_gives_what_is_there(echo: sprint.Conn, run: Run) -> None:
    echo.write(b"ab", 5)
    assert run(lambda: echo.read(100, 5)) == b"ab"


@pytest.mark.parametrize(
    "data",
    [bytearray(b"12345678"), memoryview(b"x12345678y")[1:9], array("Q", [0x3837363534333231])],
    ids=["bytearray", "read-only memoryview", "array"],
)
def test_any_contiguous_buffer_can_be_sent(
    echo: sprint.Conn, run: Run, data: bytearray | memoryview | array[int]
) -> None:
    run(lambda: echo.write(data, 5))
    assert echo.read_exact(8, 5) == b"12345678"


def test_what_has_no_buffer_or_holes_in_it_is_refused(echo: sprint.Conn) -> None:
    with pytest.raises(TypeError):
        echo.write("text")  # type: ignore[arg-type]
    with pytest.raises(BufferError):
        echo.write(memoryview(b"abcdef")[::2])
    with pytest.raises(BufferError):
        echo.read_into(b"read-only", 5)
    echo.write(b"still good", 5)
    assert echo.read_exact(10, 5) == b"still good"


def test_a_buffer_cannot_change_its_size_during_the_call(echo: sprint.Conn) -> None:
    target = bytearray(16)
    reader = threading.Thread(target=lambda: echo.read_into(target, 30))
    reader.start()

    def pinned() -> bool:
        try:
            target.append(0)
        except BufferError:
            return True
        target.pop()
        return False

    until(pinned)
    echo.write(b"x", 5)
    reader.join(30)
    assert target == b"x" + bytes(15)


def test_a_secret_is_sent_from_guarded_memory(echo: sprint.Conn, run: Run) -> None:
    with (
        sprint.SecureBuffer.from_bytearray(bytearray(b"token")) as secret,
        secret.open() as view,
    ):
        run(lambda: echo.write(view, 5))
    assert echo.read_exact(5, 5) == b"token"


@pytest.mark.parametrize("timeout", [5, 0.1])  # the main thread waits in two ways
def test_a_secret_is_sent_from_its_buffer_sealed_or_not(
    echo: sprint.Conn, run: Run, timeout: float
) -> None:
    with sprint.SecureBuffer.from_bytearray(bytearray(b"token")) as secret:
        for _ in range(2):
            run(lambda: echo.write_secret(secret, timeout))
            assert echo.read_exact(5, 5) == b"token"
            secret.seal()


@pytest.mark.parametrize("timeout", [5, 0.1])
def test_a_secret_that_cannot_be_read_is_not_sent(
    echo: sprint.Conn, run: Run, timeout: float
) -> None:
    with sprint.SecureBuffer(5) as secret:
        with secret.open(write=True), pytest.raises(sprint.StateError):
            run(lambda: echo.write_secret(secret, timeout))
        secret.expire_after(0.001)
        until(lambda: is_expired(secret))
        with pytest.raises(sprint.SecretExpired):
            run(lambda: echo.write_secret(secret, timeout))
    with pytest.raises(sprint.HandleError):
        run(lambda: echo.write_secret(secret, timeout))
    with pytest.raises(ValueError, match="timeout"):
        run(lambda: echo.write_secret(sprint.SecureBuffer(5), -timeout))
    assert run(lambda: echo.request(b"still good", timeout=5)) == b"still good"


def test_read_into_fills_a_part_of_a_buffer(echo: sprint.Conn, run: Run) -> None:
    target = bytearray(b"........")
    echo.write(b"abc", 5)
    assert run(lambda: echo.read_into(memoryview(target)[2:5], 5)) == 3
    assert target == b"..abc..."


def test_request_writes_and_reads_once(echo: sprint.Conn, run: Run) -> None:
    assert run(lambda: echo.request(b"question", timeout=5)) == b"question"
    assert run(lambda: echo.request(b"x", size=1, timeout=5)) == b"x"


def test_zero_lengths_have_their_own_answers(echo: sprint.Conn, run: Run) -> None:
    run(lambda: echo.write(b"", 5))
    for call in (
        lambda: echo.read(0, 5),
        lambda: echo.read_into(bytearray(), 5),
        lambda: echo.read_exact(0, 5),
        lambda: echo.request(b"", timeout=5),
        lambda: echo.request(b"x", size=0, timeout=5),
    ):
        with pytest.raises(sprint.ArgumentError):
            run(call)
    assert run(lambda: echo.request(b"still good", timeout=5)) == b"still good"


def test_a_negative_size_is_a_value_error(echo: sprint.Conn) -> None:
    for call in (echo.read, echo.read_exact, echo.try_read):
        with pytest.raises(ValueError, match="size"):
            call(-1)


# ----------------------------------------------------------------------- timeouts


def test_a_read_gives_up_at_its_deadline_and_loses_nothing(
    pool: sprint.Pool, echo: sprint.Conn, run: Run
) -> None:
    begin = time.monotonic()
    with pytest.raises(sprint.Timeout):
        run(lambda: echo.read(100, 0.5))
    assert 0.5 <= time.monotonic() - begin < 10
    assert pool.stats().timeouts == 1  # one call, one count
    assert run(lambda: echo.request(b"later", timeout=5)) == b"later"


def test_a_read_with_timeout_zero_takes_what_is_there(echo: sprint.Conn, run: Run) -> None:
    with pytest.raises(sprint.Timeout):
        run(lambda: echo.read(100, 0))
    assert echo.request(b"12", size=1, timeout=5) == b"1"
    assert run(lambda: echo.read(100, 0)) == b"2"


def test_read_exact_gives_what_it_had_when_its_time_was_over(echo: sprint.Conn, run: Run) -> None:
    echo.write(b"abc", 5)
    assert select.select([echo], [], [], 20)[0], "nothing came back"
    with pytest.raises(sprint.Timeout) as caught:
        run(lambda: echo.read_exact(10, 0.5))
    assert caught.value.partial == b"abc"


def test_a_request_gives_up_at_its_deadline(pool: sprint.Pool, run: Run) -> None:
    with pytest.raises(sprint.Timeout), pool.acquire() as conn:
        begin = time.monotonic()
        run(lambda: conn.request(b"half a line", timeout=0.5))
    assert 0.5 <= time.monotonic() - begin < 10


def test_a_write_that_timed_out_ends_the_stream(
    pool: sprint.Pool, echo: sprint.Conn, run: Run
) -> None:
    """Nobody reads the echo, so sooner or later the relay stops reading too."""
    begin = time.monotonic()
    with pytest.raises(sprint.Timeout):
        for _ in range(100):
            run(lambda: echo.write(MIB, 0.5))
    assert time.monotonic() - begin < 30
    with pytest.raises(sprint.StateError):
        run(lambda: echo.write(b"more", 5))
    echo.release()
    assert pool.stats().discards == 1


# ---------------------------------------------------------------- ends of a stream


def test_close_notify_is_an_empty_read(pool: sprint.Pool, run: Run) -> None:
    with pool.acquire() as conn:
        assert run(lambda: conn.request(b"QUIT\n", timeout=5)) == b"BYE\n"
        assert run(lambda: conn.read(100, 5)) == b""
        assert run(lambda: conn.read(100, 5)) == b""


def test_close_notify_before_all_of_read_exact_is_truncated(pool: sprint.Pool, run: Run) -> None:
    with pool.acquire() as conn:
        conn.write(b"QUIT\n", 5)
        with pytest.raises(sprint.Truncated) as caught:
            run(lambda: conn.read_exact(10, 5))
        assert caught.value.partial == b"BYE\n"


def test_an_end_without_close_notify_is_truncated(
    relay: Relay, pool: sprint.Pool, run: Run
) -> None:
    relay.set(truncate_after=10)
    with pool.acquire() as conn:
        conn.write(b"NONCE\n", 5)
        assert len(run(lambda: conn.read_exact(10, 5))) == 10
        with pytest.raises(sprint.Truncated, match=relay.address) as caught:
            run(lambda: conn.read(100, 5))
        assert isinstance(caught.value, ConnectionError)


def test_a_reset_is_a_network_error(relay: Relay, pool: sprint.Pool, run: Run) -> None:
    relay.set(reset_after=1)
    with pool.acquire() as conn:
        conn.write(b"NONCE\n", 5)
        with pytest.raises(sprint.NetworkError, match="reset"):
            run(lambda: conn.read_exact(71, 5))


def test_a_reused_connection_that_dies_before_any_answer_is_stale(
    relay: Relay, pool: sprint.Pool, run: Run
) -> None:
    pool.acquire().release()
    relay.set(delay_ms=60_000)
    with pool.acquire() as conn:
        assert conn.uses == 1
        conn.write(b"NONCE\n", 5)
        relay.set(drop_idle=1)
        with pytest.raises(sprint.StaleConnection, match=relay.address):
            run(lambda: conn.read(100, 5))


def test_an_idempotent_request_goes_on_with_a_fresh_connection(
    relay: Relay, pool: sprint.Pool, run: Run
) -> None:
    pool.acquire().release()
    with pool.acquire() as conn:
        before = conn.id
        relay.set(drop_idle=1)
        answer = run(lambda: conn.request(b"NONCE\n", timeout=10, idempotent=True))
        assert answer.startswith(b"NONCE ")
        assert conn.id != before
        assert conn.uses == 0
        info = conn.info()
        assert (info["bytes_written"], info["bytes_read"]) == (6, len(answer))
    assert pool.status().retries == {"success": 1, "failure": 0, "budget_exhausted": 0}
    assert pool.stats().idle == 1


def test_a_request_that_is_not_idempotent_is_sent_once(
    relay: Relay, pool: sprint.Pool, run: Run
) -> None:
    pool.acquire().release()
    with pool.acquire() as conn:
        relay.set(drop_idle=1)
        with pytest.raises(sprint.StaleConnection, match="6 bytes written, 0 read"):
            run(lambda: conn.request(b"NONCE\n", timeout=10))
    assert pool.stats().dials == 1


def test_a_connection_that_ended_is_not_lent_again(
    relay: Relay, pool: sprint.Pool, run: Run
) -> None:
    with pool.acquire() as conn:
        conn.request(b"QUIT\n", timeout=5)
        conn.read(1, 5)
    with run(pool.acquire) as fresh:
        assert fresh.uses == 0


def test_a_connection_that_died_idle_is_replaced(relay: Relay, pool: sprint.Pool) -> None:
    pool.acquire().release()
    relay.set(drop_idle=1)

    def replaced() -> bool:
        with pool.acquire() as conn:
            return conn.id == 2

    until(replaced)
    assert pool.stats().reconnects == 1


def test_a_connection_with_unread_bytes_is_not_lent_again(pool: sprint.Pool) -> None:
    with pool.acquire() as conn:
        conn.request(b"NONCE\n", size=1, timeout=5)
    assert pool.stats().discards == 1


# ---------------------------------------------------------- threads and event loops


def test_a_second_reader_is_a_state_error(echo: sprint.Conn) -> None:
    """Only one of two may wait; the other is told at once."""
    outcomes: list[object] = []

    def read() -> None:
        try:
            outcomes.append(echo.read(1, 30))
        except sprint.SprintError as error:
            outcomes.append(type(error))

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    until(lambda: outcomes == [sprint.StateError])
    echo.write(b"x", 5)
    for thread in threads:
        thread.join(30)
    assert outcomes == [sprint.StateError, b"x"]


def test_ending_a_lease_wakes_its_reader(pool: sprint.Pool, run: Run) -> None:
    def seen() -> bool:
        conn = pool.acquire()
        timer = threading.Timer(0.3, conn.discard)
        timer.start()
        with pytest.raises((sprint.ConnectionClosed, sprint.HandleError)) as caught:
            run(lambda: conn.read(1, 30))
        timer.join()
        # HandleError: the lease had ended before the read began. Once more.
        return caught.type is sprint.ConnectionClosed

    until(seen)
    begin = time.monotonic()
    assert pool.close(60) == 0
    assert time.monotonic() - begin < 10  # nothing is left to wait for


def test_closing_the_pool_wakes_a_reader(pool: sprint.Pool, run: Run) -> None:
    with pool.acquire() as conn:
        timer = threading.Timer(0.3, pool.close)
        timer.start()
        with pytest.raises(sprint.ConnectionClosed):
            run(lambda: conn.read(1, 30))
        timer.join()


def test_an_event_loop_reads_and_writes_without_waiting(echo: sprint.Conn) -> None:
    poll = select.poll()
    sent, received = 0, bytearray()
    while True:
        if sent < len(MIB):
            sent += echo.try_write(memoryview(MIB)[sent:]) or 0
        echo.flush(0)
        while (part := echo.try_read()) is not None:
            assert part, "the stream ended"
            received += part
        if len(received) >= len(MIB):
            break
        fd, want = echo.poll_info()
        assert fd == echo.fileno()
        assert want & sprint.WANT_READ
        unsent = want & sprint.WANT_WRITE or sent < len(MIB)
        poll.register(fd, select.POLLIN | (select.POLLOUT if unsent else 0))
        assert poll.poll(10_000), "nothing to do"
    assert received == MIB
    assert echo.try_read() is None


def fill(conn: sprint.Conn) -> None:
    """Send until nothing moves any more, while the relay is stopped."""
    room = select.poll()
    room.register(conn, select.POLLOUT)
    while room.poll(300) or conn.try_write(MIB) is not None:
        conn.try_write(MIB)
        conn.flush(0)


def test_flush_says_whether_something_is_left(relay: Relay, echo: sprint.Conn, run: Run) -> None:
    assert run(lambda: echo.flush(0))
    with stopped(relay.process):
        fill(echo)
        assert echo.poll_info()[1] == sprint.WANT_READ | sprint.WANT_WRITE
        assert echo.try_write(b"x") is None
        assert run(lambda: echo.flush(0)) is False
        with pytest.raises(sprint.Timeout):
            run(lambda: echo.flush(0.4))


def test_a_waiting_writer_does_not_spin_on_what_there_is_to_read(
    relay: Relay, echo: sprint.Conn
) -> None:
    """On the main thread, which waits on the descriptor: it is readable all the time."""
    echo.write(b"x", 5)
    assert select.select([echo], [], [], 20)[0], "nothing came back"
    with stopped(relay.process):
        fill(echo)
        begin = time.thread_time()
        with pytest.raises(sprint.Timeout):
            echo.write(b"x", 1)
        assert time.thread_time() - begin < 0.3


def test_login_by_hmac_without_copying_the_key_out(
    relay: Relay, pool: sprint.Pool, run: Run
) -> None:
    with (
        open(relay.dir / "login.key", "rb", buffering=0) as file,
        sprint.SecureBuffer(32) as key,
        pool.acquire() as conn,
    ):
        with key.open(write=True) as view:
            assert file.readinto(view) == 32
        assert run(lambda: conn.request(b"PING\n", timeout=5)) == b"ERR login first\n"
        nonce = bytes.fromhex(conn.request(b"NONCE\n", timeout=5)[6:].decode())
        mac = key.hmac("sha256", nonce)
        assert conn.request(b"LOGIN " + mac.hex().encode() + b"\n", timeout=5) == b"OK\n"
        assert run(lambda: conn.request(b"PING x\n", timeout=5)) == b"PONG x\n"
