"""The pool for asyncio.

    async with sprint.aio.Pool("relay.example:443", max_connections=4) as pool:
        await pool.warm_up(2)
        async with pool.acquire(timeout=1.5) as conn:
            answer = await conn.request(b"PING\\n", timeout=0.5)

Connections are read and written on their descriptors by the loop of the task that uses
them. Nothing here blocks a loop: acquire, warm_up and close wait in threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import functools
import math
import operator
from collections.abc import Generator, Iterable, Iterator
from ctypes import byref, c_size_t, c_uint32
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from . import _native, _steps
from ._control import Control
from ._errors import PoolExhausted, SprintError, StateError
from ._lease import CHUNK, IDEMPOTENT, Lease
from ._line import Line
from ._memory import pinned
from ._steps import WANT_READ, WANT_WRITE, Steps
from ._wait import Deadline

if TYPE_CHECKING:
    from typing_extensions import Buffer, Unpack

    from .buffer import SecureBuffer
    from .config import Options

__all__ = ["Acquire", "Conn", "Pool"]

THREADS = 8
"""Most that wait for leases at a time, for all tasks of a pool."""

ACQUIRE_TIMEOUT = 5.0
"""Default of the option acquire_timeout, in seconds."""

Self = TypeVar("Self", bound="Pool")


class Pool(Control):
    """As :class:`sprint.Pool`, with the same keywords, for tasks of any number of loops.

    The end of an ``async with`` block closes it without grace and frees it.
    """

    __slots__ = ("_acquire_timeout", "_line")

    def __init__(self, endpoints: str | Iterable[str], **options: Unpack[Options]) -> None:
        super().__init__(endpoints, **options)
        self._acquire_timeout = options.get("acquire_timeout", ACQUIRE_TIMEOUT)
        # Never more than the library lets wait: the others stand in a line of ours.
        waiters = options.get("max_waiters", 4 * options.get("max_connections", 100))
        self._line = Line(min(THREADS, waiters))

    async def warm_up(self, count: int, timeout: float | None = None) -> None:
        """As :meth:`sprint.Pool.warm_up`."""
        limit = _native.milliseconds(timeout)
        wanted = min(_native.size("count", count), _native.UINT32_MAX)
        lib = _native.lib()
        await Line().call(
            lambda: lib.sprint_pool_warm_up(self._handle, wanted, limit), lambda _status: None
        )

    def acquire(self, timeout: float | None = None) -> Acquire:
        """Lease a connection: ``async with pool.acquire() as conn:``, or
        ``conn = await pool.acquire()`` and a release of one's own.

        ``timeout`` and errors as in :meth:`sprint.Pool.acquire`. Any number of tasks may
        wait, whatever max_waiters is: the counters ``waiting`` and ``timeouts`` know of the
        first eight. One that is cancelled gives back what it was about to get.
        """
        _native.milliseconds(timeout)
        return Acquire(self, timeout)

    async def _acquire(self, timeout: float | None) -> Conn:
        if timeout == 0:
            return self._lease(0)
        if not self._line.waiting:
            try:
                return self._lease(0)
            except PoolExhausted:
                pass
        deadline = Deadline(self._acquire_timeout if timeout is None else timeout)
        return await self._line.call(
            lambda: self._lease(_native.milliseconds(deadline.left())),
            Conn.release,
            deadline.timeout,
        )

    def _lease(self, limit: int) -> Conn:
        out = _native.handle()
        _native.lib().sprint_pool_acquire(self._handle, limit, byref(out))
        return Conn(self, out.value)

    async def close(self, grace: float = 0) -> int:
        """As :meth:`sprint.Pool.close`."""
        limit = _native.milliseconds(grace)
        lib, forced = _native.lib(), c_uint32()
        await Line().call(
            lambda: lib.sprint_pool_close(self._handle, limit, byref(forced)),
            lambda _status: None,
        )
        return forced.value

    async def __aenter__(self: Self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if not self.closed:
                await self.close()
        finally:
            self.free()


class Acquire:
    """What :meth:`Pool.acquire` gives: to be awaited, or entered by ``async with``."""

    __slots__ = ("_conn", "_pool", "_timeout")

    def __init__(self, pool: Pool, timeout: float | None) -> None:
        self._pool = pool
        self._timeout = timeout

    def __await__(self) -> Generator[object, None, Conn]:
        return self._pool._acquire(self._timeout).__await__()

    async def __aenter__(self) -> Conn:
        self._conn = await self
        return self._conn

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._conn.__exit__(exc_type, exc, traceback)


class Conn(Lease):
    """A connection on lease, made by :meth:`Pool.acquire`.

    One task may read while another one writes. Timeouts are seconds, as in
    :class:`sprint.Conn`, and so are errors. A call that is cancelled:

    - a read loses nothing: what it had received is what the next one begins with;
    - a write that had not begun changes nothing, one in the middle of its data discards
      the connection;
    - after a request the connection is not lent again unless its answer is read.
    """

    __slots__ = ("_busy", "_kept", "_waiters")

    def __init__(self, pool: Pool, handle: int) -> None:
        self._busy = 0  # WANT_*: who is reading, who is writing
        self._kept = b""  # received by a read_exact that was cancelled
        self._waiters: list[_Waiter] = []
        super().__init__(pool, handle)

    async def write(self, data: Buffer, timeout: float | None = None) -> None:
        """Send all of ``data``, which is any contiguous buffer and is not copied: it must
        not change before this returns."""
        deadline = Deadline(timeout)
        with self._alone(WANT_WRITE), pinned(data) as (address, length):
            await self._walk(_steps.writing(self, address or 0, length, deadline), deadline)

    async def write_secret(self, secret: SecureBuffer, timeout: float | None = None) -> None:
        """Send a secret from its buffer, as :meth:`sprint.Conn.write_secret`."""
        with secret.open() as view:
            await self.write(view, timeout)

    async def read(self, size: int = CHUNK, timeout: float | None = None) -> bytes:
        """Receive what is there, 1 to ``size`` bytes; b"" for close_notify."""
        chunk = bytearray(_native.size("size", size))
        return bytes(memoryview(chunk)[: await self.read_into(chunk, timeout)])

    async def read_into(self, target: Buffer, timeout: float | None = None) -> int:
        """As :meth:`read`, into a writable buffer of at least 1 byte; how many bytes."""
        deadline = Deadline(timeout)
        with self._alone(WANT_READ), pinned(target, writable=True) as (address, length):
            return await self._read(address or 0, length, deadline)

    async def read_exact(self, size: int, timeout: float | None = None) -> bytes:
        """Receive exactly ``size`` bytes, at least 1. The exception's ``partial`` holds what
        had been received."""
        deadline = Deadline(timeout)
        target = bytearray(_native.size("size", size))
        with self._alone(WANT_READ), pinned(target, writable=True) as (address, length):
            n = c_size_t(self._take(address or 0, length))
            try:
                if n.value < length or length == 0:
                    steps = _steps.reading_exactly(self, address or 0, length, deadline, n)
                    await self._walk(steps, deadline)
            except SprintError as error:
                error.partial = bytes(memoryview(target)[: n.value])
                raise
            except BaseException:
                self._kept = bytes(memoryview(target)[: n.value]) + self._kept
                raise
        self._owed = False
        return bytes(target)

    readexactly = read_exact
    """The same, as asyncio names it."""

    async def request(
        self,
        data: Buffer,
        size: int = CHUNK,
        timeout: float | None = None,
        *,
        idempotent: bool = False,
    ) -> bytes:
        """Send all of ``data``, then receive once: :meth:`write` and :meth:`read` under one
        deadline. ``idempotent`` as in :meth:`sprint.Conn.request`; it waits in a thread."""
        deadline = Deadline(timeout)
        answer = bytearray(_native.size("size", size))
        if idempotent:
            limit = _native.milliseconds(timeout)
            with self._alone(WANT_READ | WANT_WRITE):
                self._owed = True
                n = await Line().call(
                    lambda: self._request(data, answer, limit, IDEMPOTENT), lambda _n: None
                )
                self._owed = False
            return bytes(memoryview(answer)[:n])
        with (
            self._alone(WANT_READ | WANT_WRITE),
            pinned(data) as (source, length),
            pinned(answer, writable=True) as (target, cap),
        ):
            if length == 0 or cap == 0:  # let the library say what is wrong
                self._request(data, answer, 0, 0)
            self._owed = True
            await self._walk(_steps.writing(self, source or 0, length, deadline), deadline)
            n = await self._read(target or 0, cap, deadline)
        return bytes(memoryview(answer)[:n])

    def release(self) -> None:
        """As :meth:`sprint.Conn.release`. A task that still waits here gets
        ConnectionClosed."""
        if self._kept:
            self.discard()
        else:
            super().release()

    def _drop(self, function: str) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:  # before the descriptor is somebody else's
            waiter.loop.remove_reader(waiter.fd)
            waiter.loop.remove_writer(waiter.fd)
            _settle(waiter.future, True)
        super()._drop(function)

    @contextlib.contextmanager
    def _alone(self, role: int) -> Iterator[None]:
        if taken := self._busy & role:
            verb = "reading" if taken & WANT_READ else "writing"
            raise StateError(f"sprint: another task is {verb} this connection")
        self._busy |= role
        try:
            yield
        finally:
            self._busy &= ~role

    async def _read(self, address: int, length: int, deadline: Deadline) -> int:
        n = c_size_t(self._take(address, length))
        if not n.value:
            await self._walk(_steps.reading(self, address, length, deadline, n), deadline)
        self._owed = False
        return n.value

    def _take(self, address: int, length: int) -> int:
        """Move what was kept to its reader; how many bytes."""
        n = min(len(self._kept), length)
        ctypes.memmove(address, self._kept, n)
        self._kept = self._kept[n:]
        return n

    async def _walk(self, steps: Steps, deadline: Deadline) -> None:
        try:
            fd, want = next(steps)
            while True:
                fd, want = steps.send(await self._ready(fd, want, deadline))
        except StopIteration:
            pass
        finally:
            steps.close()  # the task may have been cancelled

    async def _ready(self, fd: int, want: int, deadline: Deadline) -> bool:
        """Wait for the descriptor; False at the end of the time."""
        seconds = deadline.rest()
        if seconds <= 0:
            return False
        loop = asyncio.get_running_loop()
        waiter = _Waiter(loop.create_future(), loop, fd, want)
        self._waiters.append(waiter)
        self._listen(loop, fd)
        timer = None
        if seconds != math.inf:
            timer = loop.call_later(seconds, _settle, waiter.future, False)
        try:
            return await waiter.future
        finally:
            if timer:
                timer.cancel()
            if waiter in self._waiters:
                self._waiters.remove(waiter)
                self._listen(loop, fd)

    def _listen(self, loop: asyncio.AbstractEventLoop, fd: int) -> None:
        """Let the loop look for what is waited for, and for nothing else."""
        wanted = functools.reduce(operator.or_, (waiter.want for waiter in self._waiters), 0)
        if wanted & WANT_READ:
            loop.add_reader(fd, self._wake, WANT_READ)
        else:
            loop.remove_reader(fd)
        if wanted & WANT_WRITE:
            loop.add_writer(fd, self._wake, WANT_WRITE)
        else:
            loop.remove_writer(fd)

    def _wake(self, came: int) -> None:
        for waiter in self._waiters:
            if waiter.want & came:
                _settle(waiter.future, True)


class _Waiter(NamedTuple):
    future: asyncio.Future[bool]
    loop: asyncio.AbstractEventLoop
    fd: int
    want: int


def _settle(future: asyncio.Future[bool], result: bool) -> None:
    if not future.done():
        future.set_result(result)
