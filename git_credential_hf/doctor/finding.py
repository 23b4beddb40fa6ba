"""Define what `doctor` reports: findings, and a row for each program that sends a token."""

from collections.abc import Callable, Iterable, Sequence

from git_credential_hf.files import Change
from git_credential_hf.masking import mask_line, mask_token
from git_credential_hf.problem import Problem, runnable
from git_credential_hf.tokens import Token

# The ids of all findings, in the order in which they are shown.
IDS = (
    "git-broken",
    *("resolvers-disagree", "no-token", "token-invalid", "token-expired", "token-expiring"),
    *("login-not-renewable", "token-malformed", "token-placeholder"),
    *("env-overrides-login", "legacy-token-file", "token-file-readable", "token-file-foreign", "read-only-token"),
    *("netrc-entry", "netrc-default", "netrc-unreadable"),
    *("helper-not-configured", "helper-not-found", "helper-shadowed", "helper-behind", "helper-bypassed"),
    *("stale-copy", "username-set", "account-mismatch", "gcm-residue"),
    *("token-in-remote-url", "token-in-git-config", "uses-ssh"),
    *("lfs-missing", "lfs-not-hooked", "lfs-pointers", "lfs-url-elsewhere", "lfs-access-sticky"),
    *("hooks-broken", "program-writable", "wrong-home", "ci-long-lived-token", "endpoint-elsewhere", "hub-unreachable"),
    *("repo-no-access", "repo-read-only", "repo-gated"),
)

# Findings about tokens other than the login: only warnings as long as git works with these tokens.
OF_OTHER_TOKENS = (
    *("resolvers-disagree", "no-token", "netrc-entry", "helper-not-configured", "helper-not-found", "helper-bypassed"),
    *("helper-shadowed", "stale-copy", "token-in-remote-url", "token-in-git-config"),
)
OF_THE_URL = ("resolvers-disagree", "token-in-remote-url")

RUN_FIX = "run `git-credential-hf doctor --fix`"
# For a credential that may be the only one that works, or the only one with its permissions.
_LOG_IN_FIRST = (
    "run `git-credential-hf login` with that token, or with one of the same account and permissions, then "
    "`git-credential-hf doctor --fix`"
)


def fix_first(reason: Problem) -> str:
    """Return what the user has to do before `doctor --fix` can remove a credential that is kept for this reason."""
    return f"{reason.fix}, then `git-credential-hf doctor --fix`" if reason.fix else _LOG_IN_FIRST


class NotChecked(Exception):
    """A check could not be made, so no finding does not mean no problem; the message is the reason, for users."""


class Finding:
    """A problem: `id` is one of `IDS`, `severity` is `error` or `warning`, and `changes` plans the changes of `--fix`.

    `detail`: one line, or several. `is_lasting`: stays an error even if the Hub accepts git's credential.

    Changes are planned just before they are made, because an earlier fix may have changed the same file.
    """

    def __init__(
        self,
        id: str,
        severity: str,
        title: str,
        detail: "str | list[str]",
        fix: str,
        changes: "Callable[[], Sequence[Change]] | None" = None,
        *,
        is_lasting: bool = False,
    ) -> None:
        self.is_lasting = is_lasting
        self.id = id
        self.severity = severity
        self.title = title
        self.detail = "\n".join(map(mask_line, [detail] if isinstance(detail, str) else detail))
        self.fix = fix
        self.changes = changes
        self.fixed = False

    @property
    def key(self) -> tuple[str, str]:
        """Identifies the same problem in another examination of this machine."""
        return self.id, self.detail

    def as_json(self) -> dict[str, object]:
        """Return what `doctor --json` prints."""
        return {
            "id": self.id,
            "severity": self.severity,
            "title": self.title,
            "detail": self.detail,
            "fix": runnable(self.fix),
            "fixable": self.changes is not None,
            "fixed": self.fixed,
        }


def first_fix(findings: Iterable[Finding]) -> str | None:
    """Return the first step: `doctor --fix` if that fixes anything, else the fix of the worst finding, if any."""
    in_order = sorted(findings, key=lambda finding: finding.severity)  # "error" sorts before "warning"
    if in_order and in_order[0].id == "git-broken":
        return in_order[0].fix
    if any(finding.changes for finding in in_order):
        return RUN_FIX
    return in_order[0].fix if in_order else None


class Row:
    """The token that one program would send to the Hub, and its source; `token` is `None` if it would send none.

    `answer`: the HTTP status of the Hub's response to the program, or the reason why the program was not tried.
    `is_anonymous`: the Hub answered without a token, as for a public repository.
    """

    def __init__(
        self,
        program: str,
        source: str,
        token: Token | None,
        account: str | None,
        answer: int | str = "",
        *,
        is_anonymous: bool = False,
    ) -> None:
        self.program = program
        self.source = source
        self.token = token
        self.account = account
        self.answer = answer
        self.is_anonymous = is_anonymous

    def as_json(self) -> dict[str, object]:
        """Return what `doctor --json` prints."""
        return {
            "program": self.program,
            "source": self.source,
            "shown": mask_token(self.token.value) if self.token else None,
            "account": self.account or None,
        }


def why_one_kept(reasons: Iterable[Problem | None]) -> Problem | None:
    """Return the first reason to keep one of several secrets: their file or helper is then left unchanged."""
    return next((reason for reason in reasons if reason), None)


def fix_unless(reason: Problem | None) -> str:
    """Return how a finding is fixed: by `--fix`, unless there is a reason against it, which has to go first."""
    return fix_first(reason) if reason else RUN_FIX
