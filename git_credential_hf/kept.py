"""What is kept on disk between two runs, and where: private to the user, and gone with the session.

The runtime directory is the one that platformdirs names (a test holds the two together); it is worked out here
because importing platformdirs takes twice as long as all of `get`.
"""

import os
import sys

_NAME = "git-credential-hf"


def runtime_directory() -> str | None:
    """The directory of our runtime files, which need not exist; `None` where there is no safe place."""
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return os.path.join(local, "Temp", _NAME) if local else None
    if sys.platform == "darwin":
        return os.path.join(os.path.expanduser("~"), "Library", "Caches", "TemporaryItems", _NAME)
    user = os.geteuid()
    for base in (os.environ.get("XDG_RUNTIME_DIR", ""), f"/run/user/{user}"):
        if os.path.isabs(base) and _is_private(base):
            return os.path.join(base, _NAME)
    return os.path.join(os.environ.get("TMPDIR") or "/tmp", f"runtime-{user}", _NAME)  # noqa: S108 - made 0700, checked


def _is_private(path: str) -> bool:
    """Whether `path` is a real directory that only this user can enter.

    Somebody else may have made the one in /tmp first, or put a link there.
    """
    try:
        status = os.lstat(path)
    except OSError:
        return False
    if status.st_mode & 0o170000 != 0o040000:
        return False
    return sys.platform == "win32" or (status.st_uid == os.geteuid() and not status.st_mode & 0o077)


def directory() -> str | None:
    """Our runtime directory, made if need be; `None` where it cannot be had safely."""
    path = runtime_directory()
    if path is None:
        return None
    try:
        for level in (os.path.dirname(path), path):
            if not os.path.lexists(level):
                os.mkdir(level, 0o700)
    except OSError:
        pass  # perhaps made by another process a moment ago: the check below tells
    parent_is_private = sys.platform in ("win32", "darwin") or _is_private(os.path.dirname(path))
    return path if parent_is_private and _is_private(path) else None


def read(name: str) -> str | None:
    """The text kept under `name`; `None` where nothing is, or where it is not this user's alone."""
    path = runtime_directory()
    if path is None:
        return None
    try:
        # O_NOFOLLOW and the owner: what another user put there is not what we kept.
        descriptor = os.open(os.path.join(path, name), os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    with open(descriptor, encoding="utf-8", errors="replace") as file:
        status = os.fstat(descriptor)
        if sys.platform != "win32" and (status.st_uid != os.geteuid() or status.st_mode & 0o077):
            return None
        return file.read(1 << 20)


def write(name: str, text: str) -> bool:
    """Keep `text` under `name`: whole or not at all, 0600. `False` where it could not be kept."""
    path = directory()
    if path is None:
        return False
    made = os.path.join(path, f"{name}.{os.getpid()}")
    try:
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(made, os.path.join(path, name))
        except OSError:
            os.unlink(made)
            raise
    except OSError:
        return False
    return True


class Lock:
    """While it is entered, no other process of this user is in the one of the same name; waits for 30 s at most.

    Where there is no place for it (or no flock: Windows), everybody enters: what it guards is then done twice.
    """

    def __init__(self, name: str) -> None:
        self._name = name + ".lock"
        self._descriptor = -1

    def __enter__(self) -> None:
        path = directory()
        if path is None or sys.platform == "win32":
            return
        import fcntl
        import time

        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._descriptor = os.open(os.path.join(path, self._name), flags, 0o600)
        except OSError:
            return
        for _ in range(3000):
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError:
                time.sleep(0.01)

    def __exit__(self, *_: object) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)


def fingerprint(secret: str, key: str) -> str:
    """A keyed hash: whoever reads it learns nothing of `secret`, and cannot compare it with another file's."""
    import hashlib

    return hashlib.blake2b(secret.encode("utf-8", "surrogateescape"), key=bytes.fromhex(key)).hexdigest()


def new_key() -> str:
    """A fresh random key for `fingerprint`, in hexadecimal."""
    return os.urandom(32).hex()


def forget_all() -> list[str]:
    """Remove everything that was kept; return the paths that are gone. Raise `OSError` where that fails."""
    path = runtime_directory()
    if path is None or not _is_private(path):
        return []
    gone = []
    for entry in os.listdir(path):
        os.unlink(os.path.join(path, entry))
        gone.append(os.path.join(path, entry))
    os.rmdir(path)
    return [*gone, path]
