"""The state of this machine, read once for all checks."""

import os
from collections.abc import Callable, Iterator
from functools import cached_property

from git_credential_hf.api.access import whoami
from git_credential_hf.api.account import Account
from git_credential_hf.api.refusals import Refused
from git_credential_hf.configure import mapped_tokens
from git_credential_hf.doctor.finding import Row
from git_credential_hf.git.config import ConfigEntry, push_url, read_config
from git_credential_hf.git.credentials import falls_through, git_credentials
from git_credential_hf.git.run import find_program, run_git
from git_credential_hf.git.urlmatch import section_origin
from git_credential_hf.hub import (
    Repository,
    hub_endpoint,
    hub_origins,
    is_at_endpoint,
    parse_remote,
    parse_repository,
    url_origin,
)
from git_credential_hf.problem import Problem
from git_credential_hf.tokens import Token, current_token


class Machine:
    """This machine, as the current user sees it in the current directory."""

    def __init__(self, repository: Repository | None, *, offline: bool) -> None:
        self.offline = offline
        self.named = repository
        self._accounts: dict[str, Account | Problem] = {}

    @property
    def entries(self) -> list[ConfigEntry]:
        """The configuration of git, as it counts here; raises `Problem`."""
        if isinstance(self._entries, Problem):
            raise Problem(self._entries.message, self._entries.fix)
        return self._entries

    @cached_property
    def _entries(self) -> "list[ConfigEntry] | Problem":
        try:
            return read_config()
        except Problem as problem:
            return problem  # a git that hangs is not run again

    @cached_property
    def remote(self) -> str | None:
        """The URL that this directory is pushed to, if that is the Hub."""
        if isinstance(self._entries, Problem):
            return None
        try:
            url = push_url()
        except Problem:
            return None
        return url if parse_remote(url) else None

    @cached_property
    def repository(self) -> Repository | None:
        """The repository to check: the one that was named, or the one of this directory."""
        return self.named or (parse_repository(self.remote) if self.remote else None)

    @cached_property
    def url(self) -> str:
        """The URL to check: the remote's, or that of the repository or of the Hub."""
        if (
            self.remote
            and self.remote.startswith("http")
            and (not self.named or parse_repository(self.remote) == self.named)
        ):
            return self.remote
        url = (
            self.repository.page
            if self.repository
            else hub_origins()[-1]
            if self._is_elsewhere
            else "https://huggingface.co"
        )
        # git may replace it (git-config(1), url.<base>.insteadOf), with a password in it.
        placed = run_git("ls-remote", "--get-url", f"{url}/").decode("utf-8", "surrogateescape").rstrip("/\n")
        return placed if (parse_remote(placed) or ("", ""))[0] == "https" else url

    @property
    def _is_elsewhere(self) -> bool:
        return "HF_ENDPOINT" in os.environ and url_origin(hub_endpoint()) is not None

    @cached_property
    def token(self) -> Token | None:
        """The current token; `None` if there is none, or if its source is broken (see `broken`)."""
        try:
            return current_token(act=not self.offline)
        except Problem as problem:
            self.broken = problem
            return None

    broken: Problem | None = None

    @cached_property
    def own(self) -> Token | None:
        """The token that `configure --for` has chosen for the namespace of this repository, if git gets it."""
        try:
            name = mapped_tokens(self.entries).get(self.repository.namespace) if self.repository else None
        except Problem:
            return None
        return next((token for token in self.of_git if name and token.name == name), None)

    def ask(self, token: Token) -> Account | Problem | None:
        """Return the account of a token, or why the Hub does not tell; each is requested once, and never offline.

        Another Hub (`HF_ENDPOINT`) is not sent what git would send to this one.
        """
        is_its_own = self.token is not None and token.value == self.token.value
        if self.offline or not (is_its_own or is_at_endpoint(self.url)):
            return None
        if token.value not in self._accounts:
            try:
                self._accounts[token.value] = whoami(token)
            except Problem as problem:
                self._accounts[token.value] = problem
        return self._accounts[token.value]

    def account(self, token: Token | None) -> str | None:
        """Return the name of the token's account, if the Hub tells it."""
        answer = self.ask(token) if token else None
        return answer.name if isinstance(answer, Account) else None

    # -- the four programs

    def resolvers(self) -> list[Row]:
        """git, git-lfs, git-xet and huggingface_hub: what each would send (docs/facts.md#g1)."""
        programs: dict[str, Callable[[], Iterator[Token]]] = {
            "git": lambda: _replay(*self._of_git),
            "git-lfs": lambda: _replay(*self._of_lfs),
            "git-xet": self._of_xet,
        }
        rows = []
        for program, found in programs.items():
            try:
                token = self._first_good(found())
            except Problem as problem:
                rows.append(Row(program, f"unknown: {problem.message}", None, None))
                continue
            rows.append(Row(program, token.where() if token else "nothing", token, self.account(token)))
        own = self.token
        rows.append(Row("huggingface_hub", own.where() if own else "nothing", own, self.account(own)))
        return rows

    def _first_good(self, found: Iterator[Token]) -> Token | None:
        """Return the first one that counts: git skips a `.netrc` entry that the Hub refuses."""
        for token in found:
            if not (falls_through(token) and isinstance(self.ask(token), Refused)):
                return token
        return None

    @cached_property
    def of_git(self) -> list[Token]:
        """What git would send, in its order, without prompting: from `git credential fill`.

        Nothing without git, or if it cannot read its configuration.
        """
        return self._of_git[0]

    @cached_property
    def _of_git(self) -> "tuple[list[Token], Problem | None]":
        if isinstance(self._entries, Problem):
            return [], self._entries
        return _collect(lambda: git_credentials(self.url, self.entries))

    @cached_property
    def _of_lfs(self) -> "tuple[list[Token], Problem | None]":
        """The same for git-lfs, whose URL may be another one (git-lfs-config(5))."""
        url = self.lfs_endpoint
        if self._of_git[1] or not (url and parse_remote(url)):
            return self._of_git
        return _collect(lambda: git_credentials(url, self.entries))

    @cached_property
    def lfs_endpoint(self) -> str | None:
        """The URL that git-lfs talks to for the remote, in its words; `None` without git-lfs, or without a remote."""
        if self.remote is None or find_program("git-lfs") is None:
            return None
        try:
            said = run_git("-c", "core.fsmonitor=false", "lfs", "env", seconds=5).decode("utf-8", "replace")
        except Problem:
            return None
        found = [
            line.partition("=")[2].rpartition(" (")[0] for line in said.splitlines() if line.startswith("Endpoint")
        ]
        return found[0] if found else None

    def _of_xet(self) -> Iterator[Token]:
        """git-xet: the URL's password, `HF_TOKEN`, `.netrc`, and then the helpers, which get the host only."""
        in_url = [token for token in self.of_git if token.kind == "url"]
        yield from in_url
        value = (os.environ.get("HF_TOKEN") or "").strip()
        if value:
            yield Token(value, "env", "HF_TOKEN")
        if self._of_git[1]:
            yield from _replay([token for token in self.of_git if falls_through(token)], self._of_git[1])
        yield from git_credentials(f"{section_origin(self.url)}", self.entries, headers=False)


# A helper that does not answer is waited for once.


def _collect(look: "Callable[[], Iterator[Token]]") -> "tuple[list[Token], Problem | None]":
    """Return what was found, up to an error."""
    found: list[Token] = []
    try:
        for token in look():
            found.append(token)  # those before the problem count
    except Problem as problem:
        return found, problem
    return found, None


def _replay(found: "list[Token]", problem: Problem | None) -> "Iterator[Token]":
    yield from found
    if problem:
        raise Problem(problem.message, problem.fix)
