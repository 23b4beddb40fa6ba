"""Translate the Hub's refusals: a reason code, a message and a fix for each.

Status and headers are read directly: huggingface_hub's exceptions lose them (docs/facts.md#h6).
"""

from typing import TYPE_CHECKING

from git_credential_hf.api.account import Account
from git_credential_hf.api.client import error_message
from git_credential_hf.hub import hub_name, token_settings_url, write_token_url
from git_credential_hf.masking import is_placeholder, mask_token
from git_credential_hf.problem import Problem, runnable
from git_credential_hf.repository import Repository
from git_credential_hf.tokens import Token, overridden_login

if TYPE_CHECKING:
    from git_credential_hf.api.transport import Response

_LOW_ROLES = ("read", "contributor", "no_access")  # in an organization (docs/facts.md#h3); a new one may suffice
_ACCEPT_CONDITIONS = "open {page} and accept its conditions; access can take a few minutes to take effect"

# The meanings of a 403 (docs/facts.md#h4); the first row that matches applies. Each row has a part of the Hub's
# message, the error code (`None` for any), the reason as in `check --json`, the message and the fix.
_REFUSALS = (
    (
        *("needs to be approved by the organization", None, "token-needs-approval"),
        "the token {token} needs the approval of {namespace}",
        "ask an administrator of {namespace} to approve it",
    ),
    (
        *("has been revoked by the organization", None, "token-revoked-by-org"),
        "an administrator of {namespace} has revoked the token {token}",
        "ask an administrator of {namespace}, or create another token at {settings}",
    ),
    (
        *("Access to this resource is disabled", None, "repo-disabled"),
        "{name} is disabled on the Hub",
        "open {page}",
    ),
    (
        *("fine-grained token settings", None, "gated-not-in-scope"),
        "{name} is gated, and the fine-grained token {token} may not read gated repositories",
        "tick 'Read access to contents of all public gated repos you can access' at {settings}",
    ),
    (
        *("awaiting a review", "GatedRepo", "gated-pending"),
        "{name} is gated, and your access request is awaiting review",
        "open {page}",
    ),
    (
        *("has been rejected", "GatedRepo", "gated-rejected"),
        "{name} is gated, and your access request was rejected",
        "open {page}",
    ),
    (
        *("has been reset", "GatedRepo", "gated-not-requested"),
        "{name} is gated, and you have not requested access since your last request was reset",
        _ACCEPT_CONDITIONS,
    ),
    (
        *("", "GatedRepo", "gated-not-requested"),
        "{name} is gated, and you have not requested access",
        _ACCEPT_CONDITIONS,
    ),
)


class Refused(Problem):
    """The Hub rejects the token itself. `code` is a reason of `check --json`."""

    def __init__(self, message: str, fix: str, code: str) -> None:
        super().__init__(message, fix)
        self.code = code


class Answer:
    """Whether access is granted: `answer` is `yes`, `no` or `unknown`; the rest is as in `check --json`.

    `is_news`: whether hooks tell the user that it is unknown.
    """

    def __init__(
        self,
        repository: Repository,
        write: bool,
        answer: str,
        reason: str | None,
        message: str,
        fix: str | None = None,
        *,
        is_news: bool = True,
    ) -> None:
        self.repository = repository
        self.write = write
        self.answer = answer
        self.reason = reason
        self.message = message
        self.fix = fix
        self.is_news = is_news

    def as_json(self) -> dict[str, object]:
        """Return what `check --json` prints."""
        return {
            "repo": self.repository.name,
            "type": self.repository.type,
            "access": "write" if self.write else "read",
            "answer": self.answer,
            "reason": self.reason,
            "message": self.message,
            "fix": self.fix and runnable(self.fix),
        }


def token_refusal(token: Token, message: str) -> Refused:
    """Return the error for a 401: the Hub rejects the token itself (docs/facts.md#h4)."""
    rejected = f"{hub_name(token.hub)} rejects the token {token.describe()}"
    if "is expired" in message:
        return Refused(f"{rejected}: {message}", token.remedy(), "token-expired")
    if is_placeholder(token.value):
        return Refused(f"{rejected}: it is the placeholder of an example", token.remedy(), "token-invalid")
    return Refused(f"{rejected}: it is invalid or was revoked", token.remedy(), "token-invalid")


