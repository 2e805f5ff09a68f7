"""README.md as a newcomer copies it: each file that it says to save, each command that it
says to run, as they are written there, in a home directory that is empty.

    readme.py [README]

The first block of commands is for the checkout and ends with the relay, which runs on; all
others are typed into one shell of a second terminal. Downloads of Go and Cargo are those of
this machine, so that nothing is fetched twice.
"""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RELAY = "make relay"
ANSWERS = {"PONG hello": 3, "PING": 1}  # what the programs print, and how many of them


@dataclass
class Block:
    """A fenced block: a file to save if the line before it says so, else commands."""

    language: str
    text: str
    file: str | None


def blocks(page: str) -> list[Block]:
    """The blocks of "First steps"."""
    steps = page.partition("\n## First steps\n")[2].partition("\n## ")[0]
    found = re.finditer(r"(?:^Save as `([^`]+)`:\n\n)?^```(\w+)\n(.*?)^```$", steps, re.M | re.S)
    return [Block(language=m[2], text=m[3], file=m[1]) for m in found]


def environment(home: Path) -> dict[str, str]:
    """A login's variables, and where this machine keeps what was downloaded."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TERM") if name in os.environ}
    asked = ["GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY"]
    answers = subprocess.check_output(["go", "env", *asked], text=True).splitlines()
    real = Path.home()
    return {
        **kept,
        **dict(zip(asked, answers, strict=True)),
        "CARGO_HOME": os.environ.get("CARGO_HOME", str(real / ".cargo")),
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(real / ".rustup")),
        "HOME": str(home),
    }


@contextmanager
def address_of_the_relay() -> Iterator[None]:
    """The README names one port: other runs on this machine wait for it."""
    with open(Path(tempfile.gettempdir()) / "libsprint-readme.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def first_terminal(commands: str, env: dict[str, str]) -> Iterator[None]:
    """Runs the commands in the checkout; the last one is the relay, which is stopped at the end."""
    build, _, rest = commands.partition(RELAY)
    assert not rest.partition("\n")[2], "the relay is not the last command"
    subprocess.run(["bash", "-ec", build], cwd=ROOT, env=env, check=True)
    relay = subprocess.Popen(
        ["bash", "-ec", RELAY + rest],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert relay.stdout is not None
        for line in relay.stdout:
            if line.startswith("relay ready "):
                break
        else:
            raise SystemExit("readme: the relay did not start")
        yield
    finally:
        os.killpg(relay.pid, signal.SIGINT)
        relay.wait(10)


def second_terminal(steps: list[Block], env: dict[str, str], home: Path) -> str:
    """Files are saved where the shell is when their turn comes. Returns all that was printed."""
    script = ["set -e"]
    for number, step in enumerate(steps):
        if step.file is None:
            script.append(step.text)
            continue
        kept = home / f".readme-{number}"
        kept.write_text(step.text)
        script.append(f'mkdir -p "$(dirname {step.file})" && cp "{kept}" {step.file}')
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)], cwd=home, env=env, stdout=subprocess.PIPE, text=True
    )
    if done.returncode != 0:
        raise SystemExit(f"readme: exit status {done.returncode} after\n{done.stdout}")
    return done.stdout


def main() -> None:
    page = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "README.md"
    first, *rest = blocks(page.read_text())
    assert RELAY in first.text, "the first block does not start the relay"
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as home, address_of_the_relay():
        env = environment(Path(home))
        with first_terminal(first.text, env):
            printed = second_terminal(rest, env, Path(home))
    for answer, count in ANSWERS.items():
        seen = printed.splitlines().count(answer)
        if seen != count:
            raise SystemExit(f"readme: {answer!r} was printed {seen} times:\n{printed}")
    files = ", ".join(step.file for step in rest if step.file)
    print(f"readme: {files} and their commands work ({time.monotonic() - began:.0f} s)")


if __name__ == "__main__":
    main()
