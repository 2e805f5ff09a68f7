#!/usr/bin/env python3
"""Compare the five lists of libsprint's functions with include/sprint.h.

The library (nm -D), the header, the table of sprint_dl.h, the Python prototypes and the
Rust extern block must hold the same functions; all but the library also the same types.
The linker's version script and symbols.txt, the list that reviewers see change, must name
them too. A list that is missing or empty is an error.

Types are compared in one spelling: "i32", "usize", "*const void", "*mut *mut void". ctypes
knows no const and passes every void * and every text to be filled as c_void_p, so its rows are
compared with a header whose types were weakened likewise.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Prototype = tuple[str, ...]  # return type, then parameter types
Prototypes = dict[str, Prototype]

C_NAMES = {
    "int32_t": "i32",
    "int64_t": "i64",
    "uint8_t": "u8",
    "uint16_t": "u16",
    "uint32_t": "u32",
    "uint64_t": "u64",
    "size_t": "usize",
    "char": "char",
    "void": "void",
}
RUST_NAMES = {"c_char": "char", "c_void": "void"}
CTYPES_NAMES = {
    "c_int32": "i32",
    "c_int64": "i64",
    "c_uint8": "u8",
    "c_uint16": "u16",
    "c_uint32": "u32",
    "c_uint64": "u64",
    "c_size_t": "usize",
    "c_void_p": "*any",
    "c_char_p": "*const char",
}


class Unreadable(Exception):
    """A list that is missing, empty or in a form that was not foreseen."""


def read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise Unreadable(str(error)) from None


def add(found: Prototypes, name: str, prototype: Prototype) -> None:
    if name in found:
        raise Unreadable(f"{name} is listed twice")
    found[name] = prototype


# ------------------------------------------------------------------------- C


def c_type(text: str, names: dict[str, str]) -> str:
    """'const char *' to '*const char'."""
    match = re.fullmatch(r"(const\s+)?(\w+)\s*(\**)", text.strip())
    if not match or match[2] not in names:
        raise Unreadable(f"unknown C type {text!r}")
    base, stars = names[match[2]], len(match[3])
    if stars == 0:
        return base
    return "*mut " * (stars - 1) + ("*const " if match[1] else "*mut ") + base


def c_parameters(text: str, names: dict[str, str]) -> Prototype:
    if text.strip() == "void":
        return ()
    # A parameter is a type and a name: the name is dropped. One with a size is a pointer.
    pointers = re.sub(r"\b(\w+)\[\d+\]", r"*\1", text)
    return tuple(c_type(re.sub(r"\w+\s*$", "", part), names) for part in pointers.split(","))


def without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL)


def c_names(header: str) -> dict[str, str]:
    names = dict(C_NAMES)
    for base, name in re.findall(r"typedef\s+(\w+)\s+(\w+)\s*;", header):
        names[name] = names[base]
    for name in re.findall(r"typedef\s+struct\s+(\w+)\s*\{", header):
        names[name] = name
    return names


def from_header(path: Path) -> tuple[Prototypes, dict[str, str]]:
    text = without_comments(read(path))
    names = c_names(text)
    found: Prototypes = {}
    pattern = r"^SPRINT_(?:CALL|API\s+([\w\s*]*?))\s*\b(sprint_\w+)\s*\(([^)]*)\)\s*;"
    for returns, name, parameters in re.findall(pattern, text, flags=re.MULTILINE):
        add(
            found,
            name,
            (c_type(returns or "sprint_status", names), *c_parameters(parameters, names)),
        )
    # What the pattern did not understand must not go unseen.
    declared = set(re.findall(r"\b(sprint_\w+)\s*\(", text))
    if declared != set(found):
        raise Unreadable(f"declarations not understood: {sorted(declared ^ set(found))}")
    return found, names


def from_dl(path: Path, names: dict[str, str]) -> Prototypes:
    text = without_comments(read(path)).replace("\\\n", "\n")
    found: Prototypes = {}
    for returns, name, parameters in re.findall(
        r"\bX\(([\w\s*]+),\s*(sprint_\w+),\s*\(([^)]*)\)\)", text
    ):
        add(found, name, (c_type(returns, names), *c_parameters(parameters, names)))
    return found


# ---------------------------------------------------------------------- Rust


def rust_type(text: str, aliases: dict[str, str]) -> str:
    *pointers, base = re.sub(r"\s+", " ", text.strip()).replace("* ", "*").split(" ")
    base = RUST_NAMES.get(base) or aliases.get(base, base)
    return " ".join([*pointers, base])


def from_rust(path: Path) -> Prototypes:
    text = re.sub(r"//[^\n]*", "", read(path))
    aliases = dict(re.findall(r"pub type (\w+) = (\w+);", text))
    found: Prototypes = {}
    for block in re.findall(r'extern\s+"C"\s*\{(.*?)\n\}', text, flags=re.DOTALL):
        for name, parameters, returns in re.findall(
            r"pub fn (\w+)\s*\(([^)]*)\)\s*(?:->\s*([^;]+))?;", block
        ):
            types = [part.split(":", 1)[1] for part in parameters.split(",") if part.strip()]
            add(
                found,
                name,
                (
                    rust_type(returns or "c_void", aliases),
                    *(rust_type(part, aliases) for part in types),
                ),
            )
    return found


# -------------------------------------------------------------------- Python


class CtypesNames:
    """The module-level names of _native.py that stand for C types."""

    def __init__(self, module: ast.Module) -> None:
        self.known = dict(CTYPES_NAMES)
        for node in module.body:
            if isinstance(node, ast.ImportFrom) and node.module == "ctypes":
                for alias in node.names:
                    if alias.asname:
                        self.known[alias.asname] = self.known[alias.name]
            elif isinstance(node, ast.ClassDef):
                self.add_class(node)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                # What is no type is left out; a row that uses it will say so.
                with contextlib.suppress(Unreadable):
                    self.known[node.targets[0].id] = self.type(node.value)

    def add_class(self, node: ast.ClassDef) -> None:
        base = ast.unparse(node.bases[0]) if node.bases else ""
        if base.endswith("Structure"):
            self.known[node.name] = (ast.get_docstring(node) or "").removeprefix("struct ")
        elif base in self.known:
            self.known[node.name] = self.known[base]

    def type(self, node: ast.expr) -> str:
        if isinstance(node, ast.Constant) and node.value is None:
            return "void"
        if isinstance(node, ast.Name) and node.id in self.known:
            return self.known[node.id]
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("POINTER"):
            return "*mut " + self.type(node.args[0])
        raise Unreadable(f"unknown ctypes type {ast.unparse(node)}")


def from_python(path: Path) -> Prototypes:
    module = ast.parse(read(path))
    names = CtypesNames(module)
    found: Prototypes = {}
    for node in module.body:
        if not (isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "PROTOTYPES"):
            continue
        if not isinstance(node.value, ast.Dict):
            raise Unreadable("PROTOTYPES is not a dict display")
        for key, row in zip(node.value.keys, node.value.values, strict=True):
            if not (
                isinstance(key, ast.Constant)
                and isinstance(row, ast.Tuple)
                and isinstance(row.elts[1], ast.Tuple)
            ):
                raise Unreadable(f"row not understood: {ast.unparse(row)}")
            add(
                found,
                str(key.value),
                (names.type(row.elts[0]), *(names.type(one) for one in row.elts[1].elts)),
            )
    return found


def as_ctypes(prototype: Prototype) -> Prototype:
    """What ctypes can say of a C prototype."""

    def weaker(name: str) -> str:
        if name == "*const char":
            return name
        if re.fullmatch(r"\*(const|mut) (void|char)", name):
            return "*any"
        return name.replace("*mut *mut void", "*mut *any").replace("*const ", "*mut ")

    return tuple(weaker(name) for name in prototype)


# ---------------------------------------------------------------- names only


def from_library(path: Path) -> set[str]:
    run = subprocess.run(
        ["nm", "-D", "--defined-only", "--with-symbol-versions", path],
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        raise Unreadable(run.stderr.strip())
    found = set()
    for line in run.stdout.splitlines():
        kind, symbol = line.split()[-2:]
        if kind == "A":  # the version node itself
            continue
        name, _, version = symbol.partition("@@")
        if not version.startswith("SPRINT_"):
            raise Unreadable(f"{symbol} is in no SPRINT_ version node")
        found.add(name)
    return found


def from_map(path: Path) -> set[str]:
    text = without_comments(read(path))
    found: set[str] = set()
    for part in re.findall(r"global:(.*?)(?:local:|\})", text, flags=re.DOTALL):
        found |= {name.strip() for name in part.split(";") if name.strip()}
    if any("*" in name for name in found):
        raise Unreadable("a wildcard exports what nobody listed")
    return found


def from_symbols(path: Path) -> set[str]:
    lines = read(path).split("\n")
    if lines[:-1] != sorted(set(lines[:-1])) or lines[-1] != "":
        raise Unreadable("not sorted, one name a line")
    return set(lines[:-1])


# ---------------------------------------------------------------- comparison


def same_names(header: Prototypes, found: set[str]) -> list[str]:
    if not found:
        return ["lists no function"]
    return [f"lacks {name}" for name in sorted(set(header) - found)] + [
        f"has {name}, which the header has not" for name in sorted(found - set(header))
    ]


def same_prototypes(header: Prototypes, found: Prototypes) -> list[str]:
    complaints = same_names(header, set(found))
    for name in sorted(set(header) & set(found)):
        if header[name] != found[name]:
            complaints.append(f"{name} is {show(found[name])}, in the header {show(header[name])}")
    return complaints


def show(prototype: Prototype) -> str:
    return f"({', '.join(prototype[1:])}) -> {prototype[0]}"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    arguments.add_argument("--library", type=Path, help="default: ROOT/build/libsprint.so.1")
    given = arguments.parse_args()
    root: Path = given.root
    library: Path = given.library or root / "build/libsprint.so.1"

    try:
        header, names = from_header(root / "include/sprint.h")
    except Unreadable as error:
        print(f"include/sprint.h: {error}", file=sys.stderr)
        return 1
    ctypes_header = {name: as_ctypes(row) for name, row in header.items()}
    rooms: dict[str, Callable[[Path], list[str]]] = {
        "include/sprint_dl.h": lambda p: same_prototypes(header, from_dl(p, names)),
        "bindings/rust/sprint-sys/src/lib.rs": lambda p: same_prototypes(header, from_rust(p)),
        "bindings/python/src/sprint/_native.py": lambda p: same_prototypes(
            ctypes_header, from_python(p)
        ),
        "capi/sprint.map": lambda p: same_names(header, from_map(p)),
        "tests/abi/symbols.txt": lambda p: same_names(header, from_symbols(p)),
        str(library): lambda p: same_names(header, from_library(p)),
    }
    failed = 0
    for name, compare in rooms.items():
        try:
            complaints = compare(root / name)
        except Unreadable as error:
            complaints = [str(error)]
        for complaint in complaints:
            print(f"{name}: {complaint}", file=sys.stderr)
        failed += bool(complaints)
        print(f"{'FAIL' if complaints else 'ok  '} {name}")
    print(f"{len(header)} functions, {len(rooms) - failed} lists agree, {failed} do not")
    return 1 if failed or not header else 0


if __name__ == "__main__":
    sys.exit(main())
