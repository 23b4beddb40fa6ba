"""Remove stale tokens from the other helpers in git's chain, during a git command."""

from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.git.helper_chain import is_our_helper, shown_helper
from git_credential_hf.git.other_helpers import HelperError, TokenCopy, erase_copy, request_copy
from git_credential_hf.hub import origins_of
from git_credential_hf.masking import mask_token
from git_credential_hf.problem import Problem
from git_credential_hf.purge import OUR_USERNAME, purge_helpers
from git_credential_hf.purge.stale import Decider, why_not_lasting
from git_credential_hf.report import trace
from git_credential_hf.state import LOOKED, LOOKED_FOR, REFUSED_FOR, REJECTED, is_recorded, record
from git_credential_hf.system import run_each
from git_credential_hf.tokens import Token, find_token

CHAIN_TIMEOUT = 18  # seconds for all other helpers together, while git waits


def purge_chain(
    chain: list[ConfigEntry], origin: str, hub: str, current: Token, used: TokenCopy, *, was_stored: bool
) -> None:
    """Remove stale copies from the other helpers of a chain, after git has `used` a credential.

    `was_stored`: git has just told all helpers to store it. A helper may take seconds for each answer, so it is queried
    once an hour, and in between only erases the token that git gave it. Helpers after ours get the token later.
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
        # git stores our token under our user name: an entry for another name was there before, and may be needed.
        if current.kind == "env" and copy.secret == current.value and copy.username != OUR_USERNAME:
            return why_not_lasting(current)
        return decider.why_kept(copy.secret, hub)

    results = purge_helpers(
        ((entry, origins_of(hub)) for entry in new),
        (None, used.username or None),  # without a user name, a helper returns any entry
        path=used.path,
        why_kept=why_kept,
        seconds=CHAIN_TIMEOUT,
    )
    for entry, result in zip(new, results, strict=True):
        trace(f"{result.shown}: {result.state} {[mask_token(copy.secret) for copy in result.copies]} {result.failure}")
        are_held = [copy.is_held for copy in result.copies if copy.secret == used.secret]
        holds_it = True in are_held
        if False in are_held and used.secret != current.value:
            record(REJECTED, hub, REFUSED_FOR)  # this git command goes on with it, unknown to its pre-push hook
        forgets = is_told and entry.value in before and not holds_it and not result.has_timed_out
        record(LOOKED, key(_FORGETS if forgets else _DONE, entry), LOOKED_FOR)
    run_each(lambda entry: _take_back(entry.value or "", used), tellers)


_DONE, _FORGETS = "done", "forgets"


def _take_back(helper: str, told: TokenCopy) -> None:
    """Make a helper erase the token that git told it to store, which is one of ours."""
    try:
        held = request_copy(helper, told.origin, told.username or None, told.path)
        if held is not None and held.secret == told.secret:
            erase_copy(helper, held)
    except HelperError as error:
        trace(f"{shown_helper(helper)}: {error}")
