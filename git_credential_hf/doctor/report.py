"""Print an examination as text, 80 columns wide."""

import os
import re
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from git_credential_hf.doctor.finding import first_fix
from git_credential_hf.masking import mask_line, mask_token
from git_credential_hf.problem import runnable

if TYPE_CHECKING:
    from git_credential_hf.doctor import Examination
    from git_credential_hf.doctor.finding import Finding, Row
    from git_credential_hf.doctor.fix import Fixed
    from git_credential_hf.output import Paint

WIDTH = 80  # columns
MARKS = {
    "ok": ("✓ ok  ", "green"),
    "not checked": ("- skip", "cyan"),
    "warning": ("! warn", "yellow"),
    "error": ("✗ FAIL", "red"),
}


def report_lines(examination: "Examination", paint: "Paint") -> Iterator[str]:
    """Yield the table of programs, the findings of each area, and the first step."""
    for row in examination.resolvers:
        token = mask_token(row.token.value) if row.token else "-"
        who = f"{row.account}, " if row.account else ""
        yield from wrap(f"{row.program:15} {token:14} ", f"{who}{row.source}")
    yield from wrap("", examination.why_none_tried or answers(examination.resolvers))
    yield ""
    for area, found in examination.areas.items():
        reason = examination.not_checked.get(area)
        best = "not checked" if reason else "ok"
        worst = min((finding.severity for finding in found), default=best)  # "error" sorts before "warning"
        mark, colour = MARKS[worst]
        yield f"{paint(mark, fg=colour)}  {area}"
        if reason:
            yield from wrap(" " * 8, reason)
        for finding in found:
            yield from _finding_lines(finding)
    yield ""
    yield from wrap("", summary(examination))
    if examination.ignored:
        yield from wrap("", f"{_count(examination.ignored, 'warning')} hidden by `hf.ignore`")


def answers(rows: "list[Row]") -> str:
    """Return the Hub's answers to the programs that were tried, and the programs that were not."""
    asked = [
        f"{row.program} {row.answer}{' (without a token)' * row.is_anonymous}"
        for row in rows
        if isinstance(row.answer, int)
    ]
    others = [
        row.program + (f" ({row.answer})" if row.answer else "") for row in rows if not isinstance(row.answer, int)
    ]
    parts = (("the Hub answers: ", asked), ("not tried: ", others))
    return "; ".join(start + ", ".join(names) for start, names in parts if names)


def _finding_lines(finding: "Finding") -> Iterator[str]:
    yield from wrap(" " * 8, finding.title)
    for line in finding.detail.split("\n") if finding.detail else ():
        yield from wrap(" " * 10, line)
    yield from wrap(" " * 8 + "fix: ", runnable(finding.fix))


def fix_lines(fixed: "Fixed") -> Iterator[str]:
    """Yield the findings that `--fix` has fixed, and the command that undoes it."""
    for number, finding in enumerate(fixed.gone):
        yield from wrap("fixed:  " if number == 0 else " " * 8, finding.title)
    if not fixed.gone and fixed.examination.findings:
        yield "fixed:  nothing"
    if fixed.can_undo:
        yield from wrap("undo:   ", "run `git-credential-hf doctor --undo`")


def wrap(start: str, text: str) -> list[str]:
    """Wrap `text` into lines that begin with `start`, with `~` for the home directory.

    Continuation lines are aligned after a label, or indented as none of our own lines is: a name in the text may have
    been chosen so that its wrapped part looks like one of our lines.
    """
    home = os.path.expanduser("~")
    text = mask_line(text)
    if len(home) > 1 and f"'{home}" not in text:  # a shell does not expand `~` in quotes
        text = re.sub(rf"(?<![\w.~/\\-]){re.escape(home + os.sep)}", lambda _: "~" + os.sep, text)  # not within a path
    text = re.sub("`[^`]*`", lambda command: command[0].replace(" ", "\0"), text)  # on one line, to be copied
    lines = textwrap.wrap(
        text,
        WIDTH,
        initial_indent=start,
        subsequent_indent=" " * (len(start) + 4 * (not start.strip())),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace("\0", " ") for line in lines] or [start]


def summary(examination: "Examination") -> str:
    """Return whether the machine is healthy, as far as that was checked, or what to do first."""
    findings = examination.findings
    if not findings:
        is_all = not examination.not_checked and not examination.has_gaps and not examination.why_none_tried
        return "healthy: no problems found" if is_all else "healthy, as far as checked"
    errors = sum(finding.severity == "error" for finding in findings)
    numbers = ((errors, "problem"), (len(findings) - errors, "warning"))
    counts = ", ".join(_count(number, word) for number, word in numbers if number)
    return f"{counts}; next: {runnable(first_fix(findings) or '')}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' if number > 1 else ''}"
