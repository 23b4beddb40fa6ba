"""What the Hub's words mean when it refuses: a reason code, a message and a fix for each.

Status and headers are read directly: huggingface_hub's exceptions lose them (docs/facts.md#h6).
"""

from typing import Any

from git_credential_hf.api.account import Account
from git_credential_hf.api.client import error_message
from git_credential_hf.hub import Repository, token_settings_url
from git_credential_hf.masking import mask_token
from git_credential_hf.problem import Problem
from git_credential_hf.tokens import Token


class Refused(Problem):
    """The Hub refuses the token itself. `code` is a reason of `check --json`."""

    def __init__(self, message: str, fix: str, code: str) -> None:
        super().__init__(message, fix)
        self.code = code


class Answer:
    """`answer` is `yes`, `no` or `unknown`; `reason`, `message` and `fix` as in `check --json` (contract)."""

    def __init__(
        self,
        repository: Repository,
        write: bool,
        answer: str,
        reason: str | None,
        message: str,
        fix: str | None = None,
    ) -> None:
        self.repository = repository
        self.write = write
        self.answer = answer
        self.reason = reason
        self.message = message
        self.fix = fix

    def as_json(self) -> dict[str, object]:
        """As `check --json` prints it."""
        return {
            "repo": self.repository.name,
            "type": self.repository.type,
            "access": "write" if self.write else "read",
            "answer": self.answer,
            "reason": self.reason,
            "message": self.message,
            "fix": self.fix,
        }


# --- what the Hub's words mean (docs/facts.md#h4) ---


def token_refusal(token: Token, said: str) -> Refused:
    """Why the Hub refuses the token itself, after a 401."""
    if "is expired" in said:
        return Refused(f"the Hub refuses the token {token.describe()}: {said}", token.remedy(), "token-expired")
    return Refused(
        f"the Hub refuses the token {token.describe()}: it is invalid, or was revoked", token.remedy(), "token-invalid"
    )


def refusal_from_words(token: Token, repository: Repository, write: bool, response: Any) -> Answer | None:
    """The refusals that say what they are about."""
    name, namespace = repository.name, repository.namespace
    said, code = error_message(response), response.headers.get("x-error-code")
    page = repository.page

    def no(reason: str, message: str, fix: str) -> Answer:
        return Answer(repository, write, "no", reason, message, fix)

    if code == "RepoNotFound" and response.status_code == 404:
        return missing_repository(repository, write)
    if response.status_code != 403:
        return None
    if "needs to be approved by the organization" in said:
        return no(
            "token-needs-approval",
            f"{namespace} has to approve the token {mask_token(token.value)} first",
            f"ask an administrator of {namespace}",
        )
    if "has been revoked by the organization" in said:
        return no(
            "token-revoked-by-org",
            f"an administrator of {namespace} has revoked the token {mask_token(token.value)}",
            f"ask an administrator of {namespace}, or create another token at {token_settings_url()}",
        )
    if "Access to this resource is disabled" in said:
        return no("repo-disabled", f"{name} is disabled on the Hub", f"open {page}")
    if "fine-grained token settings" in said:
        return no(
            "gated-not-in-scope",
            f"{name} is gated, and the fine-grained token {mask_token(token.value)} may not read gated repositories",
            f"tick 'Read access to contents of all public gated repos you can access' at {token_settings_url()}",
        )
    if code != "GatedRepo":
        return None
    if "awaiting a review" in said:
        return no("gated-pending", f"{name} is gated, and your request waits for its authors", f"open {page}")
    if "has been rejected" in said:
        return no("gated-rejected", f"{name} is gated, and its authors have rejected your request", f"open {page}")
    return no(
        "gated-not-requested",
        f"{name} is gated, and you have not asked for access{_reset(said)}",
        f"open {page} and accept its conditions; a grant can take some minutes to count",
    )


def _reset(said: str) -> str:
    return " since your request was reset" if "has been reset" in said else ""


def missing_repository(repository: Repository, write: bool) -> Answer:
    """The answer to a 404: the repository is missing, or private and not for this token."""
    create = f"hf repos create {repository.name}" + _type_option(repository)
    if repository.kind == "spaces":
        create += " --sdk gradio"
    return Answer(
        repository,
        write,
        "no",
        "no-such-repo",
        f"there is no {repository.page}, or it is private and not for this token to see",
        f"run `{create}`, or look for the name and the account that you mean",
    )


def refusal_from_account(
    token: Token, account: Account, repository: Repository, write: bool, said: str
) -> Answer | None:
    """The Hub has said no, and not why: what whoami tells of the token and its account explains it, or nothing does."""
    name, namespace = repository.name, repository.namespace
    permission = "repo.write" if write else "repo.content.read"

    def no(reason: str, message: str, fix: str) -> Answer:
        return Answer(repository, write, "no", reason, message, fix)

    if account.role == "read" and write:
        return no(
            "read-only-token",
            f"the token {token.describe()} can only read",
            other_token_hint(token, "of the role 'write'"),
        )
    is_permitted = account.permits(permission, repository) if account.role == "fineGrained" else True
    if is_permitted is None:
        return None
    if not is_permitted:
        return no(
            "token-not-scoped",
            f"the fine-grained token {mask_token(token.value)} has no `{permission}` for {name}",
            f"add '{'Write' if write else 'Read'} access to contents' for {name} or {namespace} at "
            f"{token_settings_url()}",
        )
    role = account.orgs.get(namespace)
    is_own = namespace == account.name
    if account.is_oauth and account.role is None and write and said and (is_own or role in ("admin", "write")):
        return no(
            "token-not-scoped",
            f"the token {mask_token(token.value)} of your login may not write to {name}",
            other_token_hint(token, "of the role 'write'"),
        )
    is_low = role in _LOW if namespace in account.orgs else account.knows_orgs
    if not write or name == namespace or is_own or not said or not is_low:
        return None  # the token and the account should do: the Hub has a reason that we do not know
    pull_request = f"hf discussions create {name} --pull-request --title '…'" + _type_option(repository)
    return no(
        "role-too-low",
        f"{account.name} may not write to {name}: "
        + (f"in {namespace} its role is '{role}'" if role else f"it is not a member of {namespace}"),
        f"open a pull request: `{pull_request}`, then `git push origin HEAD:refs/pr/N`",
    )


_LOW = (
    "read",
    "contributor",
    "no_access",
)  # of the roles in an organisation (docs/facts.md#h3); one of tomorrow may do


def _type_option(repository: Repository) -> str:
    return "" if repository.kind == "models" else f" --type {repository.type}"


def other_token_hint(token: Token, what: str) -> str:
    """How to use another token in the place of this one."""
    create = f"create one {what} at {token_settings_url()}"
    then = {"env": f", and set {token.place} to it", "file": ", and run `hf auth login`"}
    return create + then.get(token.kind, "")


def may_text(write: bool) -> str:
    """Return what is asked, in words: `may write to` or `may read`."""
    return "may write to" if write else "may read"
