"""Borrow: the guarded memory of a SecureBuffer, for the length of a block."""

from __future__ import annotations

import ctypes
import weakref
from ctypes import byref, c_size_t, c_ubyte
from types import TracebackType
from typing import TYPE_CHECKING

from . import _native
from ._errors import SprintError

if TYPE_CHECKING:
    from .buffer import SecureBuffer

READ, WRITE = 1, 2


class Borrow:
    """The guarded memory of a buffer for the length of a ``with`` block."""

    __slots__ = ("_buffer", "_end", "_failures", "_mode", "_view")

    def __init__(self, buffer: SecureBuffer, mode: int) -> None:
        self._buffer = buffer
        self._mode = mode
        self._view: memoryview | None = None

    def __enter__(self) -> memoryview:
        if self._view is not None:
            raise ValueError("a borrow is entered once; call open() again")
        handle, data, length = self._buffer._handle, ctypes.c_void_p(), c_size_t()
        _native.lib().sprint_buffer_open(handle, self._mode, byref(data), byref(length))
        assert data.value is not None
        pages = (c_ubyte * length.value).from_address(data.value)
        # Whatever is made from the view refers to pages: the borrow ends with the last.
        self._failures: list[SprintError] = []
        self._end = weakref.finalize(pages, _give_back, handle, self._failures)
        self._end.atexit = False
        view = memoryview(pages).cast("B")
        self._view = view if self._mode == WRITE else view.toreadonly()
        return self._view

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._view is not None
        try:
            self._view.release()
            if self._end.alive:
                raise BufferError("a view of the secure buffer is still in use")
            if self._failures:
                raise self._failures[0]
        except (BufferError, SprintError):
            if exc is None:  # never hide the exception that ended the block
                raise


def _give_back(handle: int, failures: list[SprintError]) -> None:
    try:
        _native.lib().sprint_buffer_close(handle)
    except SprintError as error:
        failures.append(error)
