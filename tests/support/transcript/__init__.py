"""Run a program on a terminal of 80 columns, and read what is on its screen."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyte

COLUMNS = 80


def run_on_terminal(
    arguments: Sequence[str], directory: Path, environment: Mapping[str, str], answers: Sequence[tuple[str, str]] = ()
) -> tuple[str, int]:
    """Return what a program prints on a terminal, and its exit status.

    `answers`: questions, and what is typed when one has appeared and the terminal no longer echoes.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    environment = {**environment, "TERM": "xterm-256color"}
    output, left = b"", list(answers)
    try:
        with running(arguments, cwd=directory, env=environment, stdin=slave, stdout=slave, stderr=slave) as process:
            os.close(slave)
            try:
                while True:
                    if select.select([master], [], [], 0.02 if left else None)[0]:
                        output += os.read(master, 65536)
                    elif left[0][0].encode() in output and not termios.tcgetattr(master)[3] & termios.ECHO:
                        os.write(master, left.pop(0)[1].encode())
            except OSError:
                pass  # EIO: the other end is closed
            status = process.wait()
    finally:
        os.close(master)  # not before: a program that still runs would get SIGHUP
    return output.decode().replace("\r\n", "\n"), status


@contextmanager
def running(arguments: Sequence[str], **how: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a session of its own; an exception ends it, with all that it has started."""
    held: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in handlers:  # an interrupt during its start would leave it behind
        signal.signal(number, lambda number, _: held.append(number))
    process = None
    try:
        process = subprocess.Popen(arguments, start_new_session=True, **how)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if held:
            raise KeyboardInterrupt
        yield process
    except BaseException:
        if process:
            end(process)
        raise


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill it and its children, and wait until they are gone and write nothing any more."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for _ in range(200):
            os.killpg(process.pid, 0)
            time.sleep(0.01)


def screen_text(output: str) -> str:
    """Return the final text on a wide screen, without colors: menus and progress bars overwrite themselves."""
    screen = pyte.Screen(400, 2000)
    pyte.Stream(screen).feed(output.replace("\n", "\r\n"))
    rows = [screen.buffer[row] for row in range(screen.cursor.y + 1)]
    return "\n".join("".join(row[column].data for column in range(max(row, default=-1) + 1)) for row in rows)
