"""One repository: whether the token that git sends can read it, and write to it."""

from collections.abc import Iterator

from git_credential_hf.api.access import check_access
from git_credential_hf.api.account import Account
from git_credential_hf.doctor.finding import Finding
from git_credential_hf.doctor.machine import Machine

_GATED = ("gated-not-requested", "gated-pending", "gated-rejected", "gated-not-in-scope")
_OF_THE_TOKEN = ("no-token", "token-invalid", "token-expired")  # reported by doctor.token


def check_repository(machine: Machine) -> Iterator[Finding]:
    """Check write access first: most tokens have it, and then one request is enough."""
    if machine.repository is None or machine.offline:
        return
    token = next(iter(machine.git_tokens), None) or machine.token
    if token is None or not isinstance(machine.whose(token), Account):
        return
    page = machine.repository.page
    answer = check_access(token, machine.repository, write=True)
    if answer.answer != "no" or answer.reason in _OF_THE_TOKEN:
        return
    detail = f"{page}, with {token.describe()}"
    fix = answer.fix or f"open {page}"
    if answer.reason in _GATED:
        yield Finding("repo-gated", "error", answer.message, detail, fix)
    elif check_access(token, machine.repository, write=False).answer == "no":
        yield Finding("repo-no-access", "error", answer.message, detail, fix)
    elif answer.reason != "read-only-token":  # which doctor.token reports
        yield Finding("repo-read-only", "warning", answer.message, detail, fix)
