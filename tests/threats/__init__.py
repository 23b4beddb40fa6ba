"""What attackers bring: servers that say anything, byte for byte, and a program that is run against them."""

from __future__ import annotations

import contextlib
import os
import resource
import secrets
import socket
import ssl
import string
import subprocess
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

MEMORY = 1 << 30  # bytes of address space; what huggingface_hub itself maps is a fifth of it
PATIENCE = 100  # seconds, after which something hangs
PROGRAM = "git-credential-hf"
TERMINAL = set(map(chr, [*range(9), *range(11, 32), *range(127, 160)])) | set("\u202e\u2066\u200b\u2028")

Answer = Callable[[socket.socket], None]

started: list[subprocess.Popen[bytes]] = []  # which end with their test, also where that fails


def new_token() -> str:
    """One that no Hub knows."""
    return "hf_" + "".join(secrets.choice(string.ascii_letters) for _ in range(34))


class Server:
    """Answers every request with the same bytes, or as a function does; `heard` is each request's head."""

    def __init__(
        self, answer: bytes | Answer, address: tuple[str, int] = ("127.0.0.1", 0), tls: ssl.SSLContext | None = None
    ) -> None:
        self.answer: Answer = answer if callable(answer) else lambda connection: connection.sendall(answer)
        self.tls = tls
        self.heard: list[bytes] = []
        self.listening = socket.create_server(address, backlog=64)
        self.port = self.listening.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://{'localhost' if tls else '127.0.0.1'}:{self.port}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        with contextlib.suppress(OSError, ValueError), connection:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                head = b""
                while b"\r\n\r\n" not in head and (more := connection.recv(65536)):
                    head += more
                if head:
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

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()


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


def start(
    *arguments: str, stdin: bytes = b"", program: str = PROGRAM, memory: int = MEMORY, **environment: Any
) -> subprocess.Popen[bytes]:
    """Start the program with this input, and no more memory than a user may miss; `ended` waits for it."""
    process = subprocess.Popen(
        [program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory)),
    )
    assert process.stdin
    with contextlib.suppress(OSError), process.stdin:
        process.stdin.write(stdin)
    process.stdin = None
    started.append(process)
    return process


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    """The status, the answer, and what was said: by a program that knew what it was doing."""
    try:
        stdout, stderr = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.communicate()
    said = stderr.decode("utf-8", "surrogateescape")
    assert process.returncode in (0, 1, 2, 3), said
    assert "internal error" not in said and "Traceback" not in said, said
    return process.returncode, stdout.decode("utf-8", "surrogateescape"), said


def run(*arguments: str, stdin: bytes = b"", program: str = PROGRAM, **environment: Any) -> tuple[int, str, str]:
    """Start it, and wait for its end."""
    return ended(start(*arguments, stdin=stdin, program=program, **environment))


def request_to(url: str) -> bytes:
    """The beginning of git's request for the server at this URL; a blank line is to end it."""
    scheme, _, host = url.partition("://")
    return f"protocol={scheme}\nhost={host}\n".encode()


def is_clean(text: str, secrets: Iterable[str] = ()) -> bool:
    """Whether a terminal shows this as it is, and none of these secrets with it."""
    return not set(text) & TERMINAL and not any(secret in text for secret in secrets)
