"""From the library's JSON to dataclasses. Keys that a class does not know, of a newer
library, are kept in its field ``more``."""

from __future__ import annotations

import dataclasses
import functools
import re
import types
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def parse(cls: type[T], data: Mapping[str, Any]) -> T:
    """An instance of a dataclass that has the field ``more``."""
    hints = _hints(cls)
    known = {name: _value(hints[name], data[name]) for name in hints if name in data}
    known["more"] = {key: value for key, value in data.items() if key not in hints}
    return cls(**known)


_hints: Callable[[Any], dict[str, Any]] = functools.cache(get_type_hints)


def _value(hint: Any, value: Any) -> Any:
    if get_origin(hint) in (Union, types.UnionType):  # X | None
        return None if value is None else _value(get_args(hint)[0], value)
    if get_origin(hint) is tuple:  # tuple[X, ...]
        return tuple(_value(get_args(hint)[0], item) for item in value)
    if dataclasses.is_dataclass(hint):
        return parse(hint, value)  # type: ignore[arg-type]
    return moment(value) if hint is datetime else value


def moment(text: str) -> datetime:
    """RFC 3339. datetime.fromisoformat of Python 3.10 knows neither Z nor any number of
    digits after the point. ValueError for other text."""
    parts = re.fullmatch(r"([^.Z]*?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)", text)
    if not parts:
        raise ValueError(f"{text!r} is not a time of RFC 3339")
    whole, fraction, zone = parts.groups(default="")
    zone = "+00:00" if zone == "Z" else zone
    return datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}{zone}")
