"""Renew the OAuth tokens of browser logins, as huggingface_hub itself does; only one of several processes does it.

Private names of huggingface_hub: `utils._auth` with `_refresh_oauth_token_if_needed` and `_OAUTH_REFRESH_MARGIN` (since
1.20), as no public function renews a token that is not the current one. Checked with 0.34.6, 0.36.2, 1.0.1, 1.19.0,
1.20.1, 1.33.0, 2.0.0 and 2.4.0.
"""

import os
import sys
import time

from git_credential_hf.hub import PUBLIC_HUB
from git_credential_hf.huggingface_library import TooOldError, ask_huggingface_hub, one_line
from git_credential_hf.lock import Lock
from git_credential_hf.masking import mask_token
from git_credential_hf.problem import Problem
from git_credential_hf.report import report, report_problem
from git_credential_hf.shell import shell_word
from git_credential_hf.state import (
    BEARER_FOR,
    REFRESH_TRIED_FOR,
    WARNED_FOR,
    fingerprint,
    is_recorded,
    new_key,
    read_state,
    record,
    write_state,
)
from git_credential_hf.state_directory import BEARER, cache_directory
from git_credential_hf.token_files import NOBODY, stored_tokens_path, token_path

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` takes as long to import as all of `get`
    from collections.abc import Callable

    from git_credential_hf.tokens import Token


_NOT_RENEWABLE = "not-renewable"  # state: tokens that this huggingface_hub cannot renew


def refresh_due(token: "Token", reread: "Callable[[], Token | None]") -> "Token | None":
    """Let huggingface_hub renew an OAuth token that is due; return the resulting token, new or old.

    `reread` returns the token that is now in its place. Only one of several processes renews it; the others wait for
    the result, good or bad, without importing huggingface_hub.
    """
    from git_credential_hf.api.client import HUB_TIMEOUT, set_out_of_reach

    began = time.time_ns()
    with Lock("refresh"):
        now = reread()
        if now is None or now.value != token.value or _has_failed_since(began, token) or _is_hopeless(token):
            return now
        if _cannot_store(token):
            return now
        start = time.monotonic()
        try:
            messages = _renew(token, reread)
        except TooOldError as problem:
            record(_NOT_RENEWABLE, token.key, REFRESH_TRIED_FOR)  # so that it is reported once
            report_problem(problem, "warning")
            return now
        renewed = reread()
        if renewed is not None and renewed.value == token.value:
            key = new_key()
            write_state("refresh-failed", f"{time.time_ns()} {key} {fingerprint(token.key, key)}")
            unrenewed = f"huggingface_hub did not renew the token {mask_token(token.value)}"
            report("warning", messages[0] if messages else unrenewed)
            if time.monotonic() - start > HUB_TIMEOUT:
                set_out_of_reach(token.hub)
        elif renewed is not None:
            _keep_authtype(token, renewed)
        return renewed


def renew_refused(token: "Token", reread: "Callable[[], Token | None]") -> bool:
    """Renew a token that the Hub refused, once; return whether there is a new token in its place."""
    with Lock("refresh"):
        now = reread()
        if now is None or now.value != token.value:
            return now is not None
        if is_recorded("renewed", token.key) or _cannot_store(token):
            return False
        record("renewed", token.key, REFRESH_TRIED_FOR)
        try:
            _renew(token, reread, insist=True)
        except TooOldError:
            return False
        renewed = reread()
        if renewed is None or renewed.value == token.value:
            return False
        _keep_authtype(token, renewed)
        return True


def _renew(token: "Token", reread: "Callable[[], Token | None]", *, insist: bool = False) -> list[str]:
    """Let huggingface_hub renew a token that is due, or with `insist` any that has a refresh token.

    Returns its log messages, not its answer, which may be outdated if `hf` writes at the same time: read the files
    instead. Raises `TooOldError`.
    """

    def renew() -> str:
        from huggingface_hub.utils import _auth

        now = reread()
        if now is None or now.value != token.value:
            return token.value  # `hf auth switch` was faster
        # The same as get_token() does for the login, but for any token, and before it is due.
        refresh = getattr(_auth, "_refresh_oauth_token_if_needed", None)
        if refresh is None:
            raise TooOldError(f"the token {mask_token(token.value)} is not renewed", "cannot renew tokens")
        if insist:
            _auth._OAUTH_REFRESH_MARGIN = float("inf")  # type: ignore[assignment]
        return str(refresh(token.value))

    from git_credential_hf.system import hold_signals

    try:
        with hold_signals():  # the Hub renews a token once: if it is not stored, the login is lost
            _, messages = ask_huggingface_hub(token.hub, renew)
    except TooOldError:
        raise
    except Exception as error:
        messages = [one_line(error)]
    return messages


def old_library_problem() -> Problem | None:
    """Return why this huggingface_hub cannot renew a login; `None` if it can."""
    from importlib.metadata import version

    if tuple(map(int, version("huggingface_hub").split(".")[:2])) >= (1, 20):
        return None
    return TooOldError("a browser login is not renewed", "cannot renew tokens")


def _cannot_store(token: "Token") -> bool:
    """Whether a new token could not be stored; reports the reason if this user can fix it.

    The Hub renews a token only once: if the new token cannot be stored, the login is lost, perhaps a colleague's.
    """
    problem = storage_problem(token.hub)
    if problem is None:
        try:
            _check_space()
            return False
        except OSError as error:
            problem = Problem(f"cannot write to {os.path.dirname(stored_tokens_path())}: {error.strerror}")
    # Another user's login is theirs to renew; an expired token is reported if the Hub refuses it.
    is_news = not isinstance(problem, _ForeignFileError) or (problem.fix and token.is_expired())
    warned = f"not renewed {token.key}"
    if is_news and not is_recorded("warned", warned):
        record("warned", warned, WARNED_FOR)
        message = f"the token {mask_token(token.value)} is not renewed: {problem.message}"
        report_problem(Problem(message, problem.fix), "warning")
    return True


class _ForeignFileError(Problem):
    """A token file belongs to another user."""


def storage_problem(hub: str = PUBLIC_HUB) -> Problem | None:
    """Return why huggingface_hub could not store a renewed token; `None` if it could."""
    stored = stored_tokens_path()
    files, lock = (stored, token_path(hub)), f"{stored}.lock"
    for path in (*files, os.path.dirname(stored), lock):
        try:
            status = os.stat(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            return Problem(f"cannot read {path}: {error.strerror}")
        is_own = sys.platform == "win32" or status.st_uid in (os.geteuid(), NOBODY)
        if not is_own and path in files:
            from git_credential_hf.program import user_name

            name = user_name(status.st_uid)
            # As root, huggingface_hub would leave a lock file there that the owner cannot use.
            is_root = sys.platform != "win32" and os.geteuid() == 0
            fix = f"run the command as {name}, not as root" if is_root else None
            return _ForeignFileError(f"{path} belongs to {name}", fix)
        if not os.access(path, os.R_OK | os.W_OK):
            fix = None
            if path == lock:
                fix = f"run `rm -f {shell_word(path)}`"
            elif is_own and not status.st_mode & 0o200:
                fix = f"run `chmod u+w {shell_word(path)}`"
            return Problem(f"cannot write {path}", fix)
    return None


def _check_space() -> None:
    """Raise `OSError` if the disk is too full for the files, which are truncated before they are written."""
    import tempfile

    stored = stored_tokens_path()
    with tempfile.TemporaryFile(dir=os.path.dirname(stored)) as file:
        file.write(bytes(os.stat(stored).st_size + 8192))  # with a longer token, in two files
        file.flush()
        os.fsync(file.fileno())


def _is_hopeless(token: "Token") -> bool:
    """Whether there is no need to try to renew a token that still lasts, or no use."""
    from git_credential_hf.api.client import is_out_of_reach
    from git_credential_hf.hub import offline_variable

    is_final = offline_variable() is not None or is_recorded(_NOT_RENEWABLE, token.key)
    return is_final or (not token.is_expired() and is_out_of_reach(token.hub))


def _keep_authtype(old: "Token", new: "Token") -> None:
    """Let git send the new token as it sent the old one."""
    if is_recorded(BEARER, old.key, cache_directory()):
        record(BEARER, new.key, BEARER_FOR, cache_directory())


def _has_failed_since(began: int, token: "Token") -> bool:
    try:
        at, key, mark = read_state("refresh-failed").split()
        return began < int(at[:20]) <= time.time_ns() and fingerprint(token.key, key) == mark
    except ValueError:
        return False  # nothing is stored, or something that we did not write
