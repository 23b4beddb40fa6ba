"""Decide which tokens git sends as Bearer tokens, instead of as a password.

Whether the Hub accepts a browser login's token as a password is not documented (docs/facts.md#u3).
"""

from git_credential_hf.problem import Problem
from git_credential_hf.protocol import Request
from git_credential_hf.state import BEARER_FOR, discard_record, is_recorded, record
from git_credential_hf.state_directory import BEARER, cache_directory
from git_credential_hf.tokens import Token


def needs_bearer(token: Token) -> bool:
    """Whether this token, which comes from an exchange, is sent as a Bearer token."""
    return is_recorded(BEARER, token.key, cache_directory())


def change_authtype(token: Token, request: Request) -> Problem | None:
    """Switch a good token from password to Bearer token for the next request, or back, because the Hub refused it."""
    if request.credential:
        discard_record(BEARER, cache_directory())
        return None
    from git_credential_hf.git.run import git_version

    record(BEARER, token.key, BEARER_FOR, cache_directory())
    if git_version() >= (2, 46):  # git does not repeat its capabilities here
        how = "run the command again: git will send it in another way"
    else:
        how = f"upgrade git to 2.46 and git-lfs to 3.6, or log in with a token from {token.settings_url}"
    return Problem(f"the Hub does not accept the token {token.describe()} as a password, although it is valid", how)
