"""Remove the tokens that other helpers hold for the Hub.

Every copy outside of huggingface_hub's own files is stale: now, or after the next login.
"""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from git_credential_hf.git.config import ConfigEntry, read_config
from git_credential_hf.git.helpers import (
    configured_hubs,
    default_hub,
    helper_chain,
    is_our_helper,
    shown_helper,
    split_command,
)
from git_credential_hf.git.other_helpers import (
    HelperError,
    HelperTimeout,
    TokenCopy,
    erase_copy,
    helper_exists,
    request_copy,
)
from git_credential_hf.git.urlmatch import section_applies, section_origin, url_username
from git_credential_hf.hub import hub_origins
from git_credential_hf.masking import mask_token
from git_credential_hf.owners import known_names
from git_credential_hf.problem import NOT_LOGGED_IN, Problem
from git_credential_hf.system import run_each
from git_credential_hf.token_files import login_hint
from git_credential_hf.tokens import Token, current_token, find_token

if TYPE_CHECKING:
    from git_credential_hf.api.account import Account

MAX_COPIES = 16  # for one host and user name in one helper
USUAL_USERNAMES = (None, "git", "hf_user")  # any; the one in our answers; huggingface_hub's (docs/facts.md#t3)


class PurgeResult:
    """What another helper holds, or held, for the Hub."""

    def __init__(self, helper: ConfigEntry) -> None:
        self.helper = helper.value or ""
        self.origin = helper.origin
        self.copies: list[TokenCopy] = []
        self.was_erased = False  # any of them
        self.is_held = False  # any of them, still
        self.failure = ""  # why it is unknown whether there are more
        self.has_timed_out = False

    @property
    def shown(self) -> str:
        """The helper as it may be shown: its value may be a shell command with a password in it."""
        return shown_helper(self.helper)

    @property
    def state(self) -> str:
        """`clean`, `purged`, `held` or `unknown`, as in `purge --json`."""
        if self.is_held:
            return "held"
        return "unknown" if self.failure else "purged" if self.was_erased else "clean"

    def as_json(self) -> dict[str, object]:
        """Return the object that `purge --json` prints."""
        entries = [{"host": c.origin, "username": c.shown_username, "shown": mask_token(c.secret)} for c in self.copies]
        return {"helper": self.shown, "origin": self.origin, "state": self.state, "entries": entries}

    def remedy(self) -> str | None:
        """Return how a person can delete what it holds, if the system has a program for that."""
        platform = "win32" if ".exe" in self.helper else sys.platform  # a Windows program in WSL, too
        return _REMEDIES.get((_name(self.helper), platform)) if self.state in ("held", "unknown") else None


_KEYCHAIN = "open Keychain Access, and delete the entries for huggingface.co"
_WINDOWS = "open Windows Credential Manager (`control keymgr.dll`), and remove the entries git:https://huggingface.co"
_KEYRING = "open your keyring (Passwords and Keys, or KWallet), and delete the entries for huggingface.co"
# Git Credential Manager uses the system's store, too.
_REMEDIES = {
    **dict.fromkeys([(name, "darwin") for name in ("osxkeychain", "manager", "manager-core")], _KEYCHAIN),
    **dict.fromkeys([(name, "win32") for name in ("wincred", "manager", "manager-core")], _WINDOWS),
    ("libsecret", "linux"): _KEYRING,
}


def _name(helper: str) -> str:
    """Return the short name of a helper: `manager` for `/usr/local/bin/git-credential-manager`."""
    program = (split_command(helper) or [""])[0].rpartition("/")[2]
    return program.removeprefix("git-credential-").removesuffix(".exe")


def other_helpers(entries: list[ConfigEntry]) -> list[ConfigEntry]:
    """Return the other helpers that git may ask for a Hub token, each once, even if an empty value resets them."""
    helpers: dict[str, ConfigEntry] = {}
    origins = hub_origins(configured_hubs(entries))
    for entry in entries:
        if entry.is_helper() and entry.value and not is_our_helper(entry.value) and _is_for_a_hub(entry, origins):
            helpers.setdefault(entry.value, entry)
    return list(helpers.values())


def _is_for_a_hub(entry: ConfigEntry, origins: list[str]) -> bool:
    # A section for a user name or a path counts: git asks its helper about those.
    return section_origin(entry.subsection) in origins or any(
        section_applies(entry.subsection, origin) for origin in origins
    )


def origins_asked_for(helper: ConfigEntry, entries: list[ConfigEntry]) -> list[str]:
    """Return the origins of a Hub for which git asks a helper: not those for which an empty value resets the list."""

    def is_asked(entry: ConfigEntry, origin: str) -> bool:
        url = origin if section_applies(entry.subsection, origin) else entry.subsection  # of a user name, or a path
        return section_origin(url) == origin and entry in helper_chain(url, entries)

    named = [entry for entry in entries if entry.is_helper() and entry.value == helper.value]
    origins = hub_origins(configured_hubs(entries))
    return [origin for origin in origins if any(is_asked(entry, origin) for entry in named)]


