"""What may be written: a change to a file shows itself first, and then happens whole or not at all."""

import difflib
import errno
import os
import shlex
import stat
import sys
import time
from typing import Protocol

from git_credential_hf.masking import mask_line
from git_credential_hf.problem import Problem
from git_credential_hf.system import hold_signals


class Change(Protocol):
    """What `Change` is: something that shows itself first, and then happens."""

    @property
    def path(self) -> str:
        """What it is about."""

    def describe(self) -> str:
        """Lines for people, as `--dry-run` prints them."""

    def apply(self) -> None:
        """Make the change; raises `Problem` if that is not possible."""


class FileChange:
    """`path` goes from `before` to `after`; `None` stands for no file.

    `has_backup`: what was there is copied beside it, for its owner alone, under a name with the date. `mode`: the
    permissions of a new file, whatever the umask.
    """

    def __init__(
        self, path: str, before: bytes | None, after: bytes | None, *, has_backup: bool = False, mode: int | None = None
    ) -> None:
        self.path = path
        self.before = before
        self.after = after
        self.has_backup = has_backup
        self.mode = mode

    def describe(self) -> str:
        """A unified diff for people, as `--dry-run` prints it: without the tokens that the file may hold."""
        old, new = ((data or b"").decode("utf-8", "replace").splitlines() for data in (self.before, self.after))
        was, will_be = (self.path if data is not None else os.devnull for data in (self.before, self.after))
        # Nothing around it: there may be other hosts' secrets.
        lines = difflib.unified_diff(old, new, was, will_be, lineterm="", n=0)
        return "".join("\t".join(map(mask_line, line.split("\t"))) + "\n" for line in lines)

    def apply(self) -> None:
        """Write it under git's own lock (`PATH.lock`) and by a rename, with the owner and mode of the file before.

        Raises `Problem` if that is not possible, or if another program has changed the file since; then it is as it
        was.
        """
        lock = self.path + ".lock"
        with hold_signals():
            status = _status(self.path)
            if status is not None and not status.st_mode & 0o222:
                raise Problem(f"{self.path} is read-only")
            try:
                mode = self.mode if status is None else stat.S_IMODE(status.st_mode)
                create_file(lock, self.after or b"", mode=mode, owner=status)
            except FileExistsError:
                hint = f"if no git is running: rm {shlex.quote(lock)}"
                raise Problem(f"{self.path} is being changed by another program", hint) from None
            except OSError as error:
                raise Problem(f"cannot write {self.path}: {error.strerror}") from None
            try:
                if _read(self.path, status) != self.before:
                    raise Problem(f"{self.path} has just been changed by another program", "run the command again")
                if self.has_backup:
                    _back_up(self.path, self.before or b"", status)
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


class ModeChange:
    """The permissions of `path` become `mode`."""

    def __init__(self, path: str, mode: int) -> None:
        self.path = path
        self.mode = mode

    def describe(self) -> str:
        """The command that does the same."""
        return f"chmod {self.mode:o} {self.path}\n"

    def apply(self) -> None:
        """Change the permissions; raises `Problem` if that is not possible."""
        try:
            os.chmod(self.path, self.mode)
        except OSError as error:
            raise Problem(f"cannot change the permissions of {self.path}: {error.strerror}") from None


# --- reading and writing ---


def create_file(
    path: str,
    content: bytes,
    *,
    mode: int | None = None,
    owner: os.stat_result | None = None,
    executable: bool = False,
) -> None:
    """Create a file with all of `content` in it, on the disk; raises `OSError`, and then leaves no file.

    Nothing that somebody else put at `path` is opened, not even a link. `mode`: its permissions, whatever the umask;
    without it, those of any new file, or of a program if `executable`. `owner`: the status of a file whose owner it
    gets, before anything is in it.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o600 if mode is not None else 0o777 if executable else 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if sys.platform != "win32":
                if owner is not None and (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(descriptor, owner.st_uid, owner.st_gid)  # under sudo they differ
                if mode is not None:
                    os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        _remove(path)
        raise


def _back_up(path: str, content: bytes, status: os.stat_result | None) -> None:
    """Write a backup that only the owner of the file can read."""
    date = time.strftime("%Y%m%d-%H%M%S")
    for number in range(1, 100):  # there may be others of the same second
        try:
            create_file(
                f"{path}.backup-{date}" + (f"-{number}" if number > 1 else ""), content, mode=0o600, owner=status
            )
            return
        except FileExistsError:
            continue
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), f"{path}.backup-{date}")


def read_file(path: str) -> bytes | None:
    """Return the bytes of a file, `None` if it does not exist; raises `Problem` if it cannot be read as a file."""
    return _read(path, _status(path))


def _read(path: str, before: os.stat_result | None) -> bytes | None:
    """The bytes of the file of which `before` is the status: in its place there may be another, or a pipe, by now."""
    if before is None and _status(path) is None:
        return None
    try:
        with open(path, "rb", opener=_at_once) as file:
            now = os.fstat(file.fileno())
            if before is not None and (now.st_dev, now.st_ino) == (before.st_dev, before.st_ino):
                return file.read()
    except OSError as error:
        raise Problem(f"cannot read {path}: {error.strerror}") from None
    raise Problem(f"{path} has just been changed by another program", "run the command again")


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


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


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass  # a worse error is being reported already


# --- a block at the end of a file ---


def append_block(content: bytes | None, text: str) -> bytes:
    """`content` with a block at its end, so that `remove_block` can tell how it ended before.

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


def remove_block(content: bytes, start: int, end: int) -> bytes | None:
    """The inverse of `append_block`."""
    before, after = content[:start], content[end:]
    if after:
        return before + after
    if not content.endswith(b"\n"):
        return before[:-1]
    if before.strip(b"\n"):
        return before
    return before[:-1] if before else None
