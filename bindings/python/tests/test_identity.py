"""A client's certificate, with its key in a SecureBuffer."""

from __future__ import annotations

from pathlib import Path

import pytest

import sprint
from conftest import is_expired, until
from relay import Relay


def key_from(path: Path) -> sprint.SecureBuffer:
    return sprint.SecureBuffer.from_bytearray(bytearray(path.read_bytes()))


@pytest.mark.parametrize("name", ["client", "client-ecdsa"])
def test_a_client_key_signs_in_its_buffer(relay: Relay, name: str) -> None:
    relay.set(client_auth=1)
    with key_from(relay.dir / f"{name}-key.pem") as key:
        pool = sprint.Pool(
            relay.address, ca_file=relay.ca_file, cert_file=relay.dir / f"{name}.pem", key=key
        )
    with pool, pool.acquire(5) as conn:  # the pool has its own reference
        conn.write(b"ECHO\nhere", 5)
        assert conn.read_exact(4, 5) == b"here"
        conn.discard()


def test_a_key_that_is_not_the_certificates_is_refused(relay: Relay) -> None:
    certificate = relay.dir / "client.pem"
    with (
        key_from(relay.dir / "client-ecdsa-key.pem") as key,
        pytest.raises(sprint.CertificateError, match="not its private key"),
    ):
        sprint.Pool(relay.address, ca_file=relay.ca_file, cert_file=certificate, key=key)
    with pytest.raises(TypeError, match="key: want a SecureBuffer"):
        sprint.Pool(relay.address, cert_file=certificate, key="text")  # type: ignore[arg-type]


def test_a_dial_whose_key_has_expired_says_so(relay: Relay) -> None:
    relay.set(client_auth=1)
    with (
        key_from(relay.dir / "client-key.pem") as key,
        sprint.Pool(
            relay.address, ca_file=relay.ca_file, cert_file=relay.dir / "client.pem", key=key
        ) as pool,
    ):
        key.expire_after(0.001)
        until(lambda: is_expired(key))
        with pytest.raises(sprint.SecretExpired, match="the client's key cannot sign"):
            pool.acquire(5)
