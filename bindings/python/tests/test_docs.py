"""Every sample of the page and of the package's README runs, as it is written there."""

from __future__ import annotations

import builtins
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sprint
from relay import ROOT, Relay
from sprint import _errors

PAGE = ROOT / "docs/python.md"
PAGES = [PAGE, ROOT / "bindings/python/README.md"]


def blocks(page: Path, language: str) -> Iterator[tuple[int, str]]:
    """The line and the text of each block."""
    text = page.read_text()
    for match in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.M | re.S):
        yield text.count("\n", 0, match.start()) + 2, match[1]


PROGRAMS = [
    pytest.param(text, id=f"{page.name}:{line}")
    for page in PAGES
    for line, text in blocks(page, "python")
]
COMMANDS = [
    pytest.param(command.partition(" #")[0].strip(), id=f"{page.name}:{line}:{number}")
    for page in PAGES
    for line, text in blocks(page, "sh")
    for number, command in enumerate(text.splitlines())
    if command.startswith("python -m sprint ")
]


def run(argv: list[str], relay: Relay, folder: Path) -> str:
    """In a folder with the files that samples name, trusting the relay as the system's
    roots are trusted."""
    (folder / "key.bin").write_bytes(bytes(range(32)))
    done = subprocess.run(
        [sys.executable, "-W", "error", *argv],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "bindings/python/src"),
            "SSL_CERT_FILE": relay.ca_file,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def here(text: str, relay: Relay) -> str:
    """A sample for the server of this test instead of an example's."""
    return text.replace("relay.example:443", relay.address)


@pytest.mark.parametrize("text", PROGRAMS)
def test_a_program_of_the_docs_runs(text: str, relay: Relay, tmp_path: Path) -> None:
    program = tmp_path / "sample.py"
    program.write_text(here(text, relay))
    arguments = [relay.address, relay.ca_file] if "sys.argv" in text else []
    run([str(program), *arguments], relay, tmp_path)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_docs_runs(command: str, relay: Relay, tmp_path: Path) -> None:
    assert run(shlex.split(here(command, relay))[1:], relay, tmp_path)


def test_the_first_program_is_the_file_that_is_named() -> None:
    first = (ROOT / "tests/examples/python/first.py").read_text()
    assert first in [text for _, text in blocks(PAGE, "python")]


TABLE = PAGE.read_text().partition("## Errors")[2].partition("## fork")[0]


def test_every_class_of_errors_is_in_the_table() -> None:
    named = set(re.findall(r"^\|([^|]*)\|", TABLE, re.M))
    listed = {name for cell in named for name in re.findall(r"`(\w+)`", cell)}
    assert listed == {cls.__name__ for cls in _errors.BY_CODE.values()}


def test_what_the_table_says_an_error_also_is_it_is() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*)\|", TABLE, re.M)
    assert len(rows) > 10
    for name, bases in rows:
        cls = getattr(sprint, name)
        for base in re.findall(r"`(\w+)`", bases):
            found = vars(sprint).get(base) or vars(builtins)[base]
            assert issubclass(cls, found), (name, base)
