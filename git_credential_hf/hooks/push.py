"""A push to the Hub: its data, shared by all checks."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property

from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.git.credentials import git_credentials, may_need_person
from git_credential_hf.git.run import NO_PROMPTS, run_git
from git_credential_hf.helper import token_for
from git_credential_hf.hooks.fixes import Fixes
from git_credential_hf.hooks.updates import RefUpdate, announced_ids
from git_credential_hf.hooks.verdict import Verdict, read_severities
from git_credential_hf.problem import Problem
from git_credential_hf.repository import Remote, without_credentials
from git_credential_hf.tokens import Token, is_held_back


class Push:
    """A push of `updates` to `url`; `remote` is the remote's name, or the URL again. Checks add to `verdict`."""

    def __init__(
        self,
        remote: str,
        url: str,
        parsed: Remote,
        updates: list[RefUpdate],
        verdict: Verdict,
        entries: list[ConfigEntry],
    ) -> None:
        self.remote = remote
        self.url = url
        self.hub = parsed.hub
        self.is_https = parsed.transport == "https"
        self.repository = parsed.repository
        self.updates = updates
        self.verdict = verdict
        self.entries = entries
        self.severity = read_severities(self.entries, verdict)
        self.fixes = Fixes(remote, url, updates, entries)
        self.credential_url = url  # git-lfs may use another one
        self.token: Token | None = None  # the token that was checked

    def credentials(self) -> Iterator[Token]:
        """Yield the credentials that git uses for this push, in order; raises `NoAnswer` if a helper does not answer.

        If git asks only this program, its answer is computed here: running git for it would take longer than the rest.
        """
        repository = self.repository

        def own_answer() -> Token | None:
            with suppress(Problem):  # git goes on without a credential
                token = token_for(self.credential_url, repository, self.entries) if repository else None
                return None if token is None or is_held_back(token) else token
            return None

        return git_credentials(self.credential_url, self.entries, persons=False, own_answer=own_answer)

    def find_token(self) -> Token | None:
        """Return the credential that git uses; `None` if there is none, and with SSH."""
        if self.token is None and self.is_https:
            with suppress(Problem):
                self.token = next(self.credentials(), None)
        return self.token

    @property
    def has_new(self) -> bool:
        """Whether a reference is new, so that git passed no remote commit for it."""
        return any(update.is_new for update in self.updates)

    @cached_property
    def listed(self) -> list[str] | None:
        """The ids of the references that the remote lists; `None` if it does not."""
        return _remote_oids(self.url, self.entries)

    @property
    def knows_remote(self) -> bool:
        """Whether the scan knew which commits the remote has."""
        return not self.has_new or self.listed is not None or bool(announced_ids(self.updates))


def _remote_oids(url: str, entries: Sequence[ConfigEntry] = ()) -> list[str] | None:
    """Return the ids of the references that a remote lists; `None` if it does not.

    The URL is passed without its password, because other users can read arguments. Helpers that might prompt are not
    used.
    """
    scheme, separator, rest = without_credentials(url).partition("://")
    if separator and not scheme.lower().startswith("http"):
        rest = f"git@{rest}"  # the Hub's user name for SSH
    elif separator:
        rest = f"{rest.rstrip('/')}/"  # git removes the slash; it makes this longer than an `insteadOf` of the URL
    try:
        # Do not follow `insteadOf`, which may lead to a read-only mirror: the longest match wins.
        plain = scheme + separator + rest
        alias = f"url.{plain}.insteadOf={plain}"
        helpers = ["-c", "credential.helper="] if may_need_person(url, entries) else []
        listed = run_git("-c", alias, *helpers, "ls-remote", "--", plain, environment=NO_PROMPTS, may_connect=True)
    except Problem:
        return None
    return [line.partition(b"\t")[0].decode() for line in listed.splitlines()]
