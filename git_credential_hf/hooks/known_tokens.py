"""Find this user's own tokens, whatever they look like, and ask the Hub about other tokens."""

from contextlib import suppress

from git_credential_hf.api.access import are_valid
from git_credential_hf.hooks.leaks import Leak
from git_credential_hf.hub import PUBLIC_HUB, environment_hub
from git_credential_hf.problem import Problem
from git_credential_hf.tokens import current_token, stored_token, stored_token_names


def stored_secrets() -> list[str]:
    """Return this user's tokens, which the scan finds in files whatever they look like."""
    tokens = []
    for hub in dict.fromkeys((PUBLIC_HUB, environment_hub() or PUBLIC_HUB)):  # HF_TOKEN may be for one of them alone
        with suppress(Problem):
            tokens.append(current_token(hub, act=False))
    for name in stored_token_names():
        with suppress(Problem):
            tokens.append(stored_token(name, act=False))
    return [token.value for token in tokens if token is not None]


def ask_about(leaks: list[Leak], hub: str | None) -> list[Leak]:
    """Ask the Hub about tokens that are not this user's; return the leaks without those that are not valid."""
    others = [leak.token for leak in leaks if not leak.is_own]
    answers = are_valid(others, hub) if others and hub else {}
    return [
        leak._replace(is_valid=answers.get(leak.token))
        for leak in leaks
        if leak.is_own or answers.get(leak.token) is not False
    ]
