"""What TLS 1.3 sends besides data is life, whenever it comes. Go's TLS server sends no KeyUpdate,
OpenSSL's does when it is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sprint
from conftest import Certificates
from server import free_port
from typist import PATIENCE, SlowLine, Typist


@pytest.fixture
def typist(certificates: Certificates, tmp_path: Path) -> Iterator[Typist]:
    port = free_port()
    argv: list[str | Path] = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-tls1_3"]
    argv += ["-msg", "-cert", certificates.chain, "-key", certificates.key]
    server = Typist(argv, port, tmp_path / "typist.log", keyboard=True)
    yield server
    server.stop()


def until(what: str, holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.005)


def update_keys(typist: Typist, key: str) -> None:
    before = typist.key_updates(">>>")
    typist.type(key)  # and nothing behind it: what comes with a command is lost
    until("OpenSSL has sent its KeyUpdate", lambda: typist.key_updates(">>>") > before)


def talk(typist: Typist, conn: sprint.Conn, word: str) -> None:
    """Both directions, with the keys of the moment."""
    typist.type(f"to the client: {word}")
    wanted = f"to the client: {word}\n".encode()
    assert conn.read_exact(len(wanted), PATIENCE) == wanted
    conn.write(f"to the server: {word}\n".encode(), PATIENCE)
    until(word, lambda: typist.hears(f"to the server: {word}"))


@contextmanager
def talking(
    typist: Typist, certificates: Certificates, dribbles: bool
) -> Iterator[tuple[sprint.Pool, sprint.Conn]]:
    """A lease on which both have spoken, on a line that dribbles from then on."""
    with (
        SlowLine(typist.address) as line,
        sprint.Pool(line.address, ca_file=certificates.ca, max_connections=1) as pool,
        pool.acquire() as conn,
    ):
        talk(typist, conn, "first")
        line.dribbles = dribbles
        yield pool, conn


@pytest.mark.parametrize("dribbles", [False, True], ids=["at once", "byte by byte"])
def test_key_updates_between_messages_change_nothing(
    typist: Typist, certificates: Certificates, dribbles: bool
) -> None:
    with talking(typist, certificates, dribbles) as (pool, conn):
        for number, key in enumerate("KkKKk"):
            update_keys(typist, key)
            talk(typist, conn, f"message {number}")
        assert (typist.key_updates(">>>"), typist.key_updates("<<<")) == (5, 3)
        assert conn.uses == 0
        assert pool.stats().errors == 0


@pytest.mark.parametrize("dribbles", [False, True], ids=["at once", "byte by byte"])
def test_a_loop_that_never_waits_answers_a_key_update(
    typist: Typist, certificates: Certificates, dribbles: bool
) -> None:
    with talking(typist, certificates, dribbles) as (_, conn):
        update_keys(typist, "K")

        def answered() -> bool:
            assert conn.try_read() is None
            conn.flush(0)
            return typist.key_updates("<<<") == 1

        until("the server has the client's KeyUpdate", answered)
        talk(typist, conn, "last")


def test_a_connection_that_got_a_key_update_while_it_was_idle_is_lent_again(
    typist: Typist, certificates: Certificates
) -> None:
    with (
        SlowLine(typist.address) as line,
        sprint.Pool(line.address, ca_file=certificates.ca, max_connections=1) as pool,
    ):
        with pool.acquire() as conn:
            talk(typist, conn, "first")
            first = conn.id
        before = line.forwarded
        update_keys(typist, "K")
        until("the KeyUpdate has passed", lambda: line.forwarded > before)
        with pool.acquire() as conn:
            assert (conn.id, conn.uses) == (first, 1)
            talk(typist, conn, "last")
            until("it was answered", lambda: typist.key_updates("<<<") == 1)
        (endpoint,) = pool.status().endpoints
        assert endpoint.health_checks["ticket"] == 1
        assert endpoint.health_checks["unsolicited"] == 0


def test_tickets_that_nobody_has_read_are_life(typist: Typist, certificates: Certificates) -> None:
    """OpenSSL sends them after the handshake, Go's server within it."""
    with sprint.Pool(typist.address, ca_file=certificates.ca, max_connections=1) as pool:

        def seen() -> bool:
            pool.reset()
            pool.warm_up(1, PATIENCE)
            with pool.acquire(PATIENCE) as conn:
                assert conn.uses == 0
                talk(typist, conn, f"on {conn.id}")
            (endpoint,) = pool.status().endpoints
            return endpoint.health_checks["ticket"] > 0

        until("a look that finds tickets", seen)
        assert pool.stats().errors == 0
