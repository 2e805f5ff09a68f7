"""The servers of the behaviour suite: each can be asked, stopped, and made to end
connections."""

from __future__ import annotations

import secrets
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path

from redis_tls import command, redis_server
from server import Server, free_port

import sprint
from relay import Relay

PATIENCE = 20.0


class Peer(ABC):
    """A server with a login."""

    address: str
    ca_file: str
    accepted: bytes
    """What it answers to a login that is right; ``refused``: how its answer begins if not."""
    refused: bytes

    def pool_options(self, max_connections: int = 4) -> sprint.Options:
        """However slow the machine is, no connection is closed for it. No acquire ends in time
        unless by the limit that it was given."""
        options = sprint.Options(ca_file=self.ca_file, max_latency=0, acquire_timeout=60)
        options["max_connections"] = max_connections
        return options

    @abstractmethod
    def secret(self) -> sprint.SecureBuffer:
        """What a login needs."""

    @abstractmethod
    def log_in(self, conn: sprint.Conn, secret: sprint.SecureBuffer) -> bytes:
        """Log in without a copy of the secret; the server's answer."""

    @abstractmethod
    def question(self, number: int) -> tuple[bytes, bytes]:
        """A request and the only answer to it."""

    @abstractmethod
    def process(self) -> subprocess.Popen[str] | subprocess.Popen[bytes]:
        """The server."""

    @abstractmethod
    def end_connections(self) -> None:
        """End every connection, from the server's side."""

    def ask(self, conn: sprint.Conn, number: int) -> None:
        request, answer = self.question(number)
        conn.write(request, PATIENCE)
        assert conn.read_exact(len(answer), PATIENCE) == answer


class RelayPeer(Peer):
    accepted, refused = b"OK\n", b"ERR bad mac"

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.address, self.ca_file = relay.address, relay.ca_file

    def secret(self) -> sprint.SecureBuffer:
        with open(self.relay.dir / "login.key", "rb", buffering=0) as file:
            key = sprint.SecureBuffer(32)
            with key.open(write=True) as view:
                assert file.readinto(view) == 32
            return key

    def log_in(self, conn: sprint.Conn, secret: sprint.SecureBuffer) -> bytes:
        nonce = conn.request(b"NONCE\n", timeout=PATIENCE)
        mac = secret.hmac("sha256", bytes.fromhex(nonce[6:].decode()))
        return conn.request(b"LOGIN %s\n" % mac.hex().encode(), timeout=PATIENCE)

    def question(self, number: int) -> tuple[bytes, bytes]:
        return b"PING %d\n" % number, b"PONG %d\n" % number

    def process(self) -> subprocess.Popen[str]:
        return self.relay.process

    def end_connections(self) -> None:
        self.relay.set(drop_idle=1)


class RedisPeer(Peer):
    """With the certificate files of the relay, and a password."""

    accepted, refused = b"+OK\r\n", b"-WRONGPASS"

    def __init__(self, relay: Relay, dir: Path) -> None:
        self.ca_file = relay.ca_file
        self._password = secrets.token_hex(16)
        self._port = free_port()
        self._argv = redis_server(
            self._port,
            dir,
            Path(relay.ca_file),
            relay.dir / "server.pem",
            relay.dir / "server-key.pem",
            self._password,
        )
        self._log = dir / "redis.log"
        self.start()
        self.address = self._server.address

    def start(self) -> None:
        self._server = Server(self._argv, self._port, self._log)

    def stop(self) -> None:
        self._server.process.kill()
        self._server.process.wait()

    def secret(self) -> sprint.SecureBuffer:
        return sprint.SecureBuffer.from_bytearray(bytearray(self._password.encode()))

    def log_in(self, conn: sprint.Conn, secret: sprint.SecureBuffer) -> bytes:
        conn.write(b"*2\r\n$4\r\nAUTH\r\n$%d\r\n" % len(secret), PATIENCE)
        conn.write_secret(secret, PATIENCE)
        return conn.request(b"\r\n", timeout=PATIENCE)

    def question(self, number: int) -> tuple[bytes, bytes]:
        word = b"%d" % number
        return command(b"ECHO", word), b"$%d\r\n%s\r\n" % (len(word), word)

    def process(self) -> subprocess.Popen[bytes]:
        return self._server.process

    def end_connections(self) -> None:
        with (
            sprint.Pool(self.address, **self.pool_options(1)) as pool,
            pool.acquire(PATIENCE) as conn,
            self.secret() as secret,
        ):
            assert self.log_in(conn, secret) == self.accepted
            conn.request(command(b"CLIENT", b"KILL", b"TYPE", b"normal"), timeout=PATIENCE)
