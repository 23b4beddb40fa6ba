"""What a machine tells of itself, looked at once for all checks; and what a check gives back."""

import os
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from git_credential_hf import access, configure, gitconfig, hub, resolvers, tokens
from git_credential_hf.account import Account
from git_credential_hf.changes import Applicable
from git_credential_hf.problem import Problem, shown


class Finding:
    """Something that is wrong: `id` of `IDS`, `severity` `error` or `warning`, and the `changes` that mend it."""

    def __init__(
        self,
        id: str,
        severity: str,
        title: str,
        detail: str,
        fix: str,
        changes: "Callable[[], Sequence[Applicable]] | None" = None,
    ) -> None:
        self.id = id
        self.severity = severity
        self.title = title
        self.detail = detail
        self.fix = fix
        self.changes = changes  # planned when they are to be made: a change before them may have touched the same file
        self.fixed = False

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others, also when the machine is looked at once more."""
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
    """What one program would send to the Hub, and where it has it from; `token` is `None` where it has nothing."""

    def __init__(self, program: str, source: str, token: tokens.Token | None, account: str | None) -> None:
        self.program = program
        self.source = source
        self.token = token
        self.account = account

    def as_json(self) -> dict[str, object]:
        """As `doctor --json` prints it."""
        return {
            "program": self.program,
            "source": self.source,
            "shown": shown(self.token.value) if self.token else None,
            "account": self.account or None,
        }


class Machine:
    """This machine as the current user sees it from the current directory."""

    def __init__(self, repository: tuple[str, str] | None, *, offline: bool) -> None:
        self.offline = offline
        self.named = repository
        self._accounts: dict[str, Account | Problem] = {}

    @property
    def entries(self) -> list[gitconfig.Entry]:
        """The configuration of git, as it counts here; raises `Problem`."""
        if isinstance(self._entries, Problem):
            raise Problem(self._entries.message, self._entries.fix)
        return self._entries

    @cached_property
    def _entries(self) -> "list[gitconfig.Entry] | Problem":
        try:
            return gitconfig.entries()
        except Problem as problem:
            return problem  # a git that hangs is not asked again

    @cached_property
    def remote(self) -> str | None:
        """The URL that this directory is pushed to, if that is the Hub."""
        if isinstance(self._entries, Problem):
            return None
        try:
            url = gitconfig.push_url()
        except Problem:
            return None
        return url if hub.remote(url) else None

    @cached_property
    def repository(self) -> tuple[str, str] | None:
        """The repository that this is about: the one that was named, or the one of this directory."""
        return self.named or (hub.named(self.remote) if self.remote else None)

    @cached_property
    def url(self) -> str:
        """The URL that git is asked about: the remote's, or that of the repository or of the Hub."""
        if self.remote and self.remote.startswith("http") and (not self.named or hub.named(self.remote) == self.named):
            return self.remote
        url = (
            hub.page(*self.repository)
            if self.repository
            else hub.origins()[-1]
            if self._is_elsewhere
            else "https://huggingface.co"
        )
        # Another one may be put in its place (git-config(1), url.<base>.insteadOf), with a password in it.
        placed = gitconfig.run("ls-remote", "--get-url", f"{url}/").decode("utf-8", "surrogateescape").rstrip("/\n")
        return placed if (hub.remote(placed) or ("", ""))[0] == "https" else url

    @property
    def _is_elsewhere(self) -> bool:
        return "HF_ENDPOINT" in os.environ and hub.origin_of(hub.endpoint()) is not None

    @cached_property
    def token(self) -> tokens.Token | None:
        """The current token; `None` where there is none, or where its source is broken (see `broken`)."""
        try:
            return tokens.current(act=not self.offline)
        except Problem as problem:
            self.broken = problem
            return None

    broken: Problem | None = None

    @cached_property
    def own(self) -> tokens.Token | None:
        """The token that `configure --for` has chosen for the namespace of this repository, if git gets it."""
        try:
            name = configure.mapped(self.entries).get(self.repository[1].partition("/")[0]) if self.repository else None
        except Problem:
            return None
        return next((token for token in self.of_git if name and token.name == name), None)

    def ask(self, token: tokens.Token) -> Account | Problem | None:
        """Whose token this is, or why the Hub does not say; each is asked about once, and offline never.

        Nor is another Hub (`HF_ENDPOINT`) given what git would send to this one.
        """
        is_its_own = self.token is not None and token.value == self.token.value
        if self.offline or not (is_its_own or hub.is_asked(self.url)):
            return None
        if token.value not in self._accounts:
            try:
                self._accounts[token.value] = access.whoami(token)
            except Problem as problem:
                self._accounts[token.value] = problem
        return self._accounts[token.value]

    def account(self, token: tokens.Token | None) -> str | None:
        """The name of the token's account, if the Hub says it."""
        answer = self.ask(token) if token else None
        return answer.name if isinstance(answer, Account) else None

    # -- the four programs

    def resolvers(self) -> list[Row]:
        """git, git-lfs, git-xet and huggingface_hub: what each would send (docs/facts.md#g1)."""
        programs: dict[str, Callable[[], Iterator[tokens.Token]]] = {
            "git": lambda: _replayed(*self._of_git),
            "git-lfs": lambda: _replayed(*self._of_lfs),
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

    def _first_good(self, found: Iterator[tokens.Token]) -> tokens.Token | None:
        """The first one that counts: git passes over a `.netrc` entry that the Hub refuses."""
        for token in found:
            if not (resolvers.falls_through(token) and isinstance(self.ask(token), access.Refused)):
                return token
        return None

    @cached_property
    def of_git(self) -> list[tokens.Token]:
        """What git would send, in its order, as far as it needs no person: `git credential fill` was asked.

        Nothing where git is not there, or cannot read its configuration.
        """
        return self._of_git[0]

    @cached_property
    def _of_git(self) -> "tuple[list[tokens.Token], Problem | None]":
        if isinstance(self._entries, Problem):
            return [], self._entries
        return _recorded(lambda: resolvers.of_git(self.url, self.entries))

    @cached_property
    def _of_lfs(self) -> "tuple[list[tokens.Token], Problem | None]":
        """The same for git-lfs, whose URL may be another one (git-lfs-config(5))."""
        url = self.lfs_endpoint
        if self._of_git[1] or not (url and hub.remote(url)):
            return self._of_git
        return _recorded(lambda: resolvers.of_git(url, self.entries))

    @cached_property
    def lfs_endpoint(self) -> str | None:
        """The URL that git-lfs talks to for the remote, in its words; `None` without git-lfs, or without a remote."""
        if self.remote is None or gitconfig.find("git-lfs") is None:
            return None
        try:
            said = gitconfig.run("-c", "core.fsmonitor=false", "lfs", "env", seconds=5).decode("utf-8", "replace")
        except Problem:
            return None
        found = [
            line.partition("=")[2].rpartition(" (")[0] for line in said.splitlines() if line.startswith("Endpoint")
        ]
        return found[0] if found else None

    def _of_xet(self) -> Iterator[tokens.Token]:
        """git-xet: the URL's password, `HF_TOKEN`, `.netrc`, and then the helpers, asked for the host alone."""
        in_url = [token for token in self.of_git if token.source.startswith("url:")]
        yield from in_url
        value = (os.environ.get("HF_TOKEN") or "").strip()
        if value:
            yield tokens.Token(value, "env:HF_TOKEN")
        if self._of_git[1]:
            yield from _replayed([token for token in self.of_git if resolvers.falls_through(token)], self._of_git[1])
        yield from resolvers.of_git(f"{gitconfig.origin_of(self.url)}", self.entries, headers=False)


# What does not answer is waited for once.


def _recorded(look: "Callable[[], Iterator[tokens.Token]]") -> "tuple[list[tokens.Token], Problem | None]":
    """What was found, up to what went wrong."""
    found: list[tokens.Token] = []
    try:
        for token in look():
            found.append(token)  # those before the problem count
    except Problem as problem:
        return found, problem
    return found, None


def _replayed(found: "list[tokens.Token]", problem: Problem | None) -> "Iterator[tokens.Token]":
    yield from found
    if problem:
        raise Problem(problem.message, problem.fix)
