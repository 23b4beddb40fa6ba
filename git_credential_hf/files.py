"""Write files: a change can be described first, and is made completely or not at all."""

import difflib
import os
import stat
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from git_credential_hf.problem import Problem
from git_credential_hf.shell import shell_word
from git_credential_hf.system import hold_signals


class Change(Protocol):
    """A change that can be described before it is made."""

    @property
    def path(self) -> str:
        """The path that it changes."""

    def describe(self) -> list[str]:
        """Return the lines that `--dry-run` prints; they show only file contents that this program writes or wrote."""

    def apply(self) -> None:
        """Make the change; raises `Problem` if it cannot be made."""


class FileChange:
    """The content of `path` changes from `before` to `after`; `None` means that there is no file.

    `mode`: the permissions of a new file, whatever the umask. `summary`: what changes, line by line in words, for a
    file that is not ours to show; a diff shows the lines of ours.
    """

    def __init__(
        self,
        path: str,
        before: bytes | None,
        after: bytes | None,
        *,
        mode: int | None = None,
        summary: list[str] | None = None,
    ) -> None:
        self.path = path
        self.before = before
        self.after = after
        self.mode = mode
        self.summary = summary
        self.owner: os.stat_result | None = None

    def describe(self) -> list[str]:
        """Return the summary, or a unified diff of the lines that are removed or added."""
        if self.summary is not None:
            return self.summary
        old, new = ((data or b"").decode("utf-8", "replace").splitlines() for data in (self.before, self.after))
        was, will_be = (self.path if data is not None else os.devnull for data in (self.before, self.after))
        # No context lines, and no lines that a diff would show as moved: these may contain secrets of other programs.
        changed = {"-": Counter(old) - Counter(new), "+": Counter(new) - Counter(old)}
        lines = difflib.unified_diff(old, new, was, will_be, lineterm="", n=0)
        return [line for at, line in enumerate(lines) if at < 2 or line[0] == "@" or changed[line[0]][line[1:]]]

    def apply(self) -> None:
        """Write the file under git's own lock (`PATH.lock`) and rename it; keep its owner and mode.

        Raises `Problem`, and leaves the file unchanged, if it cannot be written or another program has changed it.
        """
        lock = self.path + ".lock"
        with hold_signals():
            status = _status(self.path)
            if status is not None and not status.st_mode & 0o222:
                raise Problem(f"{self.path} is read-only")
            try:
                mode = self.mode if status is None else stat.S_IMODE(status.st_mode)
                create_file(lock, self.after or b"", mode=mode, owner=status or self.owner)
            except FileExistsError:
                hint = f"if no git is running: rm {shell_word(lock)}"
                raise Problem(f"{self.path} is being changed by another program", hint) from None
            except OSError as error:
                raise Problem(f"cannot write {self.path}: {error.strerror}") from None
            try:
                if _read(self.path, status) != self.before:
                    raise Problem(f"{self.path} has just been changed by another program", "run the command again")
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


class OwnFileChange(FileChange):
    """The content of a file in a directory of ours, which is created and removed with the file.

    These files are readable by all users, whatever the umask, and under sudo they belong to the owner of the parent
    directory: they contain no secrets, and git fails for a user who cannot read an included file.
    """

    def __init__(self, path: str, before: bytes | None, after: bytes | None) -> None:
        # Follow a user's link, perhaps into a dotfiles repository: write its target, but remove only the link.
        super().__init__(path if after is None else os.path.realpath(path), before, after, mode=0o644)

    def apply(self) -> None:
        """Write or remove the file, as `FileChange` does; raises `Problem`."""
        directory = os.path.dirname(self.path)
        try:
            if self.after is not None:
                self.owner = make_directory(directory, 0o755)
            super().apply()
        except OSError as error:
            raise Problem(f"cannot write {self.path}: {error.strerror}") from None
        finally:
            if not os.path.exists(self.path):
                _remove_if_empty(directory)
                if os.path.basename(above := os.path.dirname(directory)) == ".config":
                    _remove_if_empty(above)  # it may have been created for ours; other directories are not ours

    def undo(self) -> None:
        """Make the inverse change."""
        self.before, self.after = self.after, self.before
        self.apply()


