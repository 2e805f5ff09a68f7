"""When and how the library is loaded, and what a forked process may do."""

from __future__ import annotations

import os
import subprocess
import sys

from relay import ROOT

SRC = str(ROOT / "bindings/python/src")


def python(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter; what the library does to a process cannot be undone."""
    env = {**os.environ, "PYTHONPATH": SRC, **environ}
    return subprocess.run(
        # From Python 3.12 on every fork beside threads, which Go has, is warned of.
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )


def passes(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    done = python(code, **environ)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done


MAPPED = """
from pathlib import Path
mapped = lambda: "libsprint" in Path("/proc/self/maps").read_text()
"""

FORK = """
import os, sprint
def child(body):
    "Exit status of a forked process in which body ran."
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            body()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def refused(call):
    try:
        call()
    except sprint.ForkedError as error:
        assert error.code == -15
        assert "spawn" in str(error)
    else:
        raise AssertionError("not refused")
"""


def test_the_import_loads_nothing_and_the_first_call_does() -> None:
    passes(MAPPED + "import sprint\nassert not mapped()\nassert sprint.version()\nassert mapped()")


def test_asyncio_is_imported_only_by_those_who_use_it() -> None:
    passes(
        "import sys, sprint\n"
        "assert 'asyncio' not in sys.modules\n"
        "assert sprint.aio.Pool is not sprint.Pool\n"
        "assert 'asyncio' in sys.modules\n"
    )


def test_a_path_that_the_user_gave_is_the_only_one_tried() -> None:
    done = python("import sprint; sprint.version()", SPRINT_LIBRARY="/nowhere/libsprint.so.1")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: sprint: cannot load libsprint; set SPRINT_LIBRARY")
    assert last.count("/nowhere/libsprint.so.1") >= 1
    assert "_lib" not in last


def test_without_a_library_the_error_names_every_place_that_was_searched() -> None:
    done = python("import sprint; sprint.version()", SPRINT_LIBRARY="", LD_LIBRARY_PATH="")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert f"{SRC}/sprint/_lib/libsprint.so.1: " in last
    assert "; libsprint.so.1: " in last


def test_another_library_is_refused_by_its_missing_function() -> None:
    done = python("import sprint; sprint.version()", SPRINT_LIBRARY="libc.so.6")
    assert done.stderr.splitlines()[-1] == (
        "ImportError: sprint: libc.so.6 lacks sprint_init: "
        "it is not a libsprint that serves version 1.0"
    )


def test_a_failed_load_can_be_tried_again() -> None:
    passes(
        "import os, sprint\n"
        "good = os.environ['SPRINT_LIBRARY']\n"
        "os.environ['SPRINT_LIBRARY'] = '/nowhere'\n"
        "try: sprint.version()\n"
        "except ImportError: pass\n"
        "else: raise AssertionError\n"
        "os.environ['SPRINT_LIBRARY'] = good\n"
        "assert sprint.version()"
    )


def test_a_process_forked_before_the_first_call_may_use_the_library() -> None:
    passes(
        FORK + "assert child(lambda: sprint.SecureBuffer.random(32).close()) == 0\n"
        "assert sprint.version()"
    )


def test_every_call_is_refused_at_once_in_a_process_forked_after_the_first() -> None:
    passes(
        FORK
        + """
secret = sprint.SecureBuffer.random(32)
pool = sprint.Pool("localhost:1")
def body():
    refused(sprint.version)
    refused(sprint.memory_stats)
    refused(lambda: sprint.SecureBuffer(1))
    refused(lambda: sprint.Pool("localhost:1"))
    refused(secret.read)
    refused(lambda: secret.hmac("sha256", b""))
    refused(lambda: secret.open().__enter__())
    refused(lambda: sprint.equal(secret, secret))
    refused(secret.seal)
    refused(lambda: secret.expire_after(1))
    refused(secret.public_key)
    refused(lambda: secret.sign(b""))
    refused(lambda: secret.encrypt(b""))
    refused(lambda: secret.decrypt(bytes(29)))
    refused(lambda: secret.hkdf("sha256", 32))
    refused(lambda: secret.pbkdf2("sha256", bytes(16), 100_000, 32))
    refused(sprint.memory_status)
    refused(sprint.memory_self_check)
    refused(lambda: sprint.memory_set(at_limit="fail"))
    refused(lambda: sprint.events_to_fd(None))
    refused(pool.acquire)
    refused(pool.stats)
    refused(pool.close)
    refused(lambda: sprint.log_to_fd(None))
    with secret: pass          # the ends of blocks are silent
    pool.free()
    spare = bytearray(b"wipe works")
    sprint.wipe(spare)
    assert not any(spare)
    assert child(lambda: refused(sprint.version)) == 0
assert child(body) == 0
assert len(secret.read()) == 32    # the parent is not affected
"""
    )


def test_a_fork_that_bypasses_python_is_refused_by_the_library() -> None:
    passes(
        FORK
        + """
import ctypes
sprint.version()
libc = ctypes.CDLL(None)
pid = libc.fork()
if pid == 0:
    status = 1
    try:
        try: sprint.memory_stats()
        except sprint.ForkedError: status = 0
    finally:
        os._exit(status)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""
    )


def test_spawned_workers_load_a_library_of_their_own() -> None:
    passes(
        "import concurrent.futures, multiprocessing, sprint\n"
        "sprint.version()\n"
        "spawn = multiprocessing.get_context('spawn')\n"
        "with concurrent.futures.ProcessPoolExecutor(2, mp_context=spawn) as workers:\n"
        "    assert list(workers.map(len, [sprint.version()] * 2)) == [5, 5]\n"
        "    assert workers.submit(sprint.version).result() == sprint.version()\n"
    )


def test_interpreter_exit_with_everything_open_is_silent() -> None:
    passes(
        "import sprint\n"
        "secret = sprint.SecureBuffer.random(32)\n"
        "borrow = secret.open()\n"
        "view = borrow.__enter__()\n"
        "pool = sprint.Pool('localhost:1')\n"
    )
