"""What a pool says of itself: counters, and the status with each of its connections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

Breaker = Literal["closed", "half_open", "open"]


class PoolStats(NamedTuple):
    """Counters of a pool at one moment."""

    max_connections: int
    """The hard bound."""
    idle: int
    """Open and free."""
    lent: int
    """Open and leased."""
    dialing: int
    """Being connected; counts against the bound."""
    waiting: int
    """Callers in acquire."""
    breaker_state: int
    """0: closed, 1: open (every endpoint's is), 2: half-open."""
    healthy: int
    """1: as /healthz says, 0: not."""
    acquires: int
    """Leases given."""
    dials: int
    """Connections opened."""
    dial_errors: int
    """Attempts that failed."""
    reconnects: int
    """Dials that replaced a lost connection."""
    errors: int
    """Failures of connections and of dials."""
    timeouts: int
    """Acquires and I/O calls that ran out of time."""
    discards: int
    """Leases that ended without going back to the pool."""
    bytes_sent: int
    """Application bytes, before encryption."""
    bytes_received: int
    """Application bytes, after decryption."""


@dataclass(frozen=True)
class ConnectionStatus:
    """One open connection."""

    connection_id: int
    """Never reused within a pool."""
    last_activity: datetime
    """When it was opened, lent, returned, read or written last (UTC)."""
    reconnects: int
    """Connections that held its place before it."""
    errors: int
    p95_latency_ms: int
    """``p95_latency_us``, rounded up."""
    p95_latency_us: int
    """From the first write after a read to the first byte of the answer."""
    endpoint: str
    state: Literal["idle", "lent"]
    opened: datetime
    uses: int
    """Leases that ended."""
    bytes_sent: int
    bytes_received: int
    generation: int
    """How often the pool had been rotated when it was dialled."""
    samples: int
    """Answers that the percentiles are of."""
    p50_latency_us: int
    p99_latency_us: int
    age_ms: int
    idle_ms: int
    """For how long, 0 if it is lent."""
    held_ms: int
    """How long it has been lent, 0 if it is idle."""
    tls_version: str
    """As in RFC 8446, "TLS 1.3"."""
    cipher_suite: str
    peer_certificate_expires: datetime
    more: Mapping[str, Any]
    """What a newer library says beside these."""


@dataclass(frozen=True)
class HandshakeCount:
    """TLS handshakes that were alike."""

    tls_version: str
    """"1.2" or "1.3"."""
    resumed: bool
    count: int
    more: Mapping[str, Any]
    """What a newer library says beside these."""


@dataclass(frozen=True)
class EndpointStatus:
    """One endpoint's share of a pool. Each total of the pool is the sum over them."""

    endpoint: str
    active_connections: int
    total_reconnects: int
    total_errors: int
    total_dials: int
    total_dial_errors: int
    bytes_sent: int
    bytes_received: int
    circuit_breaker: Breaker
    circuit_breaker_trips: int
    """How often it opened."""
    circuit_breaker_transitions: Mapping[str, int]
    """Changes of its state, by the one that they led to."""
    errors_by_kind: Mapping[str, int]
    health_checks: Mapping[str, int]
    """Looks at idle connections before they were lent, by what was found."""
    tls_handshakes: tuple[HandshakeCount, ...]
    key_rotations: int
    """Connections that were closed for the sake of fresh keys."""
    more: Mapping[str, Any]
    """What a newer library says beside these."""
    last_error: str = ""
    """Why the last dial failed, empty if it did not."""
    peer_certificate_expires: datetime | None = None
    """Of the certificate shown last, None before the first."""


@dataclass(frozen=True)
class CleanupStatus:
    """How the cleanup task fares."""

    running: bool
    lag_ms: float
    """How late its last pass by the clock began."""
    clock_leaps: int
    """How often the wall clock moved against the monotonic one."""
    more: Mapping[str, Any]
    """What a newer library says beside these."""


@dataclass(frozen=True)
class PoolStatus:
    """A pool and each of its connections at one moment, what /status/connections serves."""

    endpoint: str
    """The endpoints as they were given."""
    active_connections: int
    """Open, idle or lent: the length of ``connections``."""
    total_reconnects: int
    """Dials that replaced a lost connection."""
    total_errors: int
    """Failures of connections and of dials."""
    pool_p95_latency_ms: int
    """The largest of the open connections."""
    connections: tuple[ConnectionStatus, ...]
    max_connections: int
    min_idle: int
    idle: int
    lent: int
    dialing: int
    closing: int
    waiting: int
    paused: bool
    generation: int
    """How often the pool was rotated."""
    total_acquires: int
    total_dials: int
    total_dial_errors: int
    total_timeouts: int
    total_discards: int
    total_leaks_suspected: int
    """Leases that were reported as held too long."""
    total_leaks_returned: int
    """Of these, ended after all."""
    closed_by_reason: Mapping[str, int]
    retries: Mapping[str, int]
    """Idempotent requests that were stale, by what came of sending them once more."""
    slow_spared: Mapping[str, int]
    """Slow connections that were kept, by the reason."""
    bytes_sent: int
    bytes_received: int
    circuit_breaker: Breaker
    """The best state of any endpoint's."""
    endpoints: tuple[EndpointStatus, ...]
    cleanup: CleanupStatus
    name: str
    """Empty if it has none."""
    merged_p95_latency_us: int
    """Of all answers in the current window and the one before."""
    acquires_by_outcome: Mapping[str, int]
    more: Mapping[str, Any]
    """What a newer library says beside these."""
    client_certificate_expires: datetime | None = None
    """Of the certificate shown to peers, None if there is none."""
