"""Show the progress of slow operations on a terminal."""

import os
import sys
import threading
import time
from contextlib import suppress

from git_credential_hf.system import start_thread

AFTER = 1  # second


class Progress:
    """A line on the terminal, if there is one, shown after a second and cleared at the end."""

    def __init__(self, action: str) -> None:
        self._action = action
        self._is_visible = sys.stderr is not None and sys.stderr.isatty()
        self._next = time.monotonic() + AFTER
        self._width = 0

    def __enter__(self) -> "Progress":
        return self

    def show(self, objects: int) -> None:
        """Show the number of processed objects, at most ten times a second."""
        if not self._is_visible or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + 0.1
        self._write(f"{self._action}: {objects:,} objects")

    def _write(self, text: str) -> None:
        line = f"git-credential-hf: {text}"
        self._width = max(self._width, len(line))
        os.write(2, f"\r{line}".encode())

    def __exit__(self, *_: object) -> None:
        if self._width:
            os.write(2, f"\r{' ' * self._width}\r".encode())


class Wait(Progress):
    """A progress line without a count, which appears by itself."""

    def __enter__(self) -> "Wait":
        self._is_over = threading.Event()
        self._thread = None
        if self._is_visible:
            with suppress(RuntimeError):  # no more threads
                self._thread = start_thread(self._show_late)
        return self

    def _show_late(self) -> None:
        if not self._is_over.wait(AFTER):
            self._write(f"{self._action} ...")

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        if self._thread:
            self._thread.join()
        super().__exit__()
