"""Find the tokens that git, git-lfs, git-xet and huggingface_hub would send, and the Hub's answers to two of them."""

import os
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from git_credential_hf.api.account import Account
from git_credential_hf.api.refusals import Refused
from git_credential_hf.doctor.finding import Row
from git_credential_hf.doctor.observation import GitObservation, NotObserved, Observed, observe_lfs
from git_credential_hf.git.config import push_remote
from git_credential_hf.git.credentials import falls_through, git_credentials
from git_credential_hf.git.urlmatch import section_origin
from git_credential_hf.helper import token_for
from git_credential_hf.masking import mask_token
from git_credential_hf.problem import Problem
from git_credential_hf.repository import parse_remote, without_credentials
from git_credential_hf.state import REFUSED_FOR
from git_credential_hf.tokens import Token, is_held_back, may_be_for

if TYPE_CHECKING:
    from git_credential_hf.doctor.machine import Machine

OVER_SSH = ("git", "git-lfs", "git-xet")  # programs that need no token if the remote uses SSH


class Resolvers:
    """The tokens of four programs, each of which looks for one in its own way. Slow steps are done once."""

    def __init__(self, machine: "Machine") -> None:
        self._machine = machine

    def start_observing(self) -> None:
        """Start git's request to the Hub, which runs while the checks do."""
        self._running  # noqa: B018 - starts it

    @cached_property
    def _running(self) -> "GitObservation | NotObserved":
        machine = self._machine
        if machine.offline or machine.repository is None or machine.git_problem:
            return NotObserved()  # as expected, so without a reason
        if machine.is_ssh or not machine.url.startswith("http"):
            return NotObserved("the remote uses SSH")
        self.git_tokens  # noqa: B018 - queries the helpers now: git must not query them at the same time
        try:
            return GitObservation(push_remote() if machine.url == machine.remote else "", machine.url, machine.entries)
        except NotObserved as reason:
            return reason
        except Problem as problem:
            return NotObserved(problem.message)

    @cached_property
    def observed_git(self) -> Observed | NotObserved:
        """The Hub's answer to git for this repository."""
        if isinstance(self._running, NotObserved):
            return self._running
        try:
            return self._running.result()
        except NotObserved as reason:
            return reason

    @cached_property
    def observed_lfs(self) -> Observed | NotObserved:
        """The Hub's answer to git-lfs for this repository, at git-lfs's own endpoint."""
        url = self._machine.lfs.url
        endpoint = parse_remote(url, self._machine.other_hubs) if url else None
        if self._machine.offline or not url or endpoint is None or endpoint.transport == "ssh" or self._lfs_tokens[1]:
            return NotObserved()
        try:
            return observe_lfs(endpoint.hub, url, self._first_usable(iter(self._lfs_tokens[0])))
        except NotObserved as reason:
            return reason

    def rows(self) -> list[Row]:
        """Return the tokens that git, git-lfs, git-xet and huggingface_hub would each send (docs/facts.md#g1)."""
        return [
            *(
                [Row(program, "no token: the remote uses SSH", None, None) for program in OVER_SSH]
                if self._machine.is_ssh
                else [
                    self._row("git", self._sent_by_git, self.observed_git),
                    self._row("git-lfs", lambda: _replay(*self._lfs_tokens), self.observed_lfs),
                    self._row("git-xet", self._xet_tokens),
                ]
            ),
            self._row("huggingface_hub", lambda: iter([self._machine.token] if self._machine.token else [])),
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
        owner = self._machine.whose(token) if token else None
        account = owner.name if isinstance(owner, Account) else None
        source = token.where() if token else self._why_nothing(program)
        is_anonymous = isinstance(observed, Observed) and not observed.has_sent
        return Row(program, source, token, account, answer, is_anonymous=is_anonymous)

    def _why_nothing(self, program: str) -> str:
        current = self._machine.token
        if program != "huggingface_hub" and current is not None and is_held_back(current):
            return f"nothing for {REFUSED_FOR} seconds: the Hub has just refused {mask_token(current.value)}"
        return "nothing"

    def _sent_by_git(self) -> Iterator[Token]:
        """Yield the tokens that git would send, without those that it was observed to skip."""
        observed = self.observed_git
        for token in _replay(*self._git_tokens):
            is_before_helpers = token.kind in ("url", "header", "netrc")
            if isinstance(observed, Observed) and observed.has_sent and observed.asked_helpers == is_before_helpers:
                continue  # git has skipped this token
            yield token

    def _first_usable(self, tokens: Iterator[Token]) -> Token | None:
        """Return the first token that is used: git skips a `.netrc` entry that the Hub refuses."""
        for token in tokens:
            if not (falls_through(token) and isinstance(self._machine.whose(token), Refused)):
                return token
        return None

    @property
    def used_by_git(self) -> Token | None:
        """The token that gets git its answer: git goes on after a `.netrc` entry that the Hub rejects."""
        return self._first_usable(iter(self.git_tokens))

    @cached_property
    def git_tokens(self) -> list[Token]:
        """The tokens that git would send, in order, from all sources that need no prompt; empty if git fails."""
        return self._git_tokens[0]

    @cached_property
    def _git_tokens(self) -> "tuple[list[Token], Problem | None]":
        if self._machine.git_problem:
            return [], self._machine.git_problem
        return _collect(lambda: self._find_tokens(self._machine.url))

    @cached_property
    def tokens_elsewhere(self) -> list[Token]:
        """The tokens that git would send for other repositories, if the URL of this one contains a token."""
        machine = self._machine
        if machine.git_problem:
            return []
        url = machine.replaced_url(without_credentials(machine.url))
        return _collect(lambda: self._find_tokens(url))[0]

    @cached_property
    def namespace_token(self) -> Token | None:
        """The token that `configure --for` or the URL's user name chose for this repository, if git uses it."""
        machine = self._machine
        try:
            chosen = machine.repository and token_for(machine.url, machine.repository, machine.entries, act=False)
        except Problem:
            return None
        if not chosen or (machine.token and chosen.value == machine.token.value):
            return None
        return next((token for token in self.git_tokens if token.value == chosen.value), None)

    @cached_property
    def _lfs_tokens(self) -> "tuple[list[Token], Problem | None]":
        """The tokens that git-lfs would send: its URL may differ from git's (git-lfs-config(5))."""
        url = self._machine.lfs.url
        if self._git_tokens[1] or not (url and parse_remote(url, self._machine.other_hubs)):
            return self._git_tokens
        return _collect(lambda: self._find_tokens(url))

    def _xet_tokens(self) -> Iterator[Token]:
        """Yield the tokens of git-xet: the URL's password, `HF_TOKEN`, `.netrc`, or the helpers' token for the host."""
        machine = self._machine
        yield from (token for token in self.git_tokens if token.kind == "url")
        value = (os.environ.get("HF_TOKEN") or "").strip()
        if value:
            yield Token(value, "env", "HF_TOKEN", hub=machine.hub if may_be_for(machine.hub, value) else "")
        if self._git_tokens[1]:
            yield from _replay([token for token in self.git_tokens if falls_through(token)], self._git_tokens[1])
        yield from self._find_tokens(f"{section_origin(machine.url)}", headers=False)

    def _find_tokens(self, url: str, *, headers: bool = True) -> Iterator[Token]:
        return git_credentials(url, self._machine.entries, headers=headers, offline=self._machine.offline)


# A source is read once, into a list with the error that ended it, so that a slow source delays `doctor` only once.


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
