"""What git, git-lfs, git-xet and huggingface_hub would each send to the Hub, and what it answers git and git-lfs."""

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
from git_credential_hf.helper import is_held_back, token_for
from git_credential_hf.hub import parse_remote, without_credentials
from git_credential_hf.masking import mask_token
from git_credential_hf.problem import Problem
from git_credential_hf.state import REFUSED_FOR
from git_credential_hf.tokens import Token, may_be_for

if TYPE_CHECKING:
    from git_credential_hf.doctor.machine import Machine

OVER_SSH = ("git", "git-lfs", "git-xet")  # what asks for no token if the remote is used over SSH


class Resolvers:
    """The four programs that look for a token, each in its own way. What is slow is done once."""

    def __init__(self, machine: "Machine") -> None:
        self._machine = machine

    def start_observing(self) -> None:
        """Let git ask the Hub, while other things are looked at."""
        self._running  # noqa: B018 - starts it

    @cached_property
    def _running(self) -> "GitObservation | NotObserved":
        machine = self._machine
        if machine.offline or machine.repository is None or machine.git_problem:
            return NotObserved()  # nothing is wrong with that
        if machine.is_ssh or not machine.url.startswith("http"):
            return NotObserved("the remote is used over SSH")
        self.git_tokens  # noqa: B018 - asks the helpers, which are not to be asked twice at the same time
        try:
            return GitObservation(push_remote() if machine.url == machine.remote else "", machine.url, machine.entries)
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
        url = self._machine.lfs.url
        endpoint = parse_remote(url, self._machine.other_hubs) if url else None
        if self._machine.offline or not url or endpoint is None or endpoint.transport == "ssh" or self._lfs_tokens[1]:
            return NotObserved()
        try:
            return observe_lfs(endpoint.hub, url, self._first_usable(iter(self._lfs_tokens[0])))
        except NotObserved as reason:
            return reason

    def rows(self) -> list[Row]:
        """Return what git, git-lfs, git-xet and huggingface_hub would each send (docs/facts.md#g1)."""
        return [
            *(
                [Row(program, "not asked: the remote is used over SSH", None, None) for program in OVER_SSH]
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
        return Row(program, token.where() if token else self._why_nothing(program), token, account, answer)

    def _why_nothing(self, program: str) -> str:
        current = self._machine.token
        if program != "huggingface_hub" and current is not None and is_held_back(current):
            return f"nothing for {REFUSED_FOR} seconds: the Hub has just refused {mask_token(current.value)}"
        return "nothing"

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
            if not (falls_through(token) and isinstance(self._machine.whose(token), Refused)):
                return token
        return None

    @cached_property
    def git_tokens(self) -> list[Token]:
        """What git would send, in its order, from all sources that need no prompt; empty if git fails."""
        return self._git_tokens[0]

    @cached_property
    def _git_tokens(self) -> "tuple[list[Token], Problem | None]":
        if self._machine.git_problem:
            return [], self._machine.git_problem
        return _collect(lambda: git_credentials(self._machine.url, self._machine.entries))

    @cached_property
    def tokens_elsewhere(self) -> list[Token]:
        """What git would send for other repositories, if the URL of this one has a token of its own."""
        machine = self._machine
        if machine.git_problem:
            return []
        url = machine.replaced_url(without_credentials(machine.url))
        return _collect(lambda: git_credentials(url, machine.entries))[0]

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
        """What git-lfs would send: its URL may be another one (git-lfs-config(5))."""
        url = self._machine.lfs.url
        if self._git_tokens[1] or not (url and parse_remote(url, self._machine.other_hubs)):
            return self._git_tokens
        return _collect(lambda: git_credentials(url, self._machine.entries))

    def _xet_tokens(self) -> Iterator[Token]:
        """What git-xet would send: the URL's password, `HF_TOKEN`, `.netrc`, or the helpers' token for the host."""
        machine = self._machine
        yield from (token for token in self.git_tokens if token.kind == "url")
        value = (os.environ.get("HF_TOKEN") or "").strip()
        if value:
            yield Token(value, "env", "HF_TOKEN", hub=machine.hub if may_be_for(machine.hub, value) else "")
        if self._git_tokens[1]:
            yield from _replay([token for token in self.git_tokens if falls_through(token)], self._git_tokens[1])
        yield from git_credentials(f"{section_origin(machine.url)}", machine.entries, headers=False)


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