def refusal_from_message(token: Token, repository: Repository, write: bool, response: "Response") -> Answer | None:
    """Return the answer for a refusal whose message gives the reason (docs/facts.md#h4), else `None`."""
    code = response.headers.get("x-error-code")
    if code == "RepoNotFound" and response.status_code == 404:
        return missing_repository(repository, write)
    if response.status_code != 403:
        return None
    for words, of_code, reason, message, fix in _REFUSALS:
        if words in error_message(response) and of_code in (None, code):
            names = {
                "name": repository.name,
                "namespace": repository.namespace,
                "page": repository.page,
                "token": mask_token(token.value),
                "settings": token_settings_url(repository.hub),
            }
            return Answer(repository, write, "no", reason, message.format(**names), fix.format(**names))
    return None


def missing_repository(repository: Repository, write: bool) -> Answer:
    """Return the answer for a 404: the repository does not exist, or is private and hidden from this token."""
    page = {"datasets": "new-dataset", "spaces": "new-space"}.get(repository.kind, "new")
    fix = f"run `git-credential-hf status` to check the account, or create {repository.name} at {repository.hub}/{page}"
    if "/" not in repository.name:  # only the Hub itself can create these
        fix = "use the full name with the owner, such as acme/model"
    return Answer(
        repository,
        write,
        "no",
        "no-such-repo",
        f"{repository.page} does not exist, or it is private and this token has no access",
        fix,
    )


def refusal_from_account(
    token: Token, account: Account, repository: Repository, write: bool, message: str
) -> Answer | None:
    """Return the answer for a refusal without a reason, if whoami's response explains it, else `None`."""
    name, namespace = repository.name, repository.namespace
    permission = "repo.write" if write else "repo.content.read"

    def no(reason: str, message: str, fix: str) -> Answer:
        return Answer(repository, write, "no", reason, message, fix)

    if account.role == "read" and write:
        return no(
            "read-only-token",
            f"the token {token.describe()} can only read",
            write_token_hint(token),
        )
    is_permitted = account.permits(permission, repository) if account.role == "fineGrained" else True
    if is_permitted is None:
        return None
    if not is_permitted:
        return no(
            "token-not-scoped",
            f"the fine-grained token {mask_token(token.value)} lacks `{permission}` for {name}",
            f"add '{'Write' if write else 'Read'} access to contents' for {name} or {namespace} at "
            f"{token_settings_url(repository.hub)}",
        )
    role = account.orgs.get(namespace)
    is_own = namespace == account.name
    if account.is_oauth and account.role is None and write and message and (is_own or role in ("admin", "write")):
        return no(
            "token-not-scoped",
            f"the token {mask_token(token.value)} of your browser login may not write to {name}",
            write_token_hint(token),
        )
    # A fine-grained token with a scope for this repository may belong to a service account, which is not a member of
    # the organization (docs/facts.md#h2).
    may_be_member = not account.knows_orgs or account.role == "fineGrained"
    is_low = role in _LOW_ROLES if namespace in account.orgs else not may_be_member
    if not write or name == namespace or is_own or not message or not is_low:
        return None  # the token and the account should be sufficient, so there is another reason
    return no(
        "role-too-low",
        f"{account.name} may not write to {name}: "
        + (f"the role in {namespace} is '{role}'" if role else f"not a member of {namespace}"),
        f"open a pull request at {repository.page}/discussions, then run `git push origin HEAD:refs/pr/N`, "
        "where N is its number",
    )


def write_token_hint(token: Token) -> str:
    """Return how to replace this token with one that can push."""
    role, url = "with the role 'write'", write_token_url(token.hub)
    if overridden_login(token):
        return f"run `unset {token.place}` to use your login, or set it to a token {role} from {url}"
    then = {"env": f", and set {token.place} to it", "file": ", and run `git-credential-hf login`"}
    return f"create one {role} at {url}" + then.get(token.kind, "")


def may_text(write: bool) -> str:
    """Return `may write to` or `may read`."""
    return "may write to" if write else "may read"
