"""A program that talks through libsprint.

It puts a login key into guarded memory, opens a pool, warms it up, lets four threads
lease, log in and play PING/PONG for some seconds, prints what that took, and leaves
nothing behind. Exit status 0: all of it worked.

    python3 engine.py --endpoint localhost:7443 --ca-file ca.pem --key-file login.key

It needs the package in bindings/python, and SPRINT_LIBRARY if libsprint.so.1 is not
where the loader looks.
"""

from __future__ import annotations

import argparse
import math
import os
import stat
import sys
import threading
import time

import sprint

THREADS = 4
IO_TIMEOUT = 5.0
CLOSE_GRACE = 2.0


class Failure(Exception):
    """What the server said is not what the protocol wants."""


def load_key(path: str) -> sprint.SecureBuffer:
    """Read a key file into guarded memory: the kernel copies it there, and nowhere else."""
    with open(path, "rb", buffering=0) as file:
        info = os.fstat(file.fileno())
        if not stat.S_ISREG(info.st_mode) or not 16 <= info.st_size <= 4096:
            raise Failure(f"{path}: a key is a file of 16 to 4096 bytes")
        key = sprint.SecureBuffer(info.st_size)
        with key.open(write=True) as memory:
            if file.readinto(memory) != info.st_size:
                raise Failure(f"{path}: became shorter while it was read")
    return key


def ask(conn: sprint.Conn, line: bytes) -> bytes:
    """One line there, one line back, without its newline."""
    answer = conn.request(line + b"\n", 256, timeout=IO_TIMEOUT)
    while not answer.endswith(b"\n"):
        more = conn.read(256, timeout=IO_TIMEOUT)
        if not more:
            raise Failure("the server ended the connection in the middle of an answer")
        answer += more
    return answer[:-1]


def log_in(conn: sprint.Conn, key: sprint.SecureBuffer) -> None:
    """Prove knowledge of the key, which does not leave its buffer."""
    word, _, nonce = ask(conn, b"NONCE").partition(b" ")
    if word != b"NONCE":
        raise Failure(f"not a nonce: {word!r}")
    mac = key.hmac("sha256", bytes.fromhex(nonce.decode()))
    answer = ask(conn, b"LOGIN " + mac.hex().encode())
    if answer != b"OK":
        raise Failure(f"login refused: {answer.decode()}")


def ping(conn: sprint.Conn) -> None:
    answer = ask(conn, b"PING")
    if answer != b"PONG":
        raise Failure(f"not a PONG: {answer.decode()}")


class Worker(threading.Thread):
    """Lease, log in if the connection is fresh, ask, give back, until told to stop."""

    def __init__(self, pool: sprint.Pool, key: sprint.SecureBuffer, stop: threading.Event):
        super().__init__()
        self.pool, self.key, self.stop = pool, key, stop
        self.took: dict[str, list[float]] = {"lease": [], "login": [], "ping": []}
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            while not self.stop.is_set():
                self.once()
        except (sprint.SprintError, Failure) as failure:
            self.failure = failure
            self.stop.set()

    def once(self) -> None:
        begin = time.perf_counter()
        with self.pool.acquire() as conn:
            leased = time.perf_counter()
            self.took["lease"].append(leased - begin)
            if conn.uses == 0:
                log_in(conn, self.key)
                self.took["login"].append(time.perf_counter() - leased)
            begin = time.perf_counter()
            ping(conn)
            self.took["ping"].append(time.perf_counter() - begin)


def print_table(workers: list[Worker]) -> None:
    head = ("p50 us", "p90 us", "p99 us", "max us")
    print(f"{'':8} {'count':>10} " + " ".join(f"{name:>12}" for name in head))
    for name in ("lease", "login", "ping"):
        took = sorted(sample for worker in workers for sample in worker.took[name])
        if took:
            # The smallest sample that the given share does not exceed.
            ranks = (math.ceil(share * len(took)) - 1 for share in (0.50, 0.90, 0.99, 1))
            cells = " ".join(f"{took[rank] * 1e6:12.1f}" for rank in ranks)
            print(f"{name:8} {len(took):10} {cells}")


def run(options: argparse.Namespace) -> None:
    print(f"libsprint {sprint.version()}")
    settings: sprint.Options = {"max_connections": options.connections}
    if options.ca_file:
        settings["ca_file"] = options.ca_file
    if options.server_name:
        settings["server_name"] = options.server_name
    with load_key(options.key_file) as key, sprint.Pool(options.endpoint, **settings) as pool:
        begin = time.perf_counter()
        pool.warm_up(options.connections)
        warm = (time.perf_counter() - begin) * 1e3
        print(f"warm: {pool.stats().idle} connections to {options.endpoint} in {warm:.1f} ms")

        stop = threading.Event()
        workers = [Worker(pool, key, stop) for _ in range(THREADS)]
        for worker in workers:
            worker.start()
        try:
            stop.wait(options.seconds)
        finally:
            stop.set()
            for worker in workers:
                worker.join()
        for worker in workers:
            if worker.failure:
                raise worker.failure
        print_table(workers)
        forced = pool.close(CLOSE_GRACE)
    left = sprint.memory_stats().buffers
    print(f"closed: {forced} leases cut off, {left} secrets left")
    if forced or left:
        raise Failure("something was left behind")


def main() -> int:
    parser = argparse.ArgumentParser(description="PING/PONG over a pool of TLS connections.")
    parser.add_argument("--endpoint", required=True, help="host:port[,host:port...]")
    parser.add_argument("--ca-file", help="PEM roots, instead of the system's")
    parser.add_argument("--key-file", required=True, help="raw bytes of the login key")
    parser.add_argument("--server-name", help="name to verify, instead of the endpoint's host")
    parser.add_argument("--seconds", type=float, default=5, help="how long to run; 5")
    parser.add_argument("--connections", type=int, default=4, help="size of the pool; 4")
    try:
        run(parser.parse_args())
    except (OSError, ImportError, ValueError, Failure) as failure:
        print(f"engine: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
