"""The changes that hooks come and go by: each shows itself first, and at any moment the old hook works or the new one.

Files come and go by renaming; a process that was killed leaves nothing that the next one would take for a hook.
"""

import errno
import os
import re
import shutil
import stat
from collections.abc import Callable

from git_credential_hf.files import create_file
from git_credential_hf.problem import Problem
from git_credential_hf.system import hold_signals, is_process_running

BEFORE_SUFFIX = ".before-hf"  # what follows the name of a hook that has made way for ours


class WriteHook:
    """The hook at `path` becomes ours; if `keeps`, the one that is there goes on as `PATH.before-hf`."""

    def __init__(self, path: str, content: bytes, keeps: bool) -> None:
        self.path = path
        self.content = content
        self.keeps = keeps
        self._planned = path_state(path)

    def describe(self) -> str:
        """What happens, in words."""
        kept = f"rename {self.path} to {os.path.basename(self.path)}{BEFORE_SUFFIX}\n" if self.keeps else ""
        return kept + f"write {self.path}\n"

    @hold_signals()
    def apply(self) -> None:
        """First the second name for the old one, then ours over the first: there is a hook at any moment."""
        if path_state(self.path) != self._planned:
            raise Problem(f"{self.path} has just been changed by another program", "run the command again")
        try:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            if self.keeps:
                _second_name(self.path, self.path + BEFORE_SUFFIX)
            _put(self.path, self.content)
        except OSError as error:
            raise _cannot_write(self.path, error) from None


class RestoreHook:
    """The hook at `path`, ours, goes: to the one at `before`, or to none. What is at each of `leftovers` goes, too."""

    def __init__(self, path: str, before: str | None, leftovers: tuple[str, ...] = ()) -> None:
        self.path = path
        self.before = before
        self.leftovers = leftovers

    def describe(self) -> str:
        """What happens, in words."""
        what = f"rename {self.before} to {os.path.basename(self.path)}" if self.before else f"remove {self.path}"
        return what + "\n" + "".join(f"remove {path}\n" for path in self.leftovers)

    @hold_signals()
    def apply(self) -> None:
        """One step."""
        try:
            if self.before:
                os.replace(self.before, self.path)
            else:
                os.unlink(self.path)
            for path in self.leftovers:
                os.unlink(path)
        except OSError as error:
            raise _cannot_write(self.path, error) from None


class WriteDirectory:
    """The directory of ours at `path` holds these hooks; `None` stands for no directory."""

    def __init__(self, path: str, hooks: dict[str, bytes] | None) -> None:
        self.path = path
        self.hooks = hooks

    def describe(self) -> str:
        """What happens, in words."""
        if self.hooks is None:
            return f"remove {self.path}\n"
        return f"write {self.path}: {', '.join(self.hooks)}\n"

    @hold_signals()
    def apply(self) -> None:
        """One file at a time, each of them whole."""
        try:
            if self.hooks is not None:
                os.makedirs(self.path, exist_ok=True)
                for name, content in self.hooks.items():
                    if read_hook(os.path.join(self.path, name)) != content or not is_runnable(
                        os.path.join(self.path, name)
                    ):
                        _put(os.path.join(self.path, name), content)
            for name in list_names(self.path):
                if name not in (self.hooks or {}):
                    os.unlink(os.path.join(self.path, name))
            if self.hooks is None:
                if is_directory(self.path):
                    os.rmdir(self.path)
                self._remove_if_empty()
        except OSError as error:
            self._remove_if_empty()
            raise _cannot_write(self.path, error) from None

    def _remove_if_empty(self) -> None:
        _remove_if_empty(self.path)
        if os.path.basename(os.path.dirname(self.path)) == "git-credential-hf":
            _remove_if_empty(os.path.dirname(self.path))


# --- files ---

# Where there is nothing. A look that fails in another way tells nothing: it must not be taken for that.
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL)


def _status(path: str, look: Callable[[str], os.stat_result]) -> os.stat_result | None:
    try:
        return look(path)
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise _cannot_read(path, error) from None


def path_exists(path: str) -> bool:
    """Whether there is anything, be it a link that leads nowhere; raises `Problem` where that is unknown."""
    return _status(path, os.lstat) is not None


def is_directory(path: str) -> bool:
    """Whether it is a directory, or leads to one; raises `Problem` where that is unknown."""
    status = _status(path, os.stat)
    return status is not None and stat.S_ISDIR(status.st_mode)


def list_names(directory: str) -> list[str]:
    """What is in a directory; nothing where there is none."""
    try:
        return sorted(os.listdir(directory)) if is_directory(directory) else []
    except OSError as error:
        raise _cannot_read(directory, error) from None


def read_hook(path: str) -> bytes | None:
    """What is in the file, through links; `None` where there is none to read."""
    status = _status(path, os.stat)
    if status is None or not stat.S_ISREG(status.st_mode):
        return None
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise _cannot_read(path, error) from None


def is_runnable(path: str) -> bool:
    """Whether git would run it."""
    return os.path.isfile(path) and os.access(path, os.X_OK)


def path_state(path: str) -> tuple[int, bytes] | None:
    """The mode and the bytes, of a link where it leads; `None` where there is nothing."""
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            return status.st_mode, os.fsencode(os.readlink(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _cannot_read(path, error) from None
    return status.st_mode, read_hook(path) or b""


def _second_name(path: str, name: str) -> None:
    """Let what is at `path` be at `name` as well: the same file, or a copy where the file system has no links."""
    temporary = _temporary(name)
    try:
        try:
            os.link(path, temporary, follow_symlinks=False)
        except (OSError, NotImplementedError):
            shutil.copy2(path, temporary, follow_symlinks=False)
        os.replace(temporary, name)
    finally:
        _unlink(temporary)  # it is there still where both were one file already


def _put(path: str, content: bytes) -> None:
    """Write an executable file, whole at any moment."""
    temporary = _temporary(path)
    try:
        create_file(temporary, content, executable=True)
        os.replace(temporary, path)
    finally:
        _unlink(temporary)


def _temporary(path: str) -> str:
    """A name beside `path`; what a process that was killed has left under such a name is removed."""
    directory, name = os.path.split(path)
    for entry in os.listdir(directory):
        match = re.fullmatch(re.escape(name) + r"\.hf-([0-9]+)", entry)
        if match and not is_process_running(int(match[1])):
            _unlink(os.path.join(directory, entry))
    _unlink(temporary := f"{path}.hf-{os.getpid()}")
    return temporary


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _remove_if_empty(path: str) -> None:
    try:
        os.rmdir(path)
    except OSError:
        pass


def _cannot_read(path: str, error: OSError) -> Problem:
    return Problem(f"cannot read {path}: {error.strerror}")


def _cannot_write(path: str, error: OSError) -> Problem:
    return Problem(f"cannot write {path}: {error.strerror}")
