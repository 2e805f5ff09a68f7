#!/usr/bin/env python3
"""One version everywhere: header, library, SONAME, version script, Rust crates, Python package."""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def text(name: str) -> str:
    return (ROOT / name).read_text()


def only(pattern: str, where: str) -> str:
    """What the pattern's group matches, which must be there exactly once."""
    found: list[str] = re.findall(pattern, text(where), flags=re.MULTILINE)
    if len(found) != 1:
        raise SystemExit(f"{where}: {len(found)} matches of {pattern!r}, not one")
    return found[0]


def main() -> int:
    library = ROOT / (sys.argv[1] if len(sys.argv) > 1 else "build/libsprint.so.1")
    major, minor, patch = (
        only(rf"^#define SPRINT_VERSION_{part} (\d+)$", "include/sprint.h")
        for part in ("MAJOR", "MINOR", "PATCH")
    )
    version, abi = f"{major}.{minor}.{patch}", int(major) << 16 | int(minor)

    loaded = ctypes.CDLL(str(library))
    loaded.sprint_version.restype = ctypes.c_char_p
    dynamic = subprocess.run(
        ["readelf", "-dW", library], capture_output=True, text=True, check=True
    ).stdout
    nodes = re.findall(r"^SPRINT_(\d+\.\d+)\b", text("capi/sprint.map"), flags=re.MULTILINE)
    constants = "bindings/rust/sprint-sys/src/constants.rs"
    seen = {
        "sprint_version()": (loaded.sprint_version().decode(), version),
        "sprint_init(SPRINT_ABI)": (str(loaded.sprint_init(abi)), "0"),
        "sprint_init(next minor)": (str(loaded.sprint_init(abi + 1)), "-16"),
        "sprint_init(next major)": (str(loaded.sprint_init(abi + (1 << 16))), "-16"),
        "SONAME": ("".join(re.findall(r"SONAME.*\[(.*)\]", dynamic)), f"libsprint.so.{major}"),
        "file": (library.resolve().name, f"libsprint.so.{version}"),
        "newest node of sprint.map": (nodes[-1] if nodes else "none", f"{major}.{minor}"),
        "SPRINT_VERSION_* in Rust": (
            ".".join(
                only(rf"SPRINT_VERSION_{part}: u32 = (\d+);", constants)
                for part in ("MAJOR", "MINOR", "PATCH")
            ),
            version,
        ),
        "ABI in Python": (
            only(r"^ABI = (\d+ << 16 \| \d+)$", "bindings/python/src/sprint/_native.py"),
            f"{major} << 16 | {minor}",
        ),
        "pyproject.toml": (only(r'^version = "(.*)"$', "bindings/python/pyproject.toml"), version),
    }
    for crate in ("sprint-sys", "sprint"):
        manifest = f"bindings/rust/{crate}/Cargo.toml"
        seen[manifest] = (only(r'^version = "(.*)"$', manifest), version)

    wrong = {name: pair for name, pair in seen.items() if pair[0] != pair[1]}
    for name, (has, wanted) in wrong.items():
        print(f"{name}: {has}, but the header says {wanted}", file=sys.stderr)
    print(f"{len(seen) - len(wrong)} of {len(seen)} places have version {version}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
