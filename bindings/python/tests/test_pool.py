"""Leases, dials that fail, the life of a pool."""

from __future__ import annotations

import gc
import json
import os
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timezone
from functools import partial
from typing import Any

import pytest

import sprint
from conftest import Run, in_thread, until
from relay import ROOT, Relay, stopped
from sprint import _native
from sprint._parse import moment, parse


def test_a_lease_goes_back_at_the_end_of_its_block_and_is_reused(pool: sprint.Pool) -> None:
    with pool.acquire() as first:
        assert (first.id, first.uses) == (1, 0)
        assert pool.stats().lent == 1
    assert pool.stats()[1:3] == (1, 0)  # idle, lent
    with pool.acquire() as second:
        assert (second.id, second.uses) == (1, 1)


def test_a_block_that_raises_discards_its_connection(pool: sprint.Pool) -> None:
    with pytest.raises(ZeroDivisionError), pool.acquire():
        _ = 1 // 0
    assert pool.stats().discards == 1
    with pool.acquire() as fresh:
        assert (fresh.id, fresh.uses) == (2, 0)


def test_a_request_that_timed_out_is_not_lent_again_before_its_answer_is_read(
    relay: Relay, pool: sprint.Pool, run: Run
) -> None:
    """The answer would be taken for that to the next request."""
    for read_it in (False, True):
        with pool.acquire() as conn:
            with stopped(relay.process):
                with pytest.raises(sprint.Timeout):
                    run(partial(conn.request, b"NONCE\n", timeout=0.05))
                if not read_it:
                    conn.release()  # while the answer is not there
            if read_it:
                assert len(run(partial(conn.read_exact, 71, 5))) == 71
        assert pool.stats().discards == 1


@pytest.mark.parametrize("bad", [b"", "text", memoryview(b"abcd")[::2]])
def test_a_request_that_is_refused_costs_no_connection(
    pool: sprint.Pool, run: Run, bad: Any
) -> None:
    with pool.acquire() as conn, pytest.raises((sprint.ArgumentError, TypeError, BufferError)):
        run(partial(conn.request, bad, timeout=5))
    assert (pool.stats().discards, pool.stats().idle) == (0, 1)


def test_a_released_lease_is_dead_and_release_is_idempotent(pool: sprint.Pool) -> None:
    conn = pool.acquire()
    assert not conn.closed
    conn.release()
    conn.release()
    conn.discard()
    assert conn.closed
    for use in (conn.read, conn.poll_info, lambda: conn.write(b"x"), lambda: conn.id):
        with pytest.raises(sprint.HandleError):
            use()
    assert pool.stats().idle == 1


def test_a_lease_that_is_dropped_is_discarded_with_a_warning(pool: sprint.Pool) -> None:
    conn = pool.acquire()
    with pytest.warns(ResourceWarning, match="never released"):
        del conn
        gc.collect()
    assert pool.stats().lent == 0
    assert pool.stats().discards == 1


def test_a_lease_keeps_its_pool_alive(relay: Relay) -> None:
    with sprint.Pool(relay.address, ca_file=relay.ca_file).acquire() as conn:
        gc.collect()
        assert conn.request(b"NONCE\n", timeout=5).startswith(b"NONCE ")


def test_timeout_zero_takes_only_what_is_idle(pool: sprint.Pool, run: Run) -> None:
    with pytest.raises(sprint.PoolExhausted, match="0 idle"):
        run(lambda: pool.acquire(0))
    assert pool.stats().dials == 0
    pool.acquire().release()
    run(lambda: pool.acquire(0)).release()


def test_acquire_gives_up_at_its_deadline(relay: Relay, run: Run) -> None:
    options = sprint.Options(ca_file=relay.ca_file, max_connections=1, acquire_timeout=60)
    with sprint.Pool(relay.address, **options) as pool, pool.acquire():
        begin = time.monotonic()
        with pytest.raises(sprint.Timeout) as caught:
            run(lambda: pool.acquire(0.5))
        assert 0.5 <= time.monotonic() - begin < 10
        assert isinstance(caught.value, TimeoutError)
        assert pool.stats().timeouts == 1  # one wait, one count
        assert pool.stats().waiting == 0


