"""``python -m sprint doctor``: what protection this machine gives, and how to get more."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import machine
from .findings import Finding, Findings, memory


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "doctor",
        help="what protects secrets here, which limits hold, and how to raise them",
        description="Check the library and this machine. Exit status 0: no failure.",
    )
    parser.add_argument("--json", action="store_true", help="one object, for programs")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    findings = examine()
    if arguments.json:
        json.dump(report(findings), sys.stdout, indent=2)
        print()
    else:
        print("\n".join(lines(findings, shutil.get_terminal_size().columns)))
    return 1 if any(finding.state == "fail" for finding in findings) else 0


def examine(root: Path = Path("/")) -> list[Finding]:
    """All checks; ``root`` is where /proc, /sys and /etc are looked for."""
    found = Findings()
    # In an address space that is too small the library ends the process: ask before.
    if machine.address_space(found):
        memory(found, machine.can_hibernate(root))
    machine.limits(found, root)
    machine.leaks(found, root)
    machine.environment(found, root)
    return found.all


def report(findings: list[Finding]) -> dict[str, Any]:
    states = [finding.state for finding in findings]
    return {
        "ok": "fail" not in states,
        "counts": {state: states.count(state) for state in ("ok", "note", "warn", "fail")},
        "findings": [asdict(finding) for finding in findings],
    }


def lines(findings: list[Finding], width: int) -> list[str]:
    room = max(width, 60)
    out = []
    for finding in findings:
        head = f"{finding.state.upper() if finding.state in ('warn', 'fail') else finding.state:4}"
        out += textwrap.wrap(
            finding.text,
            room,
            initial_indent=f"{head}  {finding.check:15} ",
            subsequent_indent=" " * 22,
        )
        if finding.advice:
            out += textwrap.wrap(
                finding.advice, room, initial_indent=" " * 22 + "-> ", subsequent_indent=" " * 25
            )
    counts = report(findings)["counts"]
    out.append(
        f"{counts['ok']} ok, {counts['note']} to note, {counts['warn']} to look at, "
        f"{counts['fail']} failed"
    )
    return out
