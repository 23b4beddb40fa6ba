"""Read and write hook files, so that a killed process leaves nothing that git would run."""

import contextlib
import errno
import os
import re
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator

from git_credential_hf.files import create_file
from git_credential_hf.problem import Problem
from git_credential_hf.system import is_process_running

_LOCK_TIMEOUT = 2  # seconds
State = tuple[int, bytes] | None  # of a path: the mode, and the contents or a link's target; None if it does not exist
# These errors mean that a file does not exist; after any other error, it may.
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL)


def _status(path: str, read: Callable[[str], os.stat_result]) -> os.stat_result | None:
    try:
        return read(path)
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise _cannot_read(path, error) from None


def path_exists(path: str) -> bool:
    """Whether the path exists, even as a broken link; raises `Problem` if that is unknown."""
    return _status(path, os.lstat) is not None


def is_directory(path: str) -> bool:
    """Whether the path is a directory, or a link to one; raises `Problem` if that is unknown."""
    status = _status(path, os.stat)
    return status is not None and stat.S_ISDIR(status.st_mode)


def list_names(directory: str) -> list[str]:
    """Return the sorted names in a directory; none if it does not exist."""
    try:
        return sorted(os.listdir(directory)) if is_directory(directory) else []
    except OSError as error:
        raise _cannot_read(directory, error) from None


def read_hook(path: str) -> bytes | None:
    """Return the contents of a file, following links; `None` if it is not a file."""
    status = _status(path, os.stat)
    if status is None or not stat.S_ISREG(status.st_mode):
        return None
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise _cannot_read(path, error) from None


def is_runnable(path: str) -> bool:
    """Whether git would run the file at this path."""
    return os.path.isfile(path) and (sys.platform == "win32" or os.access(path, os.X_OK))


def is_hook(path: str, content: bytes) -> bool:
    """Whether git would run a hook with this content at `path`."""
    return not os.path.islink(path) and read_hook(path) == content and is_runnable(path)


def path_states(*paths: str) -> dict[str, State]:
    """Return the states of these paths, for the plan of a change; call this before reading the files."""
    return {path: path_state(path) for path in paths}


def path_state(path: str) -> State:
    """Return the state of a path."""
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            return status.st_mode, os.fsencode(os.readlink(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _cannot_read(path, error) from None
    return status.st_mode, read_hook(path) or b""


@contextlib.contextmanager
def only_process_in(directory: str) -> Iterator[None]:
    """Wait until no other process of this program changes hooks in a directory, if the system supports locks.

    The lock is on the directory itself, so that no lock file is left behind. Any user who can read the directory can
    hold the lock, so this does not wait for long.
    """
    descriptor = -1
    try:
        if sys.platform != "win32":
            import fcntl

            descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
            for _ in range(_LOCK_TIMEOUT * 100):
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    time.sleep(0.01)
    except OSError:
        pass  # not made yet, or the file system has no locks
    try:
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def give_second_name(path: str, name: str) -> None:
    """Give the file at `path` a second name: a hard link, or a copy if the file system has no links."""
    temporary = _temporary(name)
    try:
        try:
            os.link(path, temporary, follow_symlinks=False)
        except (OSError, NotImplementedError):
            shutil.copy2(path, temporary, follow_symlinks=False)
        os.replace(temporary, name)
    finally:
        unlink(temporary)  # still there if both were the same file already


def write_hook(path: str, content: bytes) -> None:
    """Write an executable file atomically."""
    temporary = _temporary(path)
    # With sudo in another user's repository or home, the file must belong to that user.
    directory = os.path.dirname(path)
    owner = os.stat(directory) if sys.platform != "win32" and os.geteuid() == 0 else None
    try:
        create_file(temporary, content, mode=mode_in(directory), owner=owner)
        if not is_runnable(temporary):  # git would warn at each command, and not run the existing hook either
            raise Problem(f"nothing in {directory} can be run: is the file system mounted with noexec?")
        os.replace(temporary, path)
    finally:
        unlink(temporary)


def mode_in(directory: str) -> int:
    """Return the permissions of a hook: all users of its directory may run it, whatever the umask.

    Without the permission, git would run neither this hook nor the team's hook that it calls. Only its owner may write
    to it.
    """
    may_enter = os.stat(directory).st_mode & 0o011
    return 0o700 | may_enter | may_enter << 2


def _temporary(path: str) -> str:
    """Return a temporary name beside `path`, after removing those that killed processes left."""
    directory, name = os.path.split(path)
    for entry in os.listdir(directory):
        match = re.fullmatch(re.escape(name) + r"\.hf-([0-9]+)", entry)
        if match and not is_process_running(int(match[1])):
            unlink(os.path.join(directory, entry))
    unlink(temporary := f"{path}.hf-{os.getpid()}")
    return temporary


def unlink(path: str) -> None:
    """Remove a file, if it is there."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def remove_if_empty(path: str) -> None:
    """Remove a directory, if it is there and empty."""
    try:
        os.rmdir(path)
    except OSError:
        pass


def _cannot_read(path: str, error: OSError) -> Problem:
    return Problem(f"cannot read {path}: {error.strerror}")


def cannot_write(path: str, error: OSError) -> Problem:
    """Return the problem that a file cannot be written."""
    return Problem(f"cannot write {path}: {error.strerror}")
