"""SecureBuffer: a secret in locked, guarded memory that is used in place."""

from __future__ import annotations

import ctypes
import weakref
from ctypes import byref, c_int32, c_size_t, c_ubyte
from types import TracebackType
from typing import TYPE_CHECKING, Literal, NamedTuple

from . import _native
from ._errors import SprintError
from ._handle import Handle
from ._memory import pinned

if TYPE_CHECKING:
    from typing_extensions import Buffer

Hash = Literal["sha256", "sha384", "sha512"]

_HASHES: dict[str, tuple[int, int]] = {  # SPRINT_HASH_*, size of the tag
    "sha256": (1, 32),
    "sha384": (2, 48),
    "sha512": (3, 64),
}
_READ, _WRITE = 1, 2


class SecureBuffer(Handle):
    """``SecureBuffer(length)``: 1 byte to 1 GiB of locked, guarded zeros.

    Raises ArgumentError for the size, LockedMemoryError at the limit of locked memory.
    Any thread may use a buffer at any time. ``close`` or the end of a ``with`` block
    wipes and frees it.
    """

    __slots__ = ("_length",)
    _free = "sprint_buffer_free"

    def __init__(self, length: int) -> None:
        super().__init__(0)
        out = _native.handle()
        _native.lib().sprint_buffer_alloc(_native.size("length", length), 0, byref(out))
        self._own(out.value)

    def _own(self, handle: int) -> None:
        self._handle = handle
        length = c_size_t()
        _native.lib().sprint_buffer_len(handle, byref(length))
        self._length = length.value

    @classmethod
    def _adopt(cls, handle: int) -> SecureBuffer:
        self = cls.__new__(cls)
        self._own(handle)
        return self

    @classmethod
    def from_bytearray(cls, secret: Buffer) -> SecureBuffer:
        """Move a secret out of a bytearray or another writable buffer, which is wiped,
        also when the limit of locked memory is hit."""
        out = _native.handle()
        with pinned(secret, writable=True) as (address, length):
            _native.lib().sprint_buffer_from(address, length, 0, byref(out))
        return cls._adopt(out.value)

    @classmethod
    def random(cls, length: int) -> SecureBuffer:
        """A buffer filled by the kernel's random generator."""
        out = _native.handle()
        _native.lib().sprint_buffer_random(_native.size("length", length), 0, byref(out))
        return cls._adopt(out.value)

    def __len__(self) -> int:
        return self._length

    def __repr__(self) -> str:
        return f"<SecureBuffer of {self._length} bytes{', closed' if self.closed else ''}>"

    def read(self, offset: int = 0, length: int | None = None) -> bytes:
        """Copy bytes out, to the end if no length is given. The copy is ordinary memory
        that Python never wipes: prefer :meth:`open`, :meth:`read_into` or :meth:`hmac`."""
        offset = _native.size("offset", offset)
        copy = bytearray(max(self._length - offset, 0) if length is None else length)
        self.read_into(copy, offset)
        result = bytes(copy)
        wipe(copy)
        return result

    def read_into(self, target: Buffer, offset: int = 0) -> None:
        """Fill a writable buffer with the bytes from ``offset`` on."""
        offset = _native.size("offset", offset)
        with pinned(target, writable=True) as (address, length):
            _native.lib().sprint_buffer_read(self._handle, offset, address, length)

    def write(self, data: Buffer, offset: int = 0) -> None:
        """Copy bytes in; ``data`` is not wiped. StateError while the buffer is open."""
        offset = _native.size("offset", offset)
        with pinned(data) as (address, length):
            _native.lib().sprint_buffer_write(self._handle, offset, address, length)

    def open(self, write: bool = False) -> Borrow:
        """Borrow the guarded memory: ``with secret.open() as view:`` gives a memoryview.

        Readers share; a writer is alone: StateError at once if another borrow conflicts.
        The view ends with the block. If something made from it (a slice, an array) is
        still alive then, the block raises BufferError and the borrow goes on until that
        is gone, so it can never point at memory that is not there any more.
        """
        return Borrow(self, _WRITE if write else _READ)

    def hmac(self, hash: Hash, message: Buffer) -> bytes:
        """HMAC (RFC 2104) of a message with this buffer as the key, used in place."""
        if hash not in _HASHES:
            raise ValueError(f"hash: {hash!r} is none of {', '.join(_HASHES)}")
        number, size = _HASHES[hash]
        tag = ctypes.create_string_buffer(size)
        with pinned(message) as (address, length):
            _native.lib().sprint_buffer_hmac(self._handle, number, address, length, tag, size, None)
        return tag.raw

    def close(self) -> None:
        """Wipe and free the buffer; an open borrow keeps the memory until it ends.
        Idempotent."""
        self._drop(self._free)


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
        self._view = view if self._mode == _WRITE else view.toreadonly()
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


def equal(a: SecureBuffer, b: SecureBuffer) -> bool:
    """Compare two buffers in constant time. Different lengths are not equal."""
    result = c_int32()
    _native.lib().sprint_buffer_equal(a._handle, b._handle, byref(result))
    return bool(result.value)


def wipe(target: Buffer) -> None:
    """Overwrite a bytearray or another writable buffer with zeros."""
    with pinned(target, writable=True) as (address, length):
        _native.wipe(address, length)


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


def memory_stats() -> MemoryStats:
    """Secure memory of this process at this moment."""
    raw = _native.MemoryStats(struct_size=ctypes.sizeof(_native.MemoryStats))
    _native.lib().sprint_memory_stats_get(byref(raw))
    return MemoryStats(*(getattr(raw, name) for name in MemoryStats._fields))
