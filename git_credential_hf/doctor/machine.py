"""The state of this machine, read once for all checks."""

import os
from collections.abc import Callable, Iterator
from functools import cached_property

from git_credential_hf.api.access import whoami
from git_credential_hf.api.account import Account
from git_credential_hf.api.refusals import Refused
from git_credential_hf.doctor.finding import Row
from git_credential_hf.doctor.observation import GitObservation, NotObserved, Observed, observe_lfs
from git_credential_hf.files import read_file
from git_credential_hf.git.config import ConfigEntry, push_remote, push_url, read_config
from git_credential_hf.git.credentials import falls_through, git_credentials
from git_credential_hf.git.helpers import (
    HelperChains,
    bypassing_variables,
    configured_hubs,
    default_hub,
    overriding_variables,
)
from git_credential_hf.git.lfs_endpoint import LfsEndpoint, read_lfsconfig, upload_endpoint
from git_credential_hf.git.netrc import mentions_host, netrc_paths, parse_netrc
from git_credential_hf.git.other_helpers import TokenCopy, origins_asked_for, other_helpers
from git_credential_hf.git.run import find_program, git_line, run_git
from git_credential_hf.git.urlmatch import section_origin
from git_credential_hf.helper import token_for
from git_credential_hf.hub import (
    PUBLIC_HUB,
    Repository,
    hub_at,
    hub_origins,
    parse_remote,
    parse_repository,
    without_credentials,
)
from git_credential_hf.problem import Problem, shell_word
from git_credential_hf.purge import purge_helpers
from git_credential_hf.purge.result import PurgeResult
from git_credential_hf.purge.stale import Decider, why_path_kept
from git_credential_hf.tokens import Token, current_token, may_be_for

OVER_SSH = ("git", "git-lfs", "git-xet")  # what asks for no token if the remote is used over SSH
COPIES_TIMEOUT = 1.5  # seconds for the answers of all other helpers


