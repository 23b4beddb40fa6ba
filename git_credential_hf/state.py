"""Store data between runs: private to the user, each file complete or not written at all.

The data is in the runtime directory, which is removed at the end of the session, or in the cache directory if the
runtime directory belongs to another user; callers may use another one (`within`). The paths are those of platformdirs
(a test compares them), whose import takes twice as long as all of `get`. The token of a CI job is stored in the job's
own directory or not at all (`trusted_publishers`), because a runtime directory outlives the job.
"""

import os
import sys
import time

from git_credential_hf.problem import Problem

# How long data is valid, in seconds.
REFUSED_FOR = 30  # a bad token is not served again
REFUSED_AGAIN_WITHIN = 10  # a token that is refused again within this time may be bad
WARNED_FOR = 600  # a warning about a user name is not repeated
BEARER_FOR = 30 * 24 * 3600  # a token that the Hub does not accept as a password is sent as a Bearer token
CONFIRMED_FOR = 24 * 3600  # a token that the Hub has confirmed is sent before the Hub asks for it
REFRESH_TRIED_FOR = 24 * 3600  # a refused token is not renewed a second time
LOOKED_FOR = 3600  # another helper is not queried again in each command

REFUSED = "refused"  # state: tokens that are held back
REJECTED = "rejected"  # state: Hubs for which another helper has just given git a stale token
LOOKED = "looked"  # state: helpers that were queried
CONFIRMED = "confirmed"  # state: tokens that are sent before the Hub asks for one
BEARER = "bearer"  # state: tokens that are sent as Bearer tokens

_NAME = "git-credential-hf"
_NAMES = (
    *("refused", "suspect", "warned", "rejected", "looked", "renewed", "refresh-failed", "refresh", "bearer", "owners"),
    *("confirmed", "oidc", "no-publisher", "exchanged", "refused-exchange", "may", "no-token", "retry-after"),
    *("unreachable", "not-renewable", "login", "declined"),
)


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
    return status.st_mode & 0o170700 == 0o040700 and _is_closed(status, not_for_others)


def _is_closed(status: os.stat_result, not_for_others: int) -> bool:
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
    above = os.path.dirname(path)
    if os.path.lexists(path):
        return _is_safe(path)
    if os.path.lexists(above) and not _holds_ours(above):
        return False
    while not os.path.lexists(above) and above != os.path.dirname(above):
        above = os.path.dirname(above)
    return os.access(above, os.W_OK | os.X_OK) and not _is_root_elsewhere(above)


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


def read_state(name: str, within: str | None = None) -> str:
    """Return the text stored under `name`; empty if there is none, or if another user could have written it."""
    path = within or _directory()
    if path is None or not _is_safe(path):
        return ""
    try:
        # We store no links, and no FIFOs, which would make us wait.
        descriptor = os.open(os.path.join(path, name), os.O_RDONLY | PLAIN_FILE, 0o600)
    except OSError:
        return ""
    try:
        status = os.fstat(descriptor)
        if status.st_mode & 0o170000 != 0o100000 or not _is_closed(status, 0o077):
            return ""
        return os.read(descriptor, 1 << 16).decode("ascii", "replace")
    except OSError:
        return ""
    finally:
        os.close(descriptor)


def write_state(name: str, text: str, within: str | None = None) -> bool:
    """Store `text` under `name`: whole or not at all, 0600. `False` if it could not be stored."""
    path = private_directory(within)
    if path is None:
        return False
    from git_credential_hf.files import create_file

    made = os.path.join(path, f"{name}.{os.getpid()}")
    try:
        _remove_abandoned(path)
        create_file(made, text.encode(), mode=0o600)
        try:
            _rename(made, os.path.join(path, name))
        except OSError:
            os.unlink(made)
            raise
    except OSError:
        return False
    return True


_ABANDONED = 60  # seconds; writing takes a moment


