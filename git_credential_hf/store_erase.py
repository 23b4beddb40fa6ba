"""Answer `store` and `erase`, with which git reports whether a credential has worked (gitcredentials(7))."""

from git_credential_hf.hub import requested_hub, requested_origin
from git_credential_hf.problem import Problem
from git_credential_hf.state import (
    CONFIRMED,
    REFUSED_AGAIN_WITHIN,
    REFUSED_FOR,
    REJECTED,
    discard_record,
    is_recorded,
    record,
)
from git_credential_hf.state_directory import REFUSED
from git_credential_hf.tokens import (
    FROM_EXCHANGE,
    Token,
    choose_publisher,
    current_token,
    find_token,
    renew_token,
)

MAX_REFUSALS_OF_A_GOOD_ONE = 5  # in as many different seconds of half a minute, before it is held back for a moment
MAX_REFUSALS_WITHOUT_REASON = 3  # within seconds, if the Hub does not report whether the token is good
TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it at run time would delay `store`
    from git_credential_hf.protocol import Request

_SUSPECT = "suspect"  # state: tokens that were refused a moment ago, but may be good


def store(request: "Request", name: str | None = None, other_hub: str | None = None) -> None:
    """Store nothing, and remove the token that git has just given other helpers to store.

    A credential of another helper that has just worked is kept unless huggingface_hub has stored it, too: it may be the
    only one that works.
    """
    hub = requested_hub(request.protocol, request.host, other_hub)
    if hub is not None and request.secret:
        if name is None:
            choose_publisher(request.path_text, hub, act=False)
        _purge_chain(hub, request, name, was_stored=True)


def erase(request: "Request", name: str | None = None, other_hub: str | None = None) -> None:
    """Find out why the Hub refused a token, renew it if possible, and report a fix; never delete it."""
    hub = requested_hub(request.protocol, request.host, other_hub)
    if hub is None or not request.secret:
        return  # `hf auth logout` sends no secret
    if name is None:
        choose_publisher(request.path_text, hub, act=False)
    _purge_chain(hub, request, name, was_stored=False)  # git itself makes them erase this one, for one user name
    token = find_token(request.secret, name, hub)
    if token is None:
        return
    discard_record(CONFIRMED)
    refused = f"the Hub refused the {'expired ' if token.is_expired() else ''}token {token.describe()}"
    from git_credential_hf.api.access import explain_refusal
    from git_credential_hf.report import report

    refusal = explain_refusal(token, request.path)
    problem = refusal.problem
    if not refusal.is_good and renew_token(token):
        report("error", refused)
        report("hint", "the token has been renewed: run the command again")
        return
    _hold_back(token, refusal.is_good)
    if refusal.is_good is False:
        from git_credential_hf.helper import is_replaceable, offer_requested_login

        has_logged_in = offer_requested_login(token, request, hub) if is_replaceable(token, name) else None
        if has_logged_in:
            report("hint", "you are logged in: if git has failed, run the command again")
        if has_logged_in is not None:
            return  # the reason is on the terminal
    if refusal.is_good and refusal.has_access is not False and token.value.startswith(FROM_EXCHANGE):
        from git_credential_hf.bearer import change_authtype

        problem = change_authtype(token, request) or problem
    if problem is None or token.describe() not in problem.message:
        report("error", refused)  # otherwise, the reason already names the token
    if problem:
        report("error", problem.message)
    report("hint", problem.fix if problem and problem.fix else token.remedy())


def _hold_back(token: Token, is_good: bool | None) -> None:
    """Hold back a token that the Hub reports as bad, or that is refused repeatedly within seconds.

    `is_good`: the Hub's answer, `None` if unknown. A good token may have been refused by a proxy, or by mistake.
    """
    key = token.key
    if is_good is False:
        _refuse(token)
        return
    import time

    # git-lfs before 3.8 would retry forever if one route of the Hub refused a good token. But its transfers are
    # parallel: all refusals within the same second count as one mistake of the Hub.
    now = int(time.time())
    limit, marks = MAX_REFUSALS_OF_A_GOOD_ONE, range(now - REFUSED_FOR, now + 1)
    if is_good is None:
        limit, marks = MAX_REFUSALS_WITHOUT_REASON, range(MAX_REFUSALS_WITHOUT_REASON - 1)
    seen = [mark for mark in marks if is_recorded(_SUSPECT, f"{key} {mark}")]
    new = now if is_good else len(seen)
    if len({*seen, new}) >= limit and is_good:
        record(REFUSED, key, REFUSED_AGAIN_WITHIN)
    elif len({*seen, new}) >= limit:
        _refuse(token)
    elif not record(_SUSPECT, f"{key} {new}", REFUSED_FOR if is_good else REFUSED_AGAIN_WITHIN) or (is_good and seen):
        time.sleep(1)  # slow down a program that would otherwise retry 85 times a second


def _refuse(token: Token) -> None:
    from git_credential_hf.trusted_publishers import delay_exchange

    record(REFUSED, token.key, REFUSED_FOR)
    delay_exchange(token, REFUSED_FOR)


def _purge_chain(hub: str, request: "Request", name: str | None, *, was_stored: bool) -> None:
    """Remove stale copies from the other helpers in git's chain, if there is a current token."""
    from git_credential_hf.git.helper_chain import helper_chain, is_our_helper, read_helper_entries

    origin = requested_origin(request.protocol, request.host) or hub
    chain = helper_chain(origin, read_helper_entries())
    if all(is_our_helper(entry.value or "") for entry in chain):
        return  # the usual case, which costs only one look at the configuration
    if not was_stored and all(find_token(request.secret, known, hub) is None for known in {None, name}):
        # This git command goes on with another credential, unknown to its pre-push hook.
        record(REJECTED, hub, REFUSED_FOR)
    try:
        current = current_token(hub, act=False)
    except Problem:
        return
    if current is None:
        return  # there is no token that could replace theirs
    from git_credential_hf.git.other_helpers import TokenCopy
    from git_credential_hf.purge.chain import purge_chain

    used = TokenCopy(origin, request.user or "", request.secret, request.path_text)
    purge_chain(chain, origin, hub, current, used, was_stored=was_stored)
