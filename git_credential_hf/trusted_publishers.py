"""Exchange a CI job's identity for a token: the job is a Trusted Publisher of the repository (docs/facts.md#h15).

Private names of huggingface_hub: `utils._auth` with `_OIDC_TOKEN_CACHE` (since 1.19), as no public function returns the
expiry of an exchanged token.
"""

import os
import sys
import time

from git_credential_hf.hub import hub_at, url_origin
from git_credential_hf.problem import Problem
from git_credential_hf.secrets import register_secret
from git_credential_hf.state import fingerprint, is_recorded, new_key, read_state, record, write_state
from git_credential_hf.state_directory import is_own_directory

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` takes as long to import as all of `get`
    from collections.abc import Iterator

    from git_credential_hf.tokens import Token


EXCHANGED_FOR = 3600  # seconds for which an exchanged token is good (docs/facts.md#h15)
NO_PUBLISHER_FOR = 600  # seconds before the Hub is asked again for the token of a repository that it refused
OIDC_MARGIN = 60  # seconds before its expiry at which an exchanged token is replaced

_MAX_EXCHANGES = 20  # to store
_EXCHANGED, _REFUSED_EXCHANGE, _NO_PUBLISHER = "exchanged", "refused-exchange", "no-publisher"
_HTTP_CLIENTS = ("httpx", "httpx2", "httpcore", "requests", "urllib3")  # one of them is huggingface_hub's


def exchange(hub: str) -> tuple[str, int | None] | None:
    """Exchange the identity of a CI job at a Hub for a token; return the token and its expiry (POSIX seconds).

    This happens once per job if there is a directory that is removed with the job; otherwise the token is not stored,
    and each process makes an exchange. Raises `Problem` if the Hub refuses, or has just refused an exchanged token.
    """
    place = job_directory()
    if place is not None:
        from git_credential_hf.lock import Lock  # reading the cache needs no lock

        with Lock("oidc", place):
            return cached_exchange(hub) or _exchange_now(hub)
    # git-lfs before 3.8 would cause 85 exchanges a second (docs/facts.md#l1), because each gives another token.
    if is_recorded(_REFUSED_EXCHANGE, _job(hub)):
        raise Problem("the Hub has just refused the token of this job", "check the Trusted Publisher of the repository")
    exchanged = _exchange_now(hub)
    if exchanged is not None:
        record(_EXCHANGED, f"{hub} {exchanged[0]}", EXCHANGED_FOR)
    return exchanged


class _NoPublisherError(Problem):
    """The Hub does not accept this job's identity for the repository."""


def is_publisher(hub: str, *, act: bool) -> bool:
    """Whether this job's identity has been, or can be, exchanged for HF_OIDC_RESOURCE; without `act`, use the cache.

    A refusal is cached for some minutes. Raises `Problem` if the Hub does not answer.
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
    """Whether this is an exchanged token of which only a keyed hash could be stored."""
    return is_recorded(_EXCHANGED, f"{hub} {value}")


def cached_exchange(hub: str) -> tuple[str, int | None] | None:
    """Return this job's cached token and its expiry (POSIX seconds)."""
    place = job_directory()
    for _, _, since, until, expires_at, value in _exchanges(place, of_job=_job(hub)):
        # If the clock is set back, a token must not last longer.
        if value and int(since) - OIDC_MARGIN <= time.time() < int(until):
            return register_secret(value), int(expires_at)
    return None


def _exchanges(place: str | None, *, of_job: str = "", not_of: str = "") -> "Iterator[list[str]]":
    """Yield the stored exchanges: a job may be the Trusted Publisher of several repositories."""
    lines = read_state("oidc", place).split("\n") if place is not None else []
    for at in range(0, min(len(lines), 6 * _MAX_EXCHANGES) - 5, 6):
        exchanged = lines[at : at + 6]
        key, job, *times, _ = exchanged
        try:
            wanted = fingerprint(of_job or not_of, key) == job
            if wanted == bool(of_job) and all(moment.isdecimal() and len(moment) < 20 for moment in times):
                yield exchanged
        except ValueError:
            pass  # not written by us


def delay_exchange(token: "Token", seconds: int) -> None:
    """Make no new exchange for this number of seconds, after the Hub refused a token."""
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
    from git_credential_hf.huggingface_library import TooOldError, ask_huggingface_hub, one_line

    try:
        from huggingface_hub import __version__

        if tuple(map(int, __version__.split(".")[:2])) < (1, 19):  # its get_token() would return another token
            raise TooOldError(no_token, "has no Trusted Publishers")
        value, _ = ask_huggingface_hub(hub)
    except TooOldError:
        raise
    except Exception as error:
        from git_credential_hf.api.client import Unreachable

        message = f"{no_token}: {one_line(error)}"
        if _is_outage(error):
            raise Unreachable(
                message, fix="run the job again in a few minutes: the Hub neither accepted nor rejected its identity"
            ) from None
        if type(error).__name__ == "OIDCError":  # there is no identity; the message says why
            raise Problem(message, "give the job an id token, or unset HF_OIDC_RESOURCE") from None
        fix = "check the Trusted Publisher of that repository, or unset HF_OIDC_RESOURCE"
        raise _NoPublisherError(message, fix) from None
    if not value:
        return None
    from huggingface_hub.utils import _auth

    # No public function returns the expiry; huggingface_hub stores it relative to a monotonic clock.
    cache = getattr(_auth, "_OIDC_TOKEN_CACHE", None) or {}
    left = cache.get("expires_at", 0) - time.monotonic()
    expires_at = int(time.time() + left) if left > 0 else None
    if expires_at is not None:
        _cache_exchange(hub, value, expires_at - OIDC_MARGIN, expires_at)
    return value, expires_at


def _is_outage(error: Exception) -> bool:
    """Whether an exchange failed before the Hub could accept or reject it (docs/facts.md#h15)."""
    response = getattr(error, "response", None)
    if response is None:
        return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _HTTP_CLIENTS
    return response.status_code == 429 or response.status_code >= 500 or "operation was aborted" in response.text


def _check_audience(id_token: str, hub: str) -> None:
    """Raise `Problem` if an id token has another Hub as its audience: a recipient could exchange it there."""
    import binascii
    import json

    try:
        payload = id_token.split(".")[1].replace("-", "+").replace("_", "/")
        audience = json.loads(binascii.a2b_base64(payload + "==="))["aud"]
    except (IndexError, KeyError, TypeError, ValueError):
        return  # huggingface_hub and the Hub report what is wrong with it
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
    """Return an identifier of this CI job: another job on the same runner must not get its token."""
    names = ("HF_OIDC_RESOURCE", "HF_OIDC_ID_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    return "\n".join([hub, *(os.environ.get(name, "") for name in names)])


def job_directory() -> str | None:
    """Return our directory that is removed with this CI job; `None` if there is none.

    GitHub's runner, and compatible ones, empty `RUNNER_TEMP` before and after each job. GitLab has no such directory:
    files that a job writes beside the working tree, or to `TMPDIR`, may still exist in the next job (docs/facts.md#c1).
    """
    base = os.environ.get("RUNNER_TEMP", "")
    if "GITHUB_ACTIONS" not in os.environ or not os.path.isabs(base):
        return None
    base = os.path.realpath(base)
    if sys.platform == "win32":  # no permission bits: only directories in the user's profile are private
        profile = os.path.normcase(os.path.realpath(os.path.expanduser("~")))
        if not os.path.normcase(base).startswith(profile + os.sep):
            return None
    elif not is_own_directory(base, 0o022):
        return None
    return None if _is_in_working_tree(base) else os.path.join(base, "git-credential-hf")


def _is_in_working_tree(path: str) -> bool:
    """Whether a file at this path could be committed, or become part of an artifact."""
    while not os.path.lexists(os.path.join(path, ".git")):
        if path == os.path.dirname(path):
            return False
        path = os.path.dirname(path)
    return True
