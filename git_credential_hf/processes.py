"""How a program is started so that it can be ended with all that it has started: where platforms differ in that."""

import os
import signal
import subprocess
import sys
from subprocess import TimeoutExpired

__all__ = ["TimeoutExpired", "end", "is_running", "start"]

if sys.platform == "win32":
    _NO_WINDOW = subprocess.CREATE_NO_WINDOW
else:
    _NO_WINDOW = 0


def start(command: str | list[str], environment: dict[str, str], *, is_apart: bool = True) -> "subprocess.Popen[bytes]":
    """Start a program with three pipes; a string is for the shell, and for that of POSIX alone.

    `is_apart`: without the terminal, or the console's window, at which it could ask somebody.
    """
    return subprocess.Popen(  # noqa: S603 - a list is for no shell, and a string git gives to the same one
        command,
        shell=isinstance(command, str),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=is_apart,  # Windows knows none
        creationflags=_NO_WINDOW if is_apart else 0,
    )


def end(process: "subprocess.Popen[bytes]", *, is_apart: bool = True, grace: float = 0) -> None:
    """End it, and what it has started: a helper of git's that hangs would stay for ever.

    `grace`: seconds in which it may clean up, where a program can be asked to.
    """
    if sys.platform == "win32":
        _windows("taskkill.exe", "/T", "/F", "/PID", str(process.pid))  # by the parents: before it is gone itself
    else:
        if grace:
            process.terminate()
            try:
                process.wait(grace)
            except TimeoutExpired:
                pass
        if is_apart:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except OSError:
                pass  # nothing is left of it
    process.kill()


def is_running(number: int) -> bool:
    """Whether there is a process of this user, or one that any user may see, with this id."""
    if sys.platform == "win32":  # there `os.kill` ends it, or presses Ctrl-C
        return f'"{number}"'.encode() in _windows("tasklist.exe", "/NH", "/FO", "CSV", "/FI", f"PID eq {number}")
    try:
        os.kill(number, 0)
    except OSError:
        return False
    return True


def _windows(program: str, *arguments: str) -> bytes:
    """What a program of Windows' own prints; nothing where it cannot be started."""
    path = os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", program)
    try:
        return subprocess.run(  # noqa: S603 - an absolute path, a list of arguments, no shell
            [path, *arguments], capture_output=True, check=False, creationflags=_NO_WINDOW
        ).stdout
    except OSError:
        return b""
