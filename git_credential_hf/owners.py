"""Whose token it is, as the Hub has once said: kept beside its cached answers, without the token."""

from git_credential_hf.state import Lock, cache_directory, fingerprint, new_key, read_state, write_state
from git_credential_hf.tokens import Token

# User names in URLs that stand for no account: ours, huggingface_hub's, and those that other forges want.
PLACEHOLDER_USERNAMES = ("git", "hf_user", "user", "token", "oauth2", "x-access-token", "__token__")

_NAME = "owners"
_MAX_OWNERS = 64  # tokens; the oldest are dropped


def record_owner(token: Token, account: str, organizations: list[str]) -> None:
    """Record the account of a token, and the organizations that may be named instead."""
    if known_names(token) == [account, *organizations[:100]]:
        return
    key = new_key()
    line = " ".join((key, fingerprint(token.key, key), account, *organizations[:100]))
    with Lock(_NAME):  # the Hub is asked about several tokens at the same time
        write_state(_NAME, "\n".join([line, *_others(token)][:_MAX_OWNERS]), cache_directory())


def known_names(token: Token) -> list[str]:
    """Return the account of a token, then its organizations; empty if that is not known."""
    for line in read_state(_NAME, cache_directory()).split("\n"):
        if _is_about(line, token):
            return line.split()[2:]
    return []


def _others(token: Token) -> list[str]:
    lines = read_state(_NAME, cache_directory()).split("\n")
    return [line for line in lines if line and not _is_about(line, token)]


def _is_about(line: str, token: Token) -> bool:
    words = line.split()
    try:
        return len(words) > 2 and fingerprint(token.key, words[0]) == words[1]
    except ValueError:
        return False  # not what we wrote
