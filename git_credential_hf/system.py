"""Handle programs, threads and signals: differences between platforms, and timeouts."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from subprocess import TimeoutExpired
from typing import TypeVar

__all__ = [
    "TimeoutExpired",
    "end_process",
    "hold_signals",
    "is_process_running",
    "run_each",
    "start_process",
    "start_thread",
]

Thing = TypeVar("Thing")

# --- programs ---

if sys.platform == "win32":
    _NO_WINDOW = subprocess.CREATE_NO_WINDOW
else:
    _NO_WINDOW = 0


def start_process(
    command: str | list[str], environment: dict[str, str], *, is_apart: bool = True
) -> "subprocess.Popen[bytes]":
    """Start a program with three pipes; a string is a command line for the POSIX shell.

    `is_apart`: without a terminal or console window at which it could prompt.
    """
    return subprocess.Popen(  # noqa: S603 - git runs the same string with the same shell; a list uses no shell
        command,
        shell=isinstance(command, str),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=is_apart,  # ignored by Windows
        creationflags=_NO_WINDOW if is_apart else 0,
    )


def end_process(process: "subprocess.Popen[bytes]", *, is_apart: bool = True, grace: float = 0) -> None:
    """End a program and its child processes, so that no helper keeps running.

    `grace`: seconds to clean up, if the system can ask a program to end.
    """
    if sys.platform == "win32":
        # First, because taskkill finds the children by their parent.
        _windows("taskkill.exe", "/T", "/F", "/PID", str(process.pid))
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
                pass  # it has already ended
    process.kill()


def is_process_running(number: int) -> bool:
    """Whether there is a process of this user, or one that any user may see, with this id."""
    if sys.platform == "win32":  # where `os.kill` would end it, or send Ctrl-C
        return f'"{number}"'.encode() in _windows("tasklist.exe", "/NH", "/FO", "CSV", "/FI", f"PID eq {number}")
    try:
        os.kill(number, 0)
    except OSError:
        return False
    return True


def _windows(program: str, *arguments: str) -> bytes:
    """Return the output of a program that is part of Windows; empty if it cannot be started."""
    path = os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", program)
    try:
        return subprocess.run(  # noqa: S603 - an absolute path, a list of arguments, no shell
            [path, *arguments], capture_output=True, check=False, creationflags=_NO_WINDOW
        ).stdout
    except OSError:
        return b""


# --- threads ---


def start_thread(work: Callable[..., object], *arguments: object) -> threading.Thread:
    """Run `work` in a thread that the program does not wait for at exit; raises `RuntimeError` if it cannot start."""
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread


def run_each(work: Callable[[Thing], object], things: Iterable[Thing]) -> None:
    """Run `work` for each item in parallel, and wait for all; raises the first error, or `RuntimeError`."""
    errors: list[BaseException] = []

    def run(thing: Thing) -> None:
        try:
            work(thing)
        except BaseException as error:  # raised again below
            errors.append(error)

    for thread in [start_thread(run, thing) for thing in things]:
        thread.join()
    if errors:
        raise errors[0]


# --- signals ---


@contextlib.contextmanager
def hold_signals() -> Iterator[None]:
    """Block SIGINT, SIGTERM and SIGHUP until the end of the block; they take effect then.

    For short steps: a change, which would leave its lock behind, or an answer that the Hub gives only once. Not
    available on Windows, where the block simply runs.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
