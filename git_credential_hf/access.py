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
    endpoint = hub.endpoint()
    if hub.origin_of(endpoint) is None:
        raise Unreachable(f"the Hub cannot be asked: {endpoint} is no place to send a token to")
    try:
        # Not `HfApi.whoami`: its headers cost a request of their own (api/agent-harnesses), and its errors the reason.
        response = tokens.session().get(
            f"{endpoint}/api/whoami-v2", headers={"authorization": f"Bearer {token.value}"}, timeout=TIMEOUT
        )
        if response.status_code == 401:
            said = response.headers.get("x-error-message") or "it is invalid"
            raise Problem(f"the Hub refuses the token: {said}", token.remedy())
        if response.status_code != 200:
            raise Unreachable(f"the Hub answered {response.status_code}")
        return _account(response.json())
    except Problem:
        raise
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
