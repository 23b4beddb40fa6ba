"""`status`: the current token, its account, and whether git uses it."""

from typing import Any

from git_credential_hf.api.access import whoami
from git_credential_hf.api.account import Account
from git_credential_hf.api.client import Unreachable, try_hub_again
from git_credential_hf.configure.settings import mapped_tokens, missing_tokens
from git_credential_hf.git.config import ConfigEntry, git_directory, push_url, read_config
from git_credential_hf.git.credentials import sent_first
from git_credential_hf.git.helper_chain import (
    HelperChains,
    bypassing_variables,
    configure_hint,
    configured_hubs,
    default_hub,
    shown_helper,
)
from git_credential_hf.git.lfs import pointers_problem
from git_credential_hf.git.run import OneLook, old_git_problem
from git_credential_hf.helper import token_for
from git_credential_hf.hub import PUBLIC_HUB, hub_origins
from git_credential_hf.login_hints import login_hint, not_logged_in
from git_credential_hf.masking import mask_token
from git_credential_hf.problem import Problem
from git_credential_hf.program import user_name
from git_credential_hf.repository import parse_remote, parse_repository
from git_credential_hf.token_files import foreign_owner, token_path
from git_credential_hf.tokens import Token, current_token


class Status:
    """The state of this machine, and its problems; determining it changes nothing."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.hub = PUBLIC_HUB
        self.mapped: dict[tuple[str, str], str] = {}
        self.chains: HelperChains | None = None
        self.other_hubs: list[str] = []  # configured with `--hub`
        with OneLook():
            configured = self._look_at_git()
            self.token = self._token()
            self._look_at_helpers(configured)
            self.account = self._account(self.token) if self.token else None
            self.token_here = self._token_here()
            if (first := self._sent_first()) is not None:
                self.warnings.append(first)

    def _token(self) -> Token | None:
        try:
            token = current_token(self.hub)
        except Problem as problem:
            self.problems.append(problem)
            return None
        if token is None:
            self.problems.append(not_logged_in())
        elif token.place == token_path(self.hub) and (owner := foreign_owner(self.hub)) is not None:
            self.warnings.append(Problem(f"the token file belongs to {user_name(owner)}", login_hint()))
        return token

    def _token_here(self) -> Token | None:
        """Return the token that git gets in this repository, if it is not the current one."""
        try:
            entries = read_config()
            url = push_url(self.other_hubs)
            repository = parse_repository(url, others=self.other_hubs)
            token = repository and token_for(url, repository, entries, act=False)
        except Problem:
            return None  # no repository, no remote, or no such token, which is reported already
        return token if token and (self.token is None or token.value != self.token.value) else None

    def _sent_first(self) -> Problem | None:
        """Return the problem that git sends another token before it asks for this one, if it does."""
        try:
            entries = read_config()
        except Problem:
            return None  # reported already
        url = f"{self.hub}/"
        try:
            pushed = push_url(self.other_hubs)
            if parse_remote(pushed, self.other_hubs):  # what git sends to other hosts is not for us to report
                url = pushed
        except Problem:
            pass  # no repository, or no remote
        token = sent_first(url, entries) if url.startswith("https:") else None
        return Problem(f"git sends the token {token.describe()} first", token.remedy()) if token else None

    def _account(self, token: Token) -> Account | None:
        try_hub_again()
        try:
            return whoami(token)
        except Unreachable as problem:
            self.warnings.append(problem)
        except Problem as problem:
            self.problems.append(problem)
        return None

    def _look_at_git(self) -> list[ConfigEntry] | None:
        try:
            configured = read_config()
        except Problem as problem:
            self.problems.append(problem)
            return None
        try:
            git_directory()
        except Problem as problem:
            self.problems.append(problem)
        if old := old_git_problem():
            self.warnings.append(old)
        self.hub = default_hub(configured)
        self.other_hubs = configured_hubs(configured)
        return configured

    def _look_at_helpers(self, configured: list[ConfigEntry] | None) -> None:
        if configured is None:
            return
        self.chains = HelperChains(hub_origins(self.other_hubs), configured)
        if self.chains.unused_for:
            variables = bypassing_variables(self.chains.unused_for)
            fix = f"run `unset {' '.join(variables)}`" if variables else configure_hint()
            self.problems.append(Problem(self.chains.unused_message(), fix))
        elif self.chains.before:
            self.problems.append(Problem(self.chains.before_message(), configure_hint()))
        elif self.chains.after:
            self.warnings.append(Problem(self.chains.after_message(), configure_hint()))
        self.mapped = mapped_tokens(configured)
        self.problems += missing_tokens(configured)
        self._look_at_lfs(configured)

    @property
    def is_unreachable(self) -> bool:
        """Whether the token's account is unknown because the Hub did not answer."""
        return any(isinstance(problem, Unreachable) for problem in self.warnings)

    def _look_at_lfs(self, configured: list[ConfigEntry]) -> None:
        hubs = configured_hubs(configured)
        try:
            if parse_remote(push_url(hubs), hubs) is None:
                return
        except Problem:
            return  # there is no repository, or it has no remote
        if problem := pointers_problem(configured):
            self.warnings.append(problem)

    @property
    def asks_us(self) -> bool:
        """Whether git asks this helper for every host of the Hub."""
        return self.chains is not None and not self.chains.unused_for

    @property
    def asked_first(self) -> list[str]:
        """The helpers that git asks before this one, or instead of it, without secrets."""
        if self.chains is None:
            return []
        return list(
            dict.fromkeys(shown_helper(entry.value or "") for entry in self.chains.instead + self.chains.before)
        )

    def as_json(self) -> dict[str, Any]:
        """Return the object that `status --json` prints; `expires_at` is in POSIX seconds."""
        token, account = self.token, self.account
        return {
            "token": token
            and {
                "source": token.source,
                "name": token.name,
                "shown": mask_token(token.value),
                "expires_at": token.expires_at,
            },
            "account": account and {"name": account.name, "role": account.role},
            "endpoint": self.hub,
            "git": {"asks_us": self.asks_us, "asked_first": self.asked_first},
            "mapped": [{"for": where, "token": name} for where, name in self.mapped_names()],
        }

    def mapped_names(self) -> list[tuple[str, str]]:
        """Return the namespaces with a token of their own (with the host, for another Hub), and the token's name."""
        return [
            (namespace if hub == PUBLIC_HUB else f"{hub.partition('://')[2]}/{namespace}", name)
            for (hub, namespace), name in self.mapped.items()
        ]
