"""What a token may do to a repository: yes, no or unknown. `check`, the hooks and `doctor` all ask here.

"No" only if the Hub says so beyond doubt: a push that would have gone through must never be stopped.
"""

from git_credential_hf.api.account import Account, typed_field
from git_credential_hf.api.client import HUB_TIMEOUT, Unreachable, ask_hub, ask_within, error_message
from git_credential_hf.api.refusals import (
    Answer,
    Refused,
    may_text,
    missing_repository,
    refusal_from_account,
    refusal_from_words,
    token_refusal,
)
from git_credential_hf.hub import Repository, hub_endpoint, repository_at
from git_credential_hf.masking import mask_token
from git_credential_hf.problem import Problem
from git_credential_hf.state import cache_directory, is_recorded, record
from git_credential_hf.tokens import Token

YES_CACHED_FOR = 600  # seconds for which a "yes" is believed


# --- the questions ---


def check_access(token: Token | None, repository: Repository, *, write: bool, seconds: float = HUB_TIMEOUT) -> Answer:
    """Ask whether `token` may read, or write to, a repository (its type and name, as `hub.repository` gives them).

    A "yes" is kept for ten minutes; otherwise the Hub is asked, with one request, or two where it says no.
    """
    if token is not None and _is_kept(token, repository, write):
        return Answer(repository, write, "yes", None, f"{mask_token(token.value)} {may_text(write)} {repository.name}")
    try:
        answer = ask_within(seconds, lambda: _asked(token, repository, write))
    except Unreachable as unreachable:
        return Answer(repository, write, "unknown", unreachable.code, unreachable.message)
    except Refused as refused:
        answer = Answer(repository, write, "no", refused.code, refused.message, refused.fix)
    if token is not None and token.value.startswith("hf_jwt_") and answer.answer == "no":
        # `/auth-check/write` has refused a good one (docs/facts.md#u1), and what whoami says of them is not known.
        return Answer(repository, write, "unknown", None, f"a Trusted Publisher's token is not sure: {answer.message}")
    if token is not None and answer.answer == "yes":
        record("may", _secret(token, repository, write), YES_CACHED_FOR, cache_directory())
    return answer


def whoami(token: Token, *, seconds: float = HUB_TIMEOUT) -> Account:
    """Ask the Hub whose token this is: one request (docs/facts.md#h2).

    Raises `Refused` where the Hub refuses the token, `Unreachable` where it does not answer.
    """
    try:
        return ask_within(seconds, lambda: _account(token))
    except Refused as refused:
        if token.value.startswith("hf_jwt_") and refused.code == "token-invalid":
            # Whether whoami knows a Trusted Publisher's at all is not known (docs/facts.md#u1).
            raise Unreachable("the Hub does not say whose the token of a Trusted Publisher is") from None
        raise


def card_errors(content: str, repository: Repository) -> list[str]:
    """What the Hub has against the metadata of a model card, in its words: one request (docs/facts.md#h10).

    Raises `Unreachable` where it does not say.
    """
    return ask_within(HUB_TIMEOUT, lambda: _card_errors(content, repository))


def stored_lfs_objects(token: Token, repository: Repository, asked: list[tuple[str, int]]) -> set[str]:
    """Which of these LFS objects (SHA-256, size in bytes) the Hub has: one request, for the first hundred of them.

    Raises `Unreachable` where it does not say.
    """
    return ask_within(HUB_TIMEOUT, lambda: _lfs_objects(token, repository, asked[:100]))


def explain_refusal(token: Token, path: bytes | None) -> Problem | None:
    """Why the Hub refused this token for the repository at `path`, if it can be asked within three seconds."""
    repository = repository_at(path.decode("utf-8", "replace")) if path else None
    try:
        if repository is None:
            account = whoami(token)
            return Problem(
                f"the token itself is good, it is {account.name}'s; it is the repository that refuses it",
                f"open the page of the repository as {account.name}, and see whether it is there",
            )
    except Unreachable:
        return None
    except Problem as refused:
        return refused
    answer = check_access(token, repository, write=False)
    if answer.answer == "unknown":
        return None
    if answer.answer == "yes":
        return Problem(f"the token is good, and may read {repository.name}", "run the command again in half a minute")
    is_bad = (answer.reason or "").startswith("token-") and answer.reason != "token-not-scoped"
    return Problem(answer.message if is_bad else f"the token is good, but {answer.message}", answer.fix)