class Machine:
    """This machine, as the current user sees it from the current directory; `named_repository` replaces its own."""

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
    def ignored_ids(self) -> set[str]:
        """The ids of findings that `hf.ignore` names."""
        entries = [] if isinstance(self._entries, Problem) else self._entries
        return {(e.value or "").lower() for e in entries if (e.section, e.subsection, e.name) == ("hf", "", "ignore")}

    @cached_property
    def remote(self) -> str | None:
        """The URL that this directory is pushed to, if it belongs to the Hub."""
        if isinstance(self._entries, Problem):
            return None
        try:
            url = push_url(self.other_hubs)
        except Problem:
            return None
        return url if parse_remote(url, self.other_hubs) else None

    @property
    def remote_name(self) -> str:
        """The name of the remote with that URL, or the URL again."""
        remotes = (e for e in self.entries if e.section == "remote" and e.name in ("url", "pushurl"))
        return next((e.subsection for e in remotes if e.value == self.remote), self.remote or "")

    @property
    def is_ssh(self) -> bool:
        """Whether git goes to the repository of this directory over SSH, where no token counts."""
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
        """The Hub to ask: that of the repository, or the one for what does not name any."""
        if self.repository:
            return self.repository.hub
        return PUBLIC_HUB if isinstance(self._entries, Problem) else default_hub(self._entries)

    @cached_property
    def repository(self) -> Repository | None:
        """The repository to check: the one that was named, or the one that this directory is pushed to."""
        return self.named_repository or (self._parse(self.remote) if self.remote else None)

    @cached_property
    def url(self) -> str:
        """The URL to request credentials for: the remote's, the repository's, or the Hub's."""
        remote, named = self.remote, self.named_repository
        if remote and remote.startswith("http") and (not named or self._parse(remote) == named):
            return remote
        return self._replaced(self.repository.page if self.repository else self.hub)

    def _replaced(self, url: str) -> str:
        """Return what url.<base>.insteadOf (git-config(1)) makes of a URL: perhaps one that contains a password."""
        replaced = run_git("ls-remote", "--get-url", f"{url}/").decode("utf-8", "surrogateescape").rstrip("/\n")
        found = parse_remote(replaced, self.other_hubs)
        return replaced if found and found.transport == "https" else url

    def _parse(self, url: str) -> Repository | None:
        return parse_repository(url, others=self.other_hubs)

    @cached_property
    def token(self) -> Token | None:
        """The current token; `None` if there is none, or if its source is broken (then see `token_problem`)."""
        try:
            return current_token(self.hub, act=not self.offline)
        except Problem as problem:
            self.token_problem = problem
            return None

    @cached_property
    def namespace_token(self) -> Token | None:
        """The token that `configure --for` or the URL's user name chose for this repository, if git uses it."""
        try:
            chosen = self.repository and token_for(self.url, self.repository, self.entries, act=False)
        except Problem:
            return None
        if not chosen or (self.token and chosen.value == self.token.value):
            return None
        return next((token for token in self.git_tokens if token.value == chosen.value), None)

    def whose(self, token: Token) -> Account | Problem | None:
        """Return the account of a token, or why the Hub does not tell; `None` if offline. Each answer is cached."""
        if self.offline:
            return None
        if token.key not in self._accounts:
            try:
                self._accounts[token.key] = whoami(token)
            except Problem as problem:
                self._accounts[token.key] = problem
        return self._accounts[token.key]

    def why_kept(self, secret: str, origin: str) -> Problem | None:
        """Return why a secret that git has from elsewhere for this origin stays, `None` if it is stale (`Decider`)."""
        if self.unreadable_netrc:  # git may not get past it to this program
            return Problem(
                f"{self.unreadable_netrc} is not in order", f"fix {shell_word(self.unreadable_netrc)} by hand"
            )
        if self._bypassing:
            return Problem("git does not ask this helper", f"run `unset {' '.join(self._bypassing)}`")
        return self._decider.why_kept(secret, hub_at(origin, self.other_hubs) or self.hub)

    def is_refused(self, secret: str, origin: str) -> bool:
        """Whether the Hub rejects a secret that git has from elsewhere for this origin; `False` if it does not say."""
        hub = hub_at(origin, self.other_hubs) or self.hub
        return isinstance(self.whose(Token(secret, "helper", "another helper", hub=hub)), Refused)

    def why_copy_kept(self, copy: TokenCopy) -> Problem | None:
        """Return why what another helper holds stays."""
        return why_path_kept(copy, self.entries) or self.why_kept(copy.secret, copy.origin)

    @cached_property
    def _bypassing(self) -> tuple[str, ...]:
        """The variables because of which git does not ask this program."""
        if isinstance(self._entries, Problem):
            return ()
        unused_for = HelperChains(self.origins, self._entries).unused_for
        if not unused_for:
            return ()
        # Nor after `configure`, if the files have nothing for it.
        return bypassing_variables(unused_for) or overriding_variables(self._entries, unused_for)

    @cached_property
    def unreadable_netrc(self) -> str | None:
        """The netrc file that names a Hub, but is not written as all programs read it alike."""
        for path in netrc_paths():
            content = b""
            try:
                content = read_file(os.path.realpath(path)) or b""
                parse_netrc(content)
            except Problem:
                if mentions_host(content, [origin.partition("://")[2].partition(":")[0] for origin in self.origins]):
                    return path
        return None

    @cached_property
    def _decider(self) -> Decider:
        def find_current(hub: str) -> Token | None:
            return self.token if hub == self.hub else current_token(hub, act=not self.offline)

        return Decider(is_asked=True, find_current=find_current, whose=self._account)

    def _account(self, token: Token) -> Account:
        answer = self.whose(token)
        if isinstance(answer, Account):
            return answer
        raise answer or Problem("the Hub is not asked with --offline", "run `git-credential-hf doctor`")

    @cached_property
    def copies(self) -> list[PurgeResult]:
        """What other helpers hold for the Hubs that git asks them for.

        The others are left in peace: in a container, one that an editor forwards would open a dialog elsewhere.
        """
        asked: dict[tuple[str, ...], list[ConfigEntry]] = {}
        for helper in other_helpers(self.entries):
            if origins := origins_asked_for(helper, self.entries):
                asked.setdefault(tuple(origins), []).append(helper)
        return [
            result
            for origins, helpers in asked.items()
            for result in purge_helpers(helpers, list(origins), seconds=COPIES_TIMEOUT)
        ]

    @property
    def why_others_needed(self) -> Problem | None:
        """Why git cannot do without the other helpers: what one of them holds may be all that works."""
        copies = (copy for result in self.copies for copy in result.copies)
        return next((reason for copy in copies if (reason := self.why_copy_kept(copy))), None)

    # --- what git and git-lfs do ---

    def start_observing(self) -> None:
        """Let git ask the Hub, while other things are looked at."""
        self._running  # noqa: B018 - starts it

    @cached_property
    def _running(self) -> "GitObservation | NotObserved":
        if self.offline or self.repository is None or isinstance(self._entries, Problem):
            return NotObserved()  # nothing is wrong with that
        if self.is_ssh or not self.url.startswith("http"):
            return NotObserved("the remote is used over SSH")
        self.git_tokens  # noqa: B018 - asks the helpers, which are not to be asked twice at the same time
        try:
            return GitObservation(push_remote() if self.url == self.remote else "", self.url, self.entries)
        except NotObserved as reason:
            return reason
        except Problem as problem:
            return NotObserved(problem.message)

    @cached_property
    def observed_git(self) -> Observed | NotObserved:
        """What git gets from the Hub for this repository."""
        if isinstance(self._running, NotObserved):
            return self._running
        try:
            return self._running.result()
        except NotObserved as reason:
            return reason

    @cached_property
    def observed_lfs(self) -> Observed | NotObserved:
        """What git-lfs gets from the Hub for this repository, at an endpoint of its own."""
        url = self.lfs_url
        endpoint = parse_remote(url, self.other_hubs) if url else None
        if self.offline or not url or endpoint is None or endpoint.transport == "ssh" or self._lfs_tokens[1]:
            return NotObserved()
        try:
            return observe_lfs(endpoint.hub, url, self._first_usable(iter(self._lfs_tokens[0])))
        except NotObserved as reason:
            return reason

    # --- the four programs ---

    def resolver_rows(self) -> list[Row]:
        """Return what git, git-lfs, git-xet and huggingface_hub would each send (docs/facts.md#g1)."""
        return [
            *(
                [Row(program, "not asked: the remote is used over SSH", None, None) for program in OVER_SSH]
                if self.is_ssh
                else [
                    self._row("git", self._sent_by_git, self.observed_git),
                    self._row("git-lfs", lambda: _replay(*self._lfs_tokens), self.observed_lfs),
                    self._row("git-xet", self._xet_tokens),
                ]
            ),
            self._row("huggingface_hub", lambda: iter([self.token] if self.token else [])),
        ]

    def _row(
        self,
        program: str,
        find_tokens: Callable[[], Iterator[Token]],
        observed: Observed | NotObserved | None = None,
    ) -> Row:
        answer = str(observed or "") if not isinstance(observed, Observed) else observed.status or ""
        try:
            token = self._first_usable(find_tokens())
        except Problem as problem:
            return Row(program, f"unknown: {problem.message}", None, None, answer)
        owner = self.whose(token) if token else None
        account = owner.name if isinstance(owner, Account) else None
        return Row(program, token.where() if token else "nothing", token, account, answer)

    def _sent_by_git(self) -> Iterator[Token]:
        """What git has sent, as far as that was observed, or would send."""
        observed = self.observed_git
        for token in _replay(*self._git_tokens):
            is_before_helpers = token.kind in ("url", "header", "netrc")
            if isinstance(observed, Observed) and observed.has_sent and observed.asked_helpers == is_before_helpers:
                continue  # git has passed it over
            yield token

    def _first_usable(self, tokens: Iterator[Token]) -> Token | None:
        """Return the first token that counts: git skips a `.netrc` entry that the Hub refuses."""
        for token in tokens:
            if not (falls_through(token) and isinstance(self.whose(token), Refused)):
                return token
        return None

    @cached_property
    def git_tokens(self) -> list[Token]:
        """What git would send, in its order, from all sources that need no prompt; empty if git fails."""
        return self._git_tokens[0]

    @cached_property
    def _git_tokens(self) -> "tuple[list[Token], Problem | None]":
        if isinstance(self._entries, Problem):
            return [], self._entries
        return _collect(lambda: git_credentials(self.url, self.entries))

    @cached_property
    def tokens_elsewhere(self) -> list[Token]:
        """What git would send for other repositories, if the URL of this one has a token of its own."""
        if isinstance(self._entries, Problem):
            return []
        url = self._replaced(without_credentials(self.url))
        return _collect(lambda: git_credentials(url, self.entries))[0]

    @cached_property
    def _lfs_tokens(self) -> "tuple[list[Token], Problem | None]":
        """What git-lfs would send: its URL may be another one (git-lfs-config(5))."""
        url = self.lfs_url
        if self._git_tokens[1] or not (url and parse_remote(url, self.other_hubs)):
            return self._git_tokens
        return _collect(lambda: git_credentials(url, self.entries))

    @cached_property
    def lfs_urls(self) -> list[ConfigEntry]:
        """The variables that name an endpoint of git-lfs, in git's configuration and in `.lfsconfig`."""
        names = (
            *(("lfs", name) for name in ("url", "pushurl")),
            *(("remote", f"lfs{name}") for name in ("url", "pushurl")),
        )
        try:
            top = git_line("rev-parse", "--show-toplevel")
        except Problem:
            return []  # not in a work tree
        entries = [*read_lfsconfig(self.entries, top), *self.entries]
        return [entry for entry in entries if (entry.section, entry.name) in names and entry.value]

    @cached_property
    def lfs_endpoint(self) -> str | None:
        """The URL that git-lfs reports for the remote; `None` without git-lfs, or if nothing of it is on a Hub."""
        if isinstance(self._entries, Problem) or find_program("git-lfs") is None:
            return None
        if self.remote is None and not any(parse_remote(e.value or "", self.other_hubs) for e in self.lfs_urls):
            return None
        try:
            output = run_git("-c", "core.fsmonitor=false", "lfs", "env", seconds=5).decode("utf-8", "replace")
        except Problem:
            return None
        for line in output.splitlines():
            if line.startswith("Endpoint"):
                return line.partition("=")[2].rpartition(" (")[0]
        return None

    @property
    def lfs_url(self) -> str | None:
        """The URL at which git-lfs asks for files of the repository to check."""
        named = self.named_repository
        if named and (self.remote is None or self._parse(self.remote) != named):
            return f"{named.page}.git/info/lfs" if find_program("git-lfs") else None
        return None if self.is_ssh else self.lfs_endpoint

    @cached_property
    def lfs_upload_endpoint(self) -> LfsEndpoint | None:
        """Where git-lfs uploads to; `None` without git-lfs, or without a remote."""
        if self.remote is None or find_program("git-lfs") is None:
            return None
        try:
            top = git_line("rev-parse", "--show-toplevel")
        except Problem:
            top = ""  # a bare repository
        return upload_endpoint(self.remote_name, self.remote, self.entries, top)

    def _xet_tokens(self) -> Iterator[Token]:
        """What git-xet would send: the URL's password, `HF_TOKEN`, `.netrc`, or the helpers' token for the host."""
        yield from (token for token in self.git_tokens if token.kind == "url")
        value = (os.environ.get("HF_TOKEN") or "").strip()
        if value:
            yield Token(value, "env", "HF_TOKEN", hub=self.hub if may_be_for(self.hub, value) else "")
        if self._git_tokens[1]:
            yield from _replay([token for token in self.git_tokens if falls_through(token)], self._git_tokens[1])
        yield from git_credentials(f"{section_origin(self.url)}", self.entries, headers=False)


# What does not answer delays `doctor` only once: a source is read into a list, with the error that ended it.


def _collect(find_tokens: "Callable[[], Iterator[Token]]") -> "tuple[list[Token], Problem | None]":
    found: list[Token] = []
    try:
        for token in find_tokens():
            found.append(token)
    except Problem as problem:
        return found, problem
    return found, None


def _replay(found: "list[Token]", problem: Problem | None) -> "Iterator[Token]":
    yield from found
    if problem:
        raise Problem(problem.message, problem.fix)
