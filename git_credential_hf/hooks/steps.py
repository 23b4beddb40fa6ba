"""The changes that install and remove hooks. At any moment, either the old or the new hook works.

Files are replaced by renaming; a killed process leaves nothing that git would run as a hook.
"""

import contextlib
import errno
import os
import re
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator

from git_credential_hf.files import create_file, make_directory
from git_credential_hf.git.run import run_git
from git_credential_hf.problem import Problem
from git_credential_hf.system import hold_signals, is_process_running

BEFORE_SUFFIX = ".before-hf"  # of the name of a hook that ours replaced
_LOCK_TIMEOUT = 2  # seconds


State = tuple[int, bytes] | None  # of a path: the mode, and the contents or a link's target; None if it does not exist


class _HookChange:
    """A change of the hook at `path`, which is made only if all paths that it depends on are in their `planned` state.

    So files that another process has written in the meantime are neither replaced nor removed.
    """

    def __init__(self, path: str, planned: dict[str, State]) -> None:
        self.path = path
        self._planned = planned

    @hold_signals()
    def apply(self) -> None:
        """Make the change; raises `Problem` if it cannot be made."""
        try:
            with _only_process_in(os.path.dirname(self.path)):
                for path, state in self._planned.items():
                    if path_state(path) != state:
                        raise Problem(f"{path} was changed by another program", "run the command again")
                self._make()
        except OSError as error:
            raise _cannot_write(self.path, error) from None

    def _make(self) -> None:
        raise NotImplementedError


class WriteHook(_HookChange):
    """Write our hook at `path`; if `preserves`, the existing one is renamed to `PATH.before-hf`."""

    def __init__(self, path: str, content: bytes, planned: dict[str, State], *, preserves: bool) -> None:
        super().__init__(path, planned)
        self.content = content
        self.preserves = preserves

    def describe(self) -> list[str]:
        """Describe the change."""
        renamed = [f"rename {self.path} to {os.path.basename(self.path)}{BEFORE_SUFFIX}"] if self.preserves else []
        return [*renamed, f"write {self.path}"]

    def _make(self) -> None:
        """Give the old hook its second name first, then replace it, so that there always is a hook."""
        directory = os.path.dirname(self.path)
        if not is_directory(directory):
            make_directory(directory, _mode_in(os.path.dirname(directory)))
        if self.preserves:
            _second_name(self.path, self.path + BEFORE_SUFFIX)
        _put(self.path, self.content)


class RestoreHook(_HookChange):
    """Replace our hook at `path` with the one at `before`, if any; remove it and the `leftovers`."""

    def __init__(
        self, path: str, before: str | None, planned: dict[str, State], *, leftovers: tuple[str, ...] = ()
    ) -> None:
        super().__init__(path, planned)
        self.before = before
        self.leftovers = leftovers

    def describe(self) -> list[str]:
        """Describe the change."""
        what = f"rename {self.before} to {os.path.basename(self.path)}" if self.before else f"remove {self.path}"
        return [what, *(f"remove {path}" for path in self.leftovers)]

    def _make(self) -> None:
        """Replace the hook in one step, then remove the leftovers."""
        if self.before:
            os.replace(self.before, self.path)
        else:
            os.unlink(self.path)
        for path in self.leftovers:
            os.unlink(path)


class WriteDirectory(_HookChange):
    """Write exactly these hooks to our directory at `path`; `None`: remove the directory."""

    def __init__(self, path: str, hooks: dict[str, bytes] | None, planned: dict[str, State]) -> None:
        super().__init__(path, planned)
        self.hooks = hooks

    def is_made(self) -> bool:
        """Whether the directory is already as planned."""
        names = set(list_names(self.path)) if is_directory(self.path) else None
        hooks = self.hooks
        if hooks is None:
            return names is None
        return names == set(hooks) and all(is_hook(os.path.join(self.path, name), hooks[name]) for name in hooks)

    def describe(self) -> list[str]:
        """Describe the change."""
        if self.hooks is None:
            return [f"remove {self.path}"]
        import textwrap

        names = textwrap.wrap(", ".join(self.hooks), 72, break_on_hyphens=False)
        return [f"write {self.path}:", *(f"\t{line}" for line in names)]

    def _make(self) -> None:
        """Write one file at a time, each atomically."""
        try:
            if self.hooks is not None:
                make_directory(self.path, 0o755)  # readable by all users of the configuration, writable by none
                for name, content in self.hooks.items():
                    if not is_hook(path := os.path.join(self.path, name), content):
                        _put(path, content)
                    os.chmod(path, 0o755)  # noqa: S103 - git warns users who may not run a hook
            for path in self._planned:
                if os.path.basename(path) not in (self.hooks or {}):
                    _unlink(path)
            if self.hooks is None and is_directory(self.path):
                os.rmdir(self.path)
        finally:
            _remove_if_empty(self.path)
            if os.path.basename(os.path.dirname(self.path)) == "git-credential-hf":
                _remove_if_empty(os.path.dirname(self.path))


class InstallLfsHooks:
    """Let git-lfs install its own hooks in a directory."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.path = os.path.join(directory, "pre-push")

    def describe(self) -> list[str]:
        """Describe the change."""
        return [f"run `git lfs update`, which writes its hooks to {self.directory}"]

    def apply(self) -> None:
        """Run git-lfs, which stops at a hook that it did not write, as it does when it installs hooks by itself."""
        with contextlib.suppress(Problem):
            run_git("-c", f"core.hooksPath={self.directory}", "lfs", "update")


# --- files ---

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
    """Whether it is a directory, or a link to one; raises `Problem` if that is unknown."""
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
    """Whether git would run it."""
    return os.path.isfile(path) and (sys.platform == "win32" or os.access(path, os.X_OK))


def is_hook(path: str, content: bytes) -> bool:
    """Whether git would run this at `path`."""
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
def _only_process_in(directory: str) -> Iterator[None]:
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


def _second_name(path: str, name: str) -> None:
    """Give the file at `path` a second name: a hard link, or a copy if the file system has no links."""
    temporary = _temporary(name)
    try:
        try:
            os.link(path, temporary, follow_symlinks=False)
        except (OSError, NotImplementedError):
            shutil.copy2(path, temporary, follow_symlinks=False)
        os.replace(temporary, name)
    finally:
        _unlink(temporary)  # still there if both were the same file already


def _put(path: str, content: bytes) -> None:
    """Write an executable file atomically."""
    temporary = _temporary(path)
    # With sudo in another user's repository or home, the file must belong to that user.
    directory = os.path.dirname(path)
    owner = os.stat(directory) if sys.platform != "win32" and os.geteuid() == 0 else None
    try:
        create_file(temporary, content, mode=_mode_in(directory), owner=owner)
        if not is_runnable(temporary):  # git would warn at each command, and not run the existing hook either
            raise Problem(f"nothing in {directory} can be run: is the file system mounted with noexec?")
        os.replace(temporary, path)
    finally:
        _unlink(temporary)


def _mode_in(directory: str) -> int:
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
