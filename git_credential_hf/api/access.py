"""Check whether a token may read or write a repository: yes, no or unknown. Used by `check`, the hooks and `doctor`.

The answer is "no" only if the Hub leaves no doubt: a push that would succeed must never be stopped.
"""

import time

from git_credential_hf.api.access_cache import cache_yes, discard_yes, is_yes_cached
from git_credential_hf.api.account import Account, typed_field
from git_credential_hf.api.client import HUB_TIMEOUT, Unreachable, ask_hub, ask_within, error_message, run_within
from git_credential_hf.api.refusals import (
    Answer,
    Refused,
    may_text,
    missing_repository,
    refusal_from_account,
    refusal_from_message,
    token_refusal,
)
from git_credential_hf.hub import PUBLIC_HUB
from git_credential_hf.login_hints import login_hint
from git_credential_hf.masking import mask_token
from git_credential_hf.owners import record_owner
from git_credential_hf.problem import Problem
from git_credential_hf.report import trace
from git_credential_hf.repository import Repository, is_valid_name, repository_at
from git_credential_hf.state import LOOKED_FOR, is_recorded, record
from git_credential_hf.state_directory import cache_directory
from git_credential_hf.system import run_each
from git_credential_hf.tokens import Token

_NO_TOKEN_FOR = 30 * 24 * 3600  # seconds for which a string that the Hub has rejected as a token is not sent again
_MAX_FOUND = 16  # tokens found in files that are looked up in the cache, which holds as many
_MAX_ASKED = 5  # tokens that are sent to whoami, whose rate limit is strict
_ASKABLE = ("hf_", "api_org_")
_NOT_ASKABLE = ("hf_oauth__refresh_", "hf_s3_")  # refresh tokens, and credentials of another service
_UNKNOWN_TO_WHOAMI = ("hf_jwt_", "api_org_")  # whoami's answer for valid ones is not documented
_NAMESAKES = ("models", "datasets", "spaces")  # kinds that users mix up
_INVALID = "the Hub sent an invalid response"


def check_access(
    token: Token | None, repository: Repository, *, write: bool, seconds: float = HUB_TIMEOUT, use_cache: bool = False
) -> Answer:
    """Check whether `token` may read, or write to, a repository, with one request, or two if the answer is no.

    With `use_cache` (for the hooks), a "yes" from the last minutes is reused. The requests take `seconds` at most.
    """
    deadline = time.monotonic() + seconds
    if token is not None and use_cache and is_yes_cached(token, repository, write=write):
        return Answer(repository, write, "yes", None, f"{mask_token(token.value)} {may_text(write)} {repository.name}")
    try:
        answer = ask_within(seconds, repository.hub, lambda: _request_access(token, repository, write))
    except Unreachable as unreachable:
        code, message, fix = unreachable.code, unreachable.message, unreachable.fix
        is_news = unreachable.is_news and _is_new(f"{repository.hub} {code} {message}")
        return Answer(repository, write, "unknown", code, message, fix, is_news=is_news)
    except Refused as refused:
        answer = Answer(repository, write, "no", refused.code, refused.message, refused.fix)
    if token is not None and token.value.startswith("hf_jwt_") and answer.answer == "no":
        # `/auth-check/write` has refused valid ones (docs/facts.md#u1), and whoami's answer for them is not documented.
        message = f"the Hub's answer for a Trusted Publisher's token is not reliable: {answer.message}"
        return Answer(repository, write, "unknown", None, message)
    if token is not None and answer.reason == "no-such-repo":
        _add_namesake(answer, token, max(deadline - time.monotonic(), 0))
    if token is not None and answer.answer == "no":
        discard_yes(token, repository, write=write)
    if token is not None and answer.answer == "yes":
        cache_yes(token, repository, write=write)
    return answer


def whoami(token: Token, *, seconds: float = HUB_TIMEOUT) -> Account:
    """Return the account of a token, with one request (docs/facts.md#h2).

    Raises `Refused` if the Hub rejects the token, `Unreachable` if it does not answer.
    """
    try:
        return ask_within(seconds, token.hub, lambda: _request_account(token))
    except Refused as refused:
        if token.value.startswith("hf_jwt_") and refused.code == "token-invalid":
            # Whether whoami supports the tokens of Trusted Publishers is not documented (docs/facts.md#u1).
            raise Unreachable("the Hub does not report the account of a Trusted Publisher's token") from None
        raise


