"""Run a program on a terminal of 80 columns, and draw what it prints as an SVG file of plain text."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from html import escape
from pathlib import Path
from typing import Any

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
    """Return the final text on the screen, without colors: menus and progress bars overwrite themselves."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[\??[\d;]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+", output):
        if part in "\r\n":
            row, column = row + (part == "\n"), 0
            lines += [""] * (row + 1 - len(lines))
        elif part[0] != "\x1b":
            lines[row] = lines[row][:column].ljust(column) + part + lines[row][column + len(part) :]
            column += len(part)
        elif part[-1] == "A":
            row -= int(part[2:-1])
        elif part[-1] in "JK":
            lines[row] = lines[row][:column]
            del lines[row + 1 if part[-1] == "J" else len(lines) :]
    return "\n".join(lines)


# --- the picture ---

FONT = 14  # pixels
ADVANCE = 8.43  # pixels per character of DejaVu Sans Mono and Menlo
LINE = 19  # pixels
MARGIN = 18  # pixels, on the left and at the bottom
BAR = 34  # pixels; the title bar
COLOURS = {"31": "r", "32": "g", "33": "y"}
# For light and dark pages: the window has its own background.
STYLE = (
    "text{font-family:ui-monospace,SFMono-Regular,Menlo,'DejaVu Sans Mono',Consolas,monospace;"
    f"font-size:{FONT}px;fill:#d5dae1;white-space:pre}}"
    ".r{fill:#ff7b72}.g{fill:#56d364}.y{fill:#e3b341}.p{fill:#79c0ff}.c{fill:#fff;font-weight:bold}"
    ".t{fill:#8b949e}"
)


def svg(title: str, text: str) -> str:
    """Draw a terminal window; `text` may have colors (ECMA-48, SGR), and prompts: lines that start with `$ `."""
    lines = [row for line in text.rstrip("\n").split("\n") for row in _rows(line)]
    width, height = round(COLUMNS * ADVANCE) + 2 * MARGIN, BAR + len(lines) * LINE + MARGIN
    found = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="9" fill="#161b22" stroke="#3d444d"/>',
        *(
            f'<circle cx="{MARGIN + 6 + 20 * at}" cy="{BAR // 2}" r="6" fill="{colour}"/>'
            for at, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
        ),
        f'<text x="{width // 2}" y="{BAR // 2 + 5}" text-anchor="middle" class="t">{escape(title)}</text>',
    ]
    for number, line in enumerate(lines):
        if spans := "".join(_spans(line)):
            found.append(f'<text y="{BAR + number * LINE + FONT}">{spans}</text>')
    return "\n".join([*found, "</svg>"]) + "\n"


def _rows(line: str) -> list[str]:
    """Break a line without colors as a terminal does."""
    if "\x1b" in line:
        return [line]
    return [line[start : start + COLUMNS] for start in range(0, len(line), COLUMNS)] or [""]


def _spans(line: str) -> Iterator[str]:
    """Yield each stretch of one color at its column, so that a wider font or a missing glyph moves nothing else."""
    if line.startswith("$ "):
        yield _span(0, "$", "p") + _span(2, line[2:], "c")
        return
    column, colour = 0, ""
    for part in re.split(r"(\x1b\[[\d;]*m)", line.expandtabs()):
        if sgr := re.fullmatch(r"\x1b\[([\d;]*)m", part):
            if sgr[1] not in ("0", *COLOURS):
                raise ValueError(f"unknown color: {part!r}")
            colour = COLOURS.get(sgr[1], "")
            continue
        for word in re.finditer(r"[^\x00-\x7f]+|[\x20-\x7e]+?(?=  |[^\x20-\x7e]|$)", part):
            text = word[0]
            blanks = len(text) - len(text.lstrip())
            if text.strip():
                yield _span(column + word.start() + blanks, text.strip(), colour)
        column += len(part)


def _span(column: int, text: str, kind: str) -> str:
    given = f' class="{kind}"' if kind else ""
    return f'<tspan x="{MARGIN + column * ADVANCE:g}"{given}>{escape(text, quote=False)}</tspan>'
