"""Remove the tokens that other helpers hold for the Hub.

Every copy outside of huggingface_hub's own files is stale: now, or after the next login.
"""

import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from git_credential_hf.git.config import ConfigEntry, read_config
from git_credential_hf.git.helpers import (
    configured_hubs,
    default_hub,
    helper_chain,
    is_our_helper,
    is_program_path,
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
from git_credential_hf.git.run import git_version
from git_credential_hf.git.urlmatch import section_applies, section_origin, url_username
from git_credential_hf.hub import PUBLIC_HUB, hub_at, hub_origins, origins_of
from git_credential_hf.masking import mask_token
from git_credential_hf.problem import NOT_LOGGED_IN, Problem, report, shell_command, trace
from git_credential_hf.state import (
    BEARER,
    LOOKED,
    LOOKED_FOR,
    REFUSED_FOR,
    REJECTED,
    cache_directory,
    is_recorded,
    record,
)
from git_credential_hf.system import run_each
from git_credential_hf.token_files import login_hint
from git_credential_hf.tokens import Token, current_token, find_token

if TYPE_CHECKING:
    from git_credential_hf.api.account import Account

PURGE_TIMEOUT = 18  # seconds for all other helpers together, while git waits
MAX_COPIES = 16  # for one host and user name in one helper
OUR_USERNAME = "git"
USUAL_USERNAMES = (None, OUR_USERNAME, "hf_user")  # any; the one in our answers; huggingface_hub's (docs/facts.md#t3)


WhyKept = Callable[[TokenCopy], Problem | None]


class PurgeResult:
    """What another helper holds, or held, for the Hub."""

    def __init__(self, helper: ConfigEntry) -> None:
        self.helper = helper.value or ""
        self.origin = helper.origin
        self.copies: list[TokenCopy] = []
        self.was_erased = False  # any of them
        self.failure = ""  # why it is unknown whether there are more
        self.has_timed_out = False

    @property
    def shown(self) -> str:
        """The helper as it may be shown: its value may be a shell command with a password in it."""
        return shown_helper(self.helper)

    @property
    def state(self) -> str:
        """`clean`, `purged`, `held` or `unknown`, as in `purge --json`."""
        if any(copy.is_held for copy in self.copies):
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
_UNIX_STORE = "run `pass rm` with the entry that git-pass-mapping.ini has for huggingface.co"
_KEYRING = "open your keyring (Passwords and Keys, or KWallet), and delete the entries for huggingface.co"
# Git Credential Manager uses the system's store, too.
_REMEDIES = {
    **dict.fromkeys([(name, "darwin") for name in ("osxkeychain", "manager", "manager-core")], _KEYCHAIN),
    **dict.fromkeys([(name, "win32") for name in ("wincred", "manager", "manager-core")], _WINDOWS),
    ("libsecret", "linux"): _KEYRING,
    **dict.fromkeys([("pass-git-helper", platform) for platform in ("linux", "darwin")], _UNIX_STORE),
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


class Decider:
    """Decide which credentials that git has from elsewhere it can do without.

    What is erased elsewhere is gone for good: the Hub shows a token once. So whatever is not known beyond doubt to be
    stale stays. `is_asked`: somebody wants it to be erased; a git command does not. `find_current` returns the current
    token for a Hub; `whose` is a cached `whoami`, if the caller has one.
    """

    def __init__(
        self,
        *,
        is_asked: bool,
        find_current: Callable[[str], Token | None] = current_token,
        whose: "Callable[[Token], Account] | None" = None,
    ) -> None:
        self._is_asked = is_asked
        self._find_current = find_current
        self._whose = whose
        self._known: dict[str, Account | Problem] = {}
        self._lock = threading.Lock()  # helpers are asked in parallel, and hold the same token

    def why_kept(self, secret: str, hub: str) -> Problem | None:
        """Return why a secret for this Hub stays, `None` if git can do without it.

        It goes if this program has the same one, or if the Hub refuses it. If somebody wants it to, it also goes if the
        current token is a login's of the same account, and its role includes the other's. What is not known of either,
        because the Hub does not say, decides for it to stay.
        """
        try:
            current = self._find_current(hub)
        except Problem as problem:
            return problem
        if current is None:
            return Problem(NOT_LOGGED_IN, login_hint())
        # A variable may be set for one command: it takes no place but that of its own value.
        is_login = current.kind != "env"
        if secret == current.value:
            return None
        if self._has_stored(secret, hub) and (is_login or self._is_asked):
            mine = self._account(current) if self._is_asked else None
            return mine if isinstance(mine, Problem) and _is_refused(mine) else None
        theirs = self._account(Token(secret, "helper", "another helper", hub=hub))
        if isinstance(theirs, Problem):
            return None if _is_refused(theirs) else theirs
        if not self._is_asked:
            return Problem("the Hub accepts it, and it is not stored here")
        if reason := _why_not_lasting(current):
            return reason
        mine = self._account(current)
        return mine if isinstance(mine, Problem) else why_not_included(theirs, mine)

    def _has_stored(self, secret: str, hub: str) -> bool:
        """Whether this program has the secret under a name, by which git can still get it: for no other Hub."""
        return hub == PUBLIC_HUB and find_token(secret, None, hub) is not None

    def _account(self, token: Token) -> "Account | Problem":
        from git_credential_hf.api.access import whoami

        with self._lock:
            if token.key not in self._known:
                try:
                    self._known[token.key] = (self._whose or whoami)(token)
                except Problem as problem:
                    self._known[token.key] = problem
            return self._known[token.key]


def _is_refused(problem: Problem) -> bool:
    from git_credential_hf.api.refusals import Refused

    return isinstance(problem, Refused)


def _why_not_lasting(current: Token) -> Problem | None:
    """Return why the current token may not do for long, or not in git, what another one does."""
    if current.kind == "env":
        message = f"{current.place} may be set for this command only"
        return Problem(message, f"run `unset {current.place}` to use your login, then the command again")
    if current.kind != "file":
        return Problem(f"the current token, from {current.where()}, is for a while only")
    if current.expires_at is not None and not current.is_renewable:
        return Problem("the current token expires, and cannot be renewed", login_hint(again=True))
    if is_recorded(BEARER, current.key, cache_directory()) and git_version() < (2, 46):
        return Problem("this git cannot send the current token as the Hub takes it", "update git to 2.46")
    return None


_RANKS = {"read": 0, "write": 1, "god": 2}  # what one of these roles may do, each higher one may


def why_not_included(theirs: "Account", mine: "Account") -> Problem | None:
    """Return why one token may do what the current one may not; `None` if it may not."""
    if theirs.name != mine.name:
        return Problem(f"it belongs to {theirs.name}, and the current token to {mine.name}")
    rank, limit = _RANKS.get(theirs.role or ""), _RANKS.get(mine.role or "")
    if rank is None or limit is None or rank > limit:
        roles = f"its role is '{theirs.role or 'unknown'}', that of the current token '{mine.role or 'unknown'}'"
        return Problem(f"it may do what the current token may not: {roles}")
    return None


def refuse_without_token(hub: str) -> None:
    """Raise `Problem` if there is no current token: what other helpers hold may be all that works."""
    if current_token(hub) is None:
        raise Problem(f"{NOT_LOGGED_IN}: what git's other helpers hold may be all that works", login_hint())


def copies_decider(hubs: list[str]) -> WhyKept:
    """Return the function that decides about what other helpers hold for these Hubs, as somebody wants it erased."""
    decider = Decider(is_asked=True)
    entries = read_config()

    def why_kept(copy: TokenCopy) -> Problem | None:
        return why_path_kept(copy, entries) or decider.why_kept(copy.secret, hub_at(copy.origin, hubs) or PUBLIC_HUB)

    return why_kept


def why_path_kept(copy: TokenCopy, entries: list[ConfigEntry]) -> Problem | None:
    """Return why a copy stays that may be one of several, for a path each, which an older helper erases together."""
    paths = [
        e
        for e in entries
        if (e.section, e.name) == ("credential", "usehttppath") and "git-credential-hf/" not in e.origin
    ]
    sends = [
        (e.value or "true").lower() in ("true", "yes", "on", "1")
        for e in paths
        if section_applies(e.subsection, copy.origin)
    ]
    if copy.path or sends[-1:] != [True]:
        return None
    message = "with credential.useHttpPath, the helper may hold others for the same user name, and erase them as well"
    return Problem(message, "remove it from that helper by hand")


def report_kept(results: list[PurgeResult]) -> None:
    """Warn of what helpers were not told to erase: why, and how a person can remove it."""
    for result in results:
        for copy in result.copies:
            if copy.kept is None:
                continue
            report("warning", f"{result.shown} keeps {mask_token(copy.secret)} for {copy.origin}: {copy.kept.message}")
            if hint := copy.kept.fix or _removal(result.helper, copy) or result.remedy():
                report("hint", hint)


def _removal(helper: str, copy: TokenCopy) -> str | None:
    """Return how a person lets a helper erase a copy, if that can be shown: the helper's command may have a secret."""
    is_shown = shown_helper(helper) == helper and copy.shown_username == copy.username
    if not is_shown or helper.startswith("!") or is_program_path(helper):
        return None
    protocol, _, host = copy.origin.partition("://")
    attributes = [f"protocol={protocol}", f"host={host}", *([f"username={copy.username}"] if copy.username else [])]
    lines = shell_command(["printf", r"%s\n", *attributes, ""])
    return f"to remove it all the same, run `{lines} | git credential-{helper} erase`"


def purge_others(entries: list[ConfigEntry], *, dry_run: bool = False) -> list[PurgeResult]:
    """Let all other helpers that git could ask for the Hub erase what they hold, but what may be all that works.

    With `dry_run` nothing is erased; the copies that would stay have the reason in `kept`, too.
    """
    hubs = configured_hubs(entries)
    why_kept = copies_decider(hubs)
    results = purge_helpers(
        other_helpers(entries), hub_origins(hubs), account_usernames(), why_kept=None if dry_run else why_kept
    )
    if dry_run:
        for copy in (copy for result in results for copy in result.copies):
            copy.kept = why_kept(copy)
    return results


def purge_helpers(
    helpers: list[ConfigEntry],
    origins: list[str],
    usernames: tuple[str | None, ...] = USUAL_USERNAMES,
    *,
    path: str = "",
    why_kept: WhyKept | None = None,
    seconds: float = 60,
) -> list[PurgeResult]:
    """Let these helpers erase every secret for these origins of a Hub, and check that they did.

    With a `path`, only what they hold for that: an older git-credential-store erases those of all paths otherwise.
    `why_kept` may let a copy stay, with a reason; without it, all stay, and helpers are only asked what they have.

    All helpers and hosts at the same time, as some take seconds to start. After `seconds`, no more requests are made.
    """
    deadline = time.monotonic() + seconds
    results = [PurgeResult(helper) for helper in helpers]
    tasks = [(result, origin) for result in results if helper_exists(result.helper) for origin in origins]
    if tasks:
        try:
            run_each(lambda task: _purge_origin(*task, usernames, path, why_kept, deadline), tasks)
        except RuntimeError as error:  # no more threads
            raise Problem(f"cannot ask git's other helpers: {error}") from None
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
            raise HelperError("not enough time to ask it for more", is_final=True)
        answer = request_copy(result.helper, origin, username, path)
        if answer is None:
            return
        copy = next((copy for copy in result.copies if copy.is_same(answer)), answer)
        if copy is answer:
            result.copies.append(copy)
        is_erased = copy in erased
        copy.kept = why_kept(copy) if why_kept and not is_erased else None
        copy.is_held = is_erased or why_kept is None or copy.kept is not None
        if copy.is_held:  # erasing it may have had no effect, as for `!echo password=...`
            result.failure = result.failure or failure
            return
        failure = erase_copy(result.helper, copy)
        erased.append(copy)
        result.was_erased = True


# --- while git waits ---


def purge_chain(
    chain: list[ConfigEntry], origin: str, hub: str, current: Token, used: TokenCopy, *, was_stored: bool
) -> None:
    """Remove stale copies from the other helpers of a chain, after git has `used` a credential.

    `was_stored`: git has just told all helpers to store it. A helper may take seconds for each answer, so it is asked
    once an hour, and after that only made to forget what git has told it of ours. git tells those after us later.
    """
    ours = next((at for at, entry in enumerate(chain) if is_our_helper(entry.value or "")), len(chain))
    others = {entry.value: entry for entry in chain if not is_our_helper(entry.value or "")}
    before = [entry.value for entry in chain[:ours]]
    is_told = was_stored and find_token(used.secret, None, hub) is not None

    def key(state: str, entry: ConfigEntry) -> str:
        what = ("store" if was_stored else "erase", origin, used.path, used.username, used.secret, current.key)
        return "\n".join((state, entry.value or "", *what))

    tellers = [entry for entry in others.values() if is_recorded(LOOKED, key(_FORGETS, entry))]
    new = [entry for entry in others.values() if entry not in tellers and not is_recorded(LOOKED, key(_DONE, entry))]
    decider = Decider(is_asked=False, find_current=lambda _: current)

    def why_kept(copy: TokenCopy) -> Problem | None:
        # What git tells others of ours has our user name: another entry was there before, and may be needed after.
        if current.kind == "env" and copy.secret == current.value and copy.username != OUR_USERNAME:
            return _why_not_lasting(current)
        return decider.why_kept(copy.secret, hub)

    results = purge_helpers(
        new,
        origins_of(hub),
        (None, used.username or None),  # without one, a helper returns whatever it has
        path=used.path,
        why_kept=why_kept,
        seconds=PURGE_TIMEOUT,
    )
    for entry, result in zip(new, results, strict=True):
        trace(f"{result.shown}: {result.state} {[mask_token(copy.secret) for copy in result.copies]} {result.failure}")
        are_held = [copy.is_held for copy in result.copies if copy.secret == used.secret]
        holds_it = True in are_held
        if False in are_held and used.secret != current.value:
            record(REJECTED, hub, REFUSED_FOR)  # git goes on with it, which the hook of a push cannot see
        forgets = is_told and entry.value in before and not holds_it and not result.has_timed_out
        record(LOOKED, key(_FORGETS if forgets else _DONE, entry), LOOKED_FOR)
    run_each(lambda entry: _take_back(entry.value or "", used), tellers)


_DONE, _FORGETS = "done", "forgets"


def _take_back(helper: str, told: TokenCopy) -> None:
    """Let a helper erase what git has told it, which is the current token or another one of ours."""
    try:
        held = request_copy(helper, told.origin, told.username or None, told.path)
        if held is not None and held.secret == told.secret:
            erase_copy(helper, held)
    except HelperError as error:
        trace(f"{shown_helper(helper)}: {error}")