def apply_changes(changes: Sequence[Change], tell: Callable[[Change], object]) -> None:
    """Make changes, and call `tell` for each; if one fails, undo those of our own files. Raises `Problem`."""
    made: list[Change] = []
    try:
        for change in changes:
            change.apply()
            made.append(change)
    except Problem:
        for change in [change for change in made if isinstance(change, OwnFileChange)]:
            change.undo()
            made.remove(change)
        raise
    finally:
        for change in made:
            tell(change)


class ModeChange:
    """The permissions of `path` change to `mode`."""

    def __init__(self, path: str, mode: int) -> None:
        self.path = path
        self.mode = mode

    def describe(self) -> list[str]:
        """Return the command that does the same."""
        return [f"chmod {self.mode:o} {shell_word(self.path)}"]

    def apply(self) -> None:
        """Change the permissions; raises `Problem` if that fails."""
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
) -> None:
    """Create a file with `content`, synced to disk; raises `OSError`, and then leaves no file.

    An existing file or link at `path` is never opened. `mode`: the permissions, whatever the umask; by default, those
    of any new file. `owner`: the status of a file whose owner the new file gets before anything is written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o600 if mode is not None else 0o666)
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


def back_up(path: str, directory: str) -> str:
    """Copy a file to another directory (its own might be a repository), and return the path of the copy.

    The copy's name has the file's name and the date, and only its owner can read it. Raises `Problem`.
    """
    status = _status(path)
    content = _read(path, status) or b""
    with hold_signals():
        return _write_copy(path, directory, content, status)


def _write_copy(path: str, directory: str, content: bytes, status: os.stat_result | None) -> str:
    start = f"{os.path.join(directory, os.path.basename(path))}.backup-{time.strftime('%Y%m%d-%H%M%S')}"
    # There may be an earlier copy from the same second.
    for name in (start, *(f"{start}-{number}" for number in range(2, 100))):
        try:
            create_file(name, content, mode=0o600, owner=status)
            return name
        except FileExistsError:
            continue
        except OSError as error:
            raise Problem(f"cannot keep a copy of {path}: {error.strerror}") from None
    raise Problem(f"cannot keep a copy of {path}: {start} exists")


def read_file(path: str) -> bytes | None:
    """Return the bytes of a file, `None` if it does not exist; raises `Problem` if it cannot be read as a file."""
    return _read(path, _status(path))


def _read(path: str, before: os.stat_result | None) -> bytes | None:
    """Read the file whose status is `before`; raises `Problem` if another file, or a pipe, has taken its place."""
    if before is None and _status(path) is None:
        return None
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            now = os.fstat(file.fileno())
            if before is not None and (now.st_dev, now.st_ino) == (before.st_dev, before.st_ino):
                return file.read()
    except OSError as error:
        raise Problem(f"cannot read {path}: {error.strerror}") from None
    raise Problem(f"{path} has just been changed by another program", "run the command again")


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _status(path: str) -> os.stat_result | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Problem(f"cannot read {path}: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode):
        raise Problem(f"{path} is not a file")  # a rename would replace /dev/null by a file
    return status


def make_directory(path: str, mode: int) -> os.stat_result:
    """Create a directory, unless it exists, with its parent's owner; return its status.

    `mode`: the permissions, whatever the umask. Raises `OSError`.
    """
    if not os.path.isdir(path):
        owner = make_directory(os.path.dirname(path), mode)
        os.mkdir(path)
        os.chmod(path, mode)
        if sys.platform != "win32" and (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
            os.lchown(path, owner.st_uid, owner.st_gid)
    return os.stat(path)


def _remove_if_empty(directory: str) -> None:
    try:
        os.rmdir(directory)
    except OSError:
        pass  # it is not empty, or does not exist


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass  # a worse error is being reported already


# --- a block at the end of a file ---


def append_block(content: bytes | None, text: str) -> bytes:
    """Return `content` with a block added at its end, so that `remove_block` can restore how it ended.

    If the last line has no line feed, the block has none either. A file that consists of line feeds gets one more, and
    a new file none.
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
    """Return `content` without the block; the inverse of `append_block`."""
    before, after = content[:start], content[end:]
    if after:
        return before + after
    if not content.endswith(b"\n"):
        return before[:-1]
    if before.strip(b"\n"):
        return before
    return before[:-1] if before else None
