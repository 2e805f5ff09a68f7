"""``python -m sprint doctor`` tells what is there, and survives what is not."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relay import ROOT
from sprint.cli import doctor, machine
from sprint.cli.findings import Finding, Findings

GIB = 1 << 30


def run_doctor(
    *arguments: str,
    limit: Callable[[], None] | None = None,
    prefix: tuple[str, ...] = (),
    **env: str,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, sys.executable, "-W", "error", "-m", "sprint", "doctor", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT / "bindings/python/src"), **env},
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=60,
    )


def findings(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    assert done.stderr == ""
    return {finding["check"]: finding for finding in json.loads(done.stdout)["findings"]}


def test_it_passes_here_and_names_the_library_the_backend_and_the_limits() -> None:
    done = run_doctor(COLUMNS="100")
    assert (done.returncode, done.stderr) == (0, "")
    for word in (
        *("libsprint 1.", os.environ["SPRINT_LIBRARY"], "self check", "backend"),
        *("locked memory", "mappings", "swap", "hibernation", "core dumps", "LimitMEMLOCK="),
    ):
        assert word in done.stdout
    assert re.search("backend +(secretmem|mlock):", done.stdout)
    assert all(len(line) <= 100 for line in done.stdout.splitlines())
    assert done.stdout.endswith("0 failed\n")


def test_the_object_for_programs_says_the_same() -> None:
    done = run_doctor("--json")
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert report["ok"] is True
    assert sum(report["counts"].values()) == len(report["findings"]) > 10
    assert findings(done)["pages"]["state"] == "ok"


def test_without_a_library_it_fails_and_says_where_it_looked() -> None:
    done = run_doctor("--json", SPRINT_LIBRARY="/nowhere/libsprint.so.1")
    assert done.returncode == 1
    found = findings(done)
    assert found["library"]["state"] == "fail"
    assert "/nowhere/libsprint.so.1" in found["library"]["text"]
    assert "SPRINT_LIBRARY" in found["library"]["advice"]
    assert found["locked memory"]["state"] in ("ok", "warn")  # the rest is looked at


def test_in_a_small_address_space_the_library_is_not_even_loaded() -> None:
    done = run_doctor("--json", limit=lambda: resource.setrlimit(resource.RLIMIT_AS, (GIB, GIB)))
    assert done.returncode == 1
    found = findings(done)
    assert found["address space"]["state"] == "fail"
    assert "1 GiB" in found["address space"]["text"]
    assert "library" not in found


def test_without_memory_to_lock_the_self_check_fails_and_names_the_limit() -> None:
    as_root = ("setpriv", "--bounding-set", "-ipc_lock", "--inh-caps", "-ipc_lock")
    done = run_doctor(
        "--json",
        limit=lambda: resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0)),
        prefix=as_root if os.geteuid() == 0 else (),
    )
    assert done.returncode == 1
    found = findings(done)
    assert found["self check"]["state"] == "fail"
    assert "LimitMEMLOCK=" in found["self check"]["advice"]
    assert found["locked memory"]["state"] == "warn"


def test_descriptors_below_1024_are_few() -> None:
    done = run_doctor(
        "--json", limit=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    )
    assert findings(done)["descriptors"]["state"] == "warn"


def test_the_go_runtime_s_environment_is_told() -> None:
    found = findings(run_doctor("--json", GOGC="off"))
    assert "GOGC=off" in found["environment"]["text"]
    assert "environment" not in findings(run_doctor("--json"))


# --------------------------------------------- machines that this one is not, as files


def seen(root: Path) -> dict[str, Finding]:
    found = Findings()
    machine.limits(found, root)
    machine.leaks(found, root)
    machine.environment(found, root)
    return {finding.check: finding for finding in found.all}


def files(root: Path, **contents: str) -> None:
    for name, text in contents.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


SWAPS = "Filename\tType\tSize\tUsed\tPriority\n"


def test_a_machine_that_can_hibernate_is_warned_of(tmp_path: Path) -> None:
    files(
        tmp_path,
        proc__swaps=SWAPS + "/dev/sda2 partition 8388604 0 -2\n",
        sys__power__state="freeze mem disk\n",
    )
    assert machine.can_hibernate(tmp_path)
    assert seen(tmp_path)["hibernation"].state == "warn"
    assert "/dev/sda2" in seen(tmp_path)["swap"].text


def test_compressed_memory_is_no_swap_and_nothing_to_hibernate_to(tmp_path: Path) -> None:
    files(
        tmp_path,
        proc__swaps=SWAPS + "/dev/zram0 partition 8388604 0 100\n",
        sys__power__state="freeze mem disk\n",
    )
    assert not machine.can_hibernate(tmp_path)
    assert seen(tmp_path)["swap"].state == seen(tmp_path)["hibernation"].state == "ok"


def test_a_program_that_takes_core_dumps_gets_them_whatever_the_limit(tmp_path: Path) -> None:
    files(tmp_path, proc__sys__kernel__core_pattern="|/usr/lib/systemd/systemd-coredump %P\n")
    assert seen(tmp_path)["core dumps"].state == "note"


@pytest.mark.parametrize(("scope", "state"), [("0", "note"), ("1", "ok"), ("2", "ok")])
def test_yama_restricts_debuggers(tmp_path: Path, scope: str, state: str) -> None:
    files(tmp_path, proc__sys__kernel__yama__ptrace_scope=f"{scope}\n")
    assert seen(tmp_path)["debuggers"].state == state


def test_mappings_that_run_out_are_warned_of(tmp_path: Path) -> None:
    files(tmp_path, proc__sys__vm__max_map_count="9000\n", proc__self__maps="x\n" * 7)
    assert seen(tmp_path)["mappings"].state == "warn"
    assert "9,000 allowed, 7 in use" in seen(tmp_path)["mappings"].text


def test_a_machine_without_roots_trusts_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    assert seen(tmp_path)["system roots"].state == "warn"
    files(tmp_path, etc__ssl__cert="")
    (tmp_path / "etc/ssl/cert").rename(tmp_path / "etc/ssl/cert.pem")
    assert seen(tmp_path)["system roots"].text == "/etc/ssl/cert.pem"


def test_amounts_are_readable() -> None:
    assert [machine._amount(n) for n in (0, 65536, 8 << 20, 1536 << 20, 1 << 50)] == [
        *("0 bytes", "64 KiB", "8 MiB", "1.5 GiB", "1024 TiB"),
    ]
    assert machine._amount(resource.RLIM_INFINITY) == "no limit"


def test_a_failure_stands_out() -> None:
    shown = doctor.lines([Finding("x", "fail", "broken", "mend it"), Finding("y", "ok", "")], 80)
    assert shown[0].startswith("FAIL  x")
    assert shown[1].strip() == "-> mend it"
    assert shown[-1] == "1 ok, 0 to note, 0 to look at, 1 failed"
