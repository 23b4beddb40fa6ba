"""Remove the tokens that other helpers hold for the Hub.

A copy outside huggingface_hub's own files goes stale with the next login, if it is not stale already.
"""

import time
from collections.abc import Iterable

from git_credential_hf.git.config import ConfigEntry, read_config
from git_credential_hf.git.helper_chain import configured_hubs, default_hub
from git_credential_hf.git.other_helpers import (
    HelperError,
    HelperTimeout,
    TokenCopy,
    erase_copy,
    helper_exists,
    origins_set_for,
    other_helpers,
    request_copy,
)
from git_credential_hf.git.urlmatch import url_username
from git_credential_hf.problem import Problem
from git_credential_hf.purge.result import PurgeResult
from git_credential_hf.purge.stale import WhyKept, copies_decider
from git_credential_hf.system import run_each
from git_credential_hf.tokens import current_token

PURGE_TIMEOUT = 60  # seconds for all helpers, if a person waits for it
MAX_COPIES = 16  # for one host and user name in one helper
OUR_USERNAME = "git"
USUAL_USERNAMES = (None, OUR_USERNAME, "hf_user")  # any; in our answers; in huggingface_hub's (docs/facts.md#t3)


def account_usernames() -> tuple[str | None, ...]:
    """Return the user names that a copy may be stored under: the usual ones, those in git's settings, the account's."""
    from git_credential_hf.api.access import whoami

    entries = read_config()
    configured = [entry.value for entry in entries if entry.section == "credential" and entry.name == "username"]
    urls = [entry.value or "" for entry in entries if entry.section == "remote" and entry.name in ("url", "pushurl")]
    names = [*configured, *map(url_username, urls)]
    try:
        token = current_token(default_hub(entries))
        names.append(whoami(token).name if token else None)
    except Problem:
        pass  # the account is unknown
    return (*USUAL_USERNAMES, *(name for name in names if name))


def purge_others(
    entries: list[ConfigEntry], *, dry_run: bool = False, seconds: float = PURGE_TIMEOUT
) -> list[PurgeResult]:
    """Make all other helpers that git could ask for the Hub erase their tokens, except those that may still be needed.

    With `dry_run`, nothing is erased; `kept` is set as it would be otherwise. `seconds` as in `purge_helpers`.
    """
    hubs = configured_hubs(entries)
    why_kept = copies_decider(hubs)
    helpers = [(helper, origins_set_for(helper, entries)) for helper in other_helpers(entries)]
    results = purge_helpers(helpers, account_usernames(), why_kept=None if dry_run else why_kept, seconds=seconds)
    if dry_run:
        for copy in (copy for result in results for copy in result.copies):
            copy.kept = why_kept(copy)
    return results


def purge_helpers(
    helpers: Iterable[tuple[ConfigEntry, list[str]]],
    usernames: tuple[str | None, ...] = USUAL_USERNAMES,
    *,
    path: str = "",
    why_kept: WhyKept | None = None,
    seconds: float = PURGE_TIMEOUT,
) -> list[PurgeResult]:
    """Make each of these helpers erase every secret for its origins of a Hub, and check that it did.

    With `path`, only secrets for that path: without it, an older git-credential-store erases those of all paths.
    `why_kept` returns the reason to keep a copy; without it, all are kept, and helpers are only queried.

    All helpers and hosts run in parallel, as some take seconds to start. After `seconds`, no more requests are made.
    """
    deadline = time.monotonic() + seconds
    results, tasks = [], []
    for helper, origins in helpers:
        results.append(result := PurgeResult(helper))
        tasks += [(result, origin) for origin in (origins if helper_exists(result.helper) else ())]
    if tasks:
        try:
            run_each(lambda task: _purge_origin(*task, usernames, path, why_kept, deadline), tasks)
        except RuntimeError as error:  # no more threads
            raise Problem(f"cannot query git's other helpers: {error}") from None
    return results


def _purge_origin(
    result: PurgeResult,
    origin: str,
    usernames: tuple[str | None, ...],
    path: str,
    why_kept: WhyKept | None,
    deadline: float,
) -> None:
    for username in dict.fromkeys(usernames):
        try:
            _purge_copies(result, origin, username, path, why_kept, deadline)
        except HelperError as error:
            result.failure = str(error)
            result.has_timed_out = result.has_timed_out or isinstance(error, HelperTimeout)
            if error.is_final:
                return


def _purge_copies(
    result: PurgeResult, origin: str, username: str | None, path: str, why_kept: WhyKept | None, deadline: float
) -> None:
    erased: list[TokenCopy] = []
    failure = ""
    for _ in range(MAX_COPIES):
        if time.monotonic() > deadline:
            raise HelperError("there was not enough time to read all of its tokens", is_final=True)
        answer = request_copy(result.helper, origin, username, path)
        if answer is None:
            return
        copy = next((copy for copy in result.copies if copy.is_same(answer)), answer)
        if copy is answer:
            result.copies.append(copy)
        is_erased = copy in erased
        copy.kept = why_kept(copy) if why_kept and not is_erased else None
        copy.is_held = is_erased or why_kept is None or copy.kept is not None
        if copy.is_held:  # kept, or erased without effect, as with `!echo password=...`
            result.failure = result.failure or failure
            return
        failure = erase_copy(result.helper, copy)
        erased.append(copy)
        result.was_erased = True
