"""``openssl s_server``, which speaks exactly the version that it is told to."""

from __future__ import annotations

from pathlib import Path

import pytest
import sprint
from conftest import Certificates, Start
from server import Server, free_port


def s_server(start: Start, certificates: Certificates, *options: str) -> Server:
    """It sends back each line reversed and ends the stream at a line CLOSE."""
    port = free_port()
    files: list[str | Path] = ["-cert", certificates.chain, "-key", certificates.key]
    argv = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-rev", *files, *options]
    return start(argv, port)


def talk(conn: sprint.Conn) -> None:
    conn.write(b"Hello, world\n", 5)
    assert conn.read_exact(13, 5) == b"dlrow ,olleH\n"


def test_tls_1_3_works_and_close_notify_is_the_end(
    start: Start, certificates: Certificates
) -> None:
    server = s_server(start, certificates, "-tls1_3")
    with sprint.Pool(server.address, ca_file=certificates.ca) as pool, pool.acquire() as conn:
        talk(conn)
        conn.write(b"CLOSE\n", 5)
        assert conn.read(100, 5) == b""


@pytest.mark.parametrize("minimum", [12, 13])
def test_a_server_that_only_speaks_tls_1_1_is_refused(
    start: Start, certificates: Certificates, minimum: int
) -> None:
    server = s_server(start, certificates, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
    options = sprint.Options(ca_file=certificates.ca, min_tls_version=minimum)
    with sprint.Pool(server.address, **options) as pool:
        with pytest.raises(sprint.TLSError) as caught:
            pool.acquire()
        assert type(caught.value) is sprint.TLSError
        assert server.address in str(caught.value)
        assert "protocol version not supported" in str(caught.value)
        assert pool.stats().idle == 0


def test_tls_1_2_works_if_it_is_allowed(start: Start, certificates: Certificates) -> None:
    server = s_server(start, certificates, "-tls1_2")
    options = sprint.Options(ca_file=certificates.ca, min_tls_version=12)
    with sprint.Pool(server.address, **options) as pool, pool.acquire() as conn:
        talk(conn)


def test_tls_1_2_is_refused_otherwise(start: Start, certificates: Certificates) -> None:
    server = s_server(start, certificates, "-tls1_2")
    with sprint.Pool(server.address, ca_file=certificates.ca) as pool:
        with pytest.raises(sprint.TLSError, match="protocol version not supported") as caught:
            pool.acquire()
        assert type(caught.value) is sprint.TLSError
