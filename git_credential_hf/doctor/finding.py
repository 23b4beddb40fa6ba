"""What a check of `doctor` gives back."""

from collections.abc import Callable, Sequence

from git_credential_hf.files import Change
from git_credential_hf.masking import mask_token
from git_credential_hf.tokens import Token

# All ids, in the order in which they are shown.
IDS = (
    *("resolvers-disagree", "no-token", "token-invalid", "token-expired", "token-expiring", "token-malformed"),
    *("env-overrides-login", "legacy-token-file", "token-file-readable", "read-only-token"),
    *("netrc-entry", "netrc-default", "netrc-unreadable"),
    *(
        "helper-not-configured",
        "helper-not-found",
        "helper-shadowed",
        "helper-behind",
        "stale-copy",
        "username-set",
        "gcm-residue",
    ),
    *("token-in-remote-url", "token-in-git-config", "lfs-missing", "lfs-not-hooked", "lfs-url-elsewhere"),
    *("hooks-broken", "wrong-home", "ci-long-lived-token", "endpoint-elsewhere", "hub-unreachable"),
    *("repo-no-access", "repo-read-only", "repo-gated", "git-broken"),
)


class Finding:
    """Something that is wrong: its `id` of `IDS`, its `severity` (`error` or `warning`), and `changes` that fix it."""

    def __init__(
        self,
        id: str,
        severity: str,
        title: str,
        detail: str,
        fix: str,
        changes: "Callable[[], Sequence[Change]] | None" = None,
    ) -> None:
        self.id = id
        self.severity = severity
        self.title = title
        self.detail = detail
        self.fix = fix
        self.changes = changes  # planned when they are made: an earlier change may have touched the same file
        self.fixed = False

    @property
    def key(self) -> tuple[str, str]:
        """What identifies it, also in another examination."""
        return self.id, self.detail

    def as_json(self) -> dict[str, object]:
        """As `doctor --json` prints it."""
        return {
            "id": self.id,
            "severity": self.severity,
            "title": self.title,
            "detail": self.detail,
            "fix": self.fix,
            "fixable": self.changes is not None,
            "fixed": self.fixed,
        }


class Row:
    """What one program would send to the Hub, and where that comes from; `token` is `None` if it has nothing."""

    def __init__(self, program: str, source: str, token: Token | None, account: str | None) -> None:
        self.program = program
        self.source = source
        self.token = token
        self.account = account

    def as_json(self) -> dict[str, object]:
        """As `doctor --json` prints it."""
        return {
            "program": self.program,
            "source": self.source,
            "shown": mask_token(self.token.value) if self.token else None,
            "account": self.account or None,
        }
