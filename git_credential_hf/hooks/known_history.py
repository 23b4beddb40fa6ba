"""The objects that the remote has, or is assumed to have, which the scan of a push leaves out."""

from collections.abc import Iterable

from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.git.pipeline import Pipeline, read_lines
from git_credential_hf.hooks.additions import LfsPointer
from git_credential_hf.hooks.leaks import Blob
from git_credential_hf.hooks.pointers import is_stored, lfs_stores


class KnownHistory:
    """The objects that the remote has, or is assumed to have: all that are reachable from these ids."""

    def __init__(self, oids: Iterable[str], entries: list[ConfigEntry]) -> None:
        self.oids = sorted(oids)
        self.options = ["--ignore-missing", *missing_options(entries)]

    def holds(self, blobs: set[str]) -> set[str]:
        """Return the blobs among these that the history contains.

        `rev-list` excludes only ancestors of the known commits: a commit on another branch may add them again.
        """
        found: set[str] = set()
        if not blobs or not self.oids:
            return found
        with Pipeline() as gits:
            listed = gits.start("rev-list", "--objects", *self.options, "--stdin", given=revisions(self.oids, ()))
            for lines in read_lines(listed):
                found.update(blobs.intersection(line.partition(b" ")[0].decode() for line in lines))
                if found == blobs:
                    gits.stop()
                    break
        return found


def missing_options(entries: list[ConfigEntry]) -> list[str]:
    """Return the options that make `rev-list` accept missing objects in a partial clone."""
    partial = (("remote", "promisor"), ("extensions", "partialclone"))
    return ["--missing=allow-any"] if any((entry.section, entry.name) in partial for entry in entries) else []


def revisions(wanted: Iterable[str], known: Iterable[str]) -> list[bytes]:
    """Return the lines for `rev-list --stdin`: the ids to list, and those to exclude."""
    # For stdin, which has no length limit; only ids, so that none is read as an option.
    return ["".join([*(f"{oid}\n" for oid in wanted), *(f"^{oid}\n" for oid in known)]).encode()]


def checked_pointers(
    pointers: list[tuple[Blob, str, int]], known: KnownHistory, entries: list[ConfigEntry]
) -> list[LfsPointer]:
    """Determine which LFS objects are missing: not on this machine, and not in what the remote has."""
    stores = lfs_stores(entries) if pointers else []
    absent = {blob.oid for blob, oid, size in pointers if size and not is_stored(oid, size, stores)}
    absent -= known.holds(absent)  # the remote has the object of an old pointer that was brought back
    return [LfsPointer(blob, oid, size, blob.oid in absent) for blob, oid, size in pointers]
