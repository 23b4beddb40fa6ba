"""The state of this machine, read once and shared by all checks."""

from functools import cached_property

from git_credential_hf.api.access import whoami
from git_credential_hf.api.account import Account
from git_credential_hf.doctor.lfs_urls import LfsUrls
from git_credential_hf.doctor.other_tokens import OtherTokens
from git_credential_hf.doctor.resolvers import Resolvers
from git_credential_hf.git.config import ConfigEntry, push_url, read_config
from git_credential_hf.git.helper_chain import configured_hubs, default_hub
from git_credential_hf.git.run import run_git
from git_credential_hf.hub import PUBLIC_HUB, hub_origins
from git_credential_hf.problem import Problem
from git_credential_hf.repository import Repository, parse_remote, parse_repository
from git_credential_hf.tokens import Token, current_token


class Machine:
    """The machine as the current user sees it in the current directory.

    `named_repository`: the REPO argument, which replaces the directory's own repository.
    """

    def __init__(self, repository: Repository | None, *, offline: bool) -> None:
        self.offline = offline
        self.named_repository = repository
        self.token_problem: Problem | None = None  # why there is no `token`, if its source is broken
        self._accounts: dict[str, Account | Problem] = {}

    @property
    def entries(self) -> list[ConfigEntry]:
        """Git's configuration in the current directory; raises `Problem` if git cannot read it."""
        if isinstance(self._entries, Problem):
            raise Problem(self._entries.message, self._entries.fix)
        return self._entries

    @cached_property
    def _entries(self) -> "list[ConfigEntry] | Problem":
        try:
            return read_config()
        except Problem as problem:
            return problem  # stored, so that a git that hangs delays this only once

    @property
    def git_problem(self) -> Problem | None:
        """Why git cannot read its configuration; `None` if it can."""
        return self._entries if isinstance(self._entries, Problem) else None

    @property
    def ignored_ids(self) -> set[str]:
        """The ids of findings that `hf.ignore` names."""
        entries = [] if isinstance(self._entries, Problem) else self._entries
        return {(e.value or "").lower() for e in entries if (e.section, e.subsection, e.name) == ("hf", "", "ignore")}

    @cached_property
    def remote(self) -> str | None:
        """The push URL of this directory, if it is on a Hub."""
        if isinstance(self._entries, Problem):
            return None
        try:
            url = push_url(self.other_hubs)
        except Problem:
            return None
        return url if parse_remote(url, self.other_hubs) else None

    @property
    def remote_name(self) -> str:
        """The name of the remote with that URL, or the URL itself."""
        remotes = (e for e in self.entries if e.section == "remote" and e.name in ("url", "pushurl"))
        return next((e.subsection for e in remotes if e.value == self.remote), self.remote or "")

    @property
    def is_ssh(self) -> bool:
        """Whether git uses SSH for the repository of this directory, and so no token."""
        remote = parse_remote(self.remote, self.other_hubs) if self.remote else None
        is_other = self.named_repository and remote and self.named_repository != remote.repository
        return remote is not None and remote.transport == "ssh" and not is_other

    @cached_property
    def other_hubs(self) -> list[str]:
        """The Hubs beside huggingface.co that git is configured for."""
        return [] if isinstance(self._entries, Problem) else configured_hubs(self._entries)

    @property
    def origins(self) -> list[str]:
        """The origins of all Hubs that git is configured for."""
        return hub_origins(self.other_hubs)

    @cached_property
    def hub(self) -> str:
        """The Hub of the repository, or else the default Hub."""
        if self.repository:
            return self.repository.hub
        return PUBLIC_HUB if isinstance(self._entries, Problem) else default_hub(self._entries)

    @cached_property
    def repository(self) -> Repository | None:
        """The repository to check: the REPO argument, or else the push remote of this directory."""
        return self.named_repository or (self.parse(self.remote) if self.remote else None)

    @cached_property
    def url(self) -> str:
        """The URL to request credentials for: the remote's, the repository's, or the Hub's."""
        remote, named = self.remote, self.named_repository
        if remote and remote.startswith("http") and (not named or self.parse(remote) == named):
            return remote
        return self.replaced_url(self.repository.page if self.repository else self.hub)

    def replaced_url(self, url: str) -> str:
        """Return a URL after git's url.<base>.insteadOf (git-config(1)): the result may contain a password."""
        replaced = run_git("ls-remote", "--get-url", f"{url}/").decode("utf-8", "surrogateescape").rstrip("/\n")
        found = parse_remote(replaced, self.other_hubs)
        return replaced if found and found.transport == "https" else url

    def parse(self, url: str) -> Repository | None:
        """Return the repository that a URL names, if it is on a Hub that git is configured for."""
        return parse_repository(url, others=self.other_hubs)

    @cached_property
    def token(self) -> Token | None:
        """The current token; `None` if there is none, or if its source is broken (then see `token_problem`)."""
        try:
            return current_token(self.hub, act=not self.offline)
        except Problem as problem:
            self.token_problem = problem
            return None

    def whose(self, token: Token) -> Account | Problem | None:
        """Return the account of a token, or why it is unknown; `None` if offline. Each answer is cached."""
        if self.offline:
            return None
        if token.key not in self._accounts:
            try:
                self._accounts[token.key] = whoami(token)
            except Problem as problem:
                self._accounts[token.key] = problem
        return self._accounts[token.key]

    @cached_property
    def lfs(self) -> LfsUrls:
        """The URLs that git-lfs uses."""
        return LfsUrls(self)

    @cached_property
    def resolvers(self) -> Resolvers:
        """The tokens that git, git-lfs, git-xet and huggingface_hub would each send."""
        return Resolvers(self)

    @cached_property
    def other_tokens(self) -> OtherTokens:
        """The tokens that git has from sources other than this program."""
        return OtherTokens(self)
