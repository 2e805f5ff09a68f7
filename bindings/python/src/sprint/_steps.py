"""The I/O of a lease as steps that do not wait themselves.

Each function is a generator. It yields what has to be waited for, a descriptor and
WANT_* bits, and is sent whether that came about: False is the end of the time to wait,
after which one call of the library, of a millisecond or more, does the rest. So a
timeout is what it is everywhere: counted once, and for a write the end of the stream.
A thread (sprint.conn) and an event loop (sprint.aio) wait in their own ways.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from ctypes import byref, c_int32, c_size_t, c_uint32
from typing import TYPE_CHECKING

from . import _native
from ._errors import ConnectionClosed, HandleError, SprintError
from ._wait import Deadline

if TYPE_CHECKING:
    from ._lease import Lease

WANT_READ = 1
WANT_WRITE = 2

Steps = Generator[tuple[int, int], bool, None]


def poll_info(handle: int) -> tuple[int, int]:
    fd, want = c_int32(), c_uint32()
    _native.lib().sprint_conn_poll_info(handle, byref(fd), byref(want))
    return fd.value, want.value


def reading(lease: Lease, address: int, length: int, deadline: Deadline, n: c_size_t) -> Steps:
    """sprint_conn_read"""
    lib = _native.lib()
    if not (yield from _repeat(lease, WANT_READ, lib.sprint_conn_try_read, address, length, n)):
        with deadline.last_slice() as limit:
            lib.sprint_conn_read(lease._handle, address, length, limit, byref(n))


def reading_exactly(
    lease: Lease, address: int, length: int, deadline: Deadline, got: c_size_t
) -> Steps:
    """sprint_conn_read_exact"""
    n = c_size_t()
    while True:
        at, left = address + got.value, length - got.value
        yield from reading(lease, at, left, deadline, n)
        if n.value == 0:  # close_notify, too early here: let the library say so
            _native.lib().sprint_conn_read_exact(lease._handle, at, left, 0, byref(n))
        got.value += n.value
        if got.value >= length:
            return


def writing(lease: Lease, address: int, length: int, deadline: Deadline) -> Steps:
    """sprint_conn_write. One that is given up in the middle of the data, by a signal or a
    cancellation, discards the connection."""
    lib = _native.lib()
    sent, n = 0, c_size_t()
    try:
        while sent < length:
            at, left = address + sent, length - sent
            if not (yield from _repeat(lease, WANT_WRITE, lib.sprint_conn_try_write, at, left, n)):
                with deadline.last_slice() as limit:
                    lib.sprint_conn_write(lease._handle, at, left, limit)
                return
            sent += n.value
    except BaseException as reason:
        if (sent or n.value) and not isinstance(reason, SprintError):
            lease.discard()
        raise
    # Nothing is left to write, but for the library it is the write that may time out.
    if not (yield from _repeat(lease, WANT_WRITE, lib.sprint_conn_flush, 0)):
        with deadline.last_slice() as limit:
            lib.sprint_conn_write(lease._handle, None, 0, limit)


def flushing(lease: Lease, deadline: Deadline) -> Steps:
    """sprint_conn_flush"""
    lib = _native.lib()
    if not (yield from _repeat(lease, WANT_WRITE, lib.sprint_conn_flush, 0)):
        with deadline.last_slice() as limit:
            lib.sprint_conn_flush(lease._handle, limit)


def _repeat(
    lease: Lease, want: int, call: Callable[..., int], *args: object
) -> Generator[tuple[int, int], bool, bool]:
    """Repeat a call that does not wait until it succeeds; False at the end of the time.

    Another thread may end the lease meanwhile and the descriptor's number may be given
    to something else: then one wait is for the wrong thing, no more.
    """
    waited = False
    try:
        while call(lease._handle, *args) == _native.WOULD_BLOCK:
            fd, unsent = poll_info(lease._handle)
            waited = True
            # A reader helps to send what is unsent. A writer must not wake for what
            # there is to read: nobody might read it.
            if not (yield fd, want | (unsent & WANT_WRITE)):
                return False
    except HandleError:
        if not waited:
            raise
        raise ConnectionClosed("sprint: the lease was ended meanwhile") from None
    return True
