"""Run a program on a terminal of its own, and type there what it asks for."""

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from programs import Done


def run_on_terminal(
    *command: str | Path, typed: Iterable[tuple[str, str]] = (), timeout: float = 60, **environment: Any
) -> Done:
    """Run a program on a terminal; `typed`: pairs of words to wait for on the screen, and of what is typed then.

    What the screen shows is in `stdout`.
    """
    merged = {name: str(value) for name, value in {**os.environ, **environment}.items() if value is not None}
    import pty  # Windows has none

    child, screen = pty.fork()
    if child == 0:
        os.execve(command[0], list(map(str, command)), merged)
    shown, seen, waiting = "", 0, list(typed)
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if waiting and waiting[0][0] in shown[seen:]:
            time.sleep(0.3)  # it may have to change the terminal's mode first
            os.write(screen, waiting.pop(0)[1].encode())
            seen = len(shown)
        if not select.select([screen], [], [], 0.1)[0]:
            continue
        try:
            part = os.read(screen, 4096)
        except OSError:  # EIO: the other side is closed
            break
        if not part:
            break
        shown += part.decode("utf-8", "replace")
    else:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        shown += f"\n(killed after {timeout} seconds)"
    os.close(screen)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return Done(list(map(str, command)), status, shown.replace("\r\n", "\n"), "")
