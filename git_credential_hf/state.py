"""Store data between runs: private to the user, each file complete or not written at all.

The data is in the directory that `state_directory` chooses, or in another one (`within`). The token of a CI job is
stored in the job's own directory or not at all (`trusted_publishers`), because a runtime directory outlives the job.
"""

import os
import sys
import time

from git_credential_hf.problem import Problem
from git_credential_hf.state_directory import is_private, private_directory, safe_directory

# How long data is valid, in seconds.
REFUSED_FOR = 30  # a bad token is not served again
REFUSED_AGAIN_WITHIN = 10  # a token that is refused again within this time may be bad
WARNED_FOR = 600  # a warning about a user name is not repeated
BEARER_FOR = 30 * 24 * 3600  # a token that the Hub does not accept as a password is sent as a Bearer token
CONFIRMED_FOR = 24 * 3600  # a token that the Hub has confirmed is sent before the Hub asks for it
REFRESH_TRIED_FOR = 24 * 3600  # a refused token is not renewed a second time
LOOKED_FOR = 3600  # another helper is not queried again in each command

REJECTED = "rejected"  # state: Hubs for which another helper has just given git a stale token
LOOKED = "looked"  # state: helpers that were queried
CONFIRMED = "confirmed"  # state: tokens that are sent before the Hub asks for one

_NAMES = (
    *("refused", "suspect", "warned", "rejected", "looked", "renewed", "refresh-failed", "refresh", "bearer", "owners"),
    *("confirmed", "oidc", "no-publisher", "exchanged", "refused-exchange", "may", "no-token", "retry-after"),
    *("unreachable", "not-renewable", "login", "declined"),
)


def read_state(name: str, within: str | None = None) -> str:
    """Return the text stored under `name`; empty if there is none, or if another user could have written it."""
    path = safe_directory(within)
    if path is None:
        return ""
    try:
        # We store no links, and no FIFOs, which would make us wait.
        descriptor = os.open(os.path.join(path, name), os.O_RDONLY | PLAIN_FILE, 0o600)
    except OSError:
        return ""
    try:
        status = os.fstat(descriptor)
        if status.st_mode & 0o170000 != 0o100000 or not is_private(status, 0o077):
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
    directory = safe_directory()
    if directory is None:
        return False
    try:
        recorded = os.stat(os.path.join(directory, name)).st_mtime
        return recorded > os.stat(path).st_mtime and 0 <= time.time() - recorded < seconds
    except OSError:
        return False


def discard_record(name: str, within: str | None = None) -> None:
    """Remove the records under `name`."""
    path = safe_directory(within)
    try:
        if path is not None:
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
    path = safe_directory(within)
    if path is None:
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
