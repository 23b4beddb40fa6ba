"""The answers to `get`, `store` and `erase` (gitcredentials(7)): the current token, for the Hub only."""

from git_credential_hf.hub import is_at_endpoint, matching_origin
from git_credential_hf.masking import mask_token
from git_credential_hf.problem import NOT_LOGGED_IN, report, trace
from git_credential_hf.protocol import Request
from git_credential_hf.state import REFUSED_FOR, is_recorded, record
from git_credential_hf.token_files import login_hint
from git_credential_hf.tokens import Token, current_token, find_token, renew_token, stored_token, stored_token_names

USERNAME = "git"  # the Hub checks the token only (docs/facts.md#h7)
PURGE_TIMEOUT = 18  # seconds for all other helpers together, while git waits

_REFUSED = "refused"  # the state that names refused tokens


def get(request: Request, name: str | None = None) -> dict[str, str] | None:
    """Return the credential for the Hub, `quit` for a token that was refused a moment ago, or `None` for other hosts.

    `name`: the stored token to serve instead of the current one.
    """
    origin = matching_origin(request.protocol, request.host)
    if origin is None:
        return None
    token = _requested_token(request, name, origin)
    if token is None:
        report("error", NOT_LOGGED_IN)
        report("hint", login_hint())
        return None
    if is_recorded(_REFUSED, _state_key(origin, token)):
        # git-lfs before 3.8 requests it again after each refusal, 85 times a second (docs/facts.md#l1).
        report("error", f"the Hub has just refused the token {token.describe()}")
        report("hint", token.remedy())
        return {"quit": "1"}
    trace(f"get {origin}: {token.describe()}")
    answer = {"username": USERNAME, "password": token.value}
    # With an expiry in the past, git would throw the token away unused; the Hub's clock decides, not this one.
    if token.expires_at is not None and not token.is_expired():
        answer["password_expiry_utc"] = str(token.expires_at)
    return answer


def store(request: Request, name: str | None = None) -> None:
    """Store nothing, and remove what git has just given other helpers to store: the token has one place."""
    origin = matching_origin(request.protocol, request.host)
    if origin is not None:
        _purge_chain(origin, request)


def erase(request: Request, name: str | None = None) -> None:
    """Renew a token that the Hub refused, or report why it did and what to do; never delete it."""
    origin = matching_origin(request.protocol, request.host)
    if origin is None:
        return
    _purge_chain(origin, request)
    if not request.password:
        return  # `hf auth logout` gives none
    token = find_token(request.password.decode("utf-8", "surrogateescape"), name)
    if token is None:
        return
    refused = f"the Hub refused the {'expired ' if token.is_expired() else ''}token {token.describe()}"
    # Only the Hub at `HF_ENDPOINT` is asked: another one does not know the token, and must not be sent it.
    can_ask = is_at_endpoint(origin)
    if can_ask and renew_token(token):
        report("error", refused)
        report("hint", "the token has been renewed: run the command again")
        return
    from git_credential_hf.refresh import delay_exchange

    record(_REFUSED, _state_key(origin, token), REFUSED_FOR)
    delay_exchange(token, REFUSED_FOR)
    from git_credential_hf.api.access import explain_refusal

    problem = explain_refusal(token, request.path) if can_ask else None
    if problem is None or token.describe() not in problem.message:
        report("error", refused)  # otherwise the reason names the token, too
    if problem:
        report("error", problem.message)
    report("hint", problem.fix if problem and problem.fix else token.remedy())


def _state_key(origin: str, token: Token) -> str:
    return f"{origin} {token.value}"  # what one Hub refuses, another may accept


def _requested_token(request: Request, name: str | None, origin: str) -> Token | None:
    """Return the named token, the one that the URL's user name names, or the current one."""
    if name is None and request.username:
        user = request.username.decode("utf-8", "surrogateescape")
        name = user if user in stored_token_names() else None
    # A refresh token must not go to another Hub; for the current token, huggingface_hub itself decides.
    return current_token() if name is None else stored_token(name, act=is_at_endpoint(origin))


def _purge_chain(origin: str, request: Request) -> None:
    """Remove what the other helpers in git's chain hold: what git has just given them, and older tokens."""
    from git_credential_hf.git.helpers import helper_chain, is_our_helper, read_helper_entries

    chain = helper_chain(origin, read_helper_entries())
    others = {entry.value: entry for entry in chain if not is_our_helper(entry.value or "")}
    if not others:
        return  # as usual: one look at the configuration is all that it costs
    from git_credential_hf.purge import REJECTED, purge_helpers

    # Without a user name, a helper returns whatever it has. git waits, so that and the URL's own name must do.
    user = request.username.decode("utf-8", "surrogateescape") if request.username else None
    password = (request.password or b"").decode("utf-8", "surrogateescape")
    for result in purge_helpers(list(others.values()), (None, user), seconds=PURGE_TIMEOUT):
        if any(copy.secret == password for copy in result.copies) and find_token(password, None) is None:
            record(REJECTED, origin, REFUSED_FOR)
        trace(f"{result.shown}: {result.state} {[mask_token(copy.secret) for copy in result.copies]} {result.failure}")
