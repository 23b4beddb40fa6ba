"""Who am I to git now: the token, whose it is, and whether git asks for it here."""

from typing import Any

from git_credential_hf import access, gitconfig, hub, tokens
from git_credential_hf.problem import Problem, masked, shown


class Status:
    """What was seen, and the problems met while looking; looking changes nothing."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.unreachable: Problem | None = None
        self.token = self._token()
        self.account = self._account(self.token) if self.token else None
        self.asked_first: list[str] = []
        self.asks_us = self._asks_us()

    def _token(self) -> tokens.Token | None:
        try:
            token = tokens.current()
        except Problem as problem:
            self.problems.append(problem)
            return None
        if token is None:
            said = "nobody is logged in to the Hugging Face Hub on this machine"
            self.problems.append(Problem(said, "run `hf auth login`"))
        return token

    def _account(self, token: tokens.Token) -> access.Account | None:
        try:
            return access.whoami(token)
        except access.Unreachable as problem:
            self.unreachable = problem
        except Problem as problem:
            self.problems.append(problem)
        return None

    def _asks_us(self) -> bool:
        try:
            configured = gitconfig.entries()
        except Problem as problem:
            self.problems.append(problem)
            return False
        silent = []
        for origin in hub.origins():
            values = [helper.value for helper in gitconfig.helpers(origin, configured)]
            ours = [i for i, value in enumerate(values) if gitconfig.is_ours(value)]
            if not ours:
                silent.append(origin)
            for value in map(masked, values[: ours[0] if ours else None]):  # a `!shell` helper may hold a token
                if value not in self.asked_first:
                    self.asked_first.append(value)
        if silent:
            said = f"git does not ask this helper for {' and '.join(silent)}"
            self.problems.append(Problem(said, "run `git-credential-hf configure`"))
        elif self.asked_first:
            said = f"git asks {', '.join(self.asked_first)} first, and what that holds may be old"
            self.problems.append(Problem(said, "run `git-credential-hf configure`"))
        return not silent

    def as_json(self) -> dict[str, Any]:
        """The object that `status --json` prints; `expires_at` is in POSIX seconds."""
        token, account = self.token, self.account
        return {
            "token": token
            and {
                "source": token.source,
                "name": token.name,
                "shown": shown(token.value),
                "expires_at": token.expires_at,
            },
            "account": account and {"name": account.name, "role": account.role},
            "endpoint": masked(hub.endpoint()),
            "git": {"asks_us": self.asks_us, "asked_first": self.asked_first},
            "mapped": [],
        }
