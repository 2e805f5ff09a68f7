#!/usr/bin/env python3
"""Compare every total in /status/connections with the same in /metrics, of idle pools.

compare.py ADDRESS [ADDRESS...]

A family that ends in _total and is not compared is an error, too.
"""

from __future__ import annotations

import json
import re
import sys
import time
import urllib.request
from typing import Any

PREFIX = "secure_channel_"
# A pool at rest still looks at its connections every second: the documents are read until
# nothing was counted in between.
ATTEMPTS = 50

Totals = dict[tuple[str, str], float]

WHOLE = {
    "leaks_suspected_total": "total_leaks_suspected",
    "leaks_returned_total": "total_leaks_returned",
    "pending_acquires": "waiting",
    "max_connections": "max_connections",
}
BY_LABEL = {
    "acquires_total": "acquires_by_outcome",
    "connections_closed_total": "closed_by_reason",
    "retries_total": "retries",
    "slow_evictions_suppressed_total": "slow_spared",
}
OF_ENDPOINT = {
    "active_connections": "active_connections",
    "reconnects_total": "total_reconnects",
    "errors_total": "total_errors",
    "connections_opened_total": "total_dials",
    "dial_errors_total": "total_dial_errors",
    "sent_bytes_total": "bytes_sent",
    "received_bytes_total": "bytes_received",
    "key_rotations_total": "key_rotations",
}
OF_ENDPOINT_BY_LABEL = {
    "circuit_breaker_transitions_total": "circuit_breaker_transitions",
    "errors_by_kind_total": "errors_by_kind",
    "health_checks_total": "health_checks",
}


def get(address: str, path: str) -> str:
    with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def of_json(status: dict[str, Any]) -> Totals:
    totals: Totals = {(name, ""): status[key] for name, key in WHOLE.items()}
    totals |= {("connections", s): status[s] for s in ("idle", "lent", "dialing", "closing")}
    for name, key in BY_LABEL.items():
        totals |= {(name, label): n for label, n in status[key].items()}
    (endpoint,) = status["endpoints"]
    totals |= {(name, ""): endpoint[key] for name, key in OF_ENDPOINT.items()}
    for name, key in OF_ENDPOINT_BY_LABEL.items():
        totals |= {(name, label): n for label, n in endpoint[key].items()}
    for h in endpoint["tls_handshakes"]:
        label = f"{str(h['resumed']).lower()} {h['tls_version']}"
        totals["tls_handshakes_total", label] = h["count"]
    # A key that the JSON has twice, as a sum and in parts.
    for key, name in (
        ("total_dials", "connections_opened_total"),
        ("bytes_sent", "sent_bytes_total"),
    ):
        if status[key] != totals[name, ""]:
            sys.exit(
                f"JSON: {key} is {status[key]} of the pool, {totals[name, '']} of its endpoint"
            )
    return totals


def of_metrics(text: str) -> Totals:
    totals: Totals = {}
    for name, labels, value in re.findall(rf"^{PREFIX}(\w+){{(.*)}} (\S+)$", text, re.M):
        pairs = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        pairs.pop("endpoint", None)  # one for each pool; build_info has none
        totals[name, " ".join(pairs[k] for k in sorted(pairs))] = float(value)
    return totals


def differences(address: str) -> tuple[int, list[str]]:
    for _ in range(ATTEMPTS):
        before = of_json(json.loads(get(address, "/status/connections")))
        metrics = of_metrics(get(address, "/metrics"))
        if of_json(json.loads(get(address, "/status/connections"))) == before:
            break
        time.sleep(0.1)
    else:
        return 0, ["never at rest"]
    wrong = [
        f"{name} {label}: {n} in JSON, {metrics.get((name, label))} in Prometheus"
        for (name, label), n in before.items()
        if metrics.get((name, label)) != n
    ]
    wrong += [
        f"{name} {label}: {n} in Prometheus, not in JSON"
        for (name, label), n in metrics.items()
        if name.endswith("_total") and (name, label) not in before
    ]
    return len(before), wrong


def main() -> None:
    failed = False
    for number, address in enumerate(sys.argv[1:]):
        compared, wrong = differences(address)
        print(f"pool {number}: {compared} values in JSON and Prometheus, {len(wrong)} differ")
        for text in wrong:
            print(f"  {text}")
        failed = failed or bool(wrong) or compared == 0
    sys.exit(failed)


if __name__ == "__main__":
    main()