def test_without_a_timeout_the_acquire_timeout_of_the_pool_holds(relay: Relay, run: Run) -> None:
    options = sprint.Options(ca_file=relay.ca_file, max_connections=1, acquire_timeout=0.1)
    with sprint.Pool(relay.address, **options) as pool, pool.acquire():

        def seconds() -> float:
            begin = time.monotonic()
            with pytest.raises(sprint.Timeout):
                run(pool.acquire)
            return time.monotonic() - begin

        # By default each would take 5 s; on a busy machine one of them may, too.
        assert 0.1 <= min(seconds() for _ in range(3)) < 4


def test_waiting_callers_are_served_in_their_order(relay: Relay) -> None:
    order: list[int] = []
    options = sprint.Options(ca_file=relay.ca_file, max_connections=1, max_waiters=6)
    with sprint.Pool(relay.address, **options) as pool:

        def wait(number: int) -> None:
            with pool.acquire(30):
                order.append(number)

        holder = pool.acquire()
        threads = []
        for number in range(6):
            threads.append(threading.Thread(target=wait, args=(number,)))
            threads[-1].start()
            until(lambda n=number: pool.stats().waiting == n + 1)  # type: ignore[misc]
        holder.release()
        for thread in threads:
            thread.join(30)
    assert order == list(range(6))


def test_the_main_thread_keeps_its_place_in_the_queue(relay: Relay) -> None:
    """However long it waits: slices of a wait would put it behind the others again."""
    options = sprint.Options(ca_file=relay.ca_file, max_connections=1)
    with sprint.Pool(relay.address, **options) as pool:
        order: list[str] = []
        holder = pool.acquire()

        def behind() -> None:
            until(lambda: pool.stats().waiting == 1)
            waiter = threading.Thread(target=lambda: pool.acquire(30).release())
            waiter.start()
            until(lambda: pool.stats().waiting == 2)
            time.sleep(0.6)  # three slices
            order.append("released")
            holder.release()
            waiter.join(30)
            order.append("other")

        helper = threading.Thread(target=behind)
        helper.start()
        with pool.acquire(30):
            order.append("main")
        helper.join(30)
    assert order == ["released", "main", "other"]


def test_too_many_waiters_are_turned_away(relay: Relay, run: Run) -> None:
    options = sprint.Options(ca_file=relay.ca_file, max_connections=1, max_waiters=1)
    with sprint.Pool(relay.address, **options) as pool, pool.acquire() as holder:
        waiter = threading.Thread(target=lambda: pool.acquire(30).release())
        waiter.start()
        until(lambda: pool.stats().waiting == 1)
        with pytest.raises(sprint.PoolExhausted, match="max_waiters"):
            run(lambda: pool.acquire(5))
        holder.release()
        waiter.join(30)


def test_warm_up_opens_what_was_asked_within_the_bound(pool: sprint.Pool, run: Run) -> None:
    run(lambda: pool.warm_up(1, 5))
    assert pool.stats().idle >= 1
    run(lambda: pool.warm_up(10**12, 5))
    assert pool.stats().idle == 2
    with pytest.raises(ValueError, match="count"):
        pool.warm_up(-1)


def test_warm_up_with_timeout_zero_reports_what_is_there(pool: sprint.Pool, run: Run) -> None:
    with pytest.raises(sprint.Timeout, match="0 of 2"):
        run(lambda: pool.warm_up(2, 0))
    assert pool.stats().dials == 0


# ------------------------------------------------------------------ dials that fail


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens on, and nobody else can have."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        yield s.getsockname()[1]


