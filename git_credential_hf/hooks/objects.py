"""Examine many objects in one pass: one git lists them, another returns their sizes, and a third selected contents."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from git_credential_hf.git.pipeline import CHUNK_BYTES, Pipeline, read_lines
from git_credential_hf.hooks.additions import Additions, FullDirectory
from git_credential_hf.hooks.leaks import Blob, Finder, Hits, Leak
from git_credential_hf.hooks.limits import MAX_DIRECTORY_FILES, MAX_FILE_BYTES
from git_credential_hf.hooks.pointers import MAX_POINTER_BYTES, parse_pointer
from git_credential_hf.hooks.updates import RefUpdate
from git_credential_hf.problem import Problem

_BINARY_CHECK_BYTES = 8000  # a NUL among these makes a file binary: buffer_is_binary() in git's xdiff-interface.c
_MAX_WAITING_BYTES = 1 << 20  # of the list of objects to read; a longer one is in a temporary file

ObjectEntry = tuple[bytes | None, bytes, bytes]  # the commit that adds it (`None`: the index), its id, its path


class ObjectScan:
    """One pass over many objects: listed by one git, sized by another, and read from a third if needed."""

    def __init__(self, finder: Finder, progress: Callable[[int], None] | None, read_contents: bool) -> None:
        self.found = Additions()
        self.directories: list[FullDirectory] = []  # all of them, also of the same path
        self.pointers: list[tuple[Blob, str, int]] = []  # with the SHA-256 and the size of the LFS object
        self.count = 0
        self.progress = progress
        self.read_contents = read_contents
        self.finder = finder
        self.content_hits: list[tuple[ObjectEntry, dict[str, int]]] = []
        self.hits: Hits = {}  # files with tokens in their lines or their names
        self.hit_paths: dict[bytes, bytes] = {}
        self.messages: list[Leak] = []
        # Objects that a git has been given and not yet answered; git keeps their order.
        self.to_size: deque[ObjectEntry] = deque()
        self.to_read: deque[ObjectEntry] = deque()
        self.ids: set[bytes] | None = None  # those listed so far, if there are two lists

    def listed(self, stdout: IO[bytes], roots: dict[bytes, RefUpdate]) -> Iterator[bytes]:
        """Yield the ids of the trees and blobs in the output of `git rev-list --objects`.

        That has a line `ID PATH` for each, and `ID` for a commit. A tag, and no commit, points to those in `roots`.
        """
        commit: bytes | None = None
        for lines in read_lines(stdout):
            items: list[ObjectEntry] = []
            for line in lines:
                oid, blank, path = line.partition(b" ")
                if not blank:
                    commit = oid
                    if not self.read_contents:
                        continue
                if roots and not path and oid in roots:
                    commit, path = roots[oid].local_oid.encode(), os.fsencode(roots[oid].local_ref)
                if self.ids is not None:
                    if oid in self.ids:
                        continue
                    self.ids.add(oid)
                items.append((commit, oid, path))
            if self.read_contents and self.finder.find(b"\n".join(lines)):
                self._note_names(items)
            self.to_size.extend(items)
            self.count += len(lines)
            if self.progress is not None:
                self.progress(self.count)
            yield joined(oid for _, oid, _ in items)

    def _note_names(self, items: Iterable[ObjectEntry]) -> None:
        """Record the files with a token in their names, whatever they contain."""
        self.hits.update(((commit, oid), {}) for commit, oid, path in items if self.finder.find(path))

    def staged(self, files: list[tuple[bytes, bytes]]) -> Iterator[bytes]:
        """Yield the ids of staged files."""
        self._note_names((None, oid, path) for oid, path in files)
        self.to_size.extend((None, oid, path) for oid, path in files)
        yield joined(oid for oid, _ in files)

    def run(self, gits: Pipeline, listed: Iterable[bytes]) -> None:
        """Examine the objects that are listed."""
        sizes = gits.start("cat-file", "--batch-check=%(objecttype) %(objectsize)", "--buffer", given=listed)
        contents = gits.start("cat-file", "--batch=%(objecttype) %(objectsize)", "--buffer", given=self._sized(sizes))
        self._read(contents)

    def _sized(self, stdout: IO[bytes]) -> Iterator[bytes]:
        """Yield the ids of the objects that have to be read, the latest first.

        git stores old versions as differences from later ones, which it would unpack again and again otherwise. The ids
        are not in memory, as there may be millions.
        """
        try:
            with SpooledTemporaryFile(_MAX_WAITING_BYTES) as waiting:
                for lines in read_lines(stdout):
                    waiting.write(
                        b"".join(b"\0%b %b %b" % (c or b"", oid, path) for c, oid, path in self._wanted(lines))
                    )
                for records in _read_backwards(waiting):
                    fields = [record.split(b" ", 2) for record in records]
                    self.to_read.extend((commit or None, oid, path) for commit, oid, path in fields)
                    yield joined(oid for _, oid, _ in fields)
        except OSError as error:
            raise Problem(f"cannot use a temporary file: {error.strerror}") from None

    def _wanted(self, lines: list[bytes]) -> Iterator[ObjectEntry]:
        for line in lines:
            item = self.to_size.popleft()
            kind, _, digits = line.partition(b" ")
            if kind == b"blob":
                is_large = int(digits) > MAX_FILE_BYTES
                if is_large:
                    self.found.large.append(_blob(item, int(digits)))
                is_wanted = self.read_contents and not is_large
            elif kind == b"commit":
                is_wanted = int(digits) <= MAX_FILE_BYTES
            elif kind == b"tree":
                # The shortest entry is a mode of five digits, a blank, a character, a NUL, and an id.
                is_wanted = int(digits) > MAX_DIRECTORY_FILES * (8 + len(item[1]) // 2)
            else:
                raise Problem(f"git cannot find an object of this push: {line.decode('utf-8', 'replace')}")
            if is_wanted:
                yield item

    def _read(self, stdout: IO[bytes]) -> None:
        while header := stdout.readline():
            item = self.to_read.popleft()
            commit, oid, path = item
            kind, digits = header.split()
            size = int(digits) if kind in (b"blob", b"tree", b"commit") else -1
            if size < 0:
                raise Problem(f"git cannot find an object of this push: {oid.decode()}")
            if kind == b"tree":
                entries = _count_entries(stdout, size, len(oid) // 2)
                if entries > MAX_DIRECTORY_FILES:
                    self.directories.append(FullDirectory(_text(commit), os.fsdecode(path), entries))
            else:
                content = stdout.read(size)  # at most MAX_FILE_BYTES
                if len(content) < size:
                    return  # git has ended; `Pipeline` reports why
                if kind == b"commit":
                    found = self.finder.find(content)
                    self.messages += (self.finder.leak(_blob(item, size), token, "commit") for token in found)
                else:
                    self._examine(item, content)
            stdout.read(1)
        results: tuple[list[Any], ...] = (self.found.binary, self.pointers, self.messages, self.content_hits)
        for some in results:
            some.reverse()  # in the order of history again
        for (commit, oid, path), tokens in self.content_hits:
            self.hits[commit, oid] = tokens
            self.hit_paths[oid] = path
        self.found.directories += [*{one.path: one for one in self.directories}.values()][::-1]

    def _examine(self, item: ObjectEntry, content: bytes) -> None:
        is_binary = content.find(b"\0", 0, _BINARY_CHECK_BYTES) >= 0
        if is_binary:
            self.found.binary.append(_blob(item, len(content)))
        if tokens := self.finder.find_in_version(item[2], content, is_binary=is_binary):
            self.content_hits.append((item, tokens))
        if len(content) < MAX_POINTER_BYTES and content.startswith(b"version https://git-lfs.github.com/spec/v1"):
            pointer = parse_pointer(content)
            if pointer is not None:
                self.pointers.append((_blob(item, len(content)), *pointer))


def _read_backwards(file: IO[bytes]) -> Iterator[list[bytes]]:
    """Yield the records of a file, each behind a NUL, from the last to the first."""
    at, rest = file.tell(), b""
    while at:
        size = min(at, 4 * CHUNK_BYTES)
        at -= size
        file.seek(at)
        rest, *records = (file.read(size) + rest).split(b"\0")
        yield records[::-1]


def _blob(item: ObjectEntry, size: int) -> Blob:
    commit, oid, path = item
    return Blob(_text(commit), os.fsdecode(path), oid.decode(), size)


def _text(commit: bytes | None) -> str | None:
    return None if commit is None else commit.decode()


def _count_entries(stdout: IO[bytes], size: int, id_bytes: int) -> int:
    """Return how many entries a tree object of `size` bytes has, reading it in pieces."""
    entries, rest = 0, b""
    while size and (piece := stdout.read(min(size, CHUNK_BYTES))):
        size -= len(piece)
        rest += piece
        at = 0
        while 0 <= (end := rest.find(b"\0", at)) < len(rest) - id_bytes:
            at = end + 1 + id_bytes
            entries += 1
        rest = rest[at:]
    return entries


def joined(words: Iterable[bytes]) -> bytes:
    """Return lines for the stdin of a git."""
    return b"".join(word + b"\n" for word in words)
