"""Cache the Hub's "yes" to whether a token may read or write a repository; a "no" is never cached."""

from git_credential_hf.repository import Repository
from git_credential_hf.state import discard_record, is_recorded, record
from git_credential_hf.state_directory import cache_directory
from git_credential_hf.tokens import Token

YES_CACHED_FOR = 600  # seconds for which the hooks believe the Hub's "yes"
_MAY = "may"  # state: tokens, each with a repository, and with what it may do there


def cache_yes(token: Token, repository: Repository, *, write: bool) -> None:
    """Cache that the token may read, or write to, the repository."""
    record(_MAY, _key(token, repository, write), YES_CACHED_FOR, cache_directory())


def is_yes_cached(token: Token, repository: Repository, *, write: bool) -> bool:
    """Whether a "yes" to this question is cached; a "yes" to writing is one to reading."""
    directory = cache_directory()
    return any(is_recorded(_MAY, _key(token, repository, access), directory) for access in {write, True})


def discard_yes(token: Token, repository: Repository, *, write: bool) -> None:
    """Forget all that is cached if it has a "yes" to this question, which is a "no" by now."""
    if is_yes_cached(token, repository, write=write):
        discard_record(_MAY, cache_directory())


def _key(token: Token, repository: Repository, write: bool) -> str:
    return "\n".join((repository.hub, repository.kind, repository.name, "write" if write else "read", token.value))
