"""Echo round trips with Python's own ssl module, measured as rtt.c measures its peers.

A process of its own: the interpreter cannot take turns with the other stacks, so its
figures stand beside theirs and are no ratio.
"""

import argparse
import json
import os
import resource
import socket
import ssl
import sys
import time
from pathlib import Path

CASES = (("64 B", 64), ("1 KiB", 1024), ("16 KiB", 16384))
OPERATIONS = 5000


def connect(address: str, ca_file: str) -> ssl.SSLSocket:
    host, port = address.rsplit(":", 1)
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    tcp = socket.create_connection((host, int(port)))
    tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    tls = context.wrap_socket(tcp, server_hostname=host)
    tls.sendall(b"ECHO\n")
    return tls


def roundtrip(tls: ssl.SSLSocket, out: bytes, room: memoryview) -> None:
    tls.sendall(out)
    done = 0
    while done < len(room):
        n = tls.recv_into(room[done:])
        if n == 0:
            sys.exit("python_ssl: the relay ended the stream")
        done += n


def cpu_ns() -> int:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return int((used.ru_utime + used.ru_stime) * 1e9)


def measure(tls: ssl.SSLSocket, size: int, operations: int) -> dict[str, int]:
    out, got = os.urandom(size), bytearray(size)
    room = memoryview(got)
    samples = []
    before = cpu_ns()
    for _ in range(operations):
        began = time.perf_counter_ns()
        roundtrip(tls, out, room)
        samples.append(time.perf_counter_ns() - began)
    cpu = (cpu_ns() - before) // operations
    if got != out:
        sys.exit("python_ssl: the echo differs from what was sent")
    samples.sort()

    def percentile(p: int) -> int:
        return samples[-(-len(samples) * p // 100) - 1]

    return {
        "p50_ns": percentile(50),
        "p90_ns": percentile(90),
        "p99_ns": percentile(99),
        "cpu_ns": cpu,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tls", required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--json", required=True, type=Path)
    parser.add_argument("--percent", type=int, default=100)
    options = parser.parse_args()
    operations = max(OPERATIONS * options.percent // 100, 100)

    tls = connect(options.tls, options.ca)
    version = f"{ssl.OPENSSL_VERSION.split()[1]}, Python {sys.version.split()[0]}"
    print(f"\nbeside them, in a process of its own: python_ssl {version}, microseconds")
    results = []
    for name, size in CASES:
        measure(tls, size, 100)
        figures = measure(tls, size, operations)
        results.append({"case": name, **figures})
        in_us = "".join(f" {ns / 1e3:9.1f}" for ns in figures.values())
        print(f"  {name:18}{in_us}")
    tls.close()
    options.json.write_text(
        json.dumps({"name": "rtt-python", "version": version, "results": results}) + "\n"
    )


main()
