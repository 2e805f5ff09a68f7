from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme
from server import Server

ROOT = Path(__file__).resolve().parents[2]

os.environ.setdefault("SPRINT_LIBRARY", str(ROOT / "build/libsprint.so.1"))


class Certificates(NamedTuple):
    """Files of a throw-away PKI: a CA and a server for localhost and 127.0.0.1."""

    ca: Path
    chain: Path
    key: Path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    dir = tmp_path_factory.mktemp("pki")
    files = Certificates(dir / "ca.pem", dir / "server.pem", dir / "server-key.pem")
    ca = trustme.CA()
    leaf = ca.issue_cert("localhost", "127.0.0.1")
    ca.cert_pem.write_to_path(files.ca)
    leaf.private_key_pem.write_to_path(files.key)
    for n, blob in enumerate(leaf.cert_chain_pems):
        blob.write_to_path(files.chain, append=n > 0)
    return files


Start = Callable[[Sequence[str | Path], int], Server]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts servers, which end with the test."""
    servers: list[Server] = []

    def start(argv: Sequence[str | Path], port: int) -> Server:
        servers.append(Server(argv, port, tmp_path / f"{len(servers)}.log"))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
