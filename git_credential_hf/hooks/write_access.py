"""Check that the credential which git uses for a push may write to the repository."""

from git_credential_hf.api.access import check_access
from git_credential_hf.api.refusals import Answer
from git_credential_hf.git.credentials import (
    NotAsked,
    falls_through,
    is_current_token,
    is_cut_off,
    is_given_elsewhere,
)
from git_credential_hf.git.run import NoAnswer
from git_credential_hf.hooks.push import Push
from git_credential_hf.masking import mask_token
from git_credential_hf.problem import Problem
from git_credential_hf.repository import Repository, without_credentials
from git_credential_hf.state import REJECTED, discard_record, is_recorded
from git_credential_hf.tokens import Token, current_token

_OF_THE_TOKEN = (
    *("token-invalid", "token-expired", "token-revoked-by-org", "token-needs-approval"),
    *("read-only-token", "token-not-scoped"),
)


def check_pull_requests(push: Push) -> None:
    """Check that a push to a pull request names one by its number, and is not `refs/pr/N` to the letter."""
    for name in [update.remote_ref for update in push.updates]:
        if push.repository and name.startswith("refs/pr/") and not name.removeprefix("refs/pr/").isdecimal():
            fix = f"put in the number of a pull request; {push.repository.page}/discussions lists them"
            push.verdict.add(push.severity["writeCheck"], [Problem(f"{name} is not a pull request", fix)])


def check_write_access(push: Push) -> None:
    """Check that git's credential may push; with SSH, there is no credential that could be checked."""
    if not push.is_https or push.repository is None or push.severity["writeCheck"] == "off":
        return
    if is_recorded(REJECTED, push.hub):
        discard_record(REJECTED)
        push.verdict.warn(
            "git started this push with a stale token from another helper; it has since been removed",
            "if the push fails, run it again",
        )
    unknown = f"cannot check access to {push.repository.name}"
    try:
        answer = _ask_for_tokens(push, push.repository)
    except NotAsked:
        return
    except NoAnswer as failure:
        push.verdict.warn(f"{unknown}: {failure.message}")
        return
    if answer is None:
        if is_given_elsewhere(without_credentials(push.credential_url), push.entries):
            return  # git has a credential from a source that we cannot read
        if is_cut_off(push.credential_url, push.entries):
            push.verdict.warn(f"{unknown}: git credential does not return this helper's token")
            return
        answer = check_access(None, push.repository, write=True)
    problem = Problem(answer.message, answer.fix)
    if push.token is not None and not is_current_token(push.token):
        current = _current_token(push)
        if current is not None and answer.reason in _OF_THE_TOKEN:
            instead = f"git uses it instead of the current {mask_token(current.value)}"
            problem = Problem(f"{answer.message}; {instead}", push.token.remedy())  # not a hint to create a token
        else:
            _warn_of_other_token(push, push.token, current)
    if answer.answer == "no":
        push.verdict.add(push.severity["writeCheck"], [problem])
    elif answer.answer == "unknown" and answer.is_news:
        push.verdict.warn(f"{unknown}: {answer.message}", answer.fix)


def _ask_for_tokens(push: Push, repository: Repository) -> Answer | None:
    """Return the Hub's answer for the token that git will use, `push.token`; `None` if git has none.

    git sends its tokens in order, and goes on to the next if the Hub rejects one that came from `.netrc`, say.
    """
    write = not all(update.remote_ref.startswith("refs/pr/") for update in push.updates)
    answer: Answer | None = None
    for token in push.credentials():
        if push.token is not None and not is_current_token(push.token):
            rejected = f"git sends the token {push.token.describe()} first, and the Hub rejects it"
            push.verdict.warn(rejected, push.token.remedy())
        push.token = token
        answer = check_access(token, repository, write=write, use_cache=True)
        if answer.reason not in ("token-invalid", "token-expired") or not falls_through(token):
            break
    return answer


def _current_token(push: Push) -> Token | None:
    try:
        return current_token(push.hub, act=False)
    except Problem:
        return None


def _warn_of_other_token(push: Push, token: Token, current: Token | None) -> None:
    instead = f" instead of the current {mask_token(current.value)}" if current else ""
    push.verdict.warn(f"git uses the token {token.describe()} for this push{instead}", token.remedy())
