"""What was taken is given back: descriptors, locked memory, threads.

Each cycle runs in a fresh interpreter, so that nothing else moves the counts. The
first cycles may grow what is kept for reuse; after them nothing grows any more.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from relay import ROOT, Relay

PRELUDE = """
import gc, os, sys, threading
from pathlib import Path
import sprint

address, ca_file = sys.argv[1:]

def settings(**more):
    return {"ca_file": ca_file, "max_connections": 4, "connect_timeout": 20, **more}

def refused(error, call):
    try:
        call()
    except error:
        return
    raise AssertionError("not refused")
"""

MEASURE = """
def counts():
    gc.collect()
    status = dict(
        line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines()
    )
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "locked": int(status["VmLck"].split()[0]),
        "buffers": sprint.memory_stats().buffers,
        "python threads": threading.active_count(),
        "mappings": Path("/proc/self/maps").read_text().count("\\n"),
    }, int(status["Threads"])

def settle(done):
    "Sockets and threads end a moment after the call that ended them."
    import time
    end = time.monotonic() + 10
    while True:
        value = counts()
        if done(value) or time.monotonic() > end:
            return value
        time.sleep(0.01)

for _ in range(20):
    cycle()
before, threads_before = settle(lambda now: now[0]["python threads"] == 1)
for _ in range(60):
    cycle()

def same(now):
    "Mappings: the heaps of Python and Go grow by a few; a leak shows once per cycle."
    return all(
        now[0][name] - before[name] <= (20 if name == "mappings" else 0) for name in before
    )

after, threads_after = settle(same)
assert same((after, 0)), f"before {before}, after {after}"
assert threads_after <= threads_before + 4, (threads_before, threads_after)
"""

CYCLES = {
    "pools, leases and requests": """
def cycle():
    with sprint.Pool(address, **settings()) as pool:
        pool.warm_up(2, 5)
        with pool.acquire() as conn:
            conn.request(b"NONCE\\n", timeout=5)
        pool.acquire().discard()
        pool.status(), pool.stats()
""",
    "leases that outlive their pool": """
def cycle():
    pool = sprint.Pool(address, **settings())
    conn = pool.acquire()
    pool.free()
    refused(sprint.ConnectionClosed, lambda: conn.read(1, 5))
    conn.release()
""",
    "tasks, cancelled ones too": """
import asyncio
from sprint import aio

async def work():
    async with aio.Pool(address, **settings(max_connections=1)) as pool:
        async with pool.acquire() as conn:
            await conn.request(b"NONCE\\n", timeout=5)
            for waits in (conn.read(), pool.acquire(), conn.write(bytes(1 << 20))):
                task = asyncio.ensure_future(waits)
                await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

def cycle():
    asyncio.run(work())
""",
    "certificates and ports that are refused": """
import socket
refuses = socket.socket()  # bound, and nobody listens
refuses.bind(("127.0.0.1", 0))
refusing = "127.0.0.1:%d" % refuses.getsockname()[1]
refuses.detach()

def cycle():
    with sprint.Pool(address, **settings(server_name="another.test")) as pool:
        refused(sprint.CertificateError, pool.acquire)
    with sprint.Pool(refusing, circuit_breaker_failure_threshold=1) as pool:
        refused(sprint.BreakerOpen, pool.acquire)
""",
    "acquires and reads that time out": """
def cycle():
    with sprint.Pool(address, **settings(max_connections=1)) as pool:
        with pool.acquire() as conn:
            refused(sprint.Timeout, lambda: pool.acquire(0.01))
            refused(sprint.Timeout, lambda: conn.read(1, 0.01))
""",
    "bad configurations": """
def cycle():
    with sprint.SecureBuffer.random(32) as token:
        refused(sprint.ArgumentError, lambda: sprint.Pool("nonsense"))
        refused(sprint.ArgumentError, lambda: sprint.Pool(
            address, metrics_auth_token=token, min_idle=9, max_connections=3))
        refused(sprint.ArgumentError, lambda: sprint.Pool(address, ca_file="/nowhere"))
        refused(TypeError, lambda: sprint.Pool(address, nonsense=1))
""",
    "secrets of many sizes": """
def cycle():
    for size in (1, 32, 4096, 5000, 70_000):
        with sprint.SecureBuffer.random(size) as secret:
            with secret.open() as view:
                bytes(view[:1])
            secret.hmac("sha512", b"message")
        sprint.SecureBuffer.from_bytearray(bytearray(size))
    with sprint.SecureBuffer.random(32) as key:
        key.decrypt(key.encrypt(b"message", b"aad"), b"aad").close()
        refused(sprint.CryptoError, lambda: key.decrypt(bytes(64)))
        key.hkdf("sha512", 5000)
        key.sign(b"message")
        key.seal()
        key.expire_after(60)
        sprint.memory_status()
    kept = sprint.SecureBuffer.random(32).open()
    view = kept.__enter__()
    del kept, view
""",
}


@pytest.mark.parametrize("name", CYCLES)
def test_nothing_leaks(name: str, relay: Relay) -> None:
    code = PRELUDE + CYCLES[name] + MEASURE
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, relay.address, relay.ca_file],
        env={**os.environ, "PYTHONPATH": str(ROOT / "bindings/python/src")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
