"""`Problem`: an error for the user, and the hint that fixes it."""

TRACE_VARIABLE = "GIT_CREDENTIAL_HF_TRACE"  # see `report.trace`

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` takes as long to import as all of `get`
    from collections.abc import Callable


class Problem(Exception):
    """An error for the user, with the one command that fixes it.

    `message` says what and why, in one line, lower case, without a full stop; `fix` is shown as a hint.
    """

    def __init__(self, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


_edit_hint: "Callable[[str], str]" = str


def set_hint_editor(edit: "Callable[[str], str]") -> None:
    """Set the function that adapts the commands in hints to this machine (see `hints`)."""
    global _edit_hint
    _edit_hint = edit


def runnable(hint: str) -> str:
    """Return a hint, or a problem's fix, with commands that work on this machine."""
    return _edit_hint(hint)
