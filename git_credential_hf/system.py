"""How programs, threads and signals are handled: what differs between platforms, and what must never hang."""

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

    `is_apart`: without the terminal or console window at which it could prompt.
    """
    return subprocess.Popen(  # noqa: S603 - git gives a string to the same shell, and a list goes to none
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
    """End a program and everything that it started, so that no helper hangs for ever.

    `grace`: seconds to clean up, if the system can ask a program to end.
    """
    if sys.platform == "win32":
        # First, because it finds the children by their parent.
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
                pass  # nothing is left of it
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
    """Return what one of Windows' own programs prints; nothing if it cannot be started."""
    path = os.path.join(os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", program)
    try:
        return subprocess.run(  # noqa: S603 - an absolute path, a list of arguments, no shell
            [path, *arguments], capture_output=True, check=False, creationflags=_NO_WINDOW
        ).stdout
    except OSError:
        return b""


# --- threads ---


def start_thread(work: Callable[..., object], *arguments: object) -> threading.Thread:
    """Run `work` in a thread that the program does not wait for at its end; raises `RuntimeError` without one."""
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread


def run_each(work: Callable[[Thing], object], things: Iterable[Thing]) -> None:
    """Run `work` for each of these at the same time, to their end; raises the first error, or `RuntimeError`."""
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
    """Hold SIGINT, SIGTERM and SIGHUP back until the block has ended, and no longer; they take effect then.

    For what takes a moment: a change, which would leave its lock, or an answer that the Hub gives once. Windows has no
    such thing: there the block is run as it is.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
