"""nginx over HTTPS: a stream that is read to its end, and one that is cut."""

from __future__ import annotations

from pathlib import Path

import pytest
import sprint
from conftest import Certificates, Start
from cutting_proxy import CuttingProxy
from server import Server, free_port

BODY = bytes(i * 31 % 251 for i in range(1 << 20))  # some 64 records

CONFIG = """
daemon off;
master_process off;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {chain};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.3;
        lingering_close {lingering};
        root {dir};
    }}
}}
"""


def nginx(start: Start, certificates: Certificates, dir: Path, lingering: str = "on") -> Server:
    port = free_port()
    (dir / "body.bin").write_bytes(BODY)
    config = dir / "nginx.conf"
    config.write_text(
        CONFIG.format(
            dir=dir,
            port=port,
            chain=certificates.chain,
            key=certificates.key,
            lingering=lingering,
        )
    )
    return start(["nginx", "-p", dir, "-c", config, "-e", dir / "error.log"], port)


REQUEST = b"GET /body.bin HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def read_to_the_end(conn: sprint.Conn) -> bytes:
    """Everything until n = 0, which only close_notify may give."""
    received = bytearray()
    while part := conn.read(timeout=10):
        received += part
    return bytes(received)


def check(response: bytes) -> None:
    head, _, body = response.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Connection: close" in head
    assert body == BODY


@pytest.mark.parametrize("lingering", ["off", "on", "always"])
def test_a_response_is_read_to_close_notify(
    start: Start, certificates: Certificates, tmp_path: Path, lingering: str
) -> None:
    server = nginx(start, certificates, tmp_path, lingering)
    with sprint.Pool(server.address, ca_file=certificates.ca) as pool:
        with pool.acquire() as conn:
            conn.write(REQUEST, 10)
            check(read_to_the_end(conn))
            assert conn.read(timeout=10) == b""  # the end stays the end
        # An orderly end is no error, but nothing to lend again.
        assert (pool.stats().errors, pool.stats().idle) == (0, 0)


def test_a_proxy_that_does_not_cut_changes_nothing(
    start: Start, certificates: Certificates, tmp_path: Path
) -> None:
    server = nginx(start, certificates, tmp_path)
    with (
        CuttingProxy(server.address, records=None) as proxy,
        sprint.Pool(proxy.address, ca_file=certificates.ca) as pool,
        pool.acquire() as conn,
    ):
        conn.write(REQUEST, 10)
        check(read_to_the_end(conn))
    assert proxy.passed > 64


@pytest.mark.parametrize(
    "extra", [0, 3, 5, 1000], ids=["between two", "in a header", "after a header", "in a body"]
)
def test_a_stream_that_is_cut_is_truncated_wherever_the_cut_is(
    start: Start, certificates: Certificates, tmp_path: Path, extra: int
) -> None:
    server = nginx(start, certificates, tmp_path)
    with (
        CuttingProxy(server.address, records=30, extra=extra) as proxy,
        sprint.Pool(proxy.address, ca_file=certificates.ca) as pool,
    ):
        received = 0
        with pool.acquire() as conn:
            conn.write(REQUEST, 10)
            with pytest.raises(sprint.Truncated, match=proxy.address):
                while True:
                    part = conn.read(timeout=10)
                    assert part, "a cut was taken for the end"
                    received += len(part)
            with pytest.raises(sprint.SprintError):
                conn.read(timeout=10)
        assert proxy.passed == 30
        assert 200_000 < received < len(BODY)
        assert pool.stats().errors == 1
        assert pool.stats().idle == 0
