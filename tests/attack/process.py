"""Processes of a hunt: the victim, and the attackers as root and as the victim's user."""

from __future__ import annotations

import os
import select
import subprocess
from pathlib import Path

NOBODY = 65534
SECRET_SIZE = 32
PATIENCE = 120  # seconds, for anything


class HuntError(Exception):
    """The hunt itself went wrong: nothing was proved."""


class Victim:
    """A process of an unprivileged user that holds a secret, in a directory of its own."""

    def __init__(self, kind: str, tools: Path, directory: Path) -> None:
        library = tools / ("libmemguard.so" if kind == "memguard" else "libsprint.so.1")
        self.directory = directory
        directory.mkdir(mode=0o700)
        os.chown(directory, NOBODY, NOBODY)
        self._secret_end, theirs = os.pipe()
        self._process = subprocess.Popen(
            [tools / "victim", kind, library, str(theirs)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[theirs],
            cwd=directory,
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
        )
        os.close(theirs)
        self._unread = b""
        self.address = 0
        self.secret = b""
        self.decoy = b""
        try:
            self._answer("start")
        except HuntError:
            self.close()
            raise

    def __enter__(self) -> Victim:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        os.close(self._secret_end)

    def ask(self, command: str) -> str | None:
        """The answer to a command, None if this kind of memory has no such thing."""
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(command.encode() + b"\n")
        stdin.flush()
        return self._answer(command)

    def plant(self) -> None:
        self.address = int(self.ask("plant") or "", 16)
        self.secret = os.read(self._secret_end, SECRET_SIZE)
        self.decoy = os.read(self._secret_end, SECRET_SIZE)

    def tell(self, command: str = "tell") -> tuple[str, bytes]:
        """Have the victim, or its child, write what is at the address: answer and bytes."""
        answer = self.ask(command) or ""
        count = answer.split()[-1]
        got = os.read(self._secret_end, int(count)) if count.isdigit() else b""
        return answer, got

    def search(self) -> str:
        wanted = self.secret + self.decoy
        return self.ask("search " + bytes(b ^ 0xFF for b in wanted).hex()) or ""

    def crash(self) -> list[Path]:
        """Abort, and the files that appeared in the directory of the process."""
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(b"crash\n")
        stdin.flush()
        self._process.wait(PATIENCE)
        return sorted(self.directory.iterdir())

    def _answer(self, command: str) -> str | None:
        stdout = self._process.stdout
        assert stdout is not None
        while b"\n" not in self._unread:
            if not select.select([stdout], [], [], PATIENCE)[0]:
                raise HuntError(f"no answer to {command.split()[0]} within {PATIENCE} s")
            piece = os.read(stdout.fileno(), 4096)
            if not piece:
                raise HuntError(f"the victim ended at {command.split()[0]}")
            self._unread += piece
        line, self._unread = self._unread.split(b"\n", 1)
        word, _, rest = line.decode().partition(" ")
        if word == "none":
            return None
        if word != "ok":
            raise HuntError(f"{command.split()[0]}: {rest}")
        return rest


class Attacker:
    """Runs attacks as root or as the user of the victim."""

    def __init__(self, name: str, uid: int, tools: Path, directory: Path) -> None:
        self.name = name
        self.directory = directory
        self._uid = uid
        self._tools = tools
        directory.mkdir(mode=0o700)
        os.chown(directory, uid, uid)

    def run(self, *command: str | Path, text: bytes = b"") -> str:
        done = subprocess.run(
            command,
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.directory,
            env={"PATH": os.defpath, "HOME": str(self.directory), "LC_ALL": "C"},
            user=self._uid,
            group=self._uid,
            extra_groups=[],
            timeout=PATIENCE,
            check=False,
        )
        return done.stdout.decode(errors="replace")

    def hunt(self, how: str, victim: Victim, target: int | str | Path) -> str:
        """One attack of the attacker program: "word: detail"."""
        wanted = victim.secret + victim.decoy
        command = self._tools / "attacker", how, str(target), f"{victim.address:x}"
        return self.run(*command, text=wanted).strip()
