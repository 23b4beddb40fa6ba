"""The answers to `get`, `store` and `erase` (gitcredentials(7)): the current token for the Hub, silence for others."""

from git_credential_hf.hub import is_at_endpoint, matching_origin
from git_credential_hf.masking import mask_token
from git_credential_hf.problem import report, trace
from git_credential_hf.protocol import Request
from git_credential_hf.state import is_recorded, record
from git_credential_hf.token_files import login_hint
from git_credential_hf.tokens import Token, current_token, find_token, renew_token, stored_token, stored_token_names

USERNAME = "git"  # the Hub looks at the token alone (docs/facts.md#h7)
SILENCE = 30  # seconds for which a refused token is not served again


def get(request: Request, name: str | None = None) -> dict[str, str] | None:
    """The credential for the Hub, `quit` for a token that was refused a moment ago, or `None`: not ours to answer.

    `name`: the stored token to serve instead of the current one.
    """
    origin = matching_origin(request.protocol, request.host)
    if origin is None:
        return None
    token = _asked_for(request, name, origin)
    if token is None:
        report("warning", "nobody is logged in to the Hugging Face Hub on this machine")
        report("hint", login_hint())
        return None
    if is_recorded(_REFUSED, _secret(origin, token)):
        # git-lfs before 3.8 asks, is refused, and asks again, 85 times a second and for ever (docs/facts.md#l1).
        report("error", f"the Hub has just refused the token {token.describe()}")
        report("hint", token.remedy())
        return {"quit": "1"}
    trace(f"get {origin}: {token.describe()}")
    answer = {"username": USERNAME, "password": token.value}
    # An expiry in the past would make git throw the token away unasked; the Hub's clock decides, not this one.
    if token.expires_at is not None and not token.is_expired():
        answer["password_expiry_utc"] = str(token.expires_at)
    return answer


def store(request: Request, name: str | None = None) -> None:
    """Keep nothing, the token has one place; and let nobody else keep what git has just told everybody."""
    origin = matching_origin(request.protocol, request.host)
    if origin is not None:
        _heal(origin, request)


def erase(request: Request, name: str | None = None) -> None:
    """The Hub refused a credential. If it was our token, say where that comes from and what to do; never delete it."""
    origin = matching_origin(request.protocol, request.host)
    if origin is None:
        return
    _heal(origin, request)
    if not request.password:
        return  # `hf auth logout` names none
    token = find_token(request.password.decode("utf-8", "surrogateescape"), name)
    if token is None:
        return
    refused = f"the Hub refused the {'expired ' if token.is_expired() else ''}token {token.describe()}"
    # Another Hub knows nothing of it, and is given nothing that is not its own: with `HF_ENDPOINT` it would be asked.
    is_asked = is_at_endpoint(origin)
    if is_asked and renew_token(token):
        report("error", refused)
        report("hint", "it has been renewed: run the command again")
        return
    record(_REFUSED, _secret(origin, token), SILENCE)
    from git_credential_hf.refresh import delay_exchange

    delay_exchange(token, SILENCE)
    from git_credential_hf.api.access import explain_refusal

    problem = explain_refusal(token, request.path) if is_asked else None
    if problem is None or token.describe() not in problem.message:
        report("error", refused)  # else the reason says so, too
    if problem:
        report("error", problem.message)
    report("hint", problem.fix if problem and problem.fix else token.remedy())


_REFUSED = "refused"


def _secret(origin: str, token: Token) -> str:
    return f"{origin} {token.value}"  # another Hub has its own opinion of a token


def _asked_for(request: Request, name: str | None, origin: str) -> Token | None:
    """The named token, the one that the URL's user name names, or the current one."""
    if name is None and request.username:
        user = request.username.decode("utf-8", "surrogateescape")
        name = user if user in stored_token_names() else None
    # What renews it may not go to another Hub; with the current one, huggingface_hub itself does as it likes.
    return current_token() if name is None else stored_token(name, act=is_at_endpoint(origin))


def _heal(origin: str, request: Request) -> None:
    """Reject what the other helpers of git's chain hold: what git has just told them, and what they held before."""
    from git_credential_hf.git.helpers import helper_chain, is_our_helper, read_helper_entries

    chain = helper_chain(origin, read_helper_entries())
    rest = {entry.value: entry for entry in chain if not is_our_helper(entry.value or "")}
    if not rest:
        return  # one look at the configuration, and no more
    from git_credential_hf.purge import REJECTED, purge_helpers

    # Asked for no user name, a helper gives what it has; git waits for us, so that and the URL's own must do.
    user = request.username.decode("utf-8", "surrogateescape") if request.username else None
    told = (request.password or b"").decode("utf-8", "surrogateescape")
    for holder in purge_helpers(list(rest.values()), (None, user), seconds=18):
        if any(copy.secret == told for copy in holder.copies) and find_token(told, None) is None:
            record(REJECTED, origin, SILENCE)
        trace(f"{holder.helper}: {holder.state} {[mask_token(copy.secret) for copy in holder.copies]} {holder.why}")
