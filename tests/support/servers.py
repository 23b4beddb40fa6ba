"""Small servers: one that answers every request alike, and ways to the Hub, which tunnel, speak SOCKS, or drop all."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TypeVar

PATIENCE = 100  # seconds, after which something hangs

Answer = Callable[[socket.socket], None]
Self = TypeVar("Self", bound="Listener")


class Listener:
    """Listens on a port of this machine, and serves each connection in a thread of its own."""

    def __init__(self, address: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        self.listening = socket.create_server(address, backlog=64)
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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
        connection.settimeout(PATIENCE)
        with contextlib.suppress(OSError, ValueError, IndexError, struct.error), connection:
            self.serve(connection)

    def serve(self, connection: socket.socket) -> None:
        raise NotImplementedError


class Server(Listener):
    """Answers every request with the same bytes, or as a function does; `heard` is each request's head."""

    def __init__(
        self, answer: bytes | Answer, address: tuple[str, int] = ("127.0.0.1", 0), tls: ssl.SSLContext | None = None
    ) -> None:
        self.answer: Answer = answer if callable(answer) else lambda connection: connection.sendall(answer)
        self.tls = tls
        self.heard: list[bytes] = []
        super().__init__(address)
        self.url = f"{'https' if tls else 'http'}://{'localhost' if tls else '127.0.0.1'}:{self.port}"

    def serve(self, connection: socket.socket) -> None:
        if self.tls:
            connection = self.tls.wrap_socket(connection, server_side=True)
        with connection:
            if head := read_head(connection):
                self.heard.append(head)
                self.answer(connection)
                if self.tls is None:
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        pass  # the rest of the request: or closing would reset the connection

    @property
    def credentials(self) -> list[bytes]:
        """The lines with a credential in them that were sent here."""
        return [line for head in self.heard for line in head.splitlines() if line.lower().startswith(b"authorization:")]


def read_head(connection: socket.socket) -> bytes:
    """Read a request up to its body, as much as there is of it."""
    head = b""
    while b"\r\n\r\n" not in head and (more := connection.recv(65536)):
        head += more
    return head


def http(status: str, *headers: str | bytes, body: bytes = b"") -> bytes:
    """An answer with just these headers, and the length of its body."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "Connection: close", "", ""]
    return b"\r\n".join(line.encode() if isinstance(line, str) else line for line in lines) + body


def json(body: bytes) -> bytes:
    """A good answer with this for JSON."""
    return http("200 OK", "Content-Type: application/json", body=body)


def for_ever(first: bytes, again: bytes) -> Answer:
    """Bytes without end, as fast as they are taken."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(again)

    return answer


class Proxy(Listener):
    """A proxy on a port of this machine, which leads to `target` whatever it is asked for.

    `asked` lists the hosts and ports; `heads` what was sent before the tunnel. `status`: what it answers to CONNECT.
    """

    def __init__(self, target: tuple[str, int], status: str = "200 OK") -> None:
        self.target, self.status = target, status
        self.asked: list[str] = []
        self.heads: list[bytes] = []
        super().__init__()
        self.address = f"127.0.0.1:{self.port}"

    def serve(self, connection: socket.socket) -> None:
        first = connection.recv(1, socket.MSG_PEEK)
        if not (self._accepts_socks(connection) if first == b"\x05" else self._accepts_connect(connection)):
            return
        with socket.create_connection(self.target, 10) as onwards:
            back = threading.Thread(target=_copy, args=(onwards, connection), daemon=True)
            back.start()
            _copy(connection, onwards)
            back.join(10)

    def _accepts_connect(self, connection: socket.socket) -> bool:
        head = read_head(connection)
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
