"""The metrics server with a name, with HTTPS, and what the log must never hold."""

from __future__ import annotations

import base64
import json
import os
import ssl
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import sprint
from relay import Relay

TOKEN = bytearray(b"token-5e9f-of-the-metrics")
PAYLOAD = b"order: sell 5e9f at any price"


def get(port: int, path: str, token: bytes | None = None, ca_file: str | None = None) -> str:
    scheme, context = "http", None
    if ca_file is not None:
        scheme, context = "https", ssl.create_default_context(cafile=ca_file)
    headers = {} if token is None else {"X-Auth-Token": token.decode()}
    request = urllib.request.Request(f"{scheme}://127.0.0.1:{port}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=5, context=context) as answer:
        text: str = answer.read().decode()
        return text


def test_pools_with_names_share_one_address(relay: Relay) -> None:
    first = sprint.Pool(relay.address, name="orders", metrics_port=0)
    with first:
        port = first.start_metrics()
        second = sprint.Pool(relay.address, name="prices", metrics_port=port)
        with second:
            assert second.start_metrics() == port
            text = get(port, "/metrics")
            assert 'pool="orders"' in text
            assert 'pool="prices"' in text
            assert json.loads(get(port, "/status/connections?pool=prices"))["name"] == "prices"
        same = sprint.Pool(relay.address, name="orders", metrics_port=port)
        with same, pytest.raises(ValueError, match="orders"):
            same.start_metrics()


def test_the_metrics_port_speaks_https_with_the_files_given(relay: Relay) -> None:
    files = sprint.Options(
        metrics_port=0,
        metrics_tls_cert_file=relay.dir / "server.pem",
        metrics_tls_key_file=relay.dir / "server-key.pem",
    )
    with sprint.Pool(relay.address, **files) as pool:
        port = pool.start_metrics()
        assert json.loads(get(port, "/healthz", ca_file=relay.ca_file))["status"] == "healthy"
        with pytest.raises(urllib.error.HTTPError, match="400"):
            get(port, "/healthz")
    files["metrics_tls_key_file"] = relay.dir / "no-such-key.pem"
    with (
        sprint.Pool(relay.address, **files) as pool,
        pytest.raises(ValueError, match=r"no-such-key\.pem"),
    ):
        pool.start_metrics()


def spellings(secret: bytes) -> list[bytes]:
    """How a log might hold a secret: as it is, and in the usual encodings of it."""
    encoded = [base64.b64encode(secret[shift:])[:-4] for shift in range(3)]
    numbers = ", ".join(map(str, secret)), " ".join(map(str, secret))
    return [secret, secret.hex().encode(), *encoded, *(n.encode() for n in numbers)]


def test_no_secret_gets_into_the_log_at_any_level(relay: Relay, tmp_path: Path) -> None:
    key = (relay.dir / "login.key").read_bytes()
    pem = (relay.dir / "server-key.pem").read_bytes()
    log = os.open(tmp_path / "log", os.O_CREAT | os.O_RDWR)
    sprint.log_to_fd(log, "trace")
    sprint.events_to_fd(log)
    try:
        use_secrets(relay, key)
    finally:
        sprint.events_to_fd(None)
        sprint.log_to_fd(None)
        text = os.pread(log, 1 << 20, 0)
        os.close(log)
    for event in (b'"write"', b'"read"', b'"connection lost"', b'"use"'):
        assert event in text, f"nothing of {event!r} is in the log: it proves nothing"
    for what, secret in {
        "token": bytes(TOKEN),
        "payload": PAYLOAD,
        "login key": key,
        "private key": pem.splitlines()[1],
    }.items():
        for spelling in spellings(secret):
            assert spelling not in text, f"the {what} is in the log"


def use_secrets(relay: Relay, key: bytes) -> None:
    """Everything that the library does with a secret, well and badly."""
    with (
        sprint.SecureBuffer.from_bytearray(bytearray(TOKEN)) as token,
        sprint.SecureBuffer.from_bytearray(bytearray(key)) as secret,
        sprint.Pool(
            relay.address,
            ca_file=relay.ca_file,
            cert_file=relay.dir / "server.pem",
            key_file=relay.dir / "server-key.pem",
            metrics_port=0,
            metrics_auth_token=token,
        ) as pool,
    ):
        port = pool.start_metrics()
        assert get(port, "/metrics", bytes(TOKEN))
        with pytest.raises(urllib.error.HTTPError, match="401"):
            get(port, "/metrics", bytes(TOKEN)[:-1] + b"!")
        with pool.acquire() as conn:
            nonce = conn.request(b"NONCE\n", timeout=5).split()[1]
            mac = secret.hmac("sha256", bytes.fromhex(nonce.decode()))
            conn.write(b"LOGIN " + mac.hex().encode() + b"\n", 5)
            assert conn.read_exact(3, 5) == b"OK\n"
            conn.write(b"PING " + PAYLOAD + b"\n", 5)
            assert conn.read_exact(6 + len(PAYLOAD), 5) == b"PONG " + PAYLOAD + b"\n"
            conn.write(b"PING ", 5)
            conn.write_secret(token, 5)
            conn.write(b"\n", 5)
            assert conn.read_exact(6 + len(TOKEN), 5) == b"PONG " + TOKEN + b"\n"
            conn.discard()
        relay.set(reset_after=len(PAYLOAD) // 2)
        conn = pool.acquire()
        conn.write(b"PING " + PAYLOAD + b"\n", 5)
        with pytest.raises(sprint.NetworkError):
            conn.read_exact(6 + len(PAYLOAD), 5)
        conn.discard()