def fails(endpoint: str, expected: type[sprint.SprintError], **options: str) -> str:
    """The error's text, which names the endpoint; nothing stays open."""
    settings = sprint.Options(connect_timeout=20)
    settings.update(options)  # type: ignore[typeddict-item]
    with sprint.Pool(endpoint, **settings) as pool:
        for attempt in (lambda: pool.acquire(20), lambda: pool.warm_up(1, 20)):
            with pytest.raises(sprint.SprintError) as caught:
                attempt()
            assert type(caught.value) is expected, caught.value
            assert endpoint in str(caught.value)
        assert pool.stats().dial_errors >= 1
        assert pool.stats().errors == pool.stats().dial_errors
        assert (pool.stats().idle, pool.stats().lent) == (0, 0)
    return str(caught.value)


def test_an_unknown_host_opens_the_breaker_and_is_named() -> None:
    # No label is that long (RFC 1035, 2.3.4), so no server of names is asked.
    assert "no such host" in fails(f"{'x' * 64}.test:443", sprint.BreakerOpen)


def test_a_refused_port_opens_the_breaker_and_is_named(closed_port: int) -> None:
    assert "refused" in fails(f"127.0.0.1:{closed_port}", sprint.BreakerOpen)


def test_an_untrusted_certificate_is_a_certificate_error(relay: Relay) -> None:
    relay.set(cert="untrusted")
    text = fails(relay.address, sprint.CertificateError, ca_file=relay.ca_file)
    assert "unknown authority" in text


def test_the_system_roots_do_not_trust_the_relay(relay: Relay) -> None:
    assert "unknown authority" in fails(relay.address, sprint.CertificateError)


def test_an_expired_certificate_is_a_certificate_error(relay: Relay) -> None:
    relay.set(cert="expired")
    assert "expired" in fails(relay.address, sprint.CertificateError, ca_file=relay.ca_file)


def test_a_wrong_name_is_a_certificate_error_that_holds_both_names(relay: Relay) -> None:
    relay.set(cert="wrongname")
    options = {"ca_file": relay.ca_file, "server_name": "relay.test"}
    text = fails(relay.address, sprint.CertificateError, **options)
    assert "wrong.test" in text
    assert "relay.test" in text


def test_server_name_is_what_is_verified(relay: Relay) -> None:
    relay.set(cert="wrongname")
    options = sprint.Options(ca_file=relay.ca_file, server_name="wrong.test")
    with sprint.Pool(relay.address, **options) as pool:
        pool.acquire().release()


def test_ca_pem_is_as_good_as_ca_file(relay: Relay) -> None:
    with open(relay.ca_file) as file, sprint.Pool(relay.address, ca_pem=file.read()) as pool:
        pool.acquire().release()


def test_a_peer_that_resets_during_the_handshake_opens_the_breaker(relay: Relay) -> None:
    relay.set(refuse=1)
    fails(relay.address, sprint.BreakerOpen, ca_file=relay.ca_file)


def test_a_peer_that_never_answers_is_a_timeout_at_the_deadline(relay: Relay, run: Run) -> None:
    relay.set(stall_handshake=1)
    options = sprint.Options(ca_file=relay.ca_file, connect_timeout=60, acquire_timeout=60)
    with sprint.Pool(relay.address, **options) as pool:
        begin = time.monotonic()
        with pytest.raises(sprint.Timeout):
            run(lambda: pool.acquire(0.5))
        assert 0.5 <= time.monotonic() - begin < 10


def test_connect_timeout_ends_a_dial_that_stalls(relay: Relay) -> None:
    relay.set(stall_handshake=1)
    options = sprint.Options(ca_file=relay.ca_file, connect_timeout=0.3)
    options["circuit_breaker_failure_threshold"] = 1
    with sprint.Pool(relay.address, **options) as pool:
        with pytest.raises(sprint.BreakerOpen, match=f"{relay.address}: timed out"):
            pool.acquire(10)
        assert pool.stats().dial_errors >= 1


def test_the_other_endpoint_is_tried_when_one_fails(relay: Relay, closed_port: int) -> None:
    endpoints = [f"127.0.0.1:{closed_port}", relay.address]
    with sprint.Pool(endpoints, ca_file=relay.ca_file) as pool, pool.acquire() as conn:
        assert conn.request(b"NONCE\n", timeout=5).startswith(b"NONCE ")


