"""What huggingface_hub itself does: renew OAuth tokens, exchange a CI job's identity, read Colab's secrets.

The only module that uses private names of huggingface_hub: `utils._auth` with `_refresh_oauth_token_if_needed`,
`_OAUTH_REFRESH_MARGIN` (since 1.20), `_OIDC_TOKEN_CACHE` (since 1.19); no public function renews a token that is not
the current one, or tells when an exchanged one expires. Checked with 0.34.6, 0.36.2, 1.0.1, 1.19.0, 1.20.1, 1.33.0,
2.0.0 and 2.4.0. Only a renewal and an exchange send requests through huggingface_hub's client, which
`api.huggingface_client` guards.
"""

import os
import sys
import time

from git_credential_hf.hub import PUBLIC_HUB, hub_at, url_origin
from git_credential_hf.lock import Lock
from git_credential_hf.masking import mask_token, mask_words, register_secret
from git_credential_hf.problem import Problem, report, report_problem, shell_word, trace
from git_credential_hf.state import (
    BEARER,
    BEARER_FOR,
    REFRESH_TRIED_FOR,
    WARNED_FOR,
    cache_directory,
    fingerprint,
    is_recorded,
    job_directory,
    new_key,
    read_state,
    record,
    write_state,
)
from git_credential_hf.token_files import NOBODY, stored_tokens_path, token_path

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` takes as long to import as all of `get`
    from collections.abc import Callable, Iterator

    from git_credential_hf.tokens import Token

HUGGINGFACE_HUB_TIMEOUT = 20  # seconds for everything that huggingface_hub does: git waits for it
EXCHANGED_FOR = 3600  # seconds for which an exchanged token is good (docs/facts.md#h15)
NO_PUBLISHER_FOR = 600  # seconds for which the Hub is not asked again for the token of a repository
OIDC_MARGIN = 60  # seconds before its expiry at which an exchanged token is replaced

_NOT_RENEWABLE = "not-renewable"  # the state that names tokens which this huggingface_hub cannot renew


class _TooOldError(Problem):
    """This huggingface_hub lacks something."""

    def __init__(self, consequence: str, lack: str) -> None:
        from huggingface_hub import __version__

        from git_credential_hf.program import command_to_install

        super().__init__(
            f"{consequence}: huggingface_hub {__version__} {lack}",
            f"run `{command_to_install('huggingface_hub>=1.20')}`, "
            "or install git-credential-hf in an environment of its own",
        )


# --- OAuth ---


def refresh_due(token: "Token", reread: "Callable[[], Token | None]") -> "Token | None":
    """Let huggingface_hub renew an OAuth token that is due; return the token as it is after that, new or old.

    `reread` returns the token that is now in its place. Of many processes one renews it, and the others wait for the
    result, good or bad, without importing huggingface_hub.
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
        except _TooOldError as problem:
            record(_NOT_RENEWABLE, token.key, REFRESH_TRIED_FOR)  # which is said once
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
    """Renew a token that the Hub refused, which is tried only once; return whether there is a new one in its place."""
    with Lock("refresh"):
        now = reread()
        if now is None or now.value != token.value:
            return now is not None
        if is_recorded("renewed", token.key) or _cannot_store(token):
            return False
        record("renewed", token.key, REFRESH_TRIED_FOR)
        try:
            _renew(token, reread, insist=True)
        except _TooOldError:
            return False
        renewed = reread()
        if renewed is None or renewed.value == token.value:
            return False
        _keep_authtype(token, renewed)
        return True


def _renew(token: "Token", reread: "Callable[[], Token | None]", *, insist: bool = False) -> list[str]:
    """Let huggingface_hub renew a token that is due, or with `insist` any that has a refresh token.

    Returns what it logged, and not its answer, which may be outdated if `hf` writes at the same time: read the files.
    Raises `_TooOldError`.
    """

    def renew() -> str:
        from huggingface_hub.utils import _auth

        now = reread()
        if now is None or now.value != token.value:
            return token.value  # `hf auth switch` was faster
        # What get_token() does for the login, but for any token, and before it is due.
        refresh = getattr(_auth, "_refresh_oauth_token_if_needed", None)
        if refresh is None:
            raise _TooOldError(f"the token {mask_token(token.value)} is not renewed", "cannot renew tokens")
        if insist:
            _auth._OAUTH_REFRESH_MARGIN = float("inf")  # type: ignore[assignment]
        return str(refresh(token.value))

    from git_credential_hf.system import hold_signals

    try:
        with hold_signals():  # the Hub renews a token once: if it is not stored, the login is lost
            _, messages = _ask_huggingface_hub(token.hub, renew)
    except _TooOldError:
        raise
    except Exception as error:
        messages = [_one_line(error)]
    return messages


def old_library_problem() -> Problem | None:
    """Return why this huggingface_hub cannot renew a login; `None` if it can."""
    from importlib.metadata import version

    if tuple(map(int, version("huggingface_hub").split(".")[:2])) >= (1, 20):
        return None
    return _TooOldError("a browser login is not renewed", "cannot renew tokens")


def _cannot_store(token: "Token") -> bool:
    """Whether a new token could not be stored; what this user can do about that is reported.

    The Hub renews a token once: whoever asks without a place for the answer has ended the login, be it a colleague's.
    """
    problem = storage_problem(token.hub)
    if problem is None:
        try:
            _check_space()
            return False
        except OSError as error:
            problem = Problem(f"cannot write to {os.path.dirname(stored_tokens_path())}: {error.strerror}")
    # A file of somebody else's is theirs to renew; an expired token is reported if the Hub refuses it.
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
    """Return why huggingface_hub could not store a renewed token; `None` if nothing stands against it."""
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
            # As root, huggingface_hub would leave its lock there, which its owner can then not use.
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
    """Raise `OSError` if the files would not fit on their disk: they are emptied before they are written."""
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


# --- Colab ---


def colab_secret(hub: str) -> str | None:
    """Return the token in the secrets of a Colab notebook; raises `Problem` if they cannot be read."""
    try:
        return _ask_huggingface_hub(hub)[0]
    except Exception as error:
        raise Problem(f"cannot read the secrets of this Colab notebook: {_one_line(error)}") from None


# --- a CI job's identity (Trusted Publishers) ---


def exchange(hub: str) -> tuple[str, int | None] | None:
    """Exchange the identity of a CI job at a Hub for a token, and return that and when it expires, POSIX seconds.

    Once per job, if there is a directory that ends with the job; otherwise the token is not stored, and each process
    makes an exchange. Raises `Problem` if the Hub refuses, or has just refused the token of an exchange.
    """
    place = job_directory()
    if place is not None:
        with Lock("oidc", place):
            return cached_exchange(hub) or _exchange_now(hub)
    # git-lfs before 3.8 would make it 85 times a second (docs/facts.md#l1): each exchange gives another token.
    if is_recorded(_REFUSED_EXCHANGE, _job(hub)):
        raise Problem("the Hub has just refused the token of this job", "check the Trusted Publisher of the repository")
    exchanged = _exchange_now(hub)
    if exchanged is not None:
        record(_EXCHANGED, f"{hub} {exchanged[0]}", EXCHANGED_FOR)
    return exchanged


_MAX_EXCHANGES = 20  # that are stored
_EXCHANGED, _REFUSED_EXCHANGE, _NO_PUBLISHER = "exchanged", "refused-exchange", "no-publisher"


class _NoPublisherError(Problem):
    """The Hub does not accept this job's identity for the repository."""


def is_publisher(hub: str, *, act: bool) -> bool:
    """Whether this job's identity has been exchanged for HF_OIDC_RESOURCE, or can be; without `act`, so far as known.

    A refusal is remembered for some minutes. Raises `Problem` if the Hub does not say.
    """
    place = job_directory()
    if is_recorded(_NO_PUBLISHER, _job(hub), place):
        return False
    if not act:
        return place is None or cached_exchange(hub) is not None
    try:
        return exchange(hub) is not None
    except _NoPublisherError:
        record(_NO_PUBLISHER, _job(hub), NO_PUBLISHER_FOR, place)
        return False


def was_exchanged(value: str, hub: str) -> bool:
    """Whether this is a token of an exchange that could not be stored; only its keyed hash is."""
    return is_recorded(_EXCHANGED, f"{hub} {value}")


def cached_exchange(hub: str) -> tuple[str, int | None] | None:
    """Return the token that this job has already exchanged its identity for, and when it expires (POSIX seconds)."""
    place = job_directory()
    for _, _, since, until, expires_at, value in _exchanges(place, of_job=_job(hub)):
        # If the clock is set back, a token must not last longer.
        if value and int(since) - OIDC_MARGIN <= time.time() < int(until):
            return register_secret(value), int(expires_at)
    return None


def _exchanges(place: str | None, *, of_job: str = "", not_of: str = "") -> "Iterator[list[str]]":
    """Yield what is stored of exchanges: a job may be the publisher of several repositories."""
    lines = read_state("oidc", place).split("\n") if place is not None else []
    for at in range(0, min(len(lines), 6 * _MAX_EXCHANGES) - 5, 6):
        exchanged = lines[at : at + 6]
        key, job, *times, _ = exchanged
        try:
            wanted = fingerprint(of_job or not_of, key) == job
            if wanted == bool(of_job) and all(moment.isdecimal() and len(moment) < 20 for moment in times):
                yield exchanged
        except ValueError:
            pass  # something that we did not write


def delay_exchange(token: "Token", seconds: int) -> None:
    """Exchange a token that the Hub refused again after so many seconds, and not before."""
    if token.kind != "oidc":
        return
    if job_directory() is None:
        record(_REFUSED_EXCHANGE, _job(token.hub), seconds)
    elif token.expires_at is not None:
        _cache_exchange(token.hub, token.value, int(time.time()) + seconds, token.expires_at)


def _exchange_now(hub: str) -> tuple[str, int | None] | None:
    resource = os.environ["HF_OIDC_RESOURCE"]
    no_token = f"no token for HF_OIDC_RESOURCE={resource}"
    _check_audience(os.environ.get("HF_OIDC_ID_TOKEN", ""), hub)
    register_secret(os.environ.get("HF_OIDC_ID_TOKEN", ""))
    register_secret(os.environ.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN", ""))
    try:
        from huggingface_hub import __version__

        if tuple(map(int, __version__.split(".")[:2])) < (1, 19):  # its get_token() would return another token
            raise _TooOldError(no_token, "has no Trusted Publishers")
        value, _ = _ask_huggingface_hub(hub)
    except _TooOldError:
        raise
    except Exception as error:
        from git_credential_hf.api.client import Unreachable

        message = f"{no_token}: {_one_line(error)}"
        if _is_outage(error):
            raise Unreachable(message, fix="run the job again in some minutes: the Hub has not judged it") from None
        if type(error).__name__ == "OIDCError":  # there is no identity: its words say why
            raise Problem(message, "give the job an id token, or unset HF_OIDC_RESOURCE") from None
        fix = "check the Trusted Publisher of that repository, or unset HF_OIDC_RESOURCE"
        raise _NoPublisherError(message, fix) from None
    if not value:
        return None
    from huggingface_hub.utils import _auth

    # No public function returns the expiry; huggingface_hub stores it by a clock that starts with the process.
    cache = getattr(_auth, "_OIDC_TOKEN_CACHE", None) or {}
    left = cache.get("expires_at", 0) - time.monotonic()
    expires_at = int(time.time() + left) if left > 0 else None
    if expires_at is not None:
        _cache_exchange(hub, value, expires_at - OIDC_MARGIN, expires_at)
    return value, expires_at


def _is_outage(error: Exception) -> bool:
    """Whether an exchange failed because the Hub did not get to judge it (docs/facts.md#h15)."""
    response = getattr(error, "response", None)
    if response is None:
        return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _HTTP_CLIENTS
    return response.status_code == 429 or response.status_code >= 500 or "operation was aborted" in response.text


_HTTP_CLIENTS = ("httpx", "httpx2", "httpcore", "requests", "urllib3")  # one of them is huggingface_hub's


def _check_audience(id_token: str, hub: str) -> None:
    """Raise `Problem` if an id token names another Hub as its audience: whoever gets it could exchange it there."""
    import binascii
    import json

    try:
        payload = id_token.split(".")[1].replace("-", "+").replace("_", "/")
        audience = json.loads(binascii.a2b_base64(payload + "==="))["aud"]
    except (IndexError, KeyError, TypeError, ValueError):
        return  # huggingface_hub, and the Hub, know what is wrong with it
    named = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
    if named and not any(hub_at(url_origin(str(one)), (hub,)) == hub for one in named):
        message = f"HF_OIDC_ID_TOKEN is for {named[0]}, and is not sent to {hub}"
        raise Problem(message, f"request an id token with the audience {hub}")


def _cache_exchange(hub: str, value: str, until: int, expires_at: int) -> None:
    place = job_directory()
    if place is None:
        return  # the next job of this machine would find it
    key = new_key()
    lines = [key, fingerprint(_job(hub), key), f"{int(time.time())}", str(until), str(expires_at), value]
    others = [line for exchanged in _exchanges(place, not_of=_job(hub)) for line in exchanged]
    write_state("oidc", "\n".join(lines + others), place)


def _job(hub: str) -> str:
    """Return what identifies this CI job: another one on the same runner must not get its token."""
    names = ("HF_OIDC_RESOURCE", "HF_OIDC_ID_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    return "\n".join([hub, *(os.environ.get(name, "") for name in names)])


# --- huggingface_hub ---


def _ask_huggingface_hub(hub: str, ask: "Callable[[], str | None] | None" = None) -> tuple[str | None, list[str]]:
    """Return what `get_token()`, or `ask`, returns, and what it logged (one line each); raises what it raises.

    It talks to `hub`, whatever the environment says: a refresh token or a job's identity must not go elsewhere. Its log
    and warnings are caught: stdout is git's, and a log line may quote a file with tokens in it.
    """
    import logging
    import warnings

    messages: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(_one_line(record.getMessage()))

    from git_credential_hf.api.client import run_within
    from git_credential_hf.api.huggingface_client import guard_client

    guard_client(hub)
    log = logging.getLogger("huggingface_hub")
    log.handlers, log.propagate = [Listener(logging.WARNING)], False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from huggingface_hub import constants, get_token
        from huggingface_hub.utils import _auth

        if hub != constants.ENDPOINT:
            constants.ENDPOINT = hub
            if hasattr(_auth, "_OIDC_TOKEN_CACHE"):
                _auth._OIDC_TOKEN_CACHE = None  # what it has exchanged is for another Hub
        trace("asking huggingface_hub")
        value = run_within(HUGGINGFACE_HUB_TIMEOUT, ask or get_token)
    if not (value is None or (isinstance(value, str) and value.isprintable())):
        raise ValueError("the Hub's answer is not a token")
    return (register_secret(value) if value else value), messages


def _one_line(message: object) -> str:
    return mask_words(str(message)) or type(message).__name__
