"""What somebody sees who runs the program at a terminal, as a picture: an SVG file of plain text."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Iterator
from html import escape
from pathlib import Path

COLUMNS = 80


def at_terminal(command: str, where: Path) -> str:
    """All that a command prints at a terminal of 80 columns."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen(
        command.split(), cwd=where, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    said = b""
    try:
        while chunk := os.read(master, 65536):
            said += chunk
    except OSError:
        pass  # the other end is closed: Linux tells it in this way
    os.close(master)
    process.wait()
    return said.decode().replace("\r\n", "\n")


# --- the picture ---

FONT = 14  # pixels
ADVANCE = 8.43  # pixels, of a character: DejaVu Sans Mono's and Menlo's
LINE = 19  # pixels
MARGIN = 18  # pixels, to the left and below
BAR = 34  # pixels, of the window's title
COLOURS = {"31": "r", "32": "g", "33": "y"}
# One look for a light page and a dark one: the window brings its own background.
STYLE = (
    "text{font-family:ui-monospace,SFMono-Regular,Menlo,'DejaVu Sans Mono',Consolas,monospace;"
    f"font-size:{FONT}px;fill:#d5dae1;white-space:pre}}"
    ".r{fill:#ff7b72}.g{fill:#56d364}.y{fill:#e3b341}.p{fill:#79c0ff}.c{fill:#fff;font-weight:bold}"
    ".t{fill:#8b949e}"
)


def svg(title: str, text: str) -> str:
    """A terminal's window; in `text`, the colours of a terminal (ECMA-48, SGR), and prompts: lines with `$ `."""
    lines = text.rstrip("\n").split("\n")
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


def _spans(line: str) -> Iterator[str]:
    """Each stretch of one colour, at its column: a font that is wider, or lacks a sign, moves nothing else."""
    if line.startswith("$ "):
        yield _span(0, "$", "p") + _span(2, line[2:], "c")
        return
    column, colour = 0, ""
    for part in re.split(r"(\x1b\[[\d;]*m)", line.expandtabs()):
        if sgr := re.fullmatch(r"\x1b\[([\d;]*)m", part):
            if sgr[1] not in ("0", *COLOURS):
                raise ValueError(f"a colour that this does not know: {part!r}")
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
