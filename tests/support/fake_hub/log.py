"""What the Hub was asked, and by whom: what tests assert on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Request:
    """One request and its answer. Secrets are kept for assertions and never shown."""

    method: str
    host: str
    path: str
    query: str = ""
    status: int | None = None  # None: no answer (reset), or not answered yet
    account: str | None = None  # whose token it was, when it was good
    scheme: str | None = None  # of the Authorization header: "basic", "bearer"
    username: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)  # exactly what was sent as password or bearer token
    headers: dict[str, str] = field(default_factory=dict, repr=False)  # names in lower case
    bytes_in: int = 0  # of the body
    bytes_out: int = 0
    time: float = field(default_factory=time.time)  # POSIX seconds, when the request line was read

    @property
    def token_shown(self) -> str | None:
        """`hf_****abcd`."""
        if self.token is None:
            return None
        kind = next((kind for kind in ("hf_oauth_", "hf_jwt_", "hf_") if self.token.startswith(kind)), "")
        return f"{kind}****{self.token[-4:]}"

    @property
    def line(self) -> str:
        """`GET /path?query`: what patterns are looked for in."""
        return f"{self.method} {self.path}" + (f"?{self.query}" if self.query else "")

    def __str__(self) -> str:
        return f"{self.status or '---'} {self.line} {self.token_shown or '-'}"


class Log:
    """The requests, in the order in which they arrived."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.requests: list[Request] = []

    def add(self, request: Request) -> None:
        with self.lock:
            self.requests.append(request)

    def of(
        self,
        pattern: str = "",
        *,
        status: int | None = None,
        account: str | None = None,
        host: str | None = None,
    ) -> list[Request]:
        """Those whose `GET /path?query` contains `pattern`, and that fit the rest."""
        return [
            request
            for request in self
            if pattern in request.line
            and status in (None, request.status)
            and account in (None, request.account)
            and host in (None, request.host)
        ]

    def with_token(self) -> list[Request]:
        """Those that showed a token or a password, good or bad."""
        return [request for request in self if request.token]

    def clear(self) -> None:
        with self.lock:
            self.requests.clear()

    def __iter__(self) -> Iterator[Request]:
        with self.lock:
            return iter(list(self.requests))

    def __len__(self) -> int:
        return len(self.requests)

    def __str__(self) -> str:
        return "\n".join(map(str, self))
