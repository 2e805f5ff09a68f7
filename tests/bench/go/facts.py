#!/usr/bin/env python3
"""Run a benchmark that is Go's own; what it reports becomes facts in build/bench/NAME.json.

    facts.py NAME PACKAGE BENCHMARK [--time N] [--limit UNIT=N]

A figure is named after its sub-benchmark, or by its unit: "ns-in_all" is "in all", ns. Its own
figures stand for the time of an operation. --time: as go test's -benchtime. --limit: what a
figure may be; more is shown and fails nothing.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def facts(output: str, limits: dict[str, float]) -> list[dict[str, object]]:
    """From lines of Benchmark/sub-2 ROUNDS VALUE UNIT VALUE UNIT..."""
    found: list[dict[str, object]] = []
    for name, text in re.findall(r"^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(.*)$", output, re.M):
        figures = re.findall(r"(\S+) (\S+)", text)
        for value, unit in figures[1:] or figures:  # the first is the time of an operation
            unit, _, what = unit.removesuffix("/op").partition("-")
            what = (what or name.partition("/")[2] or unit).replace("_", " ")
            fact: dict[str, object] = {"name": what, "unit": unit, "value": float(value)}
            if unit in limits:
                fact["limit"] = limits[unit]
            found.append(fact)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("package")
    parser.add_argument("benchmark")
    parser.add_argument("--time", default="1s")
    parser.add_argument("--limit", action="append", default=[])
    options = parser.parse_args()
    limits = {unit: float(most) for unit, most in (given.split("=") for given in options.limit)}

    command = ["go", "test", "-count=1", "-run=xxx", f"-benchtime={options.time}"]
    command += [f"-bench=^{options.benchmark}$", options.package]
    ran = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    measured = facts(ran.stdout, limits)
    if ran.returncode != 0 or not measured:
        sys.exit(f"{ran.stdout}\n{' '.join(command)}: nothing was measured")
    cpu = re.search(r"^cpu: (.*)$", ran.stdout, re.M)
    go = subprocess.run(["go", "version"], stdout=subprocess.PIPE, text=True, check=True)
    document = {
        "name": options.name,
        "machine": cpu[1].strip() if cpu else "unknown",
        "repeats": 1,
        "versions": {"go": go.stdout.split()[2].removeprefix("go")},
        "missing": {},
        "results": [],
        "facts": measured,
    }
    for fact in measured:
        most = f", limit {fact['limit']:g}" if "limit" in fact else ""
        print(f"fact    {fact['name']:40} {fact['value']:10.4g} {fact['unit']}{most}")
    out = ROOT / "build/bench" / f"{options.name}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(document) + "\n")


main()
