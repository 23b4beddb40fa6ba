"""Which tokens other helpers hold for the Hub, and how they are removed.

Every secret for the Hub outside of huggingface_hub's own files is stale: now, or after the next login.
"""

import time

from git_credential_hf.git.config import ConfigEntry, read_config
from git_credential_hf.git.helpers import is_our_helper
from git_credential_hf.git.other_helpers import (
    HelperFailed,
    HelperTimeout,
    Holder,
    ask_helper,
    erase_from_helper,
    helper_exists,
)
from git_credential_hf.git.urlmatch import section_applies, section_origin, url_username
from git_credential_hf.hub import exclusive_origins, hub_origins
from git_credential_hf.problem import Problem
from git_credential_hf.system import run_each
from git_credential_hf.tokens import current_token

MAX_COPIES = 16  # of one host and user name in one helper
REJECTED = "rejected"  # the state that names an origin whose stale token another helper has just given to git
USUAL_USERNAMES = (None, "git", "hf_user")  # whichever it has; ours; huggingface_hub's (docs/facts.md#t3)


def other_helpers(entries: list[ConfigEntry]) -> list[ConfigEntry]:
    """Return the other helpers that git may ask for a Hub token, each once, even if an empty value resets them."""
    found: dict[str, ConfigEntry] = {}
    for entry in entries:
        if entry.is_helper() and entry.value and not is_our_helper(entry.value) and _concerns_the_hub(entry):
            found.setdefault(entry.value, entry)
    return list(found.values())


def _concerns_the_hub(entry: ConfigEntry) -> bool:
    # A section for one user, or for a path, counts: git asks the helper about those.
    is_the_hubs = section_origin(entry.subsection) in hub_origins()
    return is_the_hubs or any(section_applies(entry.subsection, origin) for origin in hub_origins())


def account_usernames() -> tuple[str | None, ...]:
    """Return the user names under which a token may be held: the usual ones, those in git's settings, the account's."""
    from git_credential_hf.api.access import whoami

    entries = read_config()
    configured = [entry.value for entry in entries if entry.section == "credential" and entry.name == "username"]
    urls = [entry.value or "" for entry in entries if entry.section == "remote" and entry.name in ("url", "pushurl")]
    found = [*configured, *map(url_username, urls)]
    try:
        token = current_token()
        found.append(whoami(token).name if token else None)
    except Problem:
        pass  # then the account is not known
    return (*USUAL_USERNAMES, *(name for name in found if name))


def purge_helpers(
    helpers: list[ConfigEntry],
    usernames: tuple[str | None, ...] = USUAL_USERNAMES,
    *,
    dry_run: bool = False,
    seconds: float = 60,
) -> list[Holder]:
    """Let these helpers erase every secret for a Hub host, and check that they did; with `dry_run`, only look.

    All helpers and hosts at the same time: some take seconds to start. After `seconds`, nothing more is asked.
    """
    deadline = time.monotonic() + seconds
    holders = [Holder(helper) for helper in helpers]
    origins = exclusive_origins()  # a host that is shared with another service may have its own secrets
    questions = [(holder, origin) for holder in holders if helper_exists(holder.helper) for origin in origins]
    if questions:
        try:
            run_each(lambda asked: _reject(*asked, usernames, dry_run, deadline), questions)
        except RuntimeError as error:  # no more threads
            raise Problem(f"cannot ask git's other helpers: {error}") from None
    return holders


def _reject(holder: Holder, origin: str, usernames: tuple[str | None, ...], dry_run: bool, deadline: float) -> None:
    for username in dict.fromkeys(usernames):
        try:
            _reject_all(holder, origin, username, dry_run, deadline)
        except HelperFailed as unknown:
            holder.why = str(unknown)
            holder.has_no_answer = holder.has_no_answer or isinstance(unknown, HelperTimeout)
            if unknown.is_final:
                return


def _reject_all(holder: Holder, origin: str, username: str | None, dry_run: bool, deadline: float) -> None:
    erased: set[tuple[str, str]] = set()
    failure = ""
    for _ in range(MAX_COPIES):
        if time.monotonic() > deadline:
            raise HelperFailed("there was no time left to ask it for more", is_final=True)
        copy = ask_helper(holder.helper, origin, username)
        if copy is None:
            return
        if not any((origin, copy.username, copy.secret) == (c.origin, c.username, c.secret) for c in holder.copies):
            holder.copies.append(copy)
        if dry_run or (copy.username, copy.secret) in erased:
            holder.holds_still = True  # although it was told to erase it: an `!echo password=...`, say
            holder.why = holder.why or failure
            return
        failure = erase_from_helper(holder.helper, copy)
        erased.add((copy.username, copy.secret))
        holder.has_erased = True
