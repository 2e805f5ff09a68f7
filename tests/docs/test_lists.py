"""What pages list is what there is."""

from __future__ import annotations

import json
import re

from pages import ROOT, pages

HEADER = (ROOT / "include/sprint.h").read_text()


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def test_every_status_is_on_the_page_of_errors_with_its_number() -> None:
    declared = re.findall(r"^ +(SPRINT_OK|SPRINT_E_\w+) = (-?\d+)", HEADER, re.M)
    assert len(declared) > 20
    assert re.findall(r"^\| `(SPRINT_\w+)` \| (-?\d+) \|", page("errors.md"), re.M) == declared


def test_every_option_is_on_the_page_of_the_pool() -> None:
    declared = re.findall(r"^ +SPRINT_OPT_(\w+?)(?:_MS|_US)? = \d+", HEADER, re.M)
    assert len(declared) > 30
    named = set(re.findall(r"`([a-z_0-9]+)`", page("pool.md")))
    missing = [o.lower() for o in declared if not o.startswith("METRICS_")]
    assert [o for o in missing if o not in named and f"{o}_us" not in named] == []


def test_every_dependency_has_its_row() -> None:
    deps = (ROOT / ".ci/deps").read_text()
    debian = re.search(r"^packages=\((.*?)^\)", deps, re.M | re.S)
    assert debian is not None
    wanted = set(re.sub(r"#.*", "", debian[1]).split())
    wanted |= {tool.rpartition("/")[2] for tool in re.findall(r"^\w+=(\S+)@v", deps, re.M)}
    direct = (ROOT / "go.mod").read_text().split("require (")[1]
    wanted |= {re.sub(r"/v\d+$", "", m) for m in re.findall(r"^\t(\S+) v\S+$", direct, re.M)}
    for file in ("docs/requirements.txt", "bindings/python/requirements-dev.txt"):
        wanted |= set(re.findall(r"^([\w-]+)==", (ROOT / file).read_text(), re.M))
    for crate in ("bindings/rust/sprint", "tests/bench/lease/rustpools"):
        tables = (ROOT / crate / "Cargo.toml").read_text().split("dependencies]")[1:]
        for table in tables:
            wanted |= set(re.findall(r"^([\w-]+) = ", table.partition("\n[")[0], re.M))
    web = json.loads((ROOT / "pool/monitor/web/package.json").read_text())
    web = {**web.get("dependencies", {}), **web.get("devDependencies", {})}
    wanted |= {name for name in web if not name.startswith("@types/")}
    text = page("dependencies.md").replace("github.com/prometheus/", "")
    missing = [
        name for name in sorted(wanted) if name.removeprefix("github.com/prometheus/") not in text
    ]
    assert missing == []


def test_every_target_of_make_that_a_page_names_is_there() -> None:
    made = {
        target
        for file in [ROOT / "Makefile", *ROOT.glob("*/**/*.mk")]
        for line in re.findall(r"^([a-z][a-z -]*):", file.read_text(), re.M)
        for target in line.split()
    }
    named = {
        (str(path.relative_to(ROOT)), target)
        for path in pages()
        for words in re.findall(r"(?<!#)`make ([a-z -]+)`", path.read_text())
        for target in words.split()
    }
    assert len(named) > 30
    assert {n for n in named if n[1] not in made} == set()


def test_the_system_calls_of_the_page_are_those_that_the_guest_test_lets_through() -> None:
    header = (ROOT / "tests/guest/sandbox.h").read_text()
    listed = page("embedding.md").partition("\n## System calls\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| [^|]+ \| (`.+`) \|$", listed, re.M)
    lists = [re.findall(r"X\((\w+)\)", part) for part in header.split("#define CALLS_")[1:]]
    assert len(rows) == 3
    assert [re.findall(r"`(\w+)`", row) for row in rows] == lists


FOLDERS = r"(?:\.ci|bindings|capi|docs|include|internal|packaging|pool|securemem|tests)"


def test_every_path_that_a_page_names_is_there() -> None:
    named = {
        (str(path.relative_to(ROOT)), name)
        for path in pages()
        for name in re.findall(rf"`({FOLDERS}/[\w./-]+)`", path.read_text())
    }
    assert len(named) > 30
    assert {n for n in named if not (ROOT / n[1]).exists()} == set()


# Compliance, certification, and words that promise more than anybody can show.
NEVER = re.compile(
    r"SOC ?2|\bPCI\b|ISO ?27\d\d\d|\bFIPS\b|\bGDPR\b|99\.9\d* ?%|\bTPM\b|\bSGX\b"
    r"|(?:tamper|ptrace|bullet).?proof|forensic|military.grade|side.channel protect"
    r"|multi.pass|true random|unbreakable",
    re.I,
)


def test_no_page_claims_what_nobody_can_show() -> None:
    said = {
        f"{path.relative_to(ROOT)}: {claim}"
        for path in [*pages(), *(ROOT / "include").iterdir()]
        for claim in NEVER.findall(path.read_text())
    }
    assert said == set()
