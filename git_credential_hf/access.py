"""What a token is and may do: what the Hub says about it, asked through huggingface_hub."""

from typing import Any

from git_credential_hf import hub, tokens
from git_credential_hf.problem import Problem

TIMEOUT = 3  # seconds to connect, and for each read; huggingface_hub's own client would wait for ever


class Unreachable(Problem):
    """The Hub gave no answer, so there is none: neither yes nor no."""


class Account:
    """Whose token it is; `role` is `read`, `write`, `god` or `fineGrained`, `None` for a token without one."""

    def __init__(self, name: str, role: str | None) -> None:
        self.name = name
        self.role = role


def whoami(token: tokens.Token) -> Account:
    """Ask the Hub whose token this is: one request (hub-facts 1).

    Raises `Problem` where the Hub refuses the token, `Unreachable` where it does not answer.
    """
    # Not `HfApi.whoami`: its headers cost a request of their own (api/agent-harnesses), and its errors the reason.
    response = _get("/api/whoami-v2", token)
    if response.status_code == 401:
        raise Problem(f"the Hub refuses the token: {_said(response) or 'it is invalid'}", token.remedy())
    if response.status_code != 200:
        raise Unreachable(f"the Hub answered {response.status_code}")
    try:
        return _account(response.json())
    except (ValueError, LookupError, TypeError, AttributeError):
        raise Unreachable("the Hub gave an answer that makes no sense") from None


def explain(token: tokens.Token, path: bytes | None) -> Problem | None:
    """Why the Hub refused this token for the repository at `path`, if it can be asked within three seconds."""
    import threading

    answers: list[Problem] = []
    asking = threading.Thread(target=lambda: answers.append(_explained(token, path)), daemon=True)
    asking.start()
    asking.join(TIMEOUT)
    return answers[0] if answers and not isinstance(answers[0], Unreachable) else None


def _explained(token: tokens.Token, path: bytes | None) -> Problem:
    repository = hub.repository(path.decode("utf-8", "replace")) if path else None
    try:
        account = whoami(token)
        if repository is None:
            return Problem(
                f"the token itself is good, it is {account.name}'s; it is the repository that refuses it",
                f"open the page of the repository as {account.name}, and see whether it is there",
            )
        kind, name = repository
        response = _get(f"/api/{kind}/{name}/auth-check", token)
    except Problem as problem:
        return problem
    said = _said(response) or f"the Hub answers {response.status_code}"
    page = f"open {hub.page(kind, name)}"
    if response.headers.get("x-error-code") == "GatedRepo":
        return Problem(f"the token is good, but {name} is gated: {said}", page)
    if response.status_code == 404:
        return Problem(
            f"the token is good, but there is no {name}, or it is private and not {account.name}'s to see", page
        )
    if response.status_code in (401, 403):
        return Problem(f"the token is good, but {account.name} has no access to {name}: {said}", page)
    if response.status_code == 200:
        return Problem(f"the token is good, and {account.name} may read {name}", "run the command again")
    return Unreachable(said)


def _said(response: Any) -> str:
    """The Hub's own words, which end like a sentence, where ours do not (hub-facts 2)."""
    return str(response.headers.get("x-error-message", "")).rstrip(".")


def _get(path: str, token: tokens.Token) -> Any:
    """One request of the API; its answer is httpx2's `Response`. Raises `Unreachable` where there is none."""
    endpoint = hub.endpoint()
    if hub.origin_of(endpoint) is None:
        raise Unreachable(f"the Hub cannot be asked: {endpoint} is no place to send a token to")
    try:
        return tokens.session().get(
            endpoint + path, headers={"authorization": f"Bearer {token.value}"}, timeout=TIMEOUT
        )
    except Exception as error:  # its client raises whatever its layers do: OSError, ValueError, OfflineModeIsEnabled
        raise Unreachable(
            f"the Hub cannot be reached ({' '.join(str(error).split()) or type(error).__name__})"
        ) from None


def _account(answer: Any) -> Account:
    name = answer["name"]
    auth = answer.get("auth")
    access_token = auth.get("accessToken") if isinstance(auth, dict) else None
    role = access_token.get("role") if isinstance(access_token, dict) else None
    if not isinstance(name, str):
        raise ValueError("whoami-v2 names nobody")
    return Account(name, role if isinstance(role, str) else None)