def account_usernames() -> tuple[str | None, ...]:
    """Return the user names that a copy may be stored for: the usual ones, those in git's settings, the account's."""
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


def is_replaceable(
    copy: TokenCopy, hub: str, *, current: Token | None = None, whose: "Callable[[Token], Account] | None" = None
) -> bool:
    """Whether git can do without what another helper holds, because this one gives the same, or what takes its place.

    A program may have stored it as the token of the login, whose place each later login takes.
    """
    if find_token(copy.secret, None, hub) is not None:
        return True
    is_login = copy.username in USUAL_USERNAMES
    return is_superseded(copy.secret, hub, is_login=is_login, current=current, whose=whose)


def is_superseded(
    secret: str,
    hub: str,
    *,
    is_login: bool = False,
    current: Token | None = None,
    whose: "Callable[[Token], Account] | None" = None,
) -> bool:
    """Whether the current token of a Hub does what a secret for it does that git has from elsewhere.

    The current token must be valid, and of the same account, unless the Hub refuses the other, or it `is_login`.
    `current` and `whose` are the current token and a cached `whoami`, if the caller has them.
    """
    from git_credential_hf.api.access import whoami
    from git_credential_hf.api.refusals import Refused

    whose = whose or whoami
    other = Token(secret, "helper", "another helper", hub=hub)
    try:
        token = current or current_token(hub, act=False)
        if token is None:
            return False
        if token.value == secret:
            return True
        if _is_known_to_differ(token, other, is_login):
            return False  # without a request: git waits for this in each command
        account = whose(token).name
    except Problem:
        return False
    if is_login:
        return True
    try:
        return whose(other).name == account
    except Refused:
        return True
    except Problem:
        return False


def _is_known_to_differ(token: Token, other: Token, is_login: bool) -> bool:
    """Whether the Hub has said before that the current token is bad, or that the other is of another account."""
    mine, theirs = known_names(token)[:1], known_names(other)[:1]
    if mine == ["-"]:
        return True
    return not is_login and bool(mine and theirs) and theirs not in (mine, ["-"])


def refuse_without_token(hub: str) -> None:
    """Raise `Problem` if there is no valid current token: what other helpers hold may be all that works."""
    from git_credential_hf.api.access import whoami
    from git_credential_hf.api.client import Unreachable

    token = current_token(hub)
    if token is None:
        raise Problem(f"{NOT_LOGGED_IN}: what git's other helpers hold may be all that works", login_hint())
    try:
        whoami(token)
    except Unreachable:
        pass  # nothing says that it is bad


def purge_helpers(
    helpers: list[ConfigEntry],
    origins: list[str],
    usernames: tuple[str | None, ...] = USUAL_USERNAMES,
    *,
    dry_run: bool = False,
    may_erase: Callable[[TokenCopy], bool] = lambda _: True,
    seconds: float = 60,
) -> list[PurgeResult]:
    """Let these helpers erase every secret for these origins of a Hub, and check that they did.

    With `dry_run`, only look; `may_erase` may let a copy stay.

    All helpers and hosts at the same time, as some take seconds to start. After `seconds`, no more requests are made.
    """
    deadline = time.monotonic() + seconds
    results = [PurgeResult(helper) for helper in helpers]
    tasks = [(result, origin) for result in results if helper_exists(result.helper) for origin in origins]
    if tasks:
        try:
            run_each(
                lambda task: _purge_origin(*task, usernames, may_erase if not dry_run else lambda _: False, deadline),
                tasks,
            )
        except RuntimeError as error:  # no more threads
            raise Problem(f"cannot ask git's other helpers: {error}") from None
    return results


def _purge_origin(
    result: PurgeResult,
    origin: str,
    usernames: tuple[str | None, ...],
    may_erase: Callable[[TokenCopy], bool],
    deadline: float,
) -> None:
    for username in dict.fromkeys(usernames):
        try:
            _purge_copies(result, origin, username, may_erase, deadline)
        except HelperError as error:
            result.failure = str(error)
            result.has_timed_out = result.has_timed_out or isinstance(error, HelperTimeout)
            if error.is_final:
                return


def _purge_copies(
    result: PurgeResult, origin: str, username: str | None, may_erase: Callable[[TokenCopy], bool], deadline: float
) -> None:
    erased: set[tuple[str, str]] = set()
    failure = ""
    for _ in range(MAX_COPIES):
        if time.monotonic() > deadline:
            raise HelperError("not enough time to ask it for more", is_final=True)
        copy = request_copy(result.helper, origin, username)
        if copy is None:
            return
        if not any((origin, copy.username, copy.secret) == (c.origin, c.username, c.secret) for c in result.copies):
            result.copies.append(copy)
        if (copy.username, copy.secret) in erased or not may_erase(copy):
            result.is_held = True  # erasing it had no effect, as for `!echo password=...`
            result.failure = result.failure or failure
            return
        failure = erase_copy(result.helper, copy)
        erased.add((copy.username, copy.secret))
        result.was_erased = True
