#!/usr/bin/env python3
"""Plant a secret in each kind of memory, hunt it, and compare with what is expected.

hunt.py TOOLS WORK [--short] [--details] [--set-core-pattern] [--only KIND]

TOOLS holds the programs and libraries, WORK is an empty directory; other users must be
able to enter both. Needs root, to attack as root and to be other users. Prints the table
and "N passed, N failed".

--short             without the other modes and the open descriptor; gdb as the victim's
                    user only
--details           print what each attack saw, as it happens
--set-core-pattern  let the kernel write cores as files for the time of the run, if it
                    does not; this is a setting of the whole machine
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import debugger
from expected import EXPECTED, INSIDE, KINDS, ROOT, USER
from process import NOBODY, SECRET_SIZE, Attacker, HuntError, Victim

CORE_PATTERN = Path("/proc/sys/kernel/core_pattern")
SHORT_KINDS = ("secretmem", "mlock", "heap", "memguard")

# attack, attacker, "word: detail"
Finding = tuple[str, str, str]


class Hunt:
    """The attacks on one kind of memory. Each life is a fresh process and a fresh secret."""

    def __init__(self, kind: str, attackers: list[Attacker], short: bool, tools: Path, work: Path):
        self.kind = kind
        self.attackers = attackers
        self.root = attackers[0]
        self.debuggers = attackers[1:] if short else attackers
        self._tools = tools
        self._work = work

    def victim(self, life: str) -> Victim:
        return Victim(self.kind, self._tools, self._work / f"{self.kind}-{life}")

    def lives(self) -> list[Callable[[], Iterator[Finding]]]:
        return [self.alive, self.used, self.sealed, self.crashed, self.seen_by_itself]

    def alive(self) -> Iterator[Finding]:
        """At rest in its buffer, in a forked child, and after it was freed."""
        with self.victim("alive") as v:
            v.plant()
            for a in self.attackers:
                for attack, how in (
                    ("/proc/PID/mem, all mappings", "maps"),
                    ("/proc/PID/mem, at address", "mem-at"),
                    ("process_vm_readv, all mappings", "readv"),
                    ("process_vm_readv, at address", "readv-at"),
                    ("each descriptor (pidfd_getfd)", "fds"),
                ):
                    yield attack, a.name, a.hunt(how, v, v.pid)
            for a in self.debuggers:
                for attack, result in debugger.attack(a, v):
                    yield attack, a.name, result

            answer, got = v.tell("fork")
            child, _, told = answer.partition(" ")
            yield "child itself, at address", INSIDE, judge(told, got, v.secret)
            for a in self.attackers:
                yield "forked child: all mappings", a.name, a.hunt("maps", v, child)
            v.ask("unfork")

            v.ask("free")
            yield "freed: itself, at address", INSIDE, judge(*v.tell(), v.secret)
            for a in self.attackers:
                yield "freed: at address", a.name, a.hunt("mem-at", v, v.pid)
                yield "freed: all mappings", a.name, a.hunt("maps", v, v.pid)
            yield "freed: itself, all mappings", INSIDE, v.search()

    def used(self) -> Iterator[Finding]:
        """After an HMAC was computed with it."""
        with self.victim("used") as v:
            v.plant()
            if v.ask("use") is None:
                return
            yield "HMAC: all mappings", ROOT, self.root.hunt("maps", v, v.pid)
            v.ask("free")
            yield "HMAC and freed: all mappings", ROOT, self.root.hunt("maps", v, v.pid)
            yield "HMAC and freed: itself", INSIDE, v.search()

    def sealed(self) -> Iterator[Finding]:
        """While it is encrypted at rest."""
        with self.victim("sealed") as v:
            v.plant()
            if v.ask("seal") is None:
                return
            yield "sealed: all mappings", ROOT, self.root.hunt("maps", v, v.pid)
            yield "sealed: itself, all mappings", INSIDE, v.search()

    def crashed(self) -> Iterator[Finding]:
        """In a core that the kernel wrote right after an HMAC, registers included."""
        with self.victim("core") as v:
            v.plant()
            v.ask("use")
            cores = v.crash()
            if not cores:
                yield "kernel core", INSIDE, f"no core: core_pattern is {core_pattern()!r}"
            for core in cores:
                yield "kernel core", INSIDE, self.root.hunt("file", v, core)
                core.unlink()

    def seen_by_itself(self) -> Iterator[Finding]:
        """Proof that a process which searches itself is not blind."""
        with self.victim("itself") as v:
            v.plant()
            yield "process itself: all mappings", INSIDE, v.search()


def judge(told: str, got: bytes, secret: bytes) -> str:
    """What a process could read at the address for itself."""
    if not told.isdigit():
        return f"refused: {told}"
    if got == bytes(SECRET_SIZE):
        return "zeros: read"
    if got[SECRET_SIZE // 2 :] == secret[SECRET_SIZE // 2 :]:
        return "leak: read"
    return f"none: {told} other bytes read"


def core_pattern() -> str:
    return CORE_PATTERN.read_text().strip()


@contextlib.contextmanager
def cores_as_files(may_set: bool) -> Iterator[None]:
    """Cores of this run are files in the directory of the process."""
    was = core_pattern()
    if was.startswith("|") or "/" in was:
        if not may_set:
            yield  # no core will be found, and that fails
            return
        CORE_PATTERN.write_text("core")
    try:
        yield
    finally:
        if core_pattern() != was:
            CORE_PATTERN.write_text(was)


class Report:
    """Results beside what is expected."""

    def __init__(self, kinds: list[str]) -> None:
        self.kinds = kinds
        self.rows: dict[tuple[str, str], dict[str, str]] = {}
        self.failures: list[str] = []
        self.broken_kinds: set[str] = set()
        self.passed = 0

    def add(self, kind: str, attack: str, attacker: str, result: str) -> None:
        got = result.partition(": ")[0]
        expected = EXPECTED[attack][kind]
        cell = got
        if got == expected:
            self.passed += 1
        else:
            cell = f"{got}, not {expected}"
            self.failures.append(f"{kind}: {attack} ({attacker}): {result}; expected {expected}")
        self.rows.setdefault((attack, attacker), {})[kind] = cell

    def broken(self, kind: str, life: str, error: Exception) -> None:
        self.broken_kinds.add(kind)
        self.failures.append(f"{kind}: {life}: {error}")

    def complete(self) -> None:
        """What was expected and not tried, of kinds whose lives all went to their end."""
        tried = {(attack, kind) for (attack, _), row in self.rows.items() for kind in row}
        for attack, cells in EXPECTED.items():
            for kind in self.kinds:
                untried = cells[kind] != "-" and (attack, kind) not in tried
                if untried and kind not in self.broken_kinds:
                    self.failures.append(f"{kind}: {attack}: not tried")

    def print(self) -> None:
        table = [["attack", "by", *self.kinds]]
        for attack in EXPECTED:
            for (name, attacker), cells in self.rows.items():
                if name == attack:
                    table.append([attack, attacker, *(cells.get(k, "-") for k in self.kinds)])
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for line in table:
            print("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip())
        for failure in self.failures:
            print("FAIL", failure)
        print(f"{self.passed} passed, {len(self.failures)} failed", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("tools", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--details", action="store_true")
    parser.add_argument("--set-core-pattern", action="store_true")
    parser.add_argument("--only", choices=KINDS)
    options = parser.parse_args()

    attackers = [
        Attacker(ROOT, 0, options.tools, options.work / "root"),
        Attacker(USER, NOBODY, options.tools, options.work / "user"),
    ]
    kinds = [k for k in KINDS if not options.short or k in SHORT_KINDS]
    if options.only:
        kinds = [options.only]
    report = Report(kinds)
    with cores_as_files(options.set_core_pattern):
        for kind in kinds:
            hunt = Hunt(kind, attackers, options.short, options.tools, options.work)
            for life in hunt.lives():
                try:
                    for attack, attacker, result in life():
                        report.add(kind, attack, attacker, result)
                        if options.details:
                            print(f"{kind}: {attack} ({attacker}): {result}", flush=True)
                except (HuntError, OSError) as error:
                    report.broken(kind, life.__name__, error)
    report.complete()
    report.print()
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
