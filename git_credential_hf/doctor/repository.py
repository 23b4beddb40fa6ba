"""Check one repository: whether the token that git sends can read it, and write to it."""

from collections.abc import Iterator

from git_credential_hf.api.access import check_access
from git_credential_hf.api.account import Account
from git_credential_hf.doctor.finding import Finding, NotChecked
from git_credential_hf.doctor.machine import Machine
from git_credential_hf.doctor.observation import Observed
from git_credential_hf.masking import mask_line, mask_token
from git_credential_hf.problem import Problem
from git_credential_hf.repository import without_credentials
from git_credential_hf.shell import shell_word

_GATED = ("gated-not-requested", "gated-pending", "gated-rejected", "gated-not-in-scope")
_OF_THE_TOKEN = ("no-token", "token-invalid", "token-expired")  # reported by doctor.token


def check_repository(machine: Machine) -> Iterator[Finding]:
    """Check access to the repository. Write access first: most tokens have it, so one request is enough."""
    if machine.repository is None or machine.offline:
        return
    token = machine.resolvers.used_by_git or machine.token
    if token is None:
        raise NotChecked("not checked: there is no token")
    if not isinstance(machine.whose(token), Account):
        raise NotChecked(f"not checked: the account of the token {mask_token(token.value)} is unknown")
    page = machine.repository.page
    answer = check_access(token, machine.repository, write=True)
    if answer.answer == "yes":
        return
    if answer.answer == "unknown" or answer.reason in _OF_THE_TOKEN:
        raise NotChecked(f"unknown: {answer.message}")
    detail = f"{page}, with {token.describe()}"
    fix = answer.fix or f"open {page}"
    if answer.reason in _GATED:
        yield Finding("repo-gated", "error", answer.message, detail, fix)
    elif check_access(token, machine.repository, write=False).answer == "no":
        yield Finding("repo-no-access", "error", answer.message, detail, fix)
    elif answer.reason != "read-only-token":  # doctor.token reports that
        yield Finding("repo-read-only", "warning", answer.message, detail, fix)


def check_observed(machine: Machine) -> Iterator[Finding]:
    """Check that the requests of git and git-lfs succeed, whatever the other checks found."""
    observed = machine.resolvers.observed_git
    if isinstance(observed, Observed) and (failure := observed.failure):
        url = without_credentials(machine.url)
        yield Finding(
            _failure_id(observed.status, failure),
            "error",
            f"git cannot read this repository: {failure.message.removeprefix('git failed: ')}",
            url,
            failure.fix or f"run `git ls-remote {shell_word(url)}` to see the error, and try again",
        )
    observed = machine.resolvers.observed_lfs
    if isinstance(observed, Observed) and (failure := observed.failure):
        endpoint = without_credentials(machine.lfs.url or "").partition("?")[0]
        yield Finding(
            "lfs-url-elsewhere"
            if machine.lfs.url == machine.lfs.endpoint and machine.lfs.urls
            else _failure_id(observed.status, failure),
            "error",
            f"git-lfs cannot download the files of this repository: {failure.message}",
            mask_line(endpoint),
            failure.fix or "run `git lfs fetch` to see the error, and try again",
        )


def _failure_id(status: int | None, failure: Problem) -> str:
    """Return the finding's id: no access if the Hub refused, else the connection, or git itself."""
    if status in (401, 403, 404):
        return "repo-no-access"
    is_on_the_way = status is not None or "unable to access" in failure.message
    return "hub-unreachable" if is_on_the_way else "git-broken"
