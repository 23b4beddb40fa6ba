"""The output without a command: whether git is logged in, and what to run next."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from git_credential_hf.doctor.report import MARKS, wrap
from git_credential_hf.problem import Problem, runnable

if TYPE_CHECKING:
    from git_credential_hf.output import Paint
    from git_credential_hf.status import Status

_START = " " * 8  # the width of the marks


def overview_lines(status: "Status", paint: "Paint") -> Iterator[str]:
    """Yield the state of this machine, each problem with the command that fixes it, and the commands to run next."""
    if status.token and status.account:
        role = f" ({status.account.shown_role} token)" if status.account.role else ""
        yield from _marked("ok", f"logged in to Hugging Face as {status.account.name}{role}", paint)
        yield from wrap(_START, status.token.describe())
    elif status.token and status.is_unreachable:
        yield from _marked("not checked", status.token.describe(), paint)
    if status.token_here:
        yield from _marked("ok", f"in this repository: {status.token_here.describe()}", paint)
    if status.asks_us and not status.asked_first:
        others = f", and for {' and '.join(status.other_hubs)}" if status.other_hubs else ""
        yield from _marked("ok", f"git uses this helper for Hugging Face{others}", paint)
    for severity, problems in (("error", status.problems), ("warning", status.warnings)):
        for problem in problems:
            yield from _problem_lines(severity, problem, paint)
    if not status.problems:
        yield from wrap("next:   ", "`git clone https://huggingface.co/OWNER/NAME`")
    yield from wrap("more:   ", runnable("`git-credential-hf doctor`, `git-credential-hf --help`"))


def _problem_lines(severity: str, problem: Problem, paint: "Paint") -> Iterator[str]:
    yield from _marked(severity, problem.message, paint)
    if problem.fix:
        yield from wrap(_START + "fix: ", runnable(problem.fix))


def _marked(severity: str, text: str, paint: "Paint") -> Iterator[str]:
    mark, color = MARKS[severity]
    first, *more = wrap(_START, text)
    yield paint(mark, fg=color) + first[len(mark) :]
    yield from more
