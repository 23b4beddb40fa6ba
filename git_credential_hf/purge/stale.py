"""Decide which tokens from other sources are stale: those that allow no more than the current token."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from git_credential_hf.git.config import ConfigEntry, read_config
from git_credential_hf.git.other_helpers import TokenCopy
from git_credential_hf.git.run import git_version
from git_credential_hf.git.urlmatch import section_applies
from git_credential_hf.hub import PUBLIC_HUB, hub_at
from git_credential_hf.login_hints import NOT_LOGGED_IN, login_hint
from git_credential_hf.problem import Problem
from git_credential_hf.state import is_recorded
from git_credential_hf.state_directory import BEARER, cache_directory
from git_credential_hf.tokens import Token, current_token, find_token

if TYPE_CHECKING:
    from git_credential_hf.api.account import Account


WhyKept = Callable[[TokenCopy], Problem | None]


class Decider:
    """Decide which credentials from other sources git can do without.

    An erased token is gone for good, because the Hub shows a token only once. So a token is kept unless it is certainly
    stale. `is_asked`: the user asked for the purge; it is not part of a git command. `find_current` returns the current
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
        self._lock = threading.Lock()  # helpers are queried in parallel, and may hold the same token

    def why_kept(self, secret: str, hub: str) -> Problem | None:
        """Return why a secret for this Hub is kept; `None` if git can do without it.

        It can go if this program has the same token, or if the Hub refuses it. If the user asked for the purge, it can
        also go if the current token is a login of the same account, with a role that includes the other's. If the Hub
        does not report the account or role of either token, it is kept.
        """
        try:
            current = self._find_current(hub)
        except Problem as problem:
            return problem
        if current is None:
            return Problem(NOT_LOGGED_IN, login_hint())
        # A variable may be set for one command only, so its token replaces no other one.
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
            return Problem("the Hub accepts it, and huggingface_hub has no copy of it")
        if reason := why_not_lasting(current):
            return reason
        mine = self._account(current)
        return mine if isinstance(mine, Problem) else why_not_included(theirs, mine)

    def _has_stored(self, secret: str, hub: str) -> bool:
        """Whether the secret is stored under a name, by which git can still get it; never for another Hub."""
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


def why_not_lasting(current: Token) -> Problem | None:
    """Return why the current token may not replace another one for long, or not in git; `None` if it does."""
    if current.kind == "env":
        message = f"{current.place} may be set for this command only"
        return Problem(message, f"run `unset {current.place}` to use your login, then the command again")
    if current.kind != "file":
        return Problem(f"the current token, from {current.where()}, is only temporary")
    if current.expires_at is not None and not current.is_renewable:
        return Problem("the current token expires, and cannot be renewed", login_hint(again=True))
    if is_recorded(BEARER, current.key, cache_directory()) and git_version() < (2, 46):
        return Problem("this git cannot send the current token in the form that the Hub accepts", "upgrade git to 2.46")
    return None


_RANKS = {"read": 0, "write": 1, "god": 2}  # each role includes the lower ones


def why_not_included(theirs: "Account", mine: "Account") -> Problem | None:
    """Return why one token may allow more than the current one; `None` if it does not."""
    if theirs.name != mine.name:
        return Problem(f"it belongs to {theirs.name}, and the current token to {mine.name}")
    rank, limit = _RANKS.get(theirs.role or ""), _RANKS.get(mine.role or "")
    if rank is None or limit is None or rank > limit:
        roles = f"its role is '{theirs.role or 'unknown'}', the current token's is '{mine.role or 'unknown'}'"
        return Problem(f"it may allow more than the current token: {roles}")
    return None


def refuse_without_token(hub: str) -> None:
    """Raise `Problem` if there is no current token: other helpers may hold the only token that works."""
    if current_token(hub) is None:
        raise Problem(
            f"{NOT_LOGGED_IN}, so a token in git's other helpers may be the only one that works", login_hint()
        )


def copies_decider(hubs: list[str]) -> WhyKept:
    """Return a function that decides about other helpers' copies for these Hubs, after the user asked for a purge."""
    decider = Decider(is_asked=True)
    entries = read_config()

    def why_kept(copy: TokenCopy) -> Problem | None:
        return why_path_kept(copy, entries) or decider.why_kept(copy.secret, hub_at(copy.origin, hubs) or PUBLIC_HUB)

    return why_kept


def why_path_kept(copy: TokenCopy, entries: list[ConfigEntry]) -> Problem | None:
    """Return why a copy is kept if a helper may hold others for other paths: older helpers would erase these, too."""
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
    message = "with credential.useHttpPath, erasing it could erase the helper's tokens for other paths, too"
    return Problem(message, "remove it from that helper by hand")
