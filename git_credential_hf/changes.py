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
        # Nothing around it: there may be other hosts' secrets.
        lines = difflib.unified_diff(old, new, was, will_be, lineterm="", n=0)
        return "".join("\t".join(map(mask_line, line.split("\t"))) + "\n" for line in lines)

    def apply(self) -> None:
        """Write it: under git's own lock (`PATH.lock`), by a rename, with the owner and mode of the file before.

        Raises `Problem` where that is not possible, or where somebody else has changed the file meanwhile; then it
        is as it was.
        """
        with hold_signals():
            self._apply()

    def _apply(self, *, is_late: bool = sys.platform == "linux") -> None:
        """`is_late`: the lock gets its name when all is in it, so that the next one can tell what a `kill -9` left."""
        status = _status(self.path)
        if status is not None and not status.st_mode & 0o222:
            raise Problem(f"{self.path} is read-only")
        lock = self.path + ".lock"
        mode = 0o666 if status is None else 0o600
        content = _REMOVAL if self.after is None else self.after
        is_there = False
        try:
            descriptor = _nameless(self.path, mode) if is_late else -1
            if descriptor < 0:
                descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
                is_late, is_there = False, True
            with os.fdopen(descriptor, "wb") as file:
                if status is not None:
                    _give(descriptor, status)
                elif self.mode is not None and sys.platform != "win32":
                    os.fchmod(descriptor, self.mode)
                file.write(content)
                file.flush()
                os.fsync(descriptor)
                if is_late:
                    is_there = _named(descriptor, lock, content)
                    if not is_there:
                        return self._apply(is_late=False)
                if _seen(self.path, status) != self.before:
                    raise Problem(f"{self.path} has just been changed by another program", "run the command again")
                if self.keeps:
                    _keep(self.path, self.before or b"", status)
                if is_late:
                    self._replace(lock)  # while the file is open, the lock is seen to be held
            if not is_late:
                self._replace(lock)  # Windows renames no open file
        except OSError as error:
            if is_there:
                _remove(lock)
            elif isinstance(error, FileExistsError):
                hint = f"if none is running: rm {shlex.quote(lock)}"
                raise Problem(f"{self.path} is being changed by another program", hint) from None
            raise Problem(f"cannot write {self.path}: {error.strerror}") from None
        except BaseException:
            if is_there:
                _remove(lock)
            raise

    def _replace(self, lock: str) -> None:
        if self.after is None:
            os.unlink(self.path)
            os.unlink(lock)
        else:
            os.replace(lock, self.path)


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


# --- the lock ---

_REMOVAL = b"# git-credential-hf removes the file of this lock\n"  # what is in one that does not become the file


def _nameless(path: str, mode: int) -> int:
    """A new file in the directory of `path` that nobody sees before it has a name (open(2), O_TMPFILE).

    It is held until it is closed; -1 where that cannot be.
    """
    if sys.platform != "linux":
        return -1
    import fcntl

    try:
        descriptor = os.open(os.path.dirname(path) or os.curdir, os.O_WRONLY | os.O_TMPFILE, mode)
    except OSError:
        return -1
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return -1
    return descriptor


def _named(descriptor: int, lock: str, content: bytes) -> bool:
    """Give a nameless file its name; `False` where there is no way to do that.

    Raises `FileExistsError` where the lock is another one's. One of ours that nobody holds any more is taken away.
    """
    for is_last in (False, True):
        try:
            os.link(f"/proc/self/fd/{descriptor}", lock, src_dir_fd=descriptor)  # which lets linkat(2) follow it
            return True
        except FileExistsError:
            if is_last or not _remove_abandoned(lock, content):
                raise
        except OSError:
            return False
    return False


def _remove_abandoned(lock: str, content: bytes) -> bool:
    """Remove a lock that a process of ours held until it was killed: with all of `content` in it, and not held.

    git's own has that only at the moment before it is gone; and it does not hold it in this way.
    """
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        with open(os.open(lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Held now: so nobody else has taken it away, and put another one there, since the next line.
            is_ours = os.path.samestat(os.fstat(file.fileno()), os.lstat(lock)) and content
            if not is_ours or file.read(len(content) + 1) != content:
                return False
            os.unlink(lock)
            return True
    except OSError:
        return False


# --- a copy of what was there ---


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


def read(path: str) -> bytes | None:
    """The bytes of a file, `None` where there is none; raises `Problem` where it is no file, or cannot be read."""
    return _seen(path, _status(path))


def _seen(path: str, before: os.stat_result | None) -> bytes | None:
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


def _give(descriptor: int, status: os.stat_result) -> None:
    """Let a new file belong to whom the old one belonged, and be as private, before anything is in it."""
    if sys.platform != "win32":
        if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(descriptor, status.st_uid, status.st_gid)  # under sudo they differ
        os.fchmod(descriptor, stat.S_IMODE(status.st_mode))


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass  # there is something worse to tell


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
