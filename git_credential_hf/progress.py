"""Tell a person at a terminal what takes long."""

import os
import sys
import time


class Progress:
    """A line on the terminal, if there is one, for what takes longer than a second; it is cleared at the end."""

    def __init__(self, action: str) -> None:
        self._action = action
        self._is_visible = sys.stderr is not None and sys.stderr.isatty()
        self._next = time.monotonic() + 1
        self._width = 0

    def __enter__(self) -> "Progress":
        return self

    def show(self, objects: int) -> None:
        """Show how many objects are done, ten times a second at most."""
        if not self._is_visible or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + 0.1
        line = f"git-credential-hf: {self._action}: {objects:,} objects"
        self._width = max(self._width, len(line))
        os.write(2, f"\r{line}".encode())

    def __exit__(self, *_: object) -> None:
        if self._width:
            os.write(2, f"\r{' ' * self._width}\r".encode())
