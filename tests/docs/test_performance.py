"""The page of figures says what was measured, and notices when it was changed by hand."""

from __future__ import annotations

import json
from pathlib import Path

import performance
import pytest

RUN = {
    "name": "lease",
    "machine": "a machine",
    "repeats": 3,
    "versions": {"sprint": "1.0.0", "peer": "2.0"},
    "missing": {"absent": "not installed"},
    "results": [
        {
            "case": "1 thread",
            "samples": 600,
            "ours_p50_ns": 100.0,
            "ours_p99_ns": 250.0,
            "peers": {
                "peer": {"p50_ns": 80.0, "p99_ns": 90.0},
                "slow": {"p50_ns": 4e6, "p99_ns": 5e6},
            },
            "ratio_p50": {"peer": 1.25, "slow": 0.00002},
            "ratio_p99": {"peer": 2.8, "slow": 0.00005},
            "targets": {
                "peer": 1.0,
                "slow": 1.0,
                "peer p99": 3.0,
                "own p99 / p50": 1.5,
                "absent": 1,
            },
        }
    ],
    "facts": [{"name": "allocations", "unit": "", "value": 2, "limit": 0}],
}
MARKS = "before\n<!-- bench lease  -->\n<!-- end -->\nafter\n"


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(performance, "BENCH", tmp_path)
    monkeypatch.setattr(performance, "ROOT", tmp_path)
    monkeypatch.setattr(performance, "PAGE", tmp_path / "performance.md")
    monkeypatch.setattr("sys.argv", ["performance.py"])
    (tmp_path / "performance.md").write_text(MARKS)
    (tmp_path / "lease.json").write_text(json.dumps(RUN))
    return tmp_path / "performance.md"


def check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["performance.py", "--check"])
    performance.main()


def test_a_table_says_what_was_measured_missed_and_missing(page: Path) -> None:
    performance.main()
    text = page.read_text()
    assert "a machine; sprint 1.0.0; peer 2.0; medians of 3 repeats, 600 samples or more" in text
    assert "absent is missing: not installed" in text
    assert "| 1 thread, ns | **100** (250) | 80 (90), 1.25 |" in text
    assert "| 1 thread | peer | 1 | 1.250 | **missed** |" in text
    assert "| 1 thread | slow | 1 | 0.000 | met |" in text
    assert "| 1 thread | peer p99 | 3 | 2.800 | met |" in text
    assert "| 1 thread | own p99 / p50 | 1.5 | 2.500 | **missed** |" in text
    assert "| 1 thread | absent | 1 | - | not measured |" in text
    assert "| allocations | 2 |  | 0 | **missed** |" in text
    assert text.startswith("before\n")
    assert text.endswith("-->\nafter\n")


def test_a_figure_changed_by_hand_is_noticed(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    performance.main()
    check(monkeypatch)
    page.write_text(page.read_text().replace("1.25 |", "0.95 |"))
    with pytest.raises(SystemExit, match="lease"):
        check(monkeypatch)


def test_a_table_without_its_benchmark_is_kept_and_named(page: Path) -> None:
    (page.parent / "lease.json").unlink()
    with pytest.raises(SystemExit, match=r"kept.*lease"):
        performance.main()
    assert page.read_text() == MARKS
