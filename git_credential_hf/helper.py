"""The answers to `get`, `store` and `erase` (gitcredentials(7)): the current token for the Hub, silence for others."""

from git_credential_hf import hub, kept, tokenfiles, tokens
from git_credential_hf.problem import report, shown, trace
from git_credential_hf.protocol import Request

USERNAME = "git"  # the Hub looks at the token alone (docs/facts.md#h7)
SILENCE = 30  # seconds for which a refused token is not served again


def get(request: Request, name: str | None = None) -> dict[str, str] | None:
    """The credential for the Hub, `quit` for a token that was refused a moment ago, or `None`: not ours to answer.

    `name`: the stored token to serve instead of the current one.
    """
    origin = hub.owns(request.protocol, request.host)
    if origin is None:
        return None
    token = _asked_for(request, name, origin)
    if token is None:
        report("warning", "nobody is logged in to the Hugging Face Hub on this machine")
        report("hint", tokenfiles.remedy())
        return None
    if kept.remembers(_REFUSED, _secret(origin, token)):
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
    origin = hub.owns(request.protocol, request.host)
    if origin is not None:
        _heal(origin, request)


def erase(request: Request, name: str | None = None) -> None:
    """The Hub refused a credential. If it was our token, say where that comes from and what to do; never delete it."""
    origin = hub.owns(request.protocol, request.host)
    if origin is None:
        return
    _heal(origin, request)
    if not request.password:
        return  # `hf auth logout` names none
    token = tokens.with_value(request.password.decode("utf-8", "surrogateescape"), name)
    if token is None:
        return
    refused = f"the Hub refused the {'expired ' if token.is_expired() else ''}token {token.describe()}"
    # Another Hub knows nothing of it, and is given nothing that is not its own: with `HF_ENDPOINT` it would be asked.
    is_asked = hub.is_asked(origin)
    if is_asked and tokens.renew(token):
        report("error", refused)
        report("hint", "it has been renewed: run the command again")
        return
    kept.remember(_REFUSED, _secret(origin, token), SILENCE)
    tokens.refused(token, SILENCE)
    from git_credential_hf import access

    problem = access.explain(token, request.path) if is_asked else None
    if problem is None or token.describe() not in problem.message:
        report("error", refused)  # else the reason says so, too
    if problem:
        report("error", problem.message)
    report("hint", problem.fix if problem and problem.fix else token.remedy())


_REFUSED = "refused"
REJECTED = "rejected"  # an origin for which git has just used what another helper held until then


def _secret(origin: str, token: tokens.Token) -> str:
    return f"{origin} {token.value}"  # another Hub has its own opinion of a token


def _asked_for(request: Request, name: str | None, origin: str) -> tokens.Token | None:
    """The named token, the one that the URL's user name names, or the current one."""
    if name is None and request.username:
        user = request.username.decode("utf-8", "surrogateescape")
        name = user if user in tokens.names() else None
    # What renews it may not go to another Hub; with the current one, huggingface_hub itself does as it likes.
    return tokens.current() if name is None else tokens.named(name, act=hub.is_asked(origin))


def _heal(origin: str, request: Request) -> None:
    """Reject what the other helpers of git's chain hold: what git has just told them, and what they held before."""
    from git_credential_hf import gitconfig

    chain = gitconfig.helpers(origin, gitconfig.helper_entries())
    rest = {entry.value: entry for entry in chain if not gitconfig.is_ours(entry.value or "")}
    if not rest:
        return  # one look at the configuration, and no more
    from git_credential_hf import others

    # Asked for no user name, a helper gives what it has; git waits for us, so that and the URL's own must do.
    user = request.username.decode("utf-8", "surrogateescape") if request.username else None
    told = (request.password or b"").decode("utf-8", "surrogateescape")
    for holder in others.reject(list(rest.values()), (None, user), seconds=18):
        if any(copy.secret == told for copy in holder.copies) and tokens.with_value(told, None) is None:
            kept.remember(REJECTED, origin, SILENCE)
        trace(f"{holder.helper}: {holder.state} {[shown(copy.secret) for copy in holder.copies]} {holder.why}")
