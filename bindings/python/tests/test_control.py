"""The cleanup task, control at run time, and what a lease says of itself."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

import sprint
from relay import Relay

PATIENCE = 10.0


def eventually(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_the_cleanup_task_keeps_min_idle(relay: Relay) -> None:
    with sprint.Pool(relay.address, ca_file=relay.ca_file, min_idle=3) as pool:
        assert pool.stats().idle == 0
        pool.start_cleanup()
        pool.start_cleanup()
        eventually(lambda: pool.stats().idle == 3)
        pool.acquire(5).discard()
        eventually(lambda: pool.stats().idle >= 3)
        pool.stop_cleanup()
        pool.stop_cleanup()


def test_a_pool_is_resized_paused_reset_and_rotated(relay: Relay) -> None:
    with sprint.Pool(relay.address, ca_file=relay.ca_file) as pool:
        pool.resize(2, 0)
        pool.warm_up(5)
        assert pool.stats().max_connections == 2
        assert pool.stats().idle == 2
        with pytest.raises(sprint.ArgumentError, match="min_idle"):
            pool.resize(2, 3)

        pool.pause()
        with pytest.raises(sprint.PoolExhausted, match="paused"):
            pool.acquire(0)
        pool.resume()

        pool.rotate()
        with pool.acquire(5) as conn:
            assert conn.info()["generation"] == 1
            assert conn.id > 2

        pool.evict_endpoint(relay.address)
        with pytest.raises(sprint.ArgumentError, match="other:1"):
            pool.evict_endpoint("other:1")
        pool.reset()
        assert pool.stats().idle == 0


def test_a_lease_describes_its_handshake(relay: Relay) -> None:
    with sprint.Pool(relay.address, ca_file=relay.ca_file) as pool, pool.acquire(5) as conn:
        info = conn.info()
        assert info["connection_id"] == conn.id
        assert info["tls_version"] == "TLS 1.3"
        assert info["cipher_suite"].startswith("TLS_")
        assert info["endpoint"] == relay.address
