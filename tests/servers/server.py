"""A server program as a child process of a test."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

# Below the ports that a system gives by chance: by default those from 32768 on, see
# net.ipv4.ip_local_port_range. From 20000 on C++ takes some, from 28000 on Rust.
_next_port = 24_000 + os.getpid() % 80 * 50


def free_port() -> int:
    """One below those that a system gives by chance, to another between now and the start of the
    server, or between its end and another start."""
    global _next_port
    while True:
        port = _next_port
        _next_port += 1
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port


class Server:
    """Started by the constructor, which returns when the port takes connections."""

    def __init__(
        self, argv: Sequence[str | Path], port: int, log: Path, keyboard: bool = False
    ) -> None:
        self.address = f"127.0.0.1:{port}"
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE if keyboard else subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        end = time.monotonic() + 20
        while not self._listening(port):
            assert self.process.poll() is None, f"{argv[0]} ended: {log.read_text()}"
            assert time.monotonic() < end, f"{argv[0]} does not listen: {log.read_text()}"
            time.sleep(0.02)

    @staticmethod
    def _listening(port: int) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
