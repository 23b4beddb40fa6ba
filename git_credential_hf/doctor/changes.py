"""Changes that `doctor --fix` makes through other programs: git, git-lfs and other credential helpers."""

import os
from collections.abc import Callable

from git_credential_hf.files import Change
from git_credential_hf.git.config import ConfigEntry, config_path
from git_credential_hf.git.helper_chain import shown_helper
from git_credential_hf.git.run import NothingFound, run_git
from git_credential_hf.masking import mask_line
from git_credential_hf.problem import Problem
from git_credential_hf.purge import purge_helpers
from git_credential_hf.purge.stale import WhyKept
from git_credential_hf.shell import shell_command, shell_word


class GitCommand:
    """Run a git command that changes its user's settings."""

    def __init__(self, *arguments: str) -> None:
        self.path = shell_command(("git", *arguments))
        self.files = [config_path("global")]
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
    """Make other helpers erase their copies for these origins, except those that `why_kept` returns a reason for."""

    def __init__(self, helpers: list[ConfigEntry], origins: list[str], why_kept: WhyKept) -> None:
        self.path = ", ".join(shown_helper(entry.value or "") for entry in helpers)
        self._helpers = helpers
        self._origins = origins
        self._why_kept = why_kept

    def describe(self) -> list[str]:
        """Return the command that does the same."""
        return [f"git-credential-hf purge ({self.path}); this cannot be undone"]

    def apply(self) -> None:
        """Purge the helpers; raises `Problem` if they still hold a copy."""
        helpers = [(helper, self._origins) for helper in self._helpers]
        for result in purge_helpers(helpers, why_kept=self._why_kept):
            if result.state in ("held", "unknown"):
                reason = next((copy.kept.message for copy in result.copies if copy.kept), "it did not erase it")
                fix = result.remedy() or "run `git-credential-hf purge`"
                raise Problem(f"the helper '{result.shown}' still holds a Hub token: {result.failure or reason}", fix)


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
    """Return a function that plans to remove a variable from a file; the plan is empty if the variable does not exist.

    `None` if the key contains a secret: git would get it as an argument, which every user can read.
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
