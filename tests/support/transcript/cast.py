"""Draw what happens on a terminal as an animated SVG file: commands are typed, and their output appears, in a loop.

The pace is set here, not measured, so that the file is the same each time. A viewer without animation, or with
`prefers-reduced-motion`, shows the finished screen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from itertools import groupby

import pyte

from . import COLUMNS

LETTER, LINE = 0.05, 0.15  # seconds until the next
START, NEXT = 1.0, 3.0  # seconds at the first prompt, and at the others
ENTER, END = 0.6, 12.0  # seconds after a command, and at the end

FONT = 14  # pixels
ADVANCE = 8.43  # pixels per character of DejaVu Sans Mono and Menlo
HEIGHT = 19  # pixels of a row
MARGIN = 18  # pixels, on the left and at the bottom
BAR = 34  # pixels; the title bar
# pyte's names; a color that is not among them is an error
CLASSES = {"default": "", "red": "r", "green": "g", "brown": "y", "blue": "p", "brightblack": "t"}
# For light and dark pages: the window has its own background. `h` is hidden at the end.
STYLE = (
    "text{font-family:ui-monospace,SFMono-Regular,Menlo,'DejaVu Sans Mono',Consolas,monospace;"
    f"font-size:{FONT}px;fill:#d5dae1;white-space:pre}}"
    ".r{fill:#ff7b72}.g{fill:#56d364}.y{fill:#e3b341}.p{fill:#79c0ff}.c{fill:#fff;font-weight:bold}"
    ".t{fill:#8b949e}.h{visibility:hidden}"
)

Row = tuple[tuple[int, str, str], ...]  # stretches of one color: column, text, class


class Cast:
    """What a terminal shows, from the first prompt to the last line of output."""

    def __init__(self) -> None:
        self._screen = pyte.Screen(COLUMNS, 200)
        self._stream = pyte.Stream(self._screen)
        self._frames: list[tuple[float, list[Row]]] = []  # when each begins, in seconds
        self._now = 0.0
        self.title = ""

    def type(self, command: str) -> None:
        """Type a command at a prompt."""
        self.title = self.title or command
        self._feed("\x1b[34m$\x1b[0m \x1b[1m", NEXT if self._frames else START, cursor=True)
        for letter in command:
            self._feed(letter, LETTER, cursor=True)
        self._feed("\x1b[0m\r\n", ENTER)

    def show(self, output: str, pauses: Mapping[str, float] | None = None) -> None:
        """Show output line by line; `pauses`: words, such as a question, and the seconds to stop after them."""
        pauses = pauses or {}
        for part in re.split("|".join(f"(?<={re.escape(end)})" for end in ("\n", *pauses)), output):
            pause = next((seconds for end, seconds in pauses.items() if part.endswith(end)), None)
            self._feed(part, pause or LINE, cursor=pause is not None and not self._screen.cursor.hidden)

    def _feed(self, output: str, pause: float, *, cursor: bool = False) -> None:
        self._stream.feed(output)
        rows = [_row(self._screen.buffer[number]) for number in range(self._screen.cursor.y + 1)]
        if cursor:
            rows[-1] += ((self._screen.cursor.x, "█", "t"),)
        self._frames.append((self._now, rows))
        self._now += pause

    @property
    def text(self) -> str:
        """The finished screen."""
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip() + "\n"

    def svg(self) -> str:
        """Draw it."""
        length = self._now + END
        count = len(self.text.splitlines())
        width, height = round(COLUMNS * ADVANCE) + 2 * MARGIN, BAR + count * HEIGHT + MARGIN
        texts: list[str] = []
        keyframes: dict[tuple[str, ...], str] = {}
        for number in range(max(len(rows) for _, rows in self._frames)):
            for row, start, end in self._shown(number):
                stops = [f"{100 * at / length:.4g}" for at in (start, end) if at is not None]
                name = keyframes.setdefault(tuple(stops), f"k{len(keyframes)}")
                gone = "" if end is None else ' class="h"'
                y = BAR + number * HEIGHT + FONT
                texts.append(f'<text y="{y}"{gone} style="animation-name:{name}">{"".join(map(_span, row))}</text>')
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
                f'viewBox="0 0 {width} {height}" role="img">',
                f"<title>{escape(self.title)}</title>",
                f"<style>{STYLE}",
                f"@media (prefers-reduced-motion:no-preference){{text{{animation:{length:g}s step-end infinite}}",
                *(_keyframes(name, *stops) for stops, name in keyframes.items()),
                "}</style>",
                f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="9" fill="#161b22" '
                'stroke="#3d444d"/>',
                *(
                    f'<circle cx="{MARGIN + 6 + 20 * at}" cy="{BAR // 2}" r="6" fill="{colour}"/>'
                    for at, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
                ),
                f'<text x="{width // 2}" y="{BAR // 2 + 5}" text-anchor="middle" class="t">{escape(self.title)}</text>',
                *texts,
                "</svg>\n",
            ]
        )

    def _shown(self, number: int) -> Iterator[tuple[Row, float, float | None]]:
        """Yield what a row shows, with its start and end in seconds; the end is None if it stays."""
        history = [(start, rows[number] if number < len(rows) else ()) for start, rows in self._frames]
        runs = [(row, next(times)[0]) for row, times in groupby(history, key=lambda frame: frame[1])]
        for at, (row, start) in enumerate(runs):
            if row:
                yield row, start, runs[at + 1][1] if at + 1 < len(runs) else None


def _row(cells: Mapping[int, pyte.screens.Char]) -> Row:
    """Return each stretch at its column, so that a wider font or a missing glyph moves nothing else."""
    found, column = [], 0
    line = [cells[at] for at in range(COLUMNS)]
    for kind, run in groupby(line, key=lambda cell: CLASSES[cell.fg] or ("c" if cell.bold else "")):
        part = "".join(cell.data for cell in run)
        for word in re.finditer(r"[^\x00-\x7f]+|[\x21-\x7e][\x20-\x7e]*?(?= *$|  |[^\x20-\x7e])", part):
            found.append((column + word.start(), word[0].rstrip(), kind))
        column += len(part)
    return tuple(found)


def _span(stretch: tuple[int, str, str]) -> str:
    column, text, kind = stretch
    given = f' class="{kind}"' if kind else ""
    return f'<tspan x="{MARGIN + column * ADVANCE:g}"{given}>{escape(text, quote=False)}</tspan>'


def _keyframes(name: str, start: str, end: str | None = None) -> str:
    hidden = "" if start == "0" else "0%{visibility:hidden}"
    gone = "" if end is None else f"{end}%{{visibility:hidden}}"
    return f"@keyframes {name}{{{hidden}{start}%{{visibility:visible}}{gone}}}"
