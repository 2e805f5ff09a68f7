"""Write the tables of docs/performance.md from build/bench/*.json, so that no figure is typed.

    performance.py            write them; the table of a benchmark that has not been run is kept
    performance.py --check    only say whether each table is as this program wrote it

A table stands between `<!-- bench NAME DIGEST -->` and `<!-- end -->`. The digest is of the text
between them: one changed figure and --check fails. `make bench` writes the JSON.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/performance.md"
BENCH = ROOT / "build/bench"
MARKED = re.compile(r"<!-- bench ([\w-]+) (\w*) -->\n(.*?)<!-- end -->", re.S)
WIDEST = 5  # peers in one table

# rtt's JSON does not carry its targets: the figure of ours, of a peer, and what it may come to.
RTT = {"openssl": 1.0, "openssl p99": 1.0, "openssl CPU": 1.0}
FIGURES = {"": "p50", " p99": "p99", " CPU": "cpu"}

Json = dict[str, Any]


def short(ns: float, unit: tuple[float, str]) -> str:
    """Three digits at least, without their unit."""
    value = ns / unit[0]
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def unit_for(ns: float) -> tuple[float, str]:
    return (1.0, "ns") if ns < 1e4 else (1e3, "us") if ns < 1e7 else (1e6, "ms")


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def groups(results: list[Json]) -> list[tuple[list[str], list[Json]]]:
    """The cases in tables: neighbours stay together as long as their peers fit."""
    found: list[tuple[list[str], list[Json]]] = []
    for case in results:
        peers = [p for p in case["peers"] if not p.startswith("sprint")]
        if found:
            union = found[-1][0] + [p for p in peers if p not in found[-1][0]]
            if len(union) <= WIDEST or union == peers == found[-1][0]:
                found[-1] = (union, [*found[-1][1], case])
                continue
        found.append((peers, [case]))
    return found


def timings(results: list[Json]) -> str:
    """p50 (p99) of ours and of each peer, and behind it ours / peer at p50."""
    text = ""
    for peers, cases in groups(results):
        rows = []
        for case in cases:
            unit = unit_for(case["ours_p50_ns"])
            row = [
                f"{case['case']}, {unit[1]}",
                f"**{short(case['ours_p50_ns'], unit)}** ({short(case['ours_p99_ns'], unit)})",
            ]
            for peer in peers:
                of = case["peers"].get(peer)
                row.append(
                    f"{short(of['p50_ns'], unit)} ({short(of['p99_ns'], unit)}), "
                    f"{case['ratio_p50'][peer]:,.{2 if case['ratio_p50'][peer] < 100 else 0}f}"
                    if of
                    else "-"
                )
            rows.append(row)
        text += table(["p50 (p99)", "libsprint", *(f"{p}, ours / it" for p in peers)], rows) + "\n"
    return text


def measured(case: Json, name: str) -> float | None:
    """What a target's ratio came to; None: that peer was not measured."""
    if name == "own p99 / p50":
        return float(case["ours_p99_ns"] / case["ours_p50_ns"])
    for suffix, figure in FIGURES.items():
        peer = name.removesuffix(suffix)
        if name == peer + suffix and peer in case["peers"]:
            return float(case[f"ratio_{figure}"][peer])
    return None


def targets(name: str, results: list[Json]) -> str:
    rows = []
    for case in results:
        wanted = case.get("targets", RTT if "request" not in case["case"] else {})
        for what, limit in wanted.items():
            ratio = measured(case, what)
            said = "not measured" if ratio is None else "met" if ratio <= limit else "**missed**"
            rows.append([case["case"], what, f"{limit:g}", f"{ratio:.3f}" if ratio else "-", said])
    return table(["case", "ours / peer", "at most", "measured", ""], rows) + "\n" if rows else ""


def facts(given: list[Json]) -> str:
    rows = []
    for fact in given:
        limit = fact.get("limit")
        said = "" if limit is None else "met" if fact["value"] <= limit else "**missed**"
        rows.append(
            [
                fact["name"],
                f"{fact['value']:,.3g}" if fact["value"] < 1000 else f"{fact['value']:,.0f}",
                fact["unit"],
                f"{limit:g}" if limit is not None else "",
                said,
            ]
        )
    return table(["fact", "measured", "unit", "at most", ""], rows) + "\n" if rows else ""


def alone(run: Json) -> str:
    """rtt-python is a process of its own: no ratios."""
    rows = [
        [case["case"], *(short(case[f"{f}_ns"], (1e3, "us")) for f in ("p50", "p90", "p99", "cpu"))]
        for case in run["results"]
    ]
    return f"OpenSSL {run['version']}.\n\n" + table(["us", "p50", "p90", "p99", "CPU"], rows) + "\n"


def rendered(name: str) -> str:
    run: Json = json.loads((BENCH / f"{name}.json").read_text())
    if "machine" not in run:
        return alone(run)
    about = [run["machine"]]
    about += [f"{peer} {version}" for peer, version in run["versions"].items()]
    if run["results"]:
        samples = [case.get("samples", case.get("ops")) for case in run["results"]]
        about.append(f"medians of {run['repeats']} repeats, {min(samples)} samples or more each")
    about += [f"{peer} is missing: {why}" for peer, why in run["missing"].items()]
    results = run["results"]
    body = timings(results) + targets(name, results) + facts(run.get("facts", []))
    return f"{'; '.join(about)}.\n\n{body}"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def main() -> None:
    page = PAGE.read_text()
    if sys.argv[1:] == ["--check"]:
        typed = [name for name, said, text in MARKED.findall(page) if said != digest(text)]
        if typed or not MARKED.search(page):
            sys.exit(f"performance: not as `make performance` wrote it: {', '.join(typed)}")
        print("performance: every table is as it was written from its benchmark")
        return

    kept = []

    def fresh(match: re.Match[str]) -> str:
        if not (BENCH / f"{match[1]}.json").exists():
            kept.append(match[1])
            return match[0]
        text = f"\n{rendered(match[1])}"
        return f"<!-- bench {match[1]} {digest(text)} -->\n{text}<!-- end -->"

    PAGE.write_text(MARKED.sub(fresh, page))
    print(
        f"performance: {len(MARKED.findall(page)) - len(kept)} tables of {PAGE.relative_to(ROOT)}"
    )
    if kept:
        sys.exit(f"performance: not run, kept as they were: {', '.join(kept)} (make bench)")


if __name__ == "__main__":
    main()
