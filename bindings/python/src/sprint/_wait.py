"""Waiting so that Ctrl-C works.

Python runs signal handlers between bytecodes of the main thread, and EINTR never
leaves the library: a C call that blocks the main thread would block Ctrl-C too. On
other threads one C call does one wait, however long it is.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError, wait
from typing import TypeVar

from . import _native
from ._errors import Timeout

T = TypeVar("T")

SLICE = 0.2
"""Longest wait of the main thread that no signal can interrupt, in seconds."""


def in_main_thread() -> bool:
    return threading.get_ident() == threading.main_thread().ident


def may_block(timeout: float | None) -> bool:
    """Whether one C call may do the whole wait."""
    return (timeout is not None and timeout <= SLICE) or not in_main_thread()


class Deadline:
    """A moment on the monotonic clock, or never (timeout None). ValueError for a timeout
    that is none."""

    __slots__ = ("_at", "timeout")

    def __init__(self, timeout: float | None) -> None:
        _native.milliseconds(timeout)
        self.timeout = math.inf if timeout is None else timeout
        self._at = time.monotonic() + self.timeout

    def rest(self) -> float:
        """Seconds until then; 0 or less when it is over."""
        return self._at - time.monotonic()

    def left(self) -> float:
        """Seconds, never quite 0, which would mean not to wait at all."""
        return max(self.rest(), 0.001)

    @contextlib.contextmanager
    def last_slice(self) -> Iterator[int]:
        """What is left in milliseconds, for the call that does the rest of the wait."""
        if not self.timeout:
            yield 0
            return
        try:
            yield _native.milliseconds(self.left())
        except Timeout as error:
            raise Timeout(f"{error}, the last of {self.timeout:g} s") from None


def interruptible(call: Callable[[], T], undo: Callable[[T], object]) -> T:
    """``call()``, by way of a helper thread when the main thread asks.

    The wait stays one call of the library, so a caller in a queue keeps its place for
    as long as it waits. When a signal handler raises, the helper is left behind and
    what it still obtains is given to ``undo``.
    """
    if not in_main_thread():
        return call()
    outcome: Future[T] = Future()
    helper = threading.Thread(
        target=_settle, args=(outcome, call, undo), name="sprint-wait", daemon=True
    )
    try:
        helper.start()
        # In slices: a signal just before a wait is noticed after it.
        while not wait((outcome,), SLICE).done:
            pass
        return outcome.result()
    except BaseException:
        if not outcome.cancel() and outcome.exception() is None:
            undo(outcome.result())
        raise
    finally:
        del outcome  # its exception refers to this frame


def _settle(outcome: Future[T], call: Callable[[], T], undo: Callable[[T], object]) -> None:
    try:
        result = call()
    except BaseException as error:
        with contextlib.suppress(InvalidStateError):  # nobody waits any more
            outcome.set_exception(error)
    else:
        try:
            outcome.set_result(result)
        except InvalidStateError:
            undo(result)
    finally:
        del outcome, call, undo
