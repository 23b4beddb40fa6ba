"""Choose the directory for data between runs: private to the user, or none.

It is the runtime directory, which is removed at the end of the session, or the cache directory if the runtime directory
belongs to another user; callers may use another one (`within`). The paths are those of platformdirs (a test compares
them), whose import takes twice as long as all of `get`.
"""

import os
import sys

_NAME = "git-credential-hf"

# What `get` looks for; the names of all else are in the modules that store it, and in `state`.
REFUSED = "refused"  # state: tokens that are held back
BEARER = "bearer"  # state: tokens that are sent as Bearer tokens


def runtime_directory() -> str | None:
    """Return the directory of our runtime files, which may not exist; `None` if there is no safe place."""
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return os.path.join(local, "Temp", _NAME) if local else None
    of_session = [os.environ.get("XDG_RUNTIME_DIR", "")]
    if sys.platform != "darwin":
        of_session.append(f"/run/user/{os.geteuid()}")
    for base in of_session:
        if os.path.isabs(base) and is_own_directory(os.path.normpath(base), 0o077):
            return os.path.join(os.path.normpath(base), _NAME)
    if sys.platform == "darwin":
        return os.path.join(os.path.expanduser("~"), "Library", "Caches", "TemporaryItems", _NAME)
    return os.path.join(_temporary_directory(), f"runtime-{os.geteuid()}", _NAME)


def _temporary_directory() -> str:
    """Return `tempfile.gettempdir()`, but not the current directory, nor one in which others can rename files."""
    for base in (*map(os.environ.get, ("TMPDIR", "TEMP", "TMP")), "/tmp", "/var/tmp"):  # noqa: S108 - see is_own_directory
        if base and os.path.isabs(base) and os.path.isdir(base) and os.access(base, os.W_OK | os.X_OK):
            mode = os.stat(base).st_mode
            # Without the sticky bit, other users could rename files in it.
            if sys.platform == "win32" or mode & 0o1000 or not mode & 0o022:
                return base
    return "/tmp"  # noqa: S108


def is_own_directory(path: str, not_for_others: int) -> bool:
    """Whether `path` is a real, writable directory of this user, without these permission bits for others.

    In /tmp, another user may have created the directory, or a link, first.
    """
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return status.st_mode & 0o170700 == 0o040700 and is_private(status, not_for_others)


def is_private(status: os.stat_result, not_for_others: int) -> bool:
    """Whether it belongs to this user, without these bits. On Windows, it is private as part of the user's profile."""
    if sys.platform == "win32":
        return True
    return not status.st_mode & not_for_others and status.st_uid == os.geteuid()


def _is_safe(path: str) -> bool:
    """Whether no other user can read or replace our directory."""
    # Other programs share the level above, which old releases of platformdirs made 0755.
    return is_own_directory(path, 0o077) and _holds_ours(os.path.dirname(path))


def _holds_ours(path: str) -> bool:
    """Whether no other user can create files in our directory's parent.

    With umask 002 the group can, but that group usually has no other members.
    """
    return sys.platform in ("win32", "darwin") or is_own_directory(path, 0o002)


def is_usable(path: str) -> bool:
    """Whether our directory at this path is safe, or can be created."""
    if os.path.lexists(path):
        return _is_safe(path)
    above = os.path.dirname(path)
    if os.path.lexists(above):
        return _holds_ours(above) and _is_writable(above)
    while not os.path.lexists(above) and above != os.path.dirname(above):
        above = os.path.dirname(above)
    return _is_writable(above)


def _is_writable(path: str) -> bool:
    return os.access(path, os.W_OK | os.X_OK) and not _is_root_elsewhere(path)


def _is_root_elsewhere(path: str) -> bool:
    """Whether root would create files in another user's directory, such as `~/.cache`, which that user cannot use."""
    try:
        return sys.platform != "win32" and os.geteuid() == 0 and os.stat(path).st_uid != 0
    except OSError:
        return False


def _directory() -> str | None:
    """Return the runtime directory, or the cache directory if that belongs to another user, or cannot be created."""
    path = runtime_directory()
    return path if path is None or is_usable(path) else cache_directory()


def safe_directory(within: str | None = None) -> str | None:
    """Return our directory; `None` if it does not exist, or if another user could have written to it."""
    path = within or runtime_directory()
    if path is None or _is_safe(path):
        return path
    if within or is_usable(path):
        return None  # it does not exist
    path = cache_directory()
    return path if path and _is_safe(path) else None


def is_stored(name: str, within: str | None = None) -> bool:
    """Whether anything is stored under `name`; this is faster than to import `state`."""
    path = safe_directory(within)
    return path is not None and os.path.lexists(os.path.join(path, name))


def private_directory(within: str | None = None) -> str | None:
    """Return our directory, created if needed; `None` if there is no safe one."""
    path = within or _directory()
    if path is None or not is_usable(path):
        return None
    try:
        return path if make_private(path) else None
    except OSError:  # another process may have just created it, which the check below shows
        return path if _is_safe(path) else None


def make_private(path: str) -> bool:
    """Create a directory if needed, and return whether it is safe; raises `OSError`."""
    for level in (os.path.dirname(path), path):
        if not os.path.lexists(level):
            os.makedirs(level, 0o700)
        if level != path and not _holds_ours(level):
            return False  # another user created it first, or it is a link; nothing is created in its target
    return _is_safe(path)


def cache_directory() -> str | None:
    """Return our cache directory; `None` (use the runtime directory instead) if there is no usable one.

    It is not usable without a home, in a directory that others can change, or on a read-only file system.
    """
    if sys.platform.startswith("linux"):  # as platformdirs: `get` may need it
        base = os.environ.get("XDG_CACHE_HOME", "")
        base = base if os.path.isabs(base) else os.path.expanduser("~/.cache")
        path = os.path.join(_follow_own_link(base), _NAME)  # a container's user may have no HOME
    else:
        import platformdirs

        try:
            path = platformdirs.user_cache_dir(_NAME, appauthor=False)
        except RuntimeError:
            return None
    # platformdirs before 4.12 returns a literal `~/.cache`, in the current directory, if there is no home.
    return path if os.path.isabs(path) and is_usable(path) else None


def _follow_own_link(path: str) -> str:
    """Return the target of a link that this user or root has created: `~/.cache` may be on a larger disk."""
    if sys.platform == "win32":
        return path
    try:
        is_own_link = os.path.islink(path) and os.lstat(path).st_uid in (0, os.geteuid())
    except OSError:
        return path  # it is gone
    return os.path.realpath(path) if is_own_link else path
