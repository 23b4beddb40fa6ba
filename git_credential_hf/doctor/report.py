"""What `doctor` prints: an examination for people, in 80 columns."""

import os
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from git_credential_hf.masking import mask_line, mask_token

if TYPE_CHECKING:
    from git_credential_hf.doctor import Examination
    from git_credential_hf.doctor.finding import Finding

WIDTH = 80  # columns
MARKS = {"ok": ("✓ ok  ", "green"), "warning": ("! warn", "yellow"), "error": ("✗ FAIL", "red")}

Paint = Callable[..., str]  # click's `style`: (text, fg=COLOUR)


def report_lines(seen: "Examination", paint: Paint) -> Iterator[str]:
    """Yield the table of programs, the areas with their findings, and the next command."""
    for row in seen.resolvers:
        token = mask_token(row.token.value) if row.token else "-"
        who = f"{row.account}, " if row.account else ""
        yield from wrap(f"{row.program:15} {token:14} ", f"{who}{row.source}")
    yield ""
    for area, found in seen.areas.items():
        worst = min((finding.severity for finding in found), default="ok")  # "error" comes before "warning"
        mark, colour = MARKS[worst]
        yield f"{paint(mark, fg=colour)}  {area}"
        for finding in found:
            yield from _finding(finding)
    yield ""
    yield from wrap("", _last(seen))


def _finding(finding: "Finding") -> Iterator[str]:
    yield from wrap(" " * 8, finding.title)
    for line in finding.detail.split("\n") if finding.detail else ():
        yield from wrap(" " * 10, line)
    yield from wrap(" " * 8 + "fix: ", finding.fix)


def wrap(start: str, text: str) -> list[str]:
    """Wrap `text` into lines that begin below the end of `start`, with `~` for the home."""
    home = os.path.expanduser("~")
    text = mask_line(text)
    if len(home) > 1 and f"'{home}" not in text:  # a shell does not expand it in quotes
        text = text.replace(home + os.sep, "~" + os.sep)
    rest = " " * len(start)
    text = re.sub(
        "`[^`]*`", lambda command: command[0].replace(" ", "\0"), text
    )  # a command to paste stays on one line
    found = textwrap.wrap(
        text, WIDTH, initial_indent=start, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
    return [line.replace("\0", " ") for line in found] or [start]


def _last(seen: "Examination") -> str:
    number = sum(finding.severity == "error" for finding in seen.findings)
    warnings = len(seen.findings) - number
    if not seen.findings:
        return "healthy: nothing is wrong"
    counted = [f"{n} {word}{'s' if n > 1 else ''}" for n, word in ((number, "problem"), (warnings, "warning")) if n]
    if any(finding.changes for finding in seen.findings):
        return f"{', '.join(counted)}; next: run `git-credential-hf doctor --fix`"
    # A disagreement is fixed with its cause; a warning can wait.
    first = min(seen.findings, key=lambda finding: (finding.id == "resolvers-disagree", finding.severity))
    return f"{', '.join(counted)}; next: {first.fix}"
