"""Cache the accounts of tokens, as reported by the Hub, without the tokens."""

import time
from collections.abc import Iterable

from git_credential_hf.lock import Lock
from git_credential_hf.state import fingerprint, new_key, read_state, write_state
from git_credential_hf.state_directory import cache_directory
from git_credential_hf.tokens import Token, stored_token_names, stored_tokens

# User names in URLs that are not accounts: ours, huggingface_hub's, and those that other forges use.
PLACEHOLDER_USERNAMES = (
    *("git", "hf_user", "user", "username", "token", "__token__", "oauth2", "x-access-token"),
    *("hf", "huggingface", "x", "-"),
)

_NAME = "owners"
_REFUSED = "-"  # instead of the account, before the time
_MAX_OWNERS = 16  # tokens; the oldest are dropped
_MAX_NAMES = 20  # of one token; with these limits the file is read as a whole
_MAX_NAME = 96  # characters
_REFUSAL_BELIEVED_FOR = 300  # seconds; a proxy, a portal or the Hub may have refused a good token by mistake


def record_owner(token: Token, account: str, organizations: Iterable[str] = ()) -> None:
    """Record the account of a token (empty if the Hub refuses it), and the organizations that URLs may name instead."""
    names = [account.lower(), *map(str.lower, organizations)][:_MAX_NAMES]
    if not account:
        names = [_REFUSED, str(int(time.time()))]
    if known_names(token) == names or any(len(name) > _MAX_NAME for name in names):
        return
    key = new_key()
    line = " ".join((key, fingerprint(token.key, key), *names)) + "\n"
    with Lock(_NAME):  # several tokens are looked up in parallel
        write_state(_NAME, "".join([line, *_others(token)][:_MAX_OWNERS]), cache_directory())


def known_names(token: Token) -> list[str]:
    """Return the account of a token, then its organizations, in lower case; empty if unknown.

    The account is `-`, without organizations, if the Hub has refused the token in the last minutes.
    """
    names = next((line.split()[2:] for line in _lines() if _is_about(line, token)), [])
    if names[:1] != [_REFUSED]:
        return names
    since = names[1] if len(names) == 2 and names[1].isdecimal() else "0"
    return [_REFUSED] if 0 <= time.time() - int(since[:20]) < _REFUSAL_BELIEVED_FOR else []


def selects_token(username: str) -> bool:
    """Whether a user name in git's settings selects a stored token: by its name, or by its account."""
    return username in stored_token_names() or any(
        known_names(token)[:1] == [username.lower()] for token in stored_tokens()
    )


def _lines() -> list[str]:
    return read_state(_NAME, cache_directory()).splitlines(keepends=True)


def _others(token: Token) -> list[str]:
    return [line for line in _lines() if not _is_about(line, token)]


def _is_about(line: str, token: Token) -> bool:
    words = line.split()
    try:
        return len(words) > 2 and line.endswith("\n") and fingerprint(token.key, words[0]) == words[1]
    except ValueError:
        return False  # not written by us
