"""What may be written: a change to a file shows itself first, and then happens whole or not at all."""

import contextlib
import difflib
import errno
import os
import signal
import stat
import sys
import time
from collections.abc import Iterator
from typing import Protocol

from git_credential_hf.problem import Problem, masked


class Applicable(Protocol):
    """What `Change` is: something that shows itself first, and then happens."""

    @property
    def path(self) -> str:
        """What it is about."""

    def describe(self) -> str:
        """Lines for people, as `--dry-run` prints them."""

    def apply(self) -> None:
        """Let it happen; raises `Problem` where it cannot."""


class Change:
    """`path` goes from `before` to `after`; `None` stands for no file.

    `keeps`: what was there is kept beside it, for its owner alone, under a name with the date. `mode`: the permissions
    of a new file, whatever the umask.
    """

    def __init__(
        self, path: str, before: bytes | None, after: bytes | None, *, keeps: bool = False, mode: int | None = None
    ) -> None:
        self.path = path
        self.before = before
        self.after = after
        self.keeps = keeps
        self.mode = mode

    def describe(self) -> str:
        """A unified diff for people, as `--dry-run` prints it: without the tokens that the file may hold."""
        old, new = ((data or b"").decode("utf-8", "replace").splitlines() for data in (self.before, self.after))
        was, will_be = (self.path if data is not None else os.devnull for data in (self.before, self.after))
        # Around the secrets of one host are those of others.
        lines = difflib.unified_diff(old, new, was, will_be, lineterm="", n=0 if self.keeps else 3)
        return "".join("\t".join(map(masked, line.split("\t"))) + "\n" for line in lines)

    def apply(self) -> None:
        """Write it: under git's own lock (`PATH.lock`), by a rename, with the owner and mode of the file before.

        Raises `Problem` where that is not possible, or where somebody else has changed the file meanwhile; then it
        is as it was.
        """
        with _undisturbed():
            self._apply()

    def _apply(self) -> None:
        status = _status(self.path)
        if status is not None and not status.st_mode & 0o222:
            raise Problem(f"{self.path} is read-only")
        lock = self.path + ".lock"
        try:
            descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666 if status is None else 0o600)
        except FileExistsError:
            raise Problem(
                f"{self.path} is being changed by another program", f"if none is running: rm '{lock}'"
            ) from None
        except OSError as error:
            raise Problem(f"cannot write {self.path}: {error.strerror}") from None
        try:
            with os.fdopen(descriptor, "wb") as file:
                if status is not None:
                    _give(descriptor, status)
                elif self.mode is not None and sys.platform != "win32":
                    os.fchmod(descriptor, self.mode)
                if read(self.path) != self.before:
                    raise Problem(f"{self.path} has just been changed by another program", "run the command again")
                if self.keeps:
                    _keep(self.path, self.before or b"", status)
                file.write(self.after or b"")
                file.flush()
                os.fsync(descriptor)
            if self.after is None:
                os.unlink(self.path)
                os.unlink(lock)
            else:
                os.replace(lock, self.path)
        except OSError as error:
            _remove(lock)
            raise Problem(f"cannot write {self.path}: {error.strerror}") from None
        except BaseException:
            _remove(lock)
            raise


class Mode:
    """The permissions of `path` become `mode`."""

    def __init__(self, path: str, mode: int) -> None:
        self.path = path
        self.mode = mode

    def describe(self) -> str:
        """The command that does the same."""
        return f"chmod {self.mode:o} {self.path}\n"

    def apply(self) -> None:
        """Raises `Problem` where that is not possible."""
        try:
            os.chmod(self.path, self.mode)
        except OSError as error:
            raise Problem(f"cannot change the permissions of {self.path}: {error.strerror}") from None


def _keep(path: str, content: bytes, status: os.stat_result | None) -> None:
    """Write a backup that nobody else can read, whole and on the disk before anything is changed."""
    date = time.strftime("%Y%m%d-%H%M%S")
    for number in range(1, 100):  # of those of one second, each has another content, or was cut off by a `kill -9`
        backup = f"{path}.backup-{date}" + (f"-{number}" if number > 1 else "")
        try:
            descriptor = os.open(backup, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
            break
        except FileExistsError:
            continue
    else:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), backup)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if sys.platform != "win32" and status is not None and status.st_uid != os.geteuid():
                os.fchown(descriptor, status.st_uid, status.st_gid)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        _remove(backup)
        raise


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """What ends the program (Ctrl-C, a closed terminal, a shutdown) waits until a change has happened, and no longer.

    It takes a moment; cut off in the middle, it would leave its lock.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def read(path: str) -> bytes | None:
    """The bytes of a file, `None` where there is none; raises `Problem` where it is no file, or cannot be read."""
    if _status(path) is None:
        return None
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Problem(f"cannot read {path}: {error.strerror}") from None


def _status(path: str) -> os.stat_result | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Problem(f"cannot read {path}: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode):
        raise Problem(f"{path} is not a file")  # a rename would put one in the place of /dev/null
    return status


def _give(descriptor: int, status: os.stat_result) -> None:
    """Let a new file belong to whom the old one belonged, and be as private, before anything is in it."""
    if sys.platform != "win32":
        if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(descriptor, status.st_uid, status.st_gid)  # under sudo they differ
        os.fchmod(descriptor, stat.S_IMODE(status.st_mode))


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


# --- a block at the end of a file ---


def appended(content: bytes | None, text: str) -> bytes:
    """`content` with a block at its end, so that `cut` can tell how it ended before.

    A last line without its line feed leaves the block without one; what was nothing but line feeds gets one more, and
    a file that did not exist none.
    """
    addition = text.encode("utf-8", "surrogateescape")
    if content is None:
        return addition
    if not content.strip(b"\n"):
        return content + b"\n" + addition
    if not content.endswith(b"\n"):
        return content + b"\n" + addition[:-1]
    return content + addition


def cut(content: bytes, start: int, end: int) -> bytes | None:
    """The inverse of `appended`."""
    before, after = content[:start], content[end:]
    if after:
        return before + after
    if not content.endswith(b"\n"):
        return before[:-1]
    if before.strip(b"\n"):
        return before
    return before[:-1] if before else None
