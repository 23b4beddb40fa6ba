"""Find the model cards that a push changes: the Hub validates those at the tips."""

from git_credential_hf.git.pipeline import ORIGINAL_OBJECTS
from git_credential_hf.git.run import run_git
from git_credential_hf.hooks.leaks import Blob
from git_credential_hf.hooks.updates import RefUpdate
from git_credential_hf.problem import Problem

MAX_CARD_BYTES = 1024 * 1024
MAX_CARDS = 3  # in a push; each costs a request to the Hub


def changed_cards(updates: list[RefUpdate]) -> list[tuple[Blob, str]]:
    """Return the cards with metadata, and their contents, that differ from the Hub's at these references.

    Only the last version counts, as a later commit may fix an earlier one. Raises `Problem` if git fails.
    """
    updates = [update for update in updates if not update.is_deletion]
    names = [f"{oid}:README.md" for update in updates for oid in (update.local_oid, update.remote_oid)]
    try:
        lines = _look_up(names)
    except Problem:  # a partial clone lacks an object, which git would fetch: that one is on a remote already
        lines = [line for name in names for line in _look_up_one(name)]
    if len(lines) != len(names):
        raise Problem("cannot find out which model cards this push changes")
    cards = {}
    for update, new, old in zip(updates, lines[::2], lines[1::2], strict=True):
        # A remote id that is not in this repository, or has no card, is a line that ends in "missing".
        if new[0] == "blob" and new != old and int(new[2]) <= MAX_CARD_BYTES:
            cards[new[1]] = Blob(update.local_oid, "README.md", new[1], int(new[2]))
    found = []
    for oid, blob in cards.items():
        content = _cat_file("blob", oid)
        if content.startswith(b"---"):
            found.append((blob, content.decode("utf-8", "replace")))
    return found[:MAX_CARDS]


def _look_up(names: list[str]) -> list[list[str]]:
    given = "".join(f"{name}\n" for name in names).encode()
    listed = _cat_file("--batch-check=%(objecttype) %(objectname) %(objectsize)", given=given)
    return [line.split(" ") for line in listed.decode("utf-8", "replace").splitlines()]


def _look_up_one(name: str) -> list[list[str]]:
    try:
        return _look_up([name])
    except Problem:
        return [[name, "missing"]]


def _cat_file(*arguments: str, given: bytes = b"") -> bytes:
    return run_git("cat-file", *arguments, given=given, environment=ORIGINAL_OBJECTS)
