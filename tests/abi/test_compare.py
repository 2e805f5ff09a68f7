#!/usr/bin/env python3
"""compare.py sees each way in which a list can drift from the header.

The lists of this tree are copied, made to agree, changed in one place, and compared: a
comparison that stays silent fails the test.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMPARE = Path(__file__).with_name("compare.py")
HEADER = "include/sprint.h"
DL = "include/sprint_dl.h"
RUST = "bindings/rust/sprint-sys/src/lib.rs"
PYTHON = "bindings/python/src/sprint/_native.py"
MAP = "capi/sprint.map"
SYMBOLS = "tests/abi/symbols.txt"


class DriftIsSeen(unittest.TestCase):
    def setUp(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="sprint-abi-"))
        self.addCleanup(shutil.rmtree, self.root)
        for name in (HEADER, DL, RUST, PYTHON, MAP, SYMBOLS):
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.root / name)
        self.library(self.names())

    def names(self) -> list[str]:
        return (self.root / SYMBOLS).read_text().split()

    def library(self, names: list[str]) -> None:
        """A library that exports these names and can do nothing else."""
        (self.root / "build").mkdir(exist_ok=True)
        exports = " ".join(f"{name};" for name in names)
        (self.root / "build/map").write_text(f"SPRINT_1.0 {{ global: {exports} local: *; }};")
        subprocess.run(
            [
                "cc",
                "-shared",
                "-fPIC",
                "-xc",
                "-",
                "-o",
                self.root / "build/libsprint.so.1",
                f"-Wl,--version-script={self.root}/build/map",
            ],
            input="".join(f"void {name}(void) {{}}\n" for name in names),
            text=True,
            check=True,
        )

    def compare(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, COMPARE, "--root", self.root],
            capture_output=True,
            text=True,
            check=False,
        )

    def change(self, name: str, pattern: str, new: str) -> None:
        path = self.root / name
        text, count = re.subn(pattern, new, path.read_text())
        assert count == 1, f"{pattern} in {name}"
        path.write_text(text)

    def assert_seen(self, room: str, word: str) -> None:
        run = self.compare()
        assert run.returncode == 1, run.stdout
        complaints = [line for line in run.stderr.splitlines() if word in line]
        assert any(room in line for line in complaints), run.stderr

    def test_lists_that_agree_pass(self) -> None:
        run = self.compare()
        assert run.returncode == 0, run.stderr

    def test_a_missing_list_fails(self) -> None:
        for name in (DL, RUST, PYTHON, MAP, SYMBOLS, "build/libsprint.so.1"):
            with self.subTest(name):
                kept = (self.root / name).read_bytes()
                (self.root / name).unlink()
                self.assert_seen(Path(name).name, Path(name).name)
                (self.root / name).write_bytes(kept)

    def test_a_function_left_out_is_named(self) -> None:
        rows = {
            DL: r"X\(void, sprint_conn_discard,[^\n]*\n",
            RUST: r"pub fn sprint_conn_discard[^;]*;",
            PYTHON: r'"sprint_conn_discard"[^\n]*',
            MAP: r"\bsprint_conn_discard;",
            SYMBOLS: r"sprint_conn_discard\n",
        }
        for name, row in rows.items():
            with self.subTest(name):
                kept = (self.root / name).read_text()
                self.change(name, row, "")
                self.assert_seen(name, "lacks sprint_conn_discard")
                (self.root / name).write_text(kept)

    def test_a_symbol_the_library_lacks_is_named(self) -> None:
        self.library([name for name in self.names() if name != "sprint_wipe"])
        self.assert_seen("libsprint.so.1", "lacks sprint_wipe")

    def test_a_symbol_nobody_declared_is_named(self) -> None:
        self.library([*self.names(), "sprint_debug"])
        self.assert_seen("libsprint.so.1", "has sprint_debug")

    def test_a_symbol_outside_the_version_nodes_is_named(self) -> None:
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-xc", "-", "-o", self.root / "build/libsprint.so.1"],
            input="void sprint_wipe(void) {}\n",
            text=True,
            check=True,
        )
        self.assert_seen("libsprint.so.1", "in no SPRINT_ version node")

    def test_a_narrowed_parameter_is_named(self) -> None:
        changes = {
            DL: r"(X\(sprint_status, sprint_pool_warm_up, \(.*uint)32(_t count)",
            RUST: r"(pub fn sprint_pool_warm_up\(.*count: u)32()",
            PYTHON: r'("sprint_pool_warm_up": \(Status, .*c_uint)32()',
        }
        for name, width in changes.items():
            with self.subTest(name):
                self.change(name, width, r"\g<1>16\2")
                self.assert_seen(name, "sprint_pool_warm_up is")

    def test_an_array_is_a_pointer_to_its_elements(self) -> None:
        self.change(RUST, r"(pub fn sprint_buffer_public_ed25519\([^)]*\*mut u)8", r"\g<1>16")
        self.assert_seen(RUST, "sprint_buffer_public_ed25519 is")

    def test_a_lost_const_is_named(self) -> None:
        self.change(RUST, r"(pub fn sprint_conn_write\([^)]*)\*const", r"\1*mut")
        self.assert_seen(RUST, "sprint_conn_write is")

    def test_a_changed_header_puts_every_list_in_the_wrong(self) -> None:
        self.change(HEADER, r"(void sprint_conn_discard\(sprint_conn conn)", r"\1, uint32_t how")
        for name in (DL, RUST, PYTHON):
            self.assert_seen(name, "sprint_conn_discard is")

    def test_a_declaration_that_is_not_understood_fails(self) -> None:
        self.change(HEADER, r"SPRINT_API (void sprint_conn_discard)", r"extern \1")
        self.assert_seen(HEADER, "not understood")


if __name__ == "__main__":
    unittest.main()