def test_a_pool_that_failed_serves_again_when_the_cause_is_gone(relay: Relay) -> None:
    with sprint.Pool(relay.address, ca_file=relay.ca_file) as pool:
        relay.set(cert="expired")
        with pytest.raises(sprint.CertificateError):
            pool.acquire()
        relay.reset()
        pool.reset()  # or the breaker stays open for a second
        pool.acquire().release()


# -------------------------------------------------------------- observing and ending


def test_status_describes_the_pool_and_each_connection(relay: Relay, pool: sprint.Pool) -> None:
    with pool.acquire() as conn:
        conn.write(b"ECHO\nabc", 5)
        assert conn.read_exact(3, 5) == b"abc"
        status = pool.status()
        assert status.endpoint == relay.address
        assert status.active_connections == len(status.connections) == 1
        assert status.connections[0].connection_id == conn.id
        assert status.connections[0].bytes_sent == 8
        assert status.connections[0].bytes_received == 3
        assert abs(status.connections[0].opened.timestamp() - time.time()) < 60
        assert status.endpoints[0].total_dials == status.total_dials == 1
        assert status.cleanup.running is False


def test_status_has_a_field_for_every_key() -> None:
    raw = json.loads((ROOT / "pool/monitor/testdata/status.json").read_text())
    status = parse(sprint.PoolStatus, raw)
    endpoints, connections = status.endpoints, status.connections
    parts: list[Any] = [status, status.cleanup, *connections, *endpoints]
    for part in [*parts, *endpoints[0].tls_handshakes]:
        assert part.more == {}, type(part)
    assert endpoints[0].tls_handshakes[3].count == raw["endpoints"][0]["tls_handshakes"][3]["count"]
    assert connections[0].peer_certificate_expires.year == 2025
    assert status.client_certificate_expires
    assert endpoints[1].peer_certificate_expires is None


def test_status_keeps_what_a_newer_library_says(pool: sprint.Pool) -> None:
    raw = _native.json_of("sprint_pool_status_json", pool._handle)
    raw |= {"weather": "fine", "cleanup": raw["cleanup"] | {"mood": "good"}}
    status = parse(sprint.PoolStatus, raw)
    assert status.more["weather"] == "fine"
    assert status.cleanup.more["mood"] == "good"


@pytest.mark.parametrize(
    ("text", "moment_in_utc"),
    [
        ("2025-08-25T11:00:00Z", datetime(2025, 8, 25, 11)),
        ("2025-08-25T11:00:00.5Z", datetime(2025, 8, 25, 11, 0, 0, 500_000)),
        ("2025-08-25T11:00:00.123456789+02:00", datetime(2025, 8, 25, 9, 0, 0, 123_456)),
    ],
)
def test_times_may_have_any_number_of_digits(text: str, moment_in_utc: datetime) -> None:
    assert moment(text) == moment_in_utc.replace(tzinfo=timezone.utc)


@pytest.mark.parametrize("text", ["", "yesterday", "2025-08-25T11:00:00", "2025-08-25T99:00:00Z"])
def test_what_is_no_time_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        moment(text)


def test_status_of_many_connections_is_whole(relay: Relay) -> None:
    with sprint.Pool(relay.address, ca_file=relay.ca_file, max_connections=60) as pool:
        pool.warm_up(60, 30)
        status = pool.status()  # more than the first try has room for
        assert sorted(c.connection_id for c in status.connections) == list(range(1, 61))


def test_stats_count_bytes_and_leases(pool: sprint.Pool) -> None:
    with pool.acquire() as conn:
        conn.write(b"NONCE\n", 5)
        conn.read_exact(71, 5)
    stats = pool.stats()
    assert stats.max_connections == 2
    assert (stats.acquires, stats.dials, stats.healthy) == (1, 1, 1)
    assert (stats.bytes_sent, stats.bytes_received) == (6, 71)
    assert (stats.errors, stats.timeouts, stats.discards) == (0, 0, 0)


