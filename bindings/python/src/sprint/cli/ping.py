"""``python -m sprint ping host:port``: how long a server takes, through a pool."""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sprint

EPILOG = r"""
connect: a fresh connection, name resolution and TLS handshake included.
lease: a warm connection from the pool, looked at before it is lent.
request: --payload sent, and the answer received, on a warm connection.

  python -m sprint ping relay.example:443
  python -m sprint ping localhost:6379 --ca-file ca.pem --payload 'PING\r\n' --size 7

--payload knows \r, \n, \t, \0, \\ and \xHH. The certificate is always verified.
"""

_HINTS: dict[type[sprint.SprintError], str] = {
    sprint.CertificateError: "--ca-file names other roots than the system's, --server-name "
    "another name to verify",
    sprint.TLSError: "does this port speak TLS? --min-tls-version 12 allows TLS 1.2",
}


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "ping",
        help="how long connections, leases and requests take",
        description="Measure a server through a pool.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("endpoint", help="host:port")
    parser.add_argument("--count", type=_positive, default=10, help="samples of each; 10")
    parser.add_argument("--payload", type=_bytes, default=b"", help="what a request sends")
    parser.add_argument(
        "--size", type=_positive, help="bytes of the answer; whatever comes first, if not given"
    )
    parser.add_argument("--timeout", type=float, default=5, help="seconds for each step; 5")
    parser.add_argument("--ca-file", help="PEM roots, instead of the system's")
    parser.add_argument("--server-name", help="name to verify, instead of the endpoint's host")
    parser.add_argument("--min-tls-version", type=int, default=13, help="12 or 13; 13")
    parser.add_argument("--json", action="store_true", help="one object, for programs")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    took: dict[str, list[float]] = {"connect": [], "lease": []}
    if arguments.payload:
        took["request"] = []
    about: dict[str, Any] = {}
    failure = ""
    try:
        measure(arguments, took, about)
    except (OSError, ImportError, ValueError) as error:
        failure = _why(error)
    if arguments.json:
        print(json.dumps({"connection": about, "failure": failure, "seconds": summary(took)}))
    elif any(took.values()):
        print(f"{about['endpoint']}: {_described(about)}")
        _print_table(took)
    if failure:
        print(f"ping: {failure}", file=sys.stderr)
    return 1 if failure else 0


def measure(
    arguments: argparse.Namespace, took: dict[str, list[float]], about: dict[str, Any]
) -> None:
    options = sprint.Options(max_connections=1, min_tls_version=arguments.min_tls_version)
    options["connect_timeout"] = arguments.timeout
    if arguments.ca_file:
        options["ca_file"] = arguments.ca_file
    if arguments.server_name:
        options["server_name"] = arguments.server_name
    with (
        sprint.Pool(arguments.endpoint, **options) as pool,
        _progress(len(took) * arguments.count) as advance,
    ):
        for _ in range(arguments.count):
            begin = time.perf_counter()
            conn = pool.acquire(arguments.timeout)
            took["connect"].append(time.perf_counter() - begin)
            about.update(conn.info())
            conn.discard()
            advance()
        pool.warm_up(1, arguments.timeout)
        for _ in range(arguments.count):
            dials = pool.stats().dials
            begin = time.perf_counter()
            with pool.acquire(arguments.timeout) as conn:
                leased = time.perf_counter()
                if pool.stats().dials == dials:  # else the server had ended the warm one
                    took["lease"].append(leased - begin)
                advance()
                if arguments.payload:
                    took["request"].append(_request(conn, arguments))
                    advance()


def _request(conn: sprint.Conn, arguments: argparse.Namespace) -> float:
    begin = time.perf_counter()
    if arguments.size:
        conn.write(arguments.payload, arguments.timeout)
        conn.read_exact(arguments.size, arguments.timeout)
    elif not conn.request(arguments.payload, timeout=arguments.timeout):
        raise sprint.Truncated("the server ended the stream instead of an answer")
    return time.perf_counter() - begin


def summary(took: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Count and percentiles, the smallest sample that the given share does not exceed."""
    table = {}
    for name, samples in took.items():
        ordered = sorted(samples)
        shares = {"min": 0.0, "p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
        ranks = {name: max(math.ceil(share * len(ordered)), 1) for name, share in shares.items()}
        table[name] = {"count": float(len(ordered))}
        if ordered:
            table[name] |= {name: ordered[rank - 1] for name, rank in ranks.items()}
    return table


def _print_table(took: dict[str, list[float]]) -> None:
    head = ("", "count", "min us", "p50 us", "p90 us", "p99 us", "max us")
    rows = [
        (name, f"{row.pop('count'):.0f}", *(f"{seconds * 1e6:,.1f}" for seconds in row.values()))
        for name, row in summary(took).items()
        if row["count"]
    ]
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        for row in (head, *rows):
            print(f"{row[0]:8}" + "".join(f"{cell:>13}" for cell in row[1:]))
        return
    table = Table(*head[:1])
    for name in head[1:]:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar on the terminal, if there is one and rich is installed."""
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        yield lambda: None
        return
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("ping", total=total)
        yield lambda: progress.advance(task)


def _described(about: dict[str, Any]) -> str:
    alpn = f", {about['alpn']}" if about["alpn"] else ""
    return (
        f"{about['tls_version']}, {about['cipher_suite']}{alpn}, "
        f"certificate until {about['peer_certificate_expires']}"
    )


def _why(error: Exception) -> str:
    name = f"{error.name}: " if isinstance(error, sprint.SprintError) else ""
    hint = next((text for cls, text in _HINTS.items() if isinstance(error, cls)), "")
    return f"{name}{error}" + (f" ({hint})" if hint else "")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def _bytes(text: str) -> bytes:
    try:
        return text.encode("latin-1").decode("unicode_escape").encode("latin-1")
    except UnicodeError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None
