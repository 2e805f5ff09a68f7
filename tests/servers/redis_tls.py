"""redis-server over TLS: its command line and its protocol."""

from __future__ import annotations

from pathlib import Path


def redis_server(
    port: int, dir: Path, ca: Path, chain: Path, key: Path, password: str = ""
) -> list[str | Path]:
    """The arguments of a server for 127.0.0.1 that keeps nothing. Its configuration is
    written to a file of ``dir``, where a password belongs."""
    settings: dict[str, object] = {
        "port": 0,
        "tls-port": port,
        "bind": "127.0.0.1",
        "tls-cert-file": chain,
        "tls-key-file": key,
        "tls-ca-cert-file": ca,
        "tls-auth-clients": "no",
        "save": '""',
        "dir": dir,
    }
    if password:
        settings["requirepass"] = password
    config = dir / "redis.conf"
    config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    return ["redis-server", config]


def command(*words: bytes) -> bytes:
    """https://redis.io/docs/latest/develop/reference/protocol-spec/"""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(parts)
