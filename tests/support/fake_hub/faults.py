"""What goes wrong on purpose: slow, limited, broken, cut off or senseless answers."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Fault:
    """One thing that goes wrong, for every request whose `GET /path?query` contains `pattern`."""

    pattern: str
    times: int | None  # how often it still happens; None: for ever
    delay: float = 0  # seconds
    status: int | None = None
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False

    @property
    def answers(self) -> bool:
        return self.reset or self.status is not None


class Faults:
    """The faults in force. Delays add up; of the others the first that matches answers."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.faults: list[Fault] = []

    def delay(self, pattern: str, seconds: float, *, times: int | None = None) -> None:
        """Answers as usual, but late."""
        self._add(Fault(pattern, times, delay=seconds))

    def status(
        self,
        pattern: str,
        status: int,
        body: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        times: int | None = None,
    ) -> None:
        """Answers this instead; with a Location header a redirect to wherever the test wants."""
        self._add(Fault(pattern, times, status=status, body=body, headers=dict(headers or {})))

    def rate_limit(self, pattern: str, *, retry_after: int | None = 3, times: int | None = None) -> None:
        """429 with the headers of an exhausted window (docs/facts.md#h14)."""
        seconds = 55 if retry_after is None else retry_after
        headers = {
            "RateLimit": f'"api";r=0;t={seconds}',
            "RateLimit-Policy": '"fixed window";"api";q=500;w=300',
        }
        if retry_after is not None:
            headers["Retry-After"] = str(retry_after)
        self.status(pattern, 429, headers=headers, times=times)

    def reset(self, pattern: str, *, times: int | None = None) -> None:
        """Reads the request and answers with a TCP reset."""
        self._add(Fault(pattern, times, reset=True))

    def garbage(
        self,
        pattern: str,
        body: bytes = b"<!doctype html><title>Welcome to the hotel</title>\n",
        *,
        times: int | None = None,
    ) -> None:
        """200 and a page nobody asked for, as a captive portal gives it."""
        self.status(pattern, 200, body, headers={"Content-Type": "text/html; charset=utf-8"}, times=times)

    def clear(self) -> None:
        with self.lock:
            self.faults.clear()

    def meant_for(self, line: str) -> list[Fault]:
        """What happens to the request `GET /path?query`, in order; counts down."""
        chosen: list[Fault] = []
        with self.lock:
            for fault in self.faults:
                if (
                    fault.pattern in line
                    and fault.times != 0
                    and not (fault.answers and any(f.answers for f in chosen))
                ):
                    chosen.append(fault)
                    if fault.times is not None:
                        fault.times -= 1
        return chosen

    def _add(self, fault: Fault) -> None:
        with self.lock:
            self.faults.append(fault)
