"""What pages list is what there is."""

from __future__ import annotations

import re

from pages import ROOT

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
