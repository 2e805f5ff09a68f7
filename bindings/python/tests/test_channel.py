"""The names of the builder: the same pool, under other names."""

from __future__ import annotations

import urllib.request

import pytest

import sprint
from conftest import until
from relay import Relay
from sprint.channel import Builder
from sprint.config import OPTIONS


def test_a_pool_by_builder_with_its_tasks(relay: Relay) -> None:
    pool = (
        sprint.SecureChannelPool.builder(relay.address)
        .with_namespace("btc_sprint")
        .with_max_connections(100)
        .with_min_idle(2)
        .with_max_latency_ms(300)
        .with_metrics_host("127.0.0.1")
        .with_metrics_port(0)
        .with_cleanup_interval(300)
        .with_histogram_rotation_interval(1800)
        .with_ca_file(relay.ca_file)
        .build()
    )
    with pool:
        pool.run_cleanup_task()
        port = pool.run_metrics_task()
        with pool.get_connection() as conn:
            conn.write(b"ECHO\nPING", 5)
            assert conn.read_exact(4, 5) == b"PING"
        until(lambda: pool.stats().idle >= 2)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            assert "btc_sprint_active_connections" in answer.read().decode()
        status: sprint.PoolStatus = pool.status()
        first: sprint.ConnectionStatus = status.connections[0]
        assert first.endpoint == relay.address


def test_two_pools_side_by_side(relay: Relay) -> None:
    def one(name: str) -> sprint.SecureChannelPool:
        builder = sprint.SecureChannelPool.builder(relay.address).with_ca_file(relay.ca_file)
        return builder.with_namespace(name).with_metrics_port(0).build()

    with one("btc_primary") as primary, one("btc_backup") as backup:
        assert primary.run_metrics_task() != backup.run_metrics_task()
        primary.get_connection().release()
        assert (primary.stats().acquires, backup.stats().acquires) == (1, 0)


def test_no_metrics_no_port_and_no_task(relay: Relay) -> None:
    builder = sprint.SecureChannelPool.builder(relay.address).with_max_connections(5)
    with builder.with_ca_file(relay.ca_file).build() as pool:
        pool.get_connection(timeout=5).release()
        assert pool.status().cleanup.running is False


def test_every_option_has_its_method() -> None:
    methods = {name.removeprefix("with_") for name in vars(Builder) if name.startswith("with_")}
    assert {name.removesuffix("_ms") for name in methods} == set(OPTIONS)
    builder = Builder("localhost:1")
    for name in methods:
        getattr(builder, f"with_{name}")(7)
    assert builder._options == dict.fromkeys(OPTIONS, 7) | {"max_latency": 0.007}


def test_settings_are_validated_together_by_build() -> None:
    builder = sprint.SecureChannelPool.builder("localhost:1").with_min_idle(9)
    with pytest.raises(sprint.ArgumentError) as caught:
        builder.with_max_connections(3).with_metrics_port(70_000).build()
    assert "min_idle" in str(caught.value)
    assert "metrics_port" in str(caught.value)