def card_errors(content: str, repository: Repository) -> list[str]:
    """Return the Hub's errors for the metadata of a model card, with one request (docs/facts.md#h10).

    Raises `Unreachable` if there is no usable response.
    """
    return ask_within(HUB_TIMEOUT, repository.hub, lambda: _request_card_errors(content, repository))


def are_valid(values: list[str], hub: str) -> dict[str, bool]:
    """Ask the Hub which of these strings, found in files, are valid tokens; return its answers.

    Each is sent to this Hub only, in one request to whoami, and never again after the Hub rejected it. The result lacks
    strings beyond the first few, strings that must not be sent, and those for which the Hub did not answer in time.
    """
    found: dict[str, bool] = {}
    unknown = []
    for value in values[:_MAX_FOUND]:
        token = Token(value, "found", hub=hub)
        if is_recorded("no-token", token.key, cache_directory()):
            found[value] = False
        elif value.startswith(_ASKABLE) and not value.startswith(_NOT_ASKABLE):
            unknown.append(token)

    def is_reliable(token: Token) -> bool:
        return hub == PUBLIC_HUB and not token.value.startswith(_UNKNOWN_TO_WHOAMI)

    def ask(token: Token) -> None:
        try:
            response = ask_hub(hub, "/api/whoami-v2", token)
        except Unreachable as unreachable:
            trace(f"{mask_token(token.value)}: {unreachable.message}")
            return
        # A proxy's 401 lacks the Hub's header. The Hub's own 401 says nothing about tokens that whoami may not support
        # (docs/facts.md#u1), nor does that of another Hub, as the token may belong to huggingface.co.
        if response.status_code == 200:
            found[token.value] = True
        elif response.status_code == 401 and error_message(response) and is_reliable(token):
            found[token.value] = False

    if unknown:
        try:
            ask_within(HUB_TIMEOUT, hub, lambda: run_each(ask, unknown[:_MAX_ASKED]))
        except Unreachable as unreachable:
            trace(unreachable.message)
    for token in unknown:
        if found.get(token.value) is False:
            record("no-token", token.key, _NO_TOKEN_FOR, cache_directory())
    return dict(found)


def learn_owners(tokens: list[Token]) -> None:
    """Ask the Hub for the accounts of these tokens, in parallel; `record_owner` stores the answers."""

    def ask(token: Token) -> None:
        try:
            whoami(token)
        except Problem as problem:
            trace(f"{token.describe()}: {problem.message}")

    run_each(ask, [*{token.key: token for token in tokens}.values()])


class Refusal:
    """Why the Hub refused a token for a repository.

    `is_good`: the token is valid; `has_access`: it may read the repository; `None` if unknown. `problem`: the reason.
    """

    def __init__(self, is_good: bool | None, has_access: bool | None = None, problem: Problem | None = None) -> None:
        self.is_good = is_good
        self.has_access = has_access
        self.problem = problem


def explain_refusal(token: Token, path: bytes | None) -> Refusal:
    """Ask the Hub why it refused a token for the repository at `path`."""
    try:
        account = whoami(token)
    except Refused as refused:
        return Refusal(False, problem=refused)
    except Problem:
        return Refusal(None)
    repository = repository_at(path.decode("utf-8", "replace"), token.hub) if path else None
    if repository is None:
        message = f"the token is valid and belongs to {account.name}, but has no access to this repository"
        fix = f"open the page of the repository as {account.name} to see whether it exists"
        return Refusal(True, problem=Problem(message, fix))
    answer = check_access(token, repository, write=False)
    if answer.answer == "unknown":
        return Refusal(True)
    if answer.answer == "yes":
        message = f"the token is valid and may read {repository.name}"
        return Refusal(True, True, Problem(message, "run the command again"))
    return Refusal(True, False, Problem(f"the token is valid, but {answer.message}", answer.fix))


