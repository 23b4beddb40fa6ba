"""The additions of a push or a commit that may be problems."""

from collections.abc import Iterator
from typing import NamedTuple

from git_credential_hf.hooks.leaks import Blob, Leak


class LfsPointer(NamedTuple):
    """A file in LFS: its SHA-256 and size in bytes; `is_missing` if neither this machine nor the remote has it."""

    blob: Blob
    oid: str
    size: int
    is_missing: bool


class FullDirectory(NamedTuple):
    """A directory with too many files, added by `commit`; the path of the top directory is empty."""

    commit: str | None
    path: str
    entries: int


class Additions:
    """The results of a scan. Files in `large` are not read, and are in no other list.

    The Hub's answers are added later: `for_lfs`, binary files that it accepts in LFS only, and `unconfirmed`, pointers
    to objects that are missing on this machine, and that the Hub did not answer for.
    """

    def __init__(self) -> None:
        self.large: list[Blob] = []
        self.binary: list[Blob] = []
        self.leaks: list[Leak] = []
        self.pointers: list[LfsPointer] = []
        self.directories: list[FullDirectory] = []
        self.for_lfs: list[Blob] = []
        self.unconfirmed: list[LfsPointer] = []

    def all_of_blobs(self) -> Iterator[Blob]:
        """Yield each blob in the results."""
        yield from self.large
        yield from self.binary
        yield from (leak.blob for leak in self.leaks)
        yield from (pointer.blob for pointer in self.pointers)
        yield from self.for_lfs
        yield from (pointer.blob for pointer in self.unconfirmed)