def test_metrics_are_served_and_stopped(relay: Relay) -> None:
    options = sprint.Options(ca_file=relay.ca_file, metrics_port=0, namespace="python_test")
    with sprint.Pool(relay.address, **options) as pool:
        port = pool.start_metrics()
        assert pool.start_metrics() == port
        pool.acquire().release()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            assert "python_test_active_connections" in answer.read().decode()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            assert json.load(answer)["status"] == "healthy"
        pool.stop_metrics()
        pool.stop_metrics()
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5)


def test_a_metrics_port_in_use_is_a_network_error_that_names_it(relay: Relay) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            sprint.Pool(relay.address, metrics_port=port) as pool,
            pytest.raises(sprint.NetworkError, match=str(port)),
        ):
            pool.start_metrics()


def test_close_cuts_off_leases_after_the_grace_and_counts_them(pool: sprint.Pool, run: Run) -> None:
    conn = pool.acquire()
    begin = time.monotonic()
    assert run(lambda: pool.close(0.3)) == 1
    assert 0.3 <= time.monotonic() - begin < 10
    with pytest.raises(sprint.ConnectionClosed):
        conn.read(1, 5)
    conn.release()
    assert pool.close() == 0
    assert pool.stats().lent == 0
    with pytest.raises(sprint.ConnectionClosed):
        run(pool.acquire)


def test_close_waits_for_leases_that_end_within_the_grace(pool: sprint.Pool) -> None:
    conn = pool.acquire()
    timer = threading.Timer(0.2, conn.release)
    timer.start()
    assert pool.close(10) == 0
    timer.join()


def test_close_wakes_those_who_wait(pool: sprint.Pool, run: Run) -> None:
    with pool.acquire(), pool.acquire():

        def close_when_waiting() -> None:
            until(lambda: pool.stats().waiting == 1)
            pool.close()

        closer = threading.Thread(target=close_when_waiting)
        closer.start()
        with pytest.raises(sprint.ConnectionClosed):
            run(lambda: pool.acquire(30))
        closer.join(30)


def test_after_free_every_use_is_a_handle_error(relay: Relay) -> None:
    pool = sprint.Pool(relay.address)
    pool.free()
    pool.free()
    assert pool.closed
    for use in (pool.acquire, pool.stats, pool.status, pool.close, pool.start_metrics):
        with pytest.raises(sprint.HandleError):
            use()


@pytest.mark.parametrize("timeout", [-1, -0.001, float("nan")])
def test_a_timeout_that_is_none_is_a_value_error(pool: sprint.Pool, timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout"):
        pool.acquire(timeout)


def test_a_huge_timeout_is_a_long_wait(pool: sprint.Pool, run: Run) -> None:
    run(lambda: pool.acquire(float("inf"))).release()
    run(lambda: pool.acquire(1e300)).release()


def test_the_log_goes_to_the_given_descriptor(relay: Relay) -> None:
    reader, writer = os.pipe()
    try:
        sprint.log_to_fd(writer, "debug")
        with sprint.Pool(relay.address, ca_file=relay.ca_file) as pool:
            pool.acquire().release()
        sprint.log_to_fd(None)
        os.close(writer)
        with open(reader) as lines:
            records = [json.loads(line) for line in lines]
    finally:
        sprint.log_to_fd(None)
    assert any(record.get("endpoint") == relay.address for record in records)
    with pytest.raises(ValueError, match="'loud' is none of"):
        sprint.log_to_fd(None, "loud")  # type: ignore[arg-type]


def test_a_pool_made_and_freed_on_other_threads_works(relay: Relay) -> None:
    pool = in_thread(lambda: sprint.Pool(relay.address, ca_file=relay.ca_file))
    conn = in_thread(pool.acquire)
    assert in_thread(lambda: conn.request(b"NONCE\n", timeout=5)).startswith(b"NONCE ")
    conn.release()
    in_thread(pool.free)
