"""The checks of a push or a commit, their severities (`hf.*` in git's configuration), and the collected problems."""

from collections.abc import Iterable

from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.hooks.limits import MAX_DIRECTORY_FILES, MAX_FILE_SIZE
from git_credential_hf.problem import Problem

# Each check has a key in git's configuration (`hf.KEY`), a default, and a description.
CHECKS = {
    "writeCheck": (
        "block",
        "no write access (`refs/pr/N` needs none), or a shallow clone that lacks commits the Hub needs",
    ),
    "largeFiles": (
        "block",
        f"a file over {MAX_FILE_SIZE} outside LFS, or over {MAX_DIRECTORY_FILES:,} files in a directory",
    ),
    # The Hub's own rule changes over time, so this blocks only what the Hub says it refuses, unless configured.
    "binaryFiles": ("warn", "a binary file outside LFS; `block` if the Hub accepts it in LFS only"),
    "leakedTokens": (
        "block",
        "your token or another valid Hub token in an added line, message or name; other tokens only warn",
    ),
    "lfsObjects": ("block", "an LFS object that is not on this machine, or too large for this git-lfs setup"),
    "metadata": ("block", "model card metadata that the Hub rejects"),
}
SEVERITIES = ("block", "warn", "off")

MAX_SHOWN = 5  # problems of one kind


class Verdict:
    """The problems of a push or a commit: `refusals` stop it, `warnings` do not."""

    def __init__(self) -> None:
        self.refusals: list[Problem] = []
        self.warnings: list[Problem] = []

    def add(self, severity: str, problems: Iterable[Problem]) -> None:
        """Add the first few problems of one kind; with `off`, the iterator is not read."""
        if severity == "off":
            return
        found = list(problems)
        if len(found) > MAX_SHOWN:
            last = found[MAX_SHOWN - 1]
            found[MAX_SHOWN - 1 :] = [Problem(f"{last.message}; and {len(found) - MAX_SHOWN} more like this", last.fix)]
        (self.refusals if severity == "block" else self.warnings).extend(found)

    def add_all(self, severity: dict[str, str], found: Iterable[tuple[str, Iterable[Problem]]]) -> None:
        """Add the problems of each check, with the severity of that check."""
        for check, problems in found:
            self.add(severity[check], problems)

    def warn(self, message: str, fix: str | None = None) -> None:
        """Add one warning."""
        self.warnings.append(Problem(message, fix))


def read_severities(entries: list[ConfigEntry], verdict: Verdict) -> dict[str, str]:
    """Return the configured severity of each check; an invalid value adds a warning."""
    found = {check: default for check, (default, _) in CHECKS.items()}
    found["filesForLfs"] = "block"
    for entry in entries:
        for check, (default, _) in CHECKS.items():
            if entry.section == "hf" and entry.name == check.lower() and not entry.subsection:
                value = (entry.value or "block").lower()
                if value in SEVERITIES:
                    found[check] = value
                    if check == "binaryFiles":
                        found["filesForLfs"] = value
                else:
                    verdict.warn(
                        f"hf.{check} is '{value}'; it must be block, warn or off",
                        f"run `git config hf.{check} {default}`",
                    )
    found["unknownTokens"] = "off" if found["leakedTokens"] == "off" else "warn"
    found["unconfirmedObjects"] = "off" if found["lfsObjects"] == "off" else "warn"
    return found


def needs_contents(severity: dict[str, str]) -> bool:
    """Whether an enabled check has to read the contents of files, and not only their sizes."""
    return any(severity[check] != "off" for check in CHECKS if check not in ("writeCheck", "largeFiles"))
