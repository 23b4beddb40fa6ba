"""Find a history that the Hub will refuse because it is incomplete: a shallow clone lacks parents of its commits."""

import os

from git_credential_hf.api.client import Unreachable
from git_credential_hf.api.contents import find_commit
from git_credential_hf.git.pipeline import ORIGINAL_OBJECTS
from git_credential_hf.git.run import git_line, run_git
from git_credential_hf.hooks.push import Push
from git_credential_hf.problem import Problem
from git_credential_hf.repository import Repository

_MAX_ASKED = 3  # commits; one that the Hub lacks is enough
_MAX_BYTES = 1 << 20  # of the list of cut-off commits


def check_history(push: Push) -> None:
    """Check that a shallow clone has all commits that the Hub does not have."""
    if push.repository is None or push.severity["writeCheck"] == "off":
        return
    commit = _missing_commit(push, push.repository)
    if commit is not None:
        message = f"this clone is shallow: it lacks the parents of commit {commit[:10]}, which the Hub needs"
        push.verdict.add(push.severity["writeCheck"], [Problem(message, push.fixes.deepen())])


def _missing_commit(push: Push, repository: Repository) -> str | None:
    """Return a commit without its parents that the Hub does not have: the Hub refuses such a push.

    `None` if there is none, or if the Hub does not answer. Raises `Problem` if git fails.
    """
    shallow = _cut_off_commits()
    if not shallow:
        return None
    revisions = [update.local_oid for update in push.updates if not update.is_deletion]
    revisions += [f"^{update.remote_oid}" for update in push.updates if update.remote_oid.strip("0")]
    given = "".join(f"{revision}\n" for revision in revisions).encode()
    # Remote commits that are not in this repository exclude nothing.
    command = ("rev-list", "--ignore-missing", "--stdin")
    listed = run_git(*command, given=given, environment=ORIGINAL_OBJECTS, seconds=None)
    for oid in [oid for oid in listed.decode().split() if oid in shallow][:_MAX_ASKED]:
        try:
            if find_commit(push.find_token(), repository, oid) is None:
                return oid
        except Unreachable:
            return None
    return None


def _cut_off_commits() -> set[str]:
    """Return the commits of a shallow repository whose parents are not in it."""
    directory = os.environ.get("GIT_DIR", ".git")
    if os.path.isfile(os.path.join(directory, "HEAD")) and not os.path.exists(os.path.join(directory, "commondir")):
        path = os.path.join(directory, "shallow")  # without starting git, which every push would wait for
    else:
        path = git_line("rev-parse", "--git-path", "shallow")
    try:
        with open(path, encoding="ascii") as file:
            return set(file.read(_MAX_BYTES).split())
    except (OSError, UnicodeDecodeError):
        return set()
