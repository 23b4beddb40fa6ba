"""Ways to the Hub: a proxy that tunnels, one that speaks SOCKS, and an address that drops all packets."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator


class Proxy:
    """A proxy on a port of this machine, which leads to `target` whatever it is asked for.

    `asked` lists the hosts and ports; `heads` what was sent before the tunnel. `status`: what it answers to CONNECT.
    """

    def __init__(self, target: tuple[str, int], status: str = "200 OK") -> None:
        self.target, self.status = target, status
        self.asked: list[str] = []
        self.heads: list[bytes] = []
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = f"127.0.0.1:{self.listening.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, IndexError, struct.error), connection:
            first = connection.recv(1, socket.MSG_PEEK)
            if not (self._accepts_socks(connection) if first == b"\x05" else self._accepts_connect(connection)):
                return
            with socket.create_connection(self.target, 10) as onwards:
                back = threading.Thread(target=_copy, args=(onwards, connection), daemon=True)
                back.start()
                _copy(connection, onwards)
                back.join(10)

    def _accepts_connect(self, connection: socket.socket) -> bool:
        head = b""
        while b"\r\n\r\n" not in head and (more := connection.recv(65536)):
            head += more
        self.heads.append(head)
        self.asked.append(head.split()[1].decode())
        connection.sendall(f"HTTP/1.1 {self.status}\r\n\r\n".encode())
        return self.status.startswith("200") and head.startswith(b"CONNECT ")

    def _accepts_socks(self, connection: socket.socket) -> bool:
        """RFC 1928, without a password; names are resolved here, or were by the client."""
        connection.recv(2 + 255)
        connection.sendall(b"\x05\x00")
        _, _, _, kind = connection.recv(4)
        length = 4 if kind == 1 else connection.recv(1)[0]
        host = connection.recv(length)
        (port,) = struct.unpack("!H", connection.recv(2))
        self.asked.append(f"{socket.inet_ntoa(host) if kind == 1 else host.decode()}:{port}")
        connection.sendall(b"\x05\x00\x00\x01" + bytes(6))
        return True


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def dropping(port: int) -> Iterator[None]:
    """Let connections to a port of this machine get no answer, as behind a firewall: its queue is full."""
    with contextlib.ExitStack() as sockets:
        listening = sockets.enter_context(socket.create_server(("127.0.0.1", port), backlog=0))
        for _ in range(4):
            client = sockets.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listening.getsockname())
        yield
