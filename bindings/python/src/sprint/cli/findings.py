"""What was found; and what the library finds of itself."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from typing import Literal

import sprint

from .. import _native

State = Literal["ok", "note", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    check: str
    state: State
    """ok; note: good to know; warn: protection or room is less than it could be; fail:
    something does not work."""
    text: str
    advice: str = ""


@dataclass
class Findings:
    all: list[Finding] = field(default_factory=list)

    def add(self, check: str, state: State, text: str, advice: str = "") -> None:
        self.all.append(Finding(check, state, text, advice))


def memory(found: Findings, can_hibernate: bool) -> None:
    """The library: whether it loads, and what protects a secret in it."""
    found.add(
        "python",
        "ok",
        f"{platform.python_implementation()} {platform.python_version()} on "
        f"{platform.system()} {platform.release()} {platform.machine()}, "
        f"{' '.join(platform.libc_ver())}",
    )
    try:
        version = sprint.version()
    except (ImportError, sprint.SprintError) as error:
        found.add(
            "library",
            "fail",
            str(error),
            "install the wheel, which has the library in it, or set SPRINT_LIBRARY to the "
            "path of libsprint.so.1",
        )
        return
    how, path = _origin()
    found.add("library", "ok", f"libsprint {version}, {how}: {path}; package {sprint.__version__}")
    try:
        sprint.memory_self_check()
    except sprint.SprintError as error:
        found.add("self check", "fail", str(error), _FOR_LOCKING if _is_limit(error) else "")
        return
    found.add("self check", "ok", "a secret was locked, guarded, written, read and wiped")
    status = sprint.memory_status()
    _backend(found, status.backend, can_hibernate)
    if pages := status.mappings:
        held = {
            "locked": pages.locked,
            "out of core dumps": pages.no_core_dump,
            "not in forked children": pages.no_fork,
        }
        text = ", ".join(f"{name} {count}" for name, count in held.items())
        whole = set(held.values()) == {pages.slots} and pages.guard_pages == 2 * pages.slots
        found.add(
            "pages",
            "ok" if whole else "fail",
            f"of {pages.slots} slots, as the kernel says: {text}; guard pages {pages.guard_pages}",
        )


_FOR_LOCKING = (
    "raise the limit of locked memory: LimitMEMLOCK= in a systemd unit, --ulimit memlock=-1 "
    "of docker, /etc/security/limits.conf, ulimit -l; or the capability CAP_IPC_LOCK"
)


def _is_limit(error: sprint.SprintError) -> bool:
    return isinstance(error, sprint.LockedMemoryError)


def _origin() -> tuple[str, str]:
    """How the library was found, and its path."""
    name = _native.lib()._name
    if name == _native.SONAME:
        how = "found by the loader"
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            paths = [line.split(maxsplit=5)[-1].strip() for line in maps if "/libsprint.so" in line]
        return how, paths[0] if paths else name
    in_package = name == _native._candidates()[0] and "_lib" in name
    return "in the package" if in_package else "named by SPRINT_LIBRARY", name


def _backend(found: Findings, backend: str, can_hibernate: bool) -> None:
    if backend == "secretmem":
        found.add("backend", "ok", "secretmem: the kernel lets nobody else read, not even root")
        return
    text = "mlock: secrets are never swapped, but root and the same user can read them"
    if can_hibernate:
        advice = (
            "secretmem is not chosen where the machine can hibernate, because it would keep it "
            "from that: see hibernation, or memory_set(backend='secretmem')"
        )
    else:
        advice = (
            "memfd_secret(2) was refused: it needs Linux 5.14, before 6.5 with "
            "secretmem.enable=1 on the kernel's command line, and no seccomp filter against it"
        )
    found.add("backend", "warn", text, advice)
