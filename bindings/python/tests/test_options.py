"""Options that other tests do not turn: each does what its name says, through the library."""

from __future__ import annotations

import base64
import hashlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import sprint
from conftest import until
from relay import Relay


@pytest.fixture
def other(own_relay: Relay) -> Relay:
    """A second relay, whose certificate is of another root."""
    return own_relay


def pin_of(certificate: Path) -> str:
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode()


def roots(*relays: Relay) -> bytes:
    return b"".join((r.dir / "ca.pem").read_bytes() for r in relays)


def talk(conn: sprint.Conn) -> None:
    assert conn.request(b"PING\n", timeout=5) == b"ERR login first\n"


def test_one_of_the_pinned_keys_is_required(relay: Relay, other: Relay) -> None:
    right, wrong = pin_of(relay.dir / "server.pem"), pin_of(other.dir / "server.pem")
    for pins in (right, [right], [wrong, right], [pin_of(relay.dir / "ca.pem")]):
        with (
            sprint.Pool(relay.address, ca_file=relay.ca_file, pin_sha256=pins) as pool,
            pool.acquire(5) as conn,
        ):
            talk(conn)
    with (
        sprint.Pool(relay.address, ca_file=relay.ca_file, pin_sha256=[wrong]) as pool,
        pytest.raises(sprint.CertificateError, match="pin"),
    ):
        pool.acquire(5)
    with pytest.raises(sprint.ArgumentError, match="pin_sha256"):
        sprint.Pool(relay.address, ca_file=relay.ca_file, pin_sha256=[right, right[1:]])


@contextmanager
def server_of(relay: Relay, protocol: str) -> Iterator[str]:
    """Makes one handshake with the relay's certificate and this protocol."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(relay.dir / "server.pem", relay.dir / "server-key.pem")
    context.set_alpn_protocols([protocol])
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with context.wrap_socket(listener.accept()[0], server_side=True) as conn:
                conn.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.parametrize("offered", ["order/2", ["other/1", "order/2"]], ids=["one", "two"])
def test_protocols_are_offered_and_the_chosen_one_is_told(
    relay: Relay, offered: str | list[str]
) -> None:
    with (
        server_of(relay, "order/2") as address,
        sprint.Pool(address, ca_file=relay.ca_file, alpn=offered) as pool,
        pool.acquire(5) as conn,
    ):
        assert conn.info()["alpn"] == "order/2"
        conn.discard()


@pytest.mark.parametrize(("order", "next_one"), [("lifo", 1), ("fifo", 0)])
def test_idle_connections_are_lent_in_the_order_asked_for(
    relay: Relay, order: str, next_one: int
) -> None:
    with sprint.Pool(relay.address, ca_file=relay.ca_file, idle_order=order) as pool:
        leases = [pool.acquire(5), pool.acquire(5)]
        ids = [conn.id for conn in leases]
        for conn in leases:
            conn.release()
        with pool.acquire(5) as conn:
            assert conn.id == ids[next_one]
    with pytest.raises(sprint.ArgumentError, match="idle_order"):
        sprint.Pool(relay.address, idle_order="random")


def test_endpoints_are_dialled_in_the_order_asked_for(relay: Relay, other: Relay) -> None:
    relay.set(delay_ms=100)
    both = [relay.address, other.address]

    def dialled(pool: sprint.Pool) -> str:
        with pool.acquire(5) as conn:
            talk(conn)
            endpoint: str = conn.info()["endpoint"]
            conn.discard()
            return endpoint

    with sprint.Pool(both, ca_pem=roots(relay, other), endpoint_order="failover") as pool:
        assert {dialled(pool) for _ in range(4)} == {relay.address}
    with sprint.Pool(both, ca_pem=roots(relay, other), endpoint_order="latency") as pool:
        until(lambda: dialled(pool) == other.address)
    with pytest.raises(sprint.ArgumentError, match="endpoint_order"):
        sprint.Pool(both, endpoint_order="random")


def test_a_lease_that_is_held_for_long_is_counted_until_it_is_returned(relay: Relay) -> None:
    with sprint.Pool(relay.address, ca_file=relay.ca_file, leak_after=0.05) as pool:
        pool.start_cleanup()
        with pool.acquire(5):
            until(lambda: pool.status().total_leaks_suspected == 1)
            assert pool.status().total_leaks_returned == 0
        assert pool.status().total_leaks_returned == 1


def test_a_clients_certificate_may_be_bytes_and_its_key_a_file(relay: Relay) -> None:
    relay.set(client_auth=1)
    with (
        sprint.Pool(
            relay.address,
            ca_file=relay.ca_file,
            cert_pem=(relay.dir / "client.pem").read_bytes(),
            key_file=relay.dir / "client-key.pem",
        ) as pool,
        pool.acquire(5) as conn,
    ):
        talk(conn)
        conn.discard()
