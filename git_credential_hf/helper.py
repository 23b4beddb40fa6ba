"""The answers to `get`, `store` and `erase` (gitcredentials(7)): the current token for the Hub, silence for others."""

import time

from git_credential_hf import hub, kept, tokens
from git_credential_hf.problem import report, trace
from git_credential_hf.protocol import Request

USERNAME = "git"  # the Hub looks at the token alone (hub-facts 3.5)
SILENCE = 30  # seconds for which a refused token is not served again


def get(request: Request) -> dict[str, str] | None:
    """The credential for the Hub, `quit` for a token that was refused a moment ago, or `None`: not ours to answer."""
    origin = hub.owns(request.protocol, request.host)
    if origin is None:
        return None
    token = tokens.current()
    if token is None:
        report("warning", "nobody is logged in to the Hugging Face Hub on this machine")
        report("hint", "run `hf auth login`")
        return None
    if _was_refused(origin, token):
        # git-lfs before 3.8 asks, is refused, and asks again, 85 times a second and for ever (git-facts).
        report("error", f"the Hub has just refused the token {token.describe()}")
        report("hint", token.remedy())
        return {"quit": "1"}
    trace(f"get {origin}: {token.describe()}")
    answer = {"username": USERNAME, "password": token.value}
    # An expiry in the past would make git throw the token away unasked; the Hub's clock decides, not this one.
    if token.expires_at is not None and not token.is_expired():
        answer["password_expiry_utc"] = str(token.expires_at)
    return answer


def store(request: Request) -> None:
    """Keep nothing: the token has one place, and it is not ours."""


def erase(request: Request) -> None:
    """The Hub refused a credential. If it was our token, say where that comes from; never delete it."""
    origin = hub.owns(request.protocol, request.host)
    if origin is None or not request.password:
        return
    token = tokens.current(act=False)
    if token is None or token.value.encode("utf-8", "surrogateescape") != request.password:
        return
    _remember_refusal(origin, token)
    tokens.refused(token, SILENCE)
    report("error", f"the Hub refused the {'expired ' if token.is_expired() else ''}token {token.describe()}")
    report("hint", token.remedy())


# --- tokens that were refused ---


def _remember_refusal(origin: str, token: tokens.Token) -> None:
    key = kept.new_key()
    mark = f"{int(time.time())} {key} {kept.fingerprint(origin + ' ' + token.value, key)}\n"
    kept.write("refused", mark + "".join(_recent_refusals()))


def _was_refused(origin: str, token: tokens.Token) -> bool:
    for line in _recent_refusals():
        _, key, mark = line.split()
        try:
            if kept.fingerprint(origin + " " + token.value, key) == mark:
                return True
        except ValueError:
            pass  # not what we wrote
    return False


def _recent_refusals() -> list[str]:
    now = int(time.time())
    recent = {str(second) for second in range(now - SILENCE, now + 1)}
    lines = kept.read("refused").splitlines(keepends=True)[:16]
    return [line for line in lines if len(line.split()) == 3 and line.split()[0] in recent]
