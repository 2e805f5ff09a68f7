"""``python -m sprint ping``: what it measures, prints, and says when it cannot."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import until
from relay import ROOT, Relay

ENV = {**os.environ, "PYTHONPATH": str(ROOT / "bindings/python/src"), "COLUMNS": "120"}
PLAIN = "import sys; sys.modules['rich'] = None; from sprint.cli import main; sys.exit(main())"
NONCE = ("--payload", r"NONCE\n", "--size", "71")


def ping(*arguments: str, plain: bool = False) -> subprocess.CompletedProcess[str]:
    """``plain``: as where rich is not installed."""
    how = ["-c", PLAIN] if plain else ["-m", "sprint"]
    return subprocess.run(
        [sys.executable, "-W", "error", *how, "ping", *arguments],
        env=ENV,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("plain", [False, True], ids=["rich", "plain"])
def test_it_measures_connections_leases_and_requests(own_relay: Relay, plain: bool) -> None:
    relay = own_relay
    done = ping(relay.address, "--ca-file", relay.ca_file, *NONCE, "--count", "5", plain=plain)
    assert (done.returncode, done.stderr) == (0, "")
    # Five, and the warm one. A server's side of one may end after the client's.
    until(lambda: relay.stats()["handshakes"] >= 6)
    assert relay.stats()["handshakes"] == 6
    assert f"{relay.address}: TLS 1.3, TLS_" in done.stdout
    assert ("━" in done.stdout) is not plain
    for name in ("connect", "lease", "request"):
        row = re.search(rf"{name}[ │]+5[ │]+(.*)", done.stdout)
        assert row, done.stdout
        times = [float(cell.replace(",", "")) for cell in re.findall(r"[\d,.]+", row[1])]
        assert len(times) == 5
        assert times == sorted(times)
        assert times[0] > 0


def test_without_a_payload_nothing_is_sent(own_relay: Relay) -> None:
    relay = own_relay
    done = ping(relay.address, "--ca-file", relay.ca_file, "--count", "2", "--json")
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert set(report["seconds"]) == {"connect", "lease"}
    assert report["seconds"]["connect"]["count"] == 2
    assert report["connection"]["tls_version"] == "TLS 1.3"
    assert report["failure"] == ""
    assert relay.stats()["bytes_in"] == 0


def test_without_a_size_the_first_bytes_are_the_answer(relay: Relay) -> None:
    options = ("--ca-file", relay.ca_file, "--payload", r"N\x4fNCE\n", "--json", "--count", "2")
    report = json.loads(ping(relay.address, *options).stdout)
    assert report["seconds"]["request"]["count"] == 2


def test_a_server_that_is_not_trusted_is_exit_status_1_with_a_hint(relay: Relay) -> None:
    done = ping(relay.address)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("ping: SPRINT_E_CERT: ")
    assert "--ca-file" in done.stderr


def test_what_was_measured_before_a_failure_is_shown(relay: Relay) -> None:
    options = ("--ca-file", relay.ca_file, "--payload", "no line", "--timeout", "0.3")
    done = ping(relay.address, *options, "--count", "2", plain=True)
    assert done.returncode == 1
    assert "connect" in done.stdout
    assert "request" not in done.stdout
    assert done.stderr.startswith("ping: SPRINT_E_TIMEOUT: ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("localhost:1", "--insecure"), "--insecure"),
        (("localhost:1", "--count", "0"), "0 is not above 0"),
        (("localhost:1", "--payload", r"\x"), r"--payload"),
        ((), "endpoint"),
    ],
)
def test_wrong_arguments_are_exit_status_2(arguments: tuple[str, ...], words: str) -> None:
    done = ping(*arguments)
    assert done.returncode == 2
    assert words in done.stderr


def test_a_bad_endpoint_is_exit_status_1_and_named() -> None:
    done = ping("nonsense")
    assert done.returncode == 1
    assert "nonsense" in done.stderr


def test_a_bar_is_drawn_on_a_terminal_only(relay: Relay, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    arguments = [relay.address, "--ca-file", relay.ca_file, "--count", "3"]
    process = subprocess.Popen(
        [sys.executable, "-m", "sprint", "ping", *arguments],
        env={**ENV, "TERM": "xterm"},
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    drawn = b""
    with contextlib.suppress(OSError):  # EIO, when the last who had it has ended
        while part := os.read(ours, 1 << 16):
            drawn += part
    os.close(ours)
    assert process.wait(60) == 0
    assert b"ping" in drawn
    assert "━".encode() in drawn


def test_ctrl_c_is_exit_status_130(relay: Relay) -> None:
    relay.set(stall_handshake=1)
    arguments = [relay.address, "--ca-file", relay.ca_file, "--timeout", "60"]
    before = relay.stats()["accepted"]
    process = subprocess.Popen(
        [sys.executable, "-m", "sprint", "ping", *arguments], env=ENV, stderr=subprocess.PIPE
    )
    while relay.stats()["accepted"] == before:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (130, b"")


def test_help_names_both_commands() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sprint", "--help"], env=ENV, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "doctor" in done.stdout
    assert "ping" in done.stdout
