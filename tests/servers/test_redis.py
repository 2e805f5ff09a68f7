"""Redis over TLS: Debian's redis-server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sprint
from conftest import Certificates, Start
from redis_tls import command, redis_server
from server import free_port

TIMEOUT = 20.0


@pytest.fixture
def pool(start: Start, certificates: Certificates, tmp_path: Path) -> Iterator[sprint.Pool]:
    port = free_port()
    argv = redis_server(port, tmp_path, certificates.ca, certificates.chain, certificates.key)
    server = start(argv, port)
    # However slow the machine is, no connection is closed for it.
    options = sprint.Options(ca_file=certificates.ca, max_connections=4, max_latency=0)
    with sprint.Pool(server.address, **options) as pool:
        yield pool


class Replies:
    """Reads replies one by one; a batch must be read to its end before the release."""

    def __init__(self, conn: sprint.Conn) -> None:
        self.conn = conn
        self.data = bytearray()

    def _more(self) -> None:
        part = self.conn.read(timeout=TIMEOUT)
        assert part, "the server ended the stream"
        self.data += part

    def _take(self, n: int) -> bytes:
        while len(self.data) < n:
            self._more()
        taken = bytes(self.data[:n])
        del self.data[:n]
        return taken

    def next(self) -> bytes | int | None:
        while (end := self.data.find(b"\r\n")) < 0:
            self._more()
        line = self._take(end + 2)[:-2]
        match line[:1]:
            case b"+":
                return line[1:]
            case b":":
                return int(line[1:])
            case b"$" if line == b"$-1":
                return None
            case b"$":
                return self._take(int(line[1:]) + 2)[:-2]
        raise AssertionError(f"not a reply that was asked for: {line!r}")


def ask(conn: sprint.Conn, *words: bytes) -> bytes | int | None:
    conn.write(command(*words), TIMEOUT)
    replies = Replies(conn)
    reply = replies.next()
    assert not replies.data
    return reply


def test_ping(pool: sprint.Pool) -> None:
    with pool.acquire() as conn:
        assert ask(conn, b"PING") == b"PONG"


def test_a_megabyte_is_set_and_got(pool: sprint.Pool) -> None:
    value = bytes(i * 7 % 256 for i in range(1 << 20))
    with pool.acquire() as conn:
        assert ask(conn, b"GET", b"large") is None
        assert ask(conn, b"SET", b"large", value) == b"OK"
    with pool.acquire() as conn:
        assert conn.uses == 1
        assert ask(conn, b"STRLEN", b"large") == 1 << 20
        assert ask(conn, b"GET", b"large") == value


THREADS, BATCHES, BATCH = 8, 10, 125  # 10,000 commands


def test_ten_thousand_pipelined_commands_of_eight_threads_over_four_connections(
    pool: sprint.Pool,
) -> None:
    checked: list[int] = []
    failures: list[BaseException] = []

    def work(thread: int) -> None:
        try:
            for batch in range(BATCHES):
                with pool.acquire(TIMEOUT) as conn:
                    checked.append(pipeline(conn, thread, batch))
        except BaseException as error:
            failures.append(error)

    pool.warm_up(4, TIMEOUT)
    threads = [threading.Thread(target=work, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert failures == []
    assert sum(checked) == 10_000
    stats = pool.stats()
    assert stats.dials == 4
    assert (stats.idle, stats.lent, stats.errors, stats.discards) == (4, 0, 0, 0)
    assert stats.acquires == THREADS * BATCHES
    with pool.acquire() as conn:
        assert ask(conn, b"DBSIZE") == THREADS * BATCHES
        info, clients = ask(conn, b"INFO", b"stats"), ask(conn, b"CLIENT", b"LIST")
    assert isinstance(info, bytes)
    assert isinstance(clients, bytes)
    assert len(clients.splitlines()) == 4
    lines = dict(line.split(b":") for line in info.splitlines() if b":" in line)
    assert int(lines[b"total_commands_processed"]) == 10_000 + 1


def pipeline(conn: sprint.Conn, thread: int, batch: int) -> int:
    """Send a batch in one write, then check each reply; how many."""
    key = b"counter:%d:%d" % (thread, batch)
    commands: list[bytes] = []
    expected: list[bytes | int] = []
    for n in range(BATCH):
        if n % 5 == 0:
            unique = b"%d/%d/%d" % (thread, batch, n)
            commands.append(command(b"ECHO", unique))
            expected.append(unique)
        else:
            commands.append(command(b"INCR", key))
            expected.append(n - n // 5)
    conn.write(b"".join(commands), TIMEOUT)
    replies = Replies(conn)
    assert [replies.next() for _ in expected] == expected
    assert not replies.data
    return len(expected)
