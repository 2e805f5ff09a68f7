"""A relay, and a host with secrets and a metrics server, for the samples that talk to them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from pages import ROOT

from relay import Relay

os.environ.setdefault("SPRINT_LIBRARY", str(ROOT / "build/libsprint.so.1"))


@pytest.fixture(scope="session")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    running = Relay(tmp_path_factory.mktemp("relay"))
    yield running
    assert running.stop() == 0


@dataclass
class Host:
    """The C++ engine after its run: pool, secrets and metrics server stay until its stdin ends."""

    pid: int
    metrics: str  # host:port


@pytest.fixture(scope="session")
def host(relay: Relay) -> Iterator[Host]:
    engine = subprocess.Popen(
        [
            ROOT / "build/examples/engine",
            *("--endpoint", relay.address, "--ca-file", relay.ca_file),
            *("--key-file", relay.dir / "login.key", "--seconds", "1", "--wait-stdin"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert engine.stdout is not None
    try:
        address = ""
        for line in engine.stdout:
            if line.startswith("metrics http://"):
                address = line.split("http://")[1].strip()
                break
        assert address, "the engine serves no metrics"
        yield Host(engine.pid, address)
    finally:
        engine.communicate()
    assert engine.returncode == 0
