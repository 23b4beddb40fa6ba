"""What a push or a commit adds, as far as it may matter."""

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
    """What was found. Files in `large` are not read and in no other list.

    What the Hub says of it is added later: `for_lfs`, binary files that it takes in LFS only, and `unconfirmed`,
    pointers to objects that are not here, and of which it says nothing.
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
        """Yield each blob of which something was found."""
        yield from self.large
        yield from self.binary
        yield from (leak.blob for leak in self.leaks)
        yield from (pointer.blob for pointer in self.pointers)
        yield from self.for_lfs
        yield from (pointer.blob for pointer in self.unconfirmed)
