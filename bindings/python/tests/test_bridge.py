"""The library's lines as records of logging."""

from __future__ import annotations

import io
import logging
import os
import threading
import time
from collections.abc import Iterator

import pytest

import sprint
from conftest import until
from relay import Relay
from sprint import bridge
from test_load import FORK, passes


class Kept(logging.Handler):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler = Kept()
    logger = logging.getLogger("test.sprint")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield handler
    logger.removeHandler(handler)


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name in ("sprint-log", "sprint-events")]


def one_lease(relay: Relay) -> None:
    with sprint.Pool(relay.address, ca_file=relay.ca_file) as pool:
        pool.acquire(5).release()


def test_a_line_of_the_log_is_a_record_with_its_attributes(relay: Relay, kept: Kept) -> None:
    assert not threads()
    with sprint.log_to_logging("test.sprint", "debug"):
        one_lease(relay)
        assert threads() == ["sprint-log"]
    assert not threads()
    record = next(r for r in kept.records if r.msg.startswith("connection opened"))
    assert (record.name, record.levelno, record.levelname) == ("test.sprint", 10, "DEBUG")
    assert record.__dict__["endpoint"] == relay.address
    assert f"endpoint={relay.address}" in record.getMessage()
    assert abs(record.created - time.time()) < 60
    assert 0 <= record.msecs < 1000


def test_an_error_of_a_dial_is_a_warning_that_says_why(relay: Relay, kept: Kept) -> None:
    def warnings() -> list[str]:
        return [r.getMessage() for r in kept.records if r.levelno == logging.WARNING]

    with sprint.log_to_logging(logging.getLogger("test.sprint")):
        with sprint.Pool(relay.address) as pool, pytest.raises(sprint.CertificateError):
            pool.acquire(5)
        until(lambda: bool(warnings()))  # it may come a little after the call that failed
    assert "unknown authority" in warnings()[0]


def test_the_logger_s_level_is_the_library_s_unless_one_is_given(relay: Relay, kept: Kept) -> None:
    logging.getLogger("test.sprint").setLevel(logging.ERROR)
    with sprint.log_to_logging("test.sprint"):
        one_lease(relay)
    assert kept.records == []


def test_events_are_records_and_never_hold_a_secret(kept: Kept) -> None:
    with sprint.events_to_logging("test.sprint"):
        sprint.SecureBuffer.from_bytearray(bytearray(b"not-a-real-secret")).close()
    text = " ".join(record.getMessage() for record in kept.records)
    assert "allocate" in text
    assert "free" in text
    assert "not-a-real-secret" not in text
    assert {record.__dict__["size"] for record in kept.records} == {17}


def test_what_came_before_the_close_is_logged_when_it_returns(kept: Kept) -> None:
    with sprint.events_to_logging("test.sprint"):
        for _ in range(500):
            sprint.SecureBuffer(8).close()
    assert len(kept.records) == 1000


def test_a_second_bridge_takes_over_from_the_first(kept: Kept) -> None:
    first = sprint.events_to_logging("test.sprint")
    sprint.SecureBuffer(8).close()
    with sprint.events_to_logging("test.sprint"):
        assert threads() == ["sprint-events"]
        assert len(kept.records) == 2
        first.close()
        sprint.SecureBuffer(8).close()
    assert len(kept.records) == 4


def test_a_handler_that_fails_loses_its_record_only(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    logger = logging.getLogger("test.sprint")

    def failing(record: logging.LogRecord) -> bool:
        if record.msg.startswith("allocate"):
            raise ZeroDivisionError
        return True

    logger.addFilter(failing)
    try:
        with sprint.events_to_logging("test.sprint"):
            sprint.SecureBuffer(8).close()
    finally:
        logger.removeFilter(failing)
    assert [record.msg.split()[0] for record in kept.records] == ["free"]
    assert "ZeroDivisionError" in stderr.getvalue()


def test_a_handler_that_hangs_does_not_hold_up_the_library(kept: Kept) -> None:
    go_on = threading.Event()
    logger = logging.getLogger("test.sprint")

    def hanging(_record: logging.LogRecord) -> bool:
        return go_on.wait(60)

    logger.addFilter(hanging)
    try:
        with sprint.events_to_logging("test.sprint"):
            for _ in range(6000):  # more than the pipe holds
                sprint.SecureBuffer(8).close()
            go_on.set()
    finally:
        logger.removeFilter(hanging)
    assert 0 < len(kept.records) < 12_000


@pytest.mark.parametrize(
    ("line", "level", "message"),
    [
        (b'{"level":"TRACE","msg":"deep"}\n', bridge.TRACE, "deep"),
        (b'{"level":"DEBUG-2","msg":"x","n":1}\n', logging.DEBUG, "x n=1"),
        (b'{"level":"WARN+1","msg":"x","why":"a b"}\n', logging.WARNING, 'x why="a b"'),
        (b'{"level":"NEW","msg":"x","time":"never"}\n', logging.INFO, "x"),
        (b'{"msg":"x","name":"n","args":[1],"message":""}\n', 20, 'x name=n args=[1] message=""'),
        (b'half a li{"msg":"x"}\n', logging.WARNING, 'half a li{"msg":"x"}'),
        (b"[1]\n", logging.WARNING, "[1]"),
    ],
)
def test_a_line_of_any_shape_is_a_record(line: bytes, level: int, message: str) -> None:
    record = bridge._record("test", line)
    assert (record.name, record.levelno, record.getMessage()) == ("test", level, message)
    logging.Formatter("%(asctime)s %(name)s %(message)s").format(record)


def test_a_key_that_a_record_has_anyway_gets_an_underscore() -> None:
    record = bridge._record("test", b'{"msg":"x","name":"n","endpoint":"e"}')
    assert (record.name, record.__dict__["name_"]) == ("test", "n")
    assert record.__dict__["endpoint"] == "e"


def test_a_bridge_that_cannot_be_built_leaves_no_descriptor() -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(ValueError, match="'loud' is none of"):
        sprint.log_to_logging(level="loud")  # type: ignore[arg-type]
    assert len(os.listdir("/proc/self/fd")) == before
    assert not threads()


BASIC = "import logging, sys\nlogging.basicConfig(level=logging.INFO, stream=sys.stdout)\n"


def test_a_forked_child_does_not_end_its_parent_s_bridge() -> None:
    passes(
        FORK
        + BASIC
        + """
bridge = sprint.events_to_logging()
def body():
    bridge.close()
    refused(sprint.events_to_logging)
assert child(body) == 0
import threading
assert any(t.name == "sprint-events" for t in threading.enumerate())
sprint.SecureBuffer(8).close()
bridge.close()
"""
    )


def test_the_end_of_the_interpreter_waits_for_the_lines() -> None:
    done = passes(
        BASIC + "import sprint\nsprint.events_to_logging()\nsprint.SecureBuffer(8).close()"
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("INFO:sprint.events:allocate ")
