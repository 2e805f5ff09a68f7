"""What protects the secrets of this process, as measured, and how they are to be kept."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from ctypes import byref
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from . import _native
from ._parse import parse

Backend = Literal["auto", "secretmem", "mlock"]
AtLimit = Literal["fail", "seal", "degrade"]

_BUDGET_BYTES, _BACKEND, _AT_LIMIT = 1, 2, 3  # SPRINT_MEM_*
_BACKENDS: dict[str, int] = {"auto": 0, "secretmem": 1, "mlock": 2}
_LIMITS: dict[str, int] = {"fail": 0, "seal": 1, "degrade": 2}


class MemoryStats(NamedTuple):
    """What protects the secrets of this process, as measured."""

    enabled: int
    """1: locked memory can be had, 0: it was refused."""
    self_check: int
    """0: not run, 1: passed, 2: failed."""
    backend: int
    """Of the newest allocation. 0: none yet, 1: memfd_secret, 2: mlock."""
    buffers: int
    """Alive."""
    sealed: int
    """Of these, encrypted at rest."""
    locked_bytes: int
    """Held locked by the library, free slots included."""
    lock_limit_bytes: int
    """RLIMIT_MEMLOCK; 2**64 - 1: no limit."""
    slots_cached: int
    """Free slots kept for reuse."""
    refused: int
    """Allocations refused at a limit."""
    canary_failures: int
    """Overflows found when a buffer was freed."""
    forks_refused: int
    """Calls refused in forked children of this process."""
    unlocked: int
    """Buffers in pages that are not locked, see degrade."""


def memory_stats() -> MemoryStats:
    """Secure memory of this process at this moment."""
    raw = _native.MemoryStats(struct_size=ctypes.sizeof(_native.MemoryStats))
    _native.lib().sprint_memory_stats_get(byref(raw))
    return MemoryStats(*(getattr(raw, name) for name in MemoryStats._fields))


@dataclass(frozen=True)
class MappingStatus:
    """Slots, free ones included, and how many of them the kernel says are protected."""

    slots: int
    guard_pages: int
    """Without access, two for each slot."""
    locked: int
    no_core_dump: int
    no_fork: int
    """A forked child does not have the pages, or has zeros."""
    more: Mapping[str, Any]
    """What a newer library says beside these."""


@dataclass(frozen=True)
class MemoryProtectionStatus:
    """What :func:`memory_status` measured."""

    enabled: bool
    """Locked memory can be had."""
    self_check: Literal["not_run", "passed", "failed"]
    backend: Literal["none", "secretmem", "mlock"]
    """Of the newest allocation."""
    platform: str
    active_buffers: int
    sealed_buffers: int
    """Of these, encrypted at rest."""
    unlocked_buffers: int
    """Of these, in memory that could not be locked."""
    locked_bytes: int
    """Held locked by the library, free slots included."""
    memlock_limit_bytes: int | None
    """RLIMIT_MEMLOCK; None: no limit."""
    slots_cached: int
    """Free slots kept for reuse."""
    refused: int
    """Allocations refused at a limit."""
    canaries: int
    """In place now, one before each secret."""
    canary_failures: int
    """Overflows found when a buffer was freed."""
    more: Mapping[str, Any]
    """What a newer library says beside these."""
    last_self_check: datetime | None = None
    """When it last ran (UTC), if it ever did."""
    self_check_failure: str | None = None
    """The step that failed, and why, if one did."""
    mappings: MappingStatus | None = None
    """What the kernel says of the pages, if it can be asked."""


def memory_status() -> MemoryProtectionStatus:
    """What protects the secrets of this process at this moment. The kernel is asked for
    every page, which takes a millisecond or more."""
    return parse(MemoryProtectionStatus, _native.json_of("sprint_memory_status_json"))


def memory_self_check() -> None:
    """Check that the protection works here and now: allocate, write, read, look at the
    kernel's own flags of the pages, compute known answers.

    Raises StateError, whose text names the step that failed, LockedMemoryError.
    """
    _native.lib().sprint_memory_self_check()


def memory_set(
    *,
    budget_bytes: int | None = None,
    backend: Backend | None = None,
    at_limit: AtLimit | None = None,
) -> None:
    """Choose how secrets of this process are kept from now on; None leaves what is.

    ``budget_bytes``: most that is locked for secrets; 0: as the system allows.
    ``backend``: for later allocations.
    ``at_limit``: an allocation when no more memory can be locked is a LockedMemoryError
    ("fail", as at the start), or seals buffers that are not in use ("seal"), or takes
    unlocked memory ("degrade").

    Raises ArgumentError, and UnsupportedError for a backend that this system does not
    have.
    """
    wanted: list[tuple[int, int]] = []
    if backend is not None:
        wanted.append((_BACKEND, _number("backend", backend, _BACKENDS)))
    if budget_bytes is not None:
        wanted.append((_BUDGET_BYTES, _native.size("budget_bytes", budget_bytes)))
    if at_limit is not None:
        wanted.append((_AT_LIMIT, _number("at_limit", at_limit, _LIMITS)))
    for option, value in wanted:
        _native.lib().sprint_memory_set(option, value)


def _number(name: str, value: str, known: dict[str, int]) -> int:
    if value not in known:
        raise ValueError(f"{name}: {value!r} is none of {', '.join(known)}")
    return known[value]
