"""The library's lines of JSON as records of the module ``logging``."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import json
import logging
import os
import threading
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from ._errors import ForkedError
from ._library import Level, events_to_fd, log_to_fd
from ._parse import moment

Self = TypeVar("Self", bound="LogBridge")

TRACE = 5
"""The level of TRACE lines, below logging.DEBUG."""

_TO_LOGGING = {
    "TRACE": TRACE,
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARN": logging.WARNING,
    "ERROR": logging.ERROR,
}
_PIPE_SIZE = 1 << 20
_STOP = b"\0\n"  # no line of JSON
_TAKEN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class LogBridge:
    """What carries lines to a logger, until :meth:`close`, the end of a ``with`` block, the
    next bridge of the same kind, or the end of the interpreter.

    The lines pass a pipe, which a daemon thread reads; what does not fit into it while
    that thread is held up is dropped, so that logging never holds up a connection.
    """

    def __init__(
        self, name: str, logger: logging.Logger, switch: Callable[[int | None], None]
    ) -> None:
        self._logger = logger
        self._switch = switch
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._closed = False
        read, self._pipe = os.pipe()
        try:
            os.set_blocking(self._pipe, False)
            with contextlib.suppress(OSError):  # as large as the system allows
                fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
            switch(self._pipe)
        except BaseException:
            os.close(read)
            os.close(self._pipe)
            raise
        self._thread = threading.Thread(target=self._serve, args=(read,), name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, and wait until the lines that were written have been logged. Idempotent."""
        with self._lock:
            if self._closed or os.getpid() != self._process:
                return
            self._closed = True
            with contextlib.suppress(ForkedError):
                self._switch(None)
            self._end()

    def _replaced(self) -> None:
        """Close, when the library writes elsewhere already."""
        with self._lock:
            if not self._closed and os.getpid() == self._process:
                self._closed = True
                self._end()

    def _end(self) -> None:
        # Not the end of the file: a forked child may have the descriptor too.
        os.set_blocking(self._pipe, True)
        os.write(self._pipe, _STOP)
        os.close(self._pipe)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _serve(self, read: int) -> None:
        with open(read, "rb") as lines:
            for line in lines:
                if line == _STOP:
                    return
                try:
                    record = _record(self._logger.name, line)
                    if self._logger.isEnabledFor(record.levelno):
                        self._logger.handle(record)
                except Exception:  # of a filter or a handler: the next line may fare better
                    if logging.raiseExceptions:
                        traceback.print_exc()


def _record(name: str, line: bytes) -> logging.LogRecord:
    """A record of a line: its time, level and text, and every other key as an attribute,
    with an underscore behind those that a record has anyway."""
    try:
        fields: dict[str, Any] = json.loads(line)
        text, level = str(fields.pop("msg", "")), str(fields.pop("level", "INFO"))
    except (ValueError, AttributeError, TypeError):  # half a line, where a pipe was full
        text, level, fields = line.decode("utf-8", "replace").strip(), "WARN", {}
    created = fields.pop("time", None)
    words = [text, *(f"{key}={_shown(value)}" for key, value in fields.items())]
    record = logging.LogRecord(
        name, _level(level), "libsprint", 0, " ".join(words), args=None, exc_info=None
    )
    with contextlib.suppress(ValueError, TypeError):
        record.created = moment(created).timestamp()
        record.msecs = int(record.created % 1 * 1000) + 0.0
    record.__dict__.update(
        {f"{key}_" if key in _TAKEN else key: value for key, value in fields.items()}
    )
    return record


def _shown(value: object) -> str:
    plain = isinstance(value, str) and value and not set(value) & set(' "=\n')
    return str(value) if plain else json.dumps(value)


def _level(text: str) -> int:
    """slog names levels between its own by their distance: WARN+2."""
    return _TO_LOGGING.get(text.replace("-", "+").partition("+")[0], logging.INFO)


_bridges: dict[str, LogBridge] = {}
_lock = threading.Lock()


def _install(name: str, logger: logging.Logger, switch: Callable[[int | None], None]) -> LogBridge:
    with _lock:
        bridge = LogBridge(name, logger, switch)
        if previous := _bridges.get(name):
            previous._replaced()
        else:
            atexit.register(lambda: _bridges[name].close())
        _bridges[name] = bridge
        return bridge


def log_to_logging(
    logger: logging.Logger | str = "sprint", level: Level | None = None
) -> LogBridge:
    """Give the library's log to a logger, from ``level`` on; None: the level that the logger
    has now.

    A record's message holds the text and ``key=value`` for all else that the line says,
    which are attributes of the record too: ``endpoint``, ``connection_id`` and so on.
    """
    target = logging.getLogger(logger) if isinstance(logger, str) else logger
    least = level or _least(target.getEffectiveLevel())
    return _install("sprint-log", target, lambda fd: log_to_fd(fd, least))


def events_to_logging(logger: logging.Logger | str = "sprint.events") -> LogBridge:
    """Give what happens to secrets to a logger, as :func:`log_to_logging` does with the log:
    what was done, handle, size and result, never content."""
    target = logging.getLogger(logger) if isinstance(logger, str) else logger
    return _install("sprint-events", target, events_to_fd)


def _least(level: int) -> Level:
    if level <= TRACE:
        return "trace"
    if level <= logging.DEBUG:
        return "debug"
    if level <= logging.INFO:
        return "info"
    return "warn" if level <= logging.WARNING else "error"
