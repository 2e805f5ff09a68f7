"""What the package leaves to its host: workers, signals, crashes, the end of the process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import until
from relay import ROOT, Relay
from test_load import SRC, passes, python

POOL = "import sprint\npool = sprint.Pool({address!r}, ca_file={ca_file!r}, max_connections=1)\n"


def with_pool(relay: Relay) -> str:
    return POOL.format(address=relay.address, ca_file=relay.ca_file)


# --------------------------------------------------------------------------- workers

WORKERS = """
import multiprocessing, sprint, sys

def work(number):
    with sprint.SecureBuffer.random(32) as secret:
        return len(secret) + number

def fails(number):
    try:
        work(number)
    except sprint.ForkedError as error:
        return "spawn" in str(error)

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    if sys.argv[2] == "after":
        sprint.version()
    with context.Pool(2) as workers:
        print(workers.map(fails if sys.argv[3] == "fails" else work, range(3)))
"""


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_workers_of_each_start_method(tmp_path: Path, method: str, moment: str) -> None:
    """Only a worker that is forked after the parent's first call is refused."""
    refused = (method, moment) == ("fork", "after")
    program = tmp_path / "workers.py"
    program.write_text(WORKERS)
    done = subprocess.run(
        [sys.executable, program, method, moment, "fails" if refused else "works"],
        env={**os.environ, "PYTHONPATH": SRC},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("[True, True, True]\n" if refused else "[32, 33, 34]\n")


def test_programs_are_started_as_before() -> None:
    passes(
        "import os, subprocess, sprint\n"
        "sprint.version()\n"
        "assert subprocess.run(['true']).returncode == 0\n"
        "assert subprocess.run(['true'], preexec_fn=lambda: None).returncode == 0\n"
        "assert os.system('true') == 0\n"
    )


# --------------------------------------------------------------------------- signals


def asleep(pid: int) -> bool:
    """Whether the main thread of a process waits (proc_pid_stat(5))."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


def interrupted(code: str, relay: Relay, when: int) -> tuple[int, str, float]:
    """Run until the relay has seen ``when`` handshakes, then send SIGINT."""
    before = relay.stats()["handshakes"]
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": SRC},
        stderr=subprocess.PIPE,
        text=True,
    )
    while relay.stats()["handshakes"] < before + when:
        assert process.poll() is None, process.communicate()
    until(lambda: asleep(process.pid))
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    return process.returncode, stderr, time.monotonic() - begin


@pytest.mark.parametrize("wait", ["conn.read()", "pool.acquire(60)", "asyncio.sleep(60)"])
def test_ctrl_c_ends_a_loop_that_waits(relay: Relay, wait: str) -> None:
    code = f"""
import asyncio, sprint
async def work():
    async with sprint.aio.Pool({relay.address!r}, ca_file={relay.ca_file!r},
                               max_connections=1) as pool:
        async with pool.acquire() as conn:
            await {wait}
asyncio.run(work())
"""
    status, stderr, took = interrupted(code, relay, when=1)
    assert status == -signal.SIGINT
    assert stderr.rstrip().endswith("KeyboardInterrupt")
    assert "never released" not in stderr
    assert took < 20


@pytest.mark.parametrize("moment", ["before", "after"])
def test_faulthandler_reports_a_crash_of_the_host(relay: Relay, moment: str) -> None:
    enable = "import faulthandler\nfaulthandler.enable()\n"
    use = with_pool(relay) + "pool.acquire().release()\n"
    crash = "import ctypes\ndef guilty(): ctypes.string_at(1)\nguilty()\n"
    done = python((enable + use if moment == "before" else use + enable) + crash)
    assert done.returncode == -signal.SIGSEGV
    assert "Segmentation fault" in done.stderr
    assert "in guilty" in done.stderr


@pytest.mark.parametrize("moment", ["before", "after"])
def test_everything_works_beside_faulthandler(relay: Relay, moment: str) -> None:
    enable = "import faulthandler\nfaulthandler.enable()\n"
    use = with_pool(relay)
    passes(
        (enable + use if moment == "before" else use + enable)
        + "with pool.acquire() as conn: assert conn.request(b'NONCE\\n', timeout=5)\n"
        "with sprint.SecureBuffer.random(32) as key: key.hmac('sha256', b'')\n"
        "pool.free()\n"
    )


# ------------------------------------------------------------------------------- end


@pytest.mark.parametrize(
    ("wait", "condition"),
    [
        (
            "threading.Thread(target=pool.acquire, args=(60,), daemon=True)",
            "not pool.stats().waiting",
        ),
        ("threading.Thread(target=conn.read, daemon=True)", "False"),
        (
            "threading.Thread(target=lambda: asyncio.run(task()), daemon=True)",
            "not shared.stats().waiting",
        ),
    ],
    ids=["acquire", "read", "task"],
)
def test_the_process_ends_although_a_daemon_thread_waits(
    relay: Relay, wait: str, condition: str
) -> None:
    begin = time.monotonic()
    passes(
        with_pool(relay)
        + f"""
import asyncio, threading
conn = pool.acquire()
shared = sprint.aio.Pool({relay.address!r}, ca_file={relay.ca_file!r}, max_connections=1)
async def task():
    first = await shared.acquire()
    await shared.acquire(60)
thread = {wait}
thread.start()
def state():
    with open(f"/proc/self/task/{{thread.native_id}}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]
while state() != "S" or {condition}:
    pass
"""
    )
    assert time.monotonic() - begin < 30


# --------------------------------------------------------------------- the library's place


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """The package with a library in it, as in a wheel."""
    library = Path(os.environ["SPRINT_LIBRARY"]).resolve()
    package = tmp_path / "site" / "sprint"
    shutil.copytree(Path(SRC, "sprint"), package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "_lib").mkdir()
    (package / "_lib/libsprint.so.1").symlink_to(library)
    return package


def test_the_library_is_looked_for_in_the_documented_order(packed: Path, tmp_path: Path) -> None:
    library = Path(os.environ["SPRINT_LIBRARY"]).resolve()
    named = tmp_path / "mine.so"
    named.symlink_to(library)
    by_loader = str(ROOT / "build")
    code = "import sprint; from sprint import _native; print(_native.lib()._name)"

    def found(**environ: str) -> str:
        return passes(code, PYTHONPATH=str(packed.parent), **environ).stdout.strip()

    inside = str(packed / "_lib/libsprint.so.1")
    assert found(SPRINT_LIBRARY=str(named), LD_LIBRARY_PATH=by_loader) == str(named)
    assert found(SPRINT_LIBRARY="", LD_LIBRARY_PATH=by_loader) == inside
    (packed / "_lib/libsprint.so.1").unlink()
    assert found(SPRINT_LIBRARY="", LD_LIBRARY_PATH=by_loader) == "libsprint.so.1"
