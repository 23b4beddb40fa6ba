"""What `doctor` reports: findings, and one row for each program that sends a token."""

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

# What is no error as long as git works with what it has: a token from another place than the login.
OF_OTHER_TOKENS = (
    *("resolvers-disagree", "no-token", "netrc-entry", "helper-not-configured", "helper-not-found", "helper-bypassed"),
    *("helper-shadowed", "stale-copy", "token-in-remote-url", "token-in-git-config"),
)
OF_THE_URL = ("resolvers-disagree", "token-in-remote-url")

RUN_FIX = "run `git-credential-hf doctor --fix`"
# For what may be the only credential that works, or that may do as much.
_LOG_IN_FIRST = (
    "run `git-credential-hf login` with that token, or one of its account that may do as much, then "
    "`git-credential-hf doctor --fix`"
)


def fix_first(reason: Problem) -> str:
    """Return what has to be done before `doctor --fix` removes a credential, by the reason why it stays."""
    return f"{reason.fix}, then `git-credential-hf doctor --fix`" if reason.fix else _LOG_IN_FIRST


class NotChecked(Exception):
    """What a check raises if it cannot be made, with the reason, for people: that there is no finding means nothing."""


class Finding:
    """A problem: `id` is one of `IDS`, `severity` is `error` or `warning`, and `changes` plans what `--fix` does.

    `detail`: one line, or several. `is_lasting`: an error also if the Hub accepts what git sends.

    The changes are planned only when they are made, because an earlier one may have changed the same file.
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
        """What identifies it in another examination of the same machine."""
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
    """Return what to do first: `doctor --fix` if that fixes anything, or the fix of the worst finding, if any."""
    in_order = sorted(findings, key=lambda finding: finding.severity)  # "error" sorts before "warning"
    if in_order and in_order[0].id == "git-broken":
        return in_order[0].fix
    if any(finding.changes for finding in in_order):
        return RUN_FIX
    return in_order[0].fix if in_order else None


class Row:
    """What one program would send to the Hub, and where it finds that; `token` is `None` if it would send nothing.

    `answer`: the HTTP status that the Hub answered the program with; or why it was not asked, if there is a reason.
    """

    def __init__(
        self, program: str, source: str, token: Token | None, account: str | None, answer: int | str = ""
    ) -> None:
        self.program = program
        self.source = source
        self.token = token
        self.account = account
        self.answer = answer

    def as_json(self) -> dict[str, object]:
        """Return what `doctor --json` prints."""
        return {
            "program": self.program,
            "source": self.source,
            "shown": mask_token(self.token.value) if self.token else None,
            "account": self.account or None,
        }


def why_one_kept(reasons: Iterable[Problem | None]) -> Problem | None:
    """Return why one of several secrets stays: then what they are in is not changed."""
    return next((reason for reason in reasons if reason), None)


def fix_unless(reason: Problem | None) -> str:
    """Return how a finding is fixed: by `--fix`, unless there is a reason against it, which has to go first."""
    return fix_first(reason) if reason else RUN_FIX
