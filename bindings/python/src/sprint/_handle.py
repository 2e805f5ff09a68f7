"""What Pool, Conn and SecureBuffer have in common: one handle, given up once."""

from __future__ import annotations

from types import TracebackType
from typing import ClassVar, NoReturn, TypeVar

from . import _native

Self = TypeVar("Self", bound="Handle")


class Handle:
    """Owner of one handle of the library.

    Handles carry a generation, so one that is given up twice, even by two threads at
    once, or used afterwards is an error of the library and never undefined behaviour.
    """

    __slots__ = ("__weakref__", "_handle")
    _free: ClassVar[str]

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def _drop(self, function: str) -> None:
        handle, self._handle = self._handle, 0
        _native.free(function, handle)

    @property
    def closed(self) -> bool:
        """True once this object has given up its handle."""
        return not self._handle

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._drop(self._free)

    def __del__(self) -> None:
        # The constructor may have failed, or the interpreter may be going down.
        if getattr(self, "_handle", 0) and _native is not None:
            self._drop(self._free)

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} cannot be copied or pickled")