def _asked(token: Token | None, repository: Repository, write: bool) -> Answer:
    name = repository.name
    if token is None and write:
        return Answer(
            repository, write, "no", "no-token", f"there is no token to write to {name} with", "run `hf auth login`"
        )
    response = ask_hub(
        f"/api/{repository.kind}/{name}/auth-check{'/write' if write else ''}", token.value if token else None
    )
    said = error_message(response)
    if repository.kind == "kernels" and response.status_code == 404:
        # Whether the API has this route for them is not known (docs/facts.md#u2): a 404 may mean the route.
        raise Unreachable(f"the Hub does not say what a token may do to {name}")
    if response.status_code == 200:
        who = "anybody" if token is None else mask_token(token.value)
        return Answer(repository, write, "yes", None, f"{who} {may_text(write)} {name}")
    if response.status_code == 401:
        if token is None:
            return Answer(
                repository,
                write,
                "no",
                "no-token",
                f"{name} is not there for everybody, and there is no token",
                "run `hf auth login`",
            )
        if not said:
            _account(token)  # a proxy may have said that; this raises where the Hub itself refuses the token
            raise Unreachable(f"the Hub refuses to say what {mask_token(token.value)} may do")
        raise token_refusal(token, said)
    if response.status_code in (403, 404) and token is not None:
        answer = refusal_from_words(token, repository, write, response)
        answer = answer or refusal_from_account(token, _account(token), repository, write, said)
        if answer:
            return answer
    if response.status_code == 404 and response.headers.get("x-error-code") == "RepoNotFound":
        return missing_repository(repository, write)
    raise Unreachable(f"the Hub answered {response.status_code}{f' ({said})' if said else ''}")


# --- what is kept, so that the Hub is not asked ---


def _secret(token: Token, repository: Repository, write: bool) -> str:
    return "\n".join((hub_endpoint(), repository.kind, repository.name, "write" if write else "read", token.value))


def _is_kept(token: Token, repository: Repository, write: bool) -> bool:
    within = cache_directory()
    return any(is_recorded("may", _secret(token, repository, more), within) for more in {write, True})


def _account(token: Token) -> Account:
    response = ask_hub("/api/whoami-v2", token.value)
    if response.status_code == 401:
        raise token_refusal(token, error_message(response))
    if response.status_code != 200:
        raise Unreachable(f"the Hub answered {response.status_code}")
    try:
        return Account(response.json())
    except (ValueError, RecursionError):
        raise Unreachable("the Hub gave an answer that makes no sense") from None


def _card_errors(content: str, repository: Repository) -> list[str]:
    asked = {"repoType": repository.type, "content": content}
    response = ask_hub("/api/validate-yaml", None, json=asked)
    try:
        errors = typed_field(response.json(), "errors", list, [])
    except (ValueError, RecursionError):
        errors = []
    if response.status_code != 200 and not errors:
        raise Unreachable(f"the Hub answered {response.status_code}")
    return [str(typed_field(error, "message", str, "")) or "an error without words" for error in errors]


def _lfs_objects(token: Token, repository: Repository, asked: list[tuple[str, int]]) -> set[str]:
    objects = [{"oid": oid, "size": size} for oid, size in asked]
    path = f"/{repository.path}.git/info/lfs/objects/batch"
    batch = {"operation": "download", "transfers": ["basic"], "objects": objects}
    response = ask_hub(path, token.value, json=batch, media_type="application/vnd.git-lfs+json")  # docs/facts.md#h12
    if response.status_code != 200:
        raise Unreachable(f"the Hub answered {response.status_code}")
    try:
        answers = typed_field(response.json(), "objects", list)
    except (ValueError, RecursionError):
        raise Unreachable("the Hub gave an answer that makes no sense") from None
    return {
        str(typed_field(one, "oid", str, ""))
        for one in answers
        if typed_field(one, "actions", dict, {}).get("download")
    }
