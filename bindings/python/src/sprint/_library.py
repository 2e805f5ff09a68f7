"""Calls that concern the library as a whole."""

from __future__ import annotations

from typing import Literal, Protocol

from . import _native

Level = Literal["trace", "debug", "info", "warn", "error"]

_LEVELS: dict[str, int] = {"trace": -8, "debug": -4, "info": 0, "warn": 4, "error": 8}


class _HasFileno(Protocol):
    def fileno(self) -> int: ...


def _descriptor(target: int | _HasFileno | None) -> int:
    return -1 if target is None else target if isinstance(target, int) else target.fileno()


def version() -> str:
    """Version of the loaded library, "MAJOR.MINOR.PATCH"."""
    found: bytes = _native.lib().sprint_version()
    return found.decode()


def log_to_fd(target: int | _HasFileno | None, level: Level = "info") -> None:
    """Write the library's log, one line of JSON per event, to a descriptor or to an
    object that has one; None: off, as at the start.

    The descriptor stays yours and must stay open until logging is off again.
    """
    if level not in _LEVELS:
        raise ValueError(f"level: {level!r} is none of {', '.join(_LEVELS)}")
    _native.lib().sprint_log_to_fd(_descriptor(target), _LEVELS[level])


def events_to_fd(target: int | _HasFileno | None) -> None:
    """Write what happens to secrets, one line of JSON each, to a descriptor or to an object
    that has one: what was done, handle, size and result, never content. None: off, as at
    the start. The rules on the descriptor are those of :func:`log_to_fd`.
    """
    _native.lib().sprint_events_to_fd(_descriptor(target))
