"""Report errors, warnings and hints to the user, and trace runs."""

import os
import sys

from git_credential_hf.masking import PREFIX, mask_line, mask_secrets, shorten
from git_credential_hf.problem import TRACE_VARIABLE, Problem, runnable

MAX_MESSAGE = 1000  # characters; a longer message would hide the lines after it


def report(level: str, text: str) -> None:
    """Write a line to stderr, in git's own style; `level` is `error`, `warning`, `hint` or `trace`."""
    text = mask_line(runnable(text) if level == "hint" else text)
    # A hint is not shortened, because it contains a command.
    line = f"{PREFIX}{level}: {text if level == 'hint' else shorten(text, MAX_MESSAGE)}\n"
    try:
        os.write(2, line.encode("utf-8", "replace"))  # one write: lines of parallel helpers do not mix
    except OSError:
        pass  # stderr is closed, which must not make git fail


def report_problem(problem: Problem, level: str = "error") -> None:
    """Report a problem's message, then its fix as a hint."""
    report(level, problem.message)
    if problem.fix:
        report("hint", problem.fix)


def trace(text: str) -> None:
    """Trace a step: with `GIT_CREDENTIAL_HF_TRACE=1` to stderr, with an absolute path by appending to that file."""
    target = os.environ.get(TRACE_VARIABLE, "")
    if target.lower() in ("", "0", "no", "off", "false"):
        return
    if not os.path.isabs(target):
        report("trace", text)
        return
    line = f"{os.getpid()} {mask_line(text)}\n"
    try:
        # Do not follow another user's link, and do not wait for a FIFO.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(target, flags, 0o600)
        with open(descriptor, "ab", buffering=0) as file:
            file.write(line.encode("utf-8", "replace"))
    except OSError as error:
        report("warning", f"cannot trace to {target}: {error.strerror}")


# System errors, which are not bugs: too many open files, no memory, no space, a broken or read-only disk.
_SYSTEM_ERRORS = ("EMFILE", "ENFILE", "ENOMEM", "EAGAIN", "ENOSPC", "EDQUOT", "EFBIG", "EIO", "EROFS")
_SYSTEM_MESSAGES = ("can't start new thread", "failed to map segment")  # of Python, and of an import without memory


def _is_system_error(error: BaseException | None) -> bool:
    """Whether the system ran out of a resource, or this program's own files cannot be read."""
    if isinstance(error, OSError):
        import errno

        is_a_module = str(error.filename).endswith((".py", ".pyc", ".so"))
        return errno.errorcode.get(error.errno or 0) in _SYSTEM_ERRORS or is_a_module
    return isinstance(error, MemoryError) or any(words in str(error) for words in _SYSTEM_MESSAGES)


def report_unexpected_error() -> None:
    """Report the current exception in one line, as a bug or a system error; trace its traceback."""
    kind, error, _ = sys.exc_info()
    if _is_system_error(error):
        reason = str(error) or "out of memory"
        if isinstance(error, OSError):
            reason = f"{error.strerror}: {error.filename}" if error.filename else f"{error.strerror}"
        report("error", f"system error: {reason}")
    else:
        report("error", f"internal error ({kind.__name__ if kind else 'unknown'}: {error}), please report it")
    report("hint", "set GIT_CREDENTIAL_HF_TRACE=1 to see where")
    if os.environ.get(TRACE_VARIABLE):
        import traceback

        for line in mask_secrets(traceback.format_exc()).splitlines():  # a secret may have several lines
            trace(line)
