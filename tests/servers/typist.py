"""``openssl s_server`` with somebody at its keyboard, and a line that can be slow."""

from __future__ import annotations

import contextlib
import re
import socket
import time

from cutting_proxy import CuttingProxy
from server import Server

PATIENCE = 20.0


class Typist(Server):
    """What is typed goes to the client; a line K sends a KeyUpdate that asks for the client's,
    a line k one that does not. The log has what the client sends, and names every message of a
    handshake: ``>>>`` ours, ``<<<`` the client's."""

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        super().stop()

    def key_updates(self, direction: str) -> int:
        found = re.findall(rf"^{direction} TLS 1.3, .*KeyUpdate$", self._text(), re.M)
        return len(found)

    def hears(self, line: str) -> bool:
        return line in self._text().splitlines()

    def _text(self) -> str:
        return self.log.read_text(errors="replace")


class SlowLine(CuttingProxy):
    """Forwards one connection; while ``dribbles`` is true, a byte at a time from the server."""

    def __init__(self, target: str) -> None:
        super().__init__(target, records=None)
        self.dribbles = False
        self.forwarded = 0

    def __enter__(self) -> SlowLine:
        super().__enter__()
        return self

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # either end may leave with a RST
            super()._serve()

    def _forward(self, server: socket.socket, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data := server.recv(65536):
            for piece in [data[i : i + 1] for i in range(len(data))] if self.dribbles else [data]:
                client.sendall(piece)
                self.forwarded += len(piece)
                if self.dribbles:
                    time.sleep(0.002)  # the line is as slow as that
