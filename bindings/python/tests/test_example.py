"""tests/examples/python/engine.py does its work and says why when it cannot."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from relay import ROOT, Relay


def engine(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", ROOT / "tests/examples/python/engine.py", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT / "bindings/python/src")},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_engine_logs_in_once_per_connection_and_plays_ping_pong(own_relay: Relay) -> None:
    relay = own_relay
    done = engine(
        *("--endpoint", relay.address, "--ca-file", relay.ca_file),
        *("--key-file", relay.dir / "login.key", "--server-name", "relay.test"),
        *("--seconds", "1", "--connections", "3"),
    )
    assert (done.returncode, done.stderr) == (0, "")
    after = relay.stats()
    table = re.search(r"^ping +(\d+) +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+)$", done.stdout, re.M)
    assert table, done.stdout
    count, *percentiles = map(float, table.groups())
    assert count == after["pings"] > 100
    assert percentiles == sorted(percentiles)
    assert percentiles[0] > 0
    assert re.search(r"^login +3 ", done.stdout, re.M)
    assert after["logins"] == after["accepted"] == 3
    assert "warm: 3 connections" in done.stdout
    assert done.stdout.endswith("closed: 0 leases cut off, 0 secrets left\n")


def test_a_wrong_key_is_exit_status_1_and_the_server_s_words(relay: Relay, tmp_path: Path) -> None:
    (tmp_path / "wrong.key").write_bytes(b"not the relay's login key")
    done = engine(
        *("--endpoint", relay.address, "--ca-file", relay.ca_file),
        *("--key-file", tmp_path / "wrong.key", "--seconds", "5"),
    )
    assert (done.returncode, done.stderr) == (1, "engine: login refused: ERR bad mac\n")


def test_a_server_that_is_not_trusted_is_exit_status_1_and_names_it(relay: Relay) -> None:
    done = engine("--endpoint", relay.address, "--key-file", relay.dir / "login.key")
    assert done.returncode == 1
    assert done.stderr.startswith("engine: sprint: ")
    assert relay.address in done.stderr
    assert "unknown authority" in done.stderr


def test_a_key_file_that_is_missing_is_exit_status_1_and_names_it(relay: Relay) -> None:
    done = engine("--endpoint", relay.address, "--key-file", "/nowhere/login.key")
    assert done.returncode == 1
    assert "/nowhere/login.key" in done.stderr
