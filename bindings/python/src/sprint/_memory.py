"""The address of a Python object's bytes, without a copy."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

_PyBUF_SIMPLE = 0
_PyBUF_WRITABLE = 1


class _PyBuffer(ctypes.Structure):
    """Py_buffer (https://docs.python.org/3/c-api/buffer.html). ``obj`` is a plain
    pointer: its reference is owned by the C API, not by ctypes."""

    _fields_ = [
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_void_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    ]


# A PyDLL of our own: prototypes set on ctypes.pythonapi would be everybody's.
_api = ctypes.PyDLL(None)
_get = _api.PyObject_GetBuffer
_get.argtypes = (ctypes.py_object, ctypes.POINTER(_PyBuffer), ctypes.c_int)
_get.restype = ctypes.c_int
_release = _api.PyBuffer_Release
_release.argtypes = (ctypes.POINTER(_PyBuffer),)
_release.restype = None


class pinned:
    """Context manager: (address, bytes) of any contiguous buffer, held in place.

    Raises TypeError for what has no buffer, BufferError for a buffer that is not
    contiguous or, with ``writable``, read-only.
    """

    __slots__ = ("_flags", "_target", "_view")

    def __init__(self, target: Buffer, writable: bool = False) -> None:
        self._target = target
        self._flags = _PyBUF_WRITABLE if writable else _PyBUF_SIMPLE
        self._view = _PyBuffer()

    def __enter__(self) -> tuple[int | None, int]:
        _get(self._target, self._view, self._flags)
        return self._view.buf, self._view.len

    def __exit__(self, *_exc: object) -> None:
        _release(self._view)
