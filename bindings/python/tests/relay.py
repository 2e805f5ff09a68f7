"""The relay of tests/relay as a child process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def stopped(child: subprocess.Popen[str] | subprocess.Popen[bytes]) -> Iterator[None]:
    """A block in which a server takes connections, and nothing moves on them."""
    child.send_signal(signal.SIGSTOP)
    # The signal has its effect when this returns, and not before.
    assert os.WIFSTOPPED(os.waitpid(child.pid, os.WUNTRACED)[1])
    try:
        yield
    finally:
        child.send_signal(signal.SIGCONT)


class Relay:
    """A running relay with files of its own in ``dir``."""

    def __init__(self, dir: Path) -> None:
        self.process = subprocess.Popen(
            [ROOT / "build/relay", "-dir", dir], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        words = self.process.stdout.readline().split()
        assert words[:2] == ["relay", "ready"], f"the relay did not start: {words}"
        self.address, self.control = words[2], words[3]
        self.dir = dir
        self.ca_file = str(dir / "ca.pem")

    def set(self, **switches: int | str) -> None:
        """Misbehave from now on; tests/relay/switches.go lists how."""
        query = "&".join(f"{name}={value}" for name, value in switches.items())
        self._post(f"set?{query}")

    def reset(self) -> None:
        self._post("reset")

    def stats(self) -> dict[str, int]:
        with urllib.request.urlopen(f"http://{self.control}/stats", timeout=20) as answer:
            stats: dict[str, int] = json.load(answer)
            return stats

    def _post(self, path: str) -> None:
        request = urllib.request.Request(f"http://{self.control}/{path}", method="POST")
        urllib.request.urlopen(request, timeout=20).close()

    def stop(self) -> int:
        self.process.terminate()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait(10)
