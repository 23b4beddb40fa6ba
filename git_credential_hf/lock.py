"""A lock between this user's processes, so that only one of them does work that all of them need."""

import os
import sys
import time

from git_credential_hf.state import PLAIN_FILE
from git_credential_hf.state_directory import private_directory

LOCK_TIMEOUT = 30  # seconds to wait for another process, before doing the work again


class Lock:
    """A named lock between this user's processes; entering it waits for `seconds` at most.

    Without a directory for the lock file, every process enters at once, and the work is done several times.
    `has_waited`: whether another process had the lock before; `is_held`: whether this process has it now. `is_removed`:
    whether the lock file is removed at the end.
    """

    def __init__(
        self, name: str, within: str | None = None, *, seconds: int = LOCK_TIMEOUT, is_removed: bool = False
    ) -> None:
        self._name = name + ".lock"
        self._within = within
        self._seconds = seconds
        self._descriptor = -1
        self._is_removed = is_removed
        self.has_waited = False
        self.is_held = False

    def __enter__(self) -> None:
        path = private_directory(self._within)
        if path is None:
            return
        try:
            self._descriptor = os.open(os.path.join(path, self._name), os.O_RDWR | os.O_CREAT | PLAIN_FILE, 0o600)
        except OSError:
            return
        for _ in range(self._seconds * 100):
            try:
                _lock(self._descriptor)
                self.is_held = True
                return
            except OSError as error:
                if sys.platform != "win32" and not isinstance(error, BlockingIOError):
                    return  # this file system has no locks
                self.has_waited = True
                time.sleep(0.01)

    def __exit__(self, *_: object) -> None:
        if self._descriptor >= 0:
            if (
                self._is_removed
                and self.is_held
                and sys.platform != "win32"
                and (path := private_directory(self._within))
            ):
                try:
                    os.unlink(os.path.join(path, self._name))
                except OSError:
                    pass  # another process was faster
            os.close(self._descriptor)


def _lock(descriptor: int) -> None:
    """Lock a file until it is closed; raises `OSError` if another process holds the lock."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
