"""Changes that `doctor --fix` makes through other programs: git, git-lfs and other credential helpers."""

import os
from collections.abc import Callable

from git_credential_hf.files import Change
from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.git.helpers import shown_helper
from git_credential_hf.git.other_helpers import TokenCopy
from git_credential_hf.git.run import NothingFound, run_git
from git_credential_hf.masking import mask_line
from git_credential_hf.problem import Problem, shell_command, shell_word
from git_credential_hf.purge import purge_helpers


class GitCommand:
    """Run a git command that changes its own settings."""

    def __init__(self, *arguments: str) -> None:
        self.path = shell_command(("git", *arguments))
        self._arguments = arguments

    def describe(self) -> list[str]:
        """Return the command."""
        return [self.path]

    def apply(self) -> None:
        """Run the command; raises `Problem` if it fails."""
        try:
            run_git(*self._arguments)
        except Problem as problem:  # git-lfs prints the reason on stdout, in several lines
            raise Problem(f"`{self.path}` failed ({problem.message})", f"run `{self.path}` to see the reason") from None


class PurgeHelpers:
    """Let other helpers erase what they hold for these origins, but what `may_erase` lets stay: it may come last."""

    def __init__(self, helpers: list[ConfigEntry], origins: list[str], may_erase: Callable[[TokenCopy], bool]) -> None:
        self.path = ", ".join(shown_helper(entry.value or "") for entry in helpers)
        self._helpers = helpers
        self._origins = origins
        self._may_erase = may_erase

    def describe(self) -> list[str]:
        """Return the command that does the same."""
        return [f"git-credential-hf purge ({self.path})"]

    def apply(self) -> None:
        """Purge the helpers; raises `Problem` unless they hold nothing after that."""
        for result in purge_helpers(self._helpers, self._origins, may_erase=self._may_erase):
            if result.state in ("held", "unknown"):
                is_spared = not all(map(self._may_erase, result.copies))
                why = "the current token does not replace it" if is_spared else "it did not erase it"
                why = result.failure or why
                fix = result.remedy() or "run `git-credential-hf purge`"
                raise Problem(f"the helper '{result.shown}' still holds a Hub token: {why}", fix)


class UnsetVariable:
    """Remove a variable from a git configuration file: all its values, or those that match `pattern`."""

    def __init__(self, path: str, key: str, *pattern: str) -> None:
        self.path = path
        self._arguments = ("config", "--file", path, "--unset-all", key, *pattern)

    def describe(self) -> list[str]:
        """Return the command that does the same."""
        return [f"git {shell_command(self._arguments)}"]

    def apply(self) -> None:
        """Unset the variable; raises `Problem` with git's message if that fails."""
        try:
            run_git(*self._arguments)
        except Problem as problem:
            lock = self.path + ".lock"
            hint = f"if no git is running: rm {shell_word(lock)}" if os.path.lexists(lock) else problem.fix
            raise Problem(problem.message, hint) from None


def plan_unset(path: str, key: str, *pattern: str) -> Callable[[], list[Change]] | None:
    """Return the plan to remove a variable from a file; it is empty if the variable no longer exists.

    `None` if the key contains a secret: it would be an argument of git, and every user can read those.
    """
    if mask_line(key) != key:
        return None

    def plan() -> list[Change]:
        try:
            run_git("config", "--file", path, "--get-all", key, *pattern)
        except NothingFound:
            return []
        return [UnsetVariable(path, key, *pattern)]

    return plan
