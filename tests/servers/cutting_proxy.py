"""A TCP proxy that knows where TLS records begin, and ends the stream where it is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from types import TracebackType

HEADER = 5  # type, version, length (RFC 8446, 5.1)


class CuttingProxy:
    """Forwards one connection. Of what the server sends it lets ``records`` records pass
    and ``extra`` bytes of the next, then sends FIN; ``records=None``: everything."""

    def __init__(self, target: str, records: int | None, extra: int = 0) -> None:
        self.records, self.extra = records, extra
        self.passed = 0
        host, _, port = target.rpartition(":")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._target = (host, int(port))
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> CuttingProxy:
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept
        self._thread.join(30)
        self._listener.close()
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:
            return
        with client, socket.create_connection(self._target) as server:
            # Reading on until the client has ended keeps FIN from becoming RST.
            upwards = threading.Thread(target=pump, args=(client.recv, server.sendall))
            upwards.start()
            self._forward(server, client)
            client.shutdown(socket.SHUT_WR)
            upwards.join(30)

    def _forward(self, server: socket.socket, client: socket.socket) -> None:
        with server.makefile("rb") as stream:
            while self.records is None or self.passed < self.records:
                record = read_record(stream.read)
                if not record:
                    return
                client.sendall(record)
                self.passed += 1
            if self.extra:
                record = read_record(stream.read)
                assert len(record) > self.extra
                client.sendall(record[: self.extra])


def read_record(read: Callable[[int], bytes]) -> bytes:
    header = read(HEADER)
    if not header:
        return b""
    length = int.from_bytes(header[3:], "big")
    body = read(length)
    assert len(body) == length
    return header + body


def pump(receive: Callable[[int], bytes], send: Callable[[bytes], object]) -> None:
    try:
        while data := receive(65536):
            send(data)
    except OSError:
        pass  # the other side has gone: nothing to forward any more
