"""The references that a push updates, as git passes them to the hook (githooks(5))."""

from typing import NamedTuple

from git_credential_hf.problem import Problem


class RefUpdate(NamedTuple):
    """One line of the input of `pre-push`: a local reference, and the remote one that it updates (githooks(5))."""

    local_ref: str
    local_oid: str
    remote_ref: str
    remote_oid: str

    @property
    def is_deletion(self) -> bool:
        """Whether the remote reference is deleted, which adds nothing."""
        return not self.local_oid.strip("0")

    @property
    def is_new(self) -> bool:
        """Whether the remote does not have the reference yet."""
        return not self.is_deletion and not self.remote_oid.strip("0")


def parse_updates(lines: bytes) -> list[RefUpdate]:
    """Parse the input of a pre-push hook; raises `Problem` if a line is invalid."""
    updates = []
    for line in lines.decode("utf-8", "surrogateescape").split("\n"):
        if line:
            words = line.rsplit(" ", 3)  # from the right: the first may be `:/words of a commit message`
            if len(words) != 4 or not (is_oid(words[1]) and is_oid(words[3])):
                raise Problem("invalid input for a pre-push hook", "run `git help githooks`")
            updates.append(RefUpdate(*words))
    return updates


def is_oid(word: str) -> bool:
    """Whether a word is a whole object id, of SHA-1 or SHA-256."""
    return len(word) in (40, 64) and all(c in "0123456789abcdef" for c in word)


def announced_ids(updates: list[RefUpdate]) -> set[str]:
    """Return the remote commits that git passed to the hook; some may not exist in this repository.

    Remote-tracking branches are not a substitute: after `git remote set-url` they belong to another repository.
    """
    return {update.remote_oid for update in updates if update.remote_oid.strip("0")}
