"""Blocking calls of the library on behalf of tasks, which must not block their loop."""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from ._errors import Timeout

T = TypeVar("T")


class Line:
    """Makes the calls in their order, in at most ``most`` threads at a time.

    The threads are daemons that begin when there is something to do and end when there
    is not. Tasks of several loops may stand in the same line.
    """

    def __init__(self, most: int = 1) -> None:
        self._most = most
        self._threads = 0
        self._lock = threading.Lock()
        self._jobs: deque[Callable[[], None]] = deque()

    @property
    def waiting(self) -> bool:
        """Whether there are calls that have not begun."""
        return bool(self._jobs)

    async def call(
        self, call: Callable[[], T], undo: Callable[[T], object], seconds: float = math.inf
    ) -> T:
        """``call()`` in its turn; Timeout if that has not come after ``seconds``. What it
        still gives to a task that was cancelled goes to ``undo``."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def job() -> None:
            if not future.cancelled():
                _settle(loop, future, call, undo)

        def give_up() -> None:
            if self._leave(job) and not future.done():
                future.set_exception(Timeout("sprint: acquire: timed out behind other tasks"))

        self._enter(job)
        timer = None if seconds == math.inf else loop.call_later(seconds, give_up)
        try:
            return await future
        except asyncio.CancelledError:
            # Settled, but cancelled before the task got it.
            if future.done() and not future.cancelled() and future.exception() is None:
                undo(future.result())
            raise
        finally:
            if timer:
                timer.cancel()
            self._leave(job)

    def _enter(self, job: Callable[[], None]) -> None:
        with self._lock:
            self._jobs.append(job)
            if self._threads == self._most:
                return
            self._threads += 1
        threading.Thread(target=self._serve, name="sprint-wait", daemon=True).start()

    def _leave(self, job: Callable[[], None]) -> bool:
        """Take a call out of the line, if it has not begun."""
        with self._lock, contextlib.suppress(ValueError):
            self._jobs.remove(job)
            return True
        return False

    def _serve(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self._threads -= 1
                    return
                job = self._jobs.popleft()
            job()
            del job


def _settle(
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[Any],
    call: Callable[[], T],
    undo: Callable[[T], object],
) -> None:
    """Make the call, in a thread, and tell the task, in its loop."""

    def deliver(result: T) -> None:
        if future.done():
            undo(result)
        else:
            future.set_result(result)

    def fail(error: BaseException) -> None:
        if not future.done():
            future.set_exception(error)

    try:
        result = call()
    except BaseException as error:
        with contextlib.suppress(RuntimeError):  # the loop was closed
            loop.call_soon_threadsafe(fail, error)
        return
    if future.cancelled():  # its loop may be ending, and take in what it never runs
        undo(result)
        return
    try:
        loop.call_soon_threadsafe(deliver, result)
    except RuntimeError:
        undo(result)
