"""The package says the same as include/sprint.h."""

from __future__ import annotations

import ctypes
import re
from typing import Any

import pytest

import sprint
from relay import ROOT
from sprint import _borrow, _errors, _lease, _native, aio, buffer, config, protection
from sprint._library import _LEVELS

HEADER = re.sub(r"/\*.*?\*/", "", (ROOT / "include/sprint.h").read_text(), flags=re.S)

SCALARS: dict[str, Any] = {
    "sprint_status": ctypes.c_int32,
    "int32_t": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "uint8_t": ctypes.c_uint8,
    "uint16_t": ctypes.c_uint16,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64,
    "size_t": ctypes.c_size_t,
    "sprint_config": _native.handle,
    "sprint_pool": _native.handle,
    "sprint_conn": _native.handle,
    "sprint_buffer": _native.handle,
    "sprint_pool_stats": _native.PoolStats,
    "sprint_memory_stats": _native.MemoryStats,
}


def ctype(declaration: str, result: bool = False) -> Any:
    """The ctypes type of a C parameter or result."""
    declaration = re.sub(r"(\w+)\[\d+\]", r"*\1", declaration.strip())
    if result:
        base, stars = declaration.replace("*", ""), declaration.count("*")
    else:
        match = re.fullmatch(r"((?:const )?\w+)\s*(\**)\s*\w+", declaration)
        assert match, declaration
        base, stars = match[1], len(match[2])
    const, base = base.startswith("const "), base.replace("const ", "").strip()
    match (base, stars):
        case ("void", 0):
            return None
        case ("char", 1) if const:
            return ctypes.c_char_p
        case ("char" | "void", 1):
            return ctypes.c_void_p
        case ("void", 2):
            return ctypes.POINTER(ctypes.c_void_p)
        case (_, 0):
            return SCALARS[base]
        case _:
            return ctypes.POINTER(SCALARS[base])


def functions() -> dict[str, tuple[Any, tuple[Any, ...]]]:
    found = {}
    pattern = r"^(SPRINT_CALL|SPRINT_API) ([^;()]*?)(\w+)\(([^)]*)\);"
    for macro, result, name, parameters in re.findall(pattern, HEADER, flags=re.M):
        restype = ctypes.c_int32 if macro == "SPRINT_CALL" else ctype(result, result=True)
        listed = [] if parameters == "void" else parameters.split(",")
        found[name] = (restype, tuple(ctype(p) for p in listed))
    return found


def constants(prefix: str) -> dict[str, int]:
    return {name: int(value) for name, value in re.findall(rf"\b({prefix}\w*) = (-?\d+)", HEADER)}


def fields(struct: str) -> list[tuple[str, Any]]:
    body = re.search(rf"typedef struct {struct} {{(.*?)}}", HEADER, flags=re.S)
    assert body
    return [(name, SCALARS[t]) for t, name in re.findall(r"(\w+) (\w+);", body[1])]


def test_every_function_of_the_header_has_its_prototype_and_no_other_has() -> None:
    ours = {
        name: (ctypes.c_int32 if restype is _native.Status else restype, argtypes)
        for name, (restype, argtypes) in _native.PROTOTYPES.items()
    }
    assert len(ours) > 40
    assert ours == functions()


def test_every_status_code_has_a_class_of_its_own() -> None:
    assert {cls.name: code for code, cls in _errors.BY_CODE.items()} == constants("SPRINT_E_")
    for code, cls in _errors.BY_CODE.items():
        assert cls.__name__ in sprint.__all__
        error = _errors.from_status(code, "why")
        assert (type(error), error.code, str(error)) == (cls, code, "why")


def test_the_library_names_the_codes_as_the_classes_do() -> None:
    for code, cls in _errors.BY_CODE.items():
        assert _native.lib().sprint_errname(code).decode() == cls.name
        assert _native.lib().sprint_strerror(code) != _native.lib().sprint_strerror(1)


def test_a_code_of_a_newer_library_is_a_plain_sprint_error() -> None:
    error = _errors.from_status(-1000, "from the future")
    assert type(error) is sprint.SprintError
    assert error.code == -1000


def test_every_option_of_the_header_is_a_keyword_of_the_same_name() -> None:
    expected = {}
    for name, number in constants("SPRINT_OPT_").items():
        name = name.removeprefix("SPRINT_OPT_").lower()
        expected[name if name == "busy_poll_us" else name.removesuffix("_ms")] = number
    assert {name: option.number for name, option in config.OPTIONS.items()} == expected
    assert set(sprint.Options.__annotations__) == set(expected)


def test_the_default_that_tasks_need_is_that_of_the_header() -> None:
    header = (ROOT / "include/sprint.h").read_text()
    row = r"SPRINT_OPT_ACQUIRE_TIMEOUT_MS = \d+,? +/\*\*< int: [^;]*; (\d+) \*/"
    default = re.search(row, header)
    assert default
    assert int(default[1]) == aio.ACQUIRE_TIMEOUT * 1000


def test_the_structures_are_those_of_the_header() -> None:
    for struct, mine, shown in (
        ("sprint_pool_stats", _native.PoolStats, sprint.PoolStats),
        ("sprint_memory_stats", _native.MemoryStats, sprint.MemoryStats),
    ):
        assert list(mine._fields_) == fields(struct)
        assert ["struct_size", *shown._fields] == [name for name, _ in fields(struct)]


def test_constants_are_those_of_the_header() -> None:
    assert constants("SPRINT_WANT_") == {
        "SPRINT_WANT_READ": sprint.WANT_READ,
        "SPRINT_WANT_WRITE": sprint.WANT_WRITE,
    }
    assert constants("SPRINT_REQUEST_") == {"SPRINT_REQUEST_IDEMPOTENT": _lease.IDEMPOTENT}
    assert constants("SPRINT_LOG_") == {
        f"SPRINT_LOG_{name.upper()}": level for name, level in _LEVELS.items()
    }
    assert constants("SPRINT_HASH_") == {
        f"SPRINT_HASH_{name.upper()}": number for name, (number, _) in buffer._HASHES.items()
    }
    assert constants("SPRINT_READ") == {"SPRINT_READ": _borrow.READ}
    assert constants("SPRINT_WRITE") == {"SPRINT_WRITE": _borrow.WRITE}
    assert constants("SPRINT_MEM_") == {
        "SPRINT_MEM_BUDGET_BYTES": protection._BUDGET_BYTES,
        "SPRINT_MEM_BACKEND": protection._BACKEND,
        "SPRINT_MEM_AT_LIMIT": protection._AT_LIMIT,
    }
    for prefix, ours in (
        ("SPRINT_BUFFER_", {"default": 0, **buffer._FLAGS}),
        ("SPRINT_BACKEND_", protection._BACKENDS),
        ("SPRINT_LIMIT_", protection._LIMITS),
    ):
        assert constants(prefix) == {f"{prefix}{name.upper()}": n for name, n in ours.items()}
    assert set(sprint.BufferFlags.__annotations__) == set(buffer._FLAGS)


def test_the_versions_agree() -> None:
    parts = re.findall(r"#define SPRINT_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", HEADER)
    project = (ROOT / "bindings/python/pyproject.toml").read_text()
    assert sprint.__version__ == ".".join(parts)
    assert f'\nversion = "{sprint.__version__}"\n' in project
    assert int(parts[0]) << 16 | int(parts[1]) == _native.ABI
    assert sprint.version() == sprint.__version__


def test_a_header_that_is_newer_than_the_library_is_refused() -> None:
    with pytest.raises(sprint.ABIError):
        _native.lib().sprint_init(_native.ABI + 1)