def _request_access(token: Token | None, repository: Repository, write: bool) -> Answer:
    name = repository.name
    if token is None and write:
        return Answer(repository, write, "no", "no-token", f"writing to {name} requires a token", login_hint())
    path = f"/api/{repository.kind}/{name}/auth-check{'/write' if write else ''}"
    response = ask_hub(repository.hub, path, token)
    if response.status_code == 200:
        who = "anyone" if token is None else mask_token(token.value)
        return Answer(repository, write, "yes", None, f"{who} {may_text(write)} {name}")
    if repository.kind == "kernels" and response.status_code == 404:
        # Whether the API has this route for them is not documented (docs/facts.md#u2): the 404 may mean the route.
        raise Unreachable(f"the Hub does not report what a token may do to {name}")
    message = error_message(response)
    if response.status_code == 401:
        if token is not None:
            raise _token_refusal(token, message)
        private = f"{name} does not exist, or reading it requires a token"
        return Answer(repository, write, "no", "no-token", private, login_hint())
    if response.status_code in (403, 404) and token is not None:
        answer = refusal_from_message(token, repository, write, response)
        answer = answer or refusal_from_account(token, _request_account(token), repository, write, message)
        if answer:
            return answer
    if response.status_code == 404 and response.headers.get("x-error-code") == "RepoNotFound":
        return missing_repository(repository, write)
    raise Unreachable(f"the Hub answered {response.status_code}{f' ({message})' if message else ''}")


def _add_namesake(answer: Answer, token: Token, seconds: float) -> None:
    """If a repository of another kind has this name, add its URL to the answer, which stays the same otherwise."""
    try:
        other = run_within(seconds, lambda: _find_namesake(answer.repository, token))
    except (TimeoutError, Unreachable) as failure:  # the Hub has answered what it was asked, so it is within reach
        trace(f"repositories of other kinds: {failure}")
        return
    if other:
        answer.message += f"; there is a {other.type} of this name"
        answer.fix = f"use {other.page}"


def _find_namesake(repository: Repository, token: Token) -> Repository | None:
    """Return a repository of another kind with this name that the token may read; raises `Unreachable`."""
    for kind in _NAMESAKES if repository.name != repository.namespace else ():
        other = Repository(kind, repository.name, repository.hub)
        if kind != repository.kind and (
            ask_hub(other.hub, f"/api/{kind}/{other.name}/auth-check", token).status_code == 200
        ):
            return other
    return None


def _token_refusal(token: Token, message: str) -> Problem:
    """Return the error for a 401 with a token."""
    if message:
        return token_refusal(token, message)
    _request_account(token)  # the 401 may be a proxy's; this raises if the Hub itself rejects the token
    return Unreachable(f"the Hub does not report what {mask_token(token.value)} may do")


def _is_new(failure: str) -> bool:
    """Whether this was not reported in the last hour: a company's filter may pass git's requests, but never ours."""
    if is_recorded("warned", failure, cache_directory()):
        return False
    record("warned", failure, LOOKED_FOR, cache_directory())
    return True


def _request_account(token: Token) -> Account:
    response = ask_hub(token.hub, "/api/whoami-v2", token)
    if response.status_code == 401:
        record_owner(token, "")
        raise token_refusal(token, error_message(response))
    if response.status_code != 200:
        raise Unreachable(f"the Hub answered {response.status_code}")
    try:
        account = Account(response.json())
    except (ValueError, RecursionError):
        raise Unreachable(_INVALID) from None
    record_owner(token, account.name, filter(is_valid_name, account.orgs))
    return account


def _request_card_errors(content: str, repository: Repository) -> list[str]:
    card = {"repoType": repository.type, "content": content}
    response = ask_hub(repository.hub, "/api/validate-yaml", None, json=card)
    try:
        errors = typed_field(response.json(), "errors", list, [])
    except (ValueError, RecursionError):
        errors = []
    if response.status_code != 200 and not errors:
        raise Unreachable(f"the Hub answered {response.status_code}")
    return [str(typed_field(error, "message", str, "")) or "unspecified error" for error in errors]
