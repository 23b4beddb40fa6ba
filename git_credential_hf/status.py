"""Who am I to git now: the token, whose it is, and whether git asks for it here."""

import shlex
from typing import Any

from git_credential_hf.api.access import whoami
from git_credential_hf.api.account import Account
from git_credential_hf.api.client import Unreachable
from git_credential_hf.configure import mapped_tokens
from git_credential_hf.git.config import read_config
from git_credential_hf.git.helpers import helper_chain, is_our_helper
from git_credential_hf.hub import hub_endpoint, hub_origins
from git_credential_hf.masking import mask_line, mask_token
from git_credential_hf.problem import Problem
from git_credential_hf.token_files import login_hint
from git_credential_hf.tokens import NOT_LOGGED_IN, Token, current_token, stored_token


class Status:
    """What was seen, and the problems met while looking; looking changes nothing."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.token = self._token()
        self.account = self._account(self.token) if self.token else None
        self.asked_first: list[str] = []
        self.asked_after: list[str] = []
        self.mapped: dict[str, str] = {}
        self.asks_us = self._asks_us()

    def _token(self) -> Token | None:
        try:
            token = current_token()
        except Problem as problem:
            self.problems.append(problem)
            return None
        if token is None:
            self.problems.append(Problem(NOT_LOGGED_IN, login_hint()))
        return token

    def _account(self, token: Token) -> Account | None:
        try:
            return whoami(token)
        except Unreachable as problem:
            self.warnings.append(problem)
        except Problem as problem:
            self.problems.append(problem)
        return None

    def _asks_us(self) -> bool:
        try:
            configured = read_config()
        except Problem as problem:
            self.problems.append(problem)
            return False
        self.mapped = mapped_tokens(configured)
        silent = []
        for origin in hub_origins():
            values = [helper.value or "" for helper in helper_chain(origin, configured)]
            ours = [i for i, value in enumerate(values) if is_our_helper(value)]
            if not ours:
                silent.append(origin)
            first = values[: ours[0]] if ours else values
            after = [value for value in values[len(first) :] if not is_our_helper(value)]
            # masked: a `!shell` helper may hold a token
            self.asked_first += [value for value in map(mask_line, first) if value not in self.asked_first]
            self.asked_after += [value for value in map(mask_line, after) if value not in self.asked_after]
        self._judge(silent)
        return not silent

    def _judge(self, silent: list[str]) -> None:
        mend = "run `git-credential-hf configure`"
        if silent:
            self.problems.append(Problem(f"git does not ask this helper for {' and '.join(silent)}", mend))
        elif self.asked_first:
            said = f"git asks {', '.join(self.asked_first)} first, and what that holds may be old"
            self.problems.append(Problem(said, mend))
        elif self.asked_after:
            said = f"git gives {', '.join(self.asked_after)} a copy of the token that it has just used"
            self.warnings.append(Problem(said, mend))
        for namespace, name in self.mapped.items():
            try:
                stored_token(name, act=False)
            except Problem as problem:
                said = f"for {namespace}, {problem.message}"
                fix = f"run `git-credential-hf configure --token NAME --for {shlex.quote(namespace)}`"
                self.problems.append(Problem(said, fix))

    def as_json(self) -> dict[str, Any]:
        """The object that `status --json` prints; `expires_at` is in POSIX seconds."""
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
            "endpoint": hub_endpoint(),
            "git": {"asks_us": self.asks_us, "asked_first": self.asked_first},
            "mapped": [{"for": namespace, "token": name} for namespace, name in self.mapped.items()],
        }