def _remove_abandoned(path: str) -> None:
    """Remove temporary files of killed processes, which may contain a token."""
    for entry in os.listdir(path):
        name = os.path.join(path, entry)
        try:
            if entry.rpartition(".")[2].isdecimal() and os.lstat(name).st_mtime < time.time() - _ABANDONED:
                os.unlink(name)
        except OSError:
            pass  # another process was faster


# As a file and nothing else: through no link, without waiting, and on Windows byte by byte.
PLAIN_FILE = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))


def _rename(path: str, name: str) -> None:
    """Rename a file over another, which on Windows fails while another process reads that."""
    for _ in range(50 if sys.platform == "win32" else 0):
        try:
            os.replace(path, name)
            return
        except PermissionError:
            time.sleep(0.01)
    os.replace(path, name)


def fingerprint(secret: str, key: str) -> str:
    """Return a keyed hash, which reveals nothing about `secret`, and cannot be compared with a hash in another file.

    Raises `ValueError` if `key` does not come from `new_key`.
    """
    import hashlib

    return hashlib.blake2b(secret.encode("utf-8", "surrogateescape"), key=bytes.fromhex(key)).hexdigest()


def new_key() -> str:
    """Return a new random key for `fingerprint`, in hexadecimal."""
    return os.urandom(32).hex()


def record(name: str, secret: str, seconds: int, within: str | None = None) -> bool:
    """Record `secret` under `name` for this number of seconds; only a keyed hash is stored.

    Returns `False` if it could not be stored.
    """
    key = new_key()
    mark = f"{int(time.time())} {seconds} {key} {fingerprint(secret, key)}\n"
    return write_state(name, mark + "".join(_recent(name, within)), within)


def is_recorded(name: str, secret: str, within: str | None = None) -> bool:
    """Whether `record` was called with this secret, and the record has not expired."""
    for line in _recent(name, within):
        *_, key, mark = line.split()
        try:
            if fingerprint(secret, key) == mark:
                return True
        except ValueError:
            pass  # not written by us
    return False


def is_recorded_after(path: str, name: str, seconds: int) -> bool:
    """Whether `record` was called under `name` within `seconds`, after the file at `path` was written.

    For any secret: this is ten times faster than `is_recorded`, for uses in which a wrong answer only costs time.
    """
    directory = _directory()
    try:
        recorded = os.stat(os.path.join(directory or "", name)).st_mtime
        return directory is not None and recorded > os.stat(path).st_mtime and 0 <= time.time() - recorded < seconds
    except OSError:
        return False


def discard_record(name: str, within: str | None = None) -> None:
    """Remove the records under `name`."""
    path = within or _directory()
    try:
        if path is not None and _is_safe(path):
            os.unlink(os.path.join(path, name))
    except OSError:
        pass  # another process was faster


def _recent(name: str, within: str | None) -> list[str]:
    now = int(time.time())
    recent = []
    for line in read_state(name, within).splitlines(keepends=True)[:16]:
        words = line.split()
        if len(words) == 4 and words[0].isdecimal() and words[1].isdecimal():
            since, seconds = int(words[0][:20]), int(words[1][:20])
            if 0 <= now - since < seconds:  # a record from the future counts as expired: the clock was set back
                recent.append(line)
    return recent


def remove_state(within: str | None = None) -> list[str]:
    """Remove all stored data, and return the removed paths; raises `Problem` if that fails."""
    path = within or _directory()
    if path is None or not _is_safe(path):
        return []
    gone = []
    try:
        for entry in os.listdir(path):
            if entry.partition(".")[0] in _NAMES:  # other programs may use a directory of the same name
                os.unlink(os.path.join(path, entry))
                gone.append(os.path.join(path, entry))
        if os.listdir(path):
            return gone
        os.rmdir(path)
    except OSError as error:
        from git_credential_hf.shell import shell_word

        raise Problem(f"cannot remove {path}: {error.strerror}", f"rm -r {shell_word(path)}") from None
    return [*gone, path]


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
