"""Find what a push or a commit adds: large and binary files, tokens, LFS pointers, full directories.

How severe each is, `judge` decides. dulwich reads LFS pointers; it does not walk history, because that took 10 to 21
times as long as `git rev-list --objects | git cat-file --batch-check` for 10,000 new objects (tests/bench/scan.py).
Nothing is ever fetched: objects that a partial clone lacks are on a remote already, and are skipped.
"""

import os
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BytesIO
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import IO, Any, NamedTuple

from git_credential_hf.git.config import ConfigEntry, read_config
from git_credential_hf.git.pipeline import CHUNK_BYTES, ORIGINAL_OBJECTS, Pipeline, read_lines
from git_credential_hf.git.run import run_git
from git_credential_hf.hooks.leaks import (
    RAW,
    Blob,
    Change,
    Differences,
    Finder,
    Hits,
    Leak,
    commit_differences,
    find_added,
    merge_leaks,
    parse_raw,
)
from git_credential_hf.hooks.limits import MAX_DIRECTORY_FILES, MAX_FILE_BYTES
from git_credential_hf.problem import Problem

MAX_CARD_BYTES = 1024 * 1024
_BINARY_CHECK_BYTES = 8000  # a NUL among these makes a file binary: buffer_is_binary() in git's xdiff-interface.c
_MAX_WAITING_BYTES = 1 << 20  # of the list of what has to be read; a longer one is in a temporary file
_MAX_POINTER_BYTES = 1024  # pointers are smaller (git-lfs, docs/spec.md)

_Object = tuple[bytes | None, bytes, bytes]  # the commit that adds it (`None`: the index), its id, its path


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


def parse_updates(lines: bytes) -> list[RefUpdate]:
    """Parse the input of a pre-push hook; raises `Problem` if a line is invalid."""
    updates = []
    for line in lines.decode("utf-8", "surrogateescape").split("\n"):
        if line:
            words = line.rsplit(" ", 3)  # from the right: the first may be `:/words of a commit message`
            if len(words) != 4 or not (_is_oid(words[1]) and _is_oid(words[3])):
                raise Problem("invalid input for a pre-push hook", "run `git help githooks`")
            updates.append(RefUpdate(*words))
    return updates


def _is_oid(word: str) -> bool:
    return len(word) in (40, 64) and all(c in "0123456789abcdef" for c in word)


# --- a push ---


def scan_push(
    updates: list[RefUpdate],
    *,
    has: Iterable[str] = (),
    secrets: Sequence[str] = (),
    progress: Callable[[int], None] | None = None,
    read_contents: bool = True,
    entries: list[ConfigEntry] | None = None,
) -> Additions:
    """Find what `updates` add to a remote; `entries` is git's configuration, if that has been read.

    Excluded is what the remote has: what its announced references reach, and what the ids in `has` reach, which need
    not exist in this repository. `secrets` are found in addition to everything that looks like a token. `progress` is
    called, by one thread at a time, with the number of objects so far. Without `read_contents` only `large` and
    `directories` are filled. Raises `Problem` if git fails.
    """
    additions = [update for update in updates if not update.is_deletion]
    if not additions:
        return Additions()
    entries = read_config() if entries is None else entries
    known = _KnownHistory({*announced_ids(updates), *has}, entries)
    commits, others = _pushed_objects(additions)
    finder = Finder(secrets)
    scan = _Scan(finder, progress, read_contents)
    _walk_history(scan, commits, others, known)
    found = scan.found
    found.directories = _full_at_tips(found.directories, commits)
    if read_contents:
        tags = {u.local_oid: u.local_ref for u in additions if u.local_oid not in commits and u.local_oid not in others}
        leaks = (
            _file_leaks(scan, others, known),
            scan.messages,
            _tag_leaks(finder, tags),
            _name_leaks(finder, additions),
        )
        found.leaks = merge_leaks(chain.from_iterable(leaks))
    found.pointers = _checked_pointers(scan.pointers, known, entries)
    return found


def announced_ids(updates: list[RefUpdate]) -> set[str]:
    """Return the ids that the remote has announced to the hook; some may not exist in this repository.

    Tracking references are no such word: `git remote set-url` leaves those of another repository under the name.
    """
    return {update.remote_oid for update in updates if update.remote_oid.strip("0")}


def are_present(oids: Iterable[str]) -> bool:
    """Whether all these objects are in this repository."""
    try:
        listed = _run("cat-file", "--batch-check=", given=_joined(map(str.encode, oids)))
    except Problem:
        return False  # a partial clone lacks one
    return not any(listed.splitlines())


def without_known(added: Additions, updates: list[RefUpdate], has: Iterable[str]) -> Additions:
    """Return what is left of `added` if the remote has what the ids in `has` reach, too; no contents are read again."""
    known = _KnownHistory({*announced_ids(updates), *has}, read_config())
    wanted = {oid for one in added.all_of_blobs() for oid in (one.commit, one.oid)}
    wanted.update(directory.commit for directory in added.directories)
    tips = [update.local_oid for update in updates if not update.is_deletion]
    new: set[str | None] = {None}
    with Pipeline() as gits:
        listed = gits.start("rev-list", "--objects", *known.options, "--stdin", given=_revisions(tips, known.oids))
        for lines in read_lines(listed):
            new.update(wanted.intersection(line.partition(b" ")[0].decode() for line in lines))

    def is_new(blob: Blob) -> bool:
        return blob.commit in new and blob.oid in new

    left = Additions()
    left.large = list(filter(is_new, added.large))
    left.binary = list(filter(is_new, added.binary))
    left.leaks = [leak for leak in added.leaks if is_new(leak.blob)]
    left.pointers = [pointer for pointer in added.pointers if is_new(pointer.blob)]
    left.directories = [directory for directory in added.directories if directory.commit in new]
    left.for_lfs = list(filter(is_new, added.for_lfs))
    left.unconfirmed = [pointer for pointer in added.unconfirmed if is_new(pointer.blob)]
    return left


class _KnownHistory:
    """What the remote has, or may be assumed to have: everything that these ids reach."""

    def __init__(self, oids: Iterable[str], entries: list[ConfigEntry]) -> None:
        self.oids = sorted(oids)
        self.options = ["--ignore-missing", *_missing_options(entries)]

    def holds(self, blobs: set[str]) -> set[str]:
        """Return which of these blobs it contains.

        `rev-list` excludes only what is below the known commits: a commit on another branch may bring them back.
        """
        found: set[str] = set()
        if not blobs or not self.oids:
            return found
        with Pipeline() as gits:
            listed = gits.start("rev-list", "--objects", *self.options, "--stdin", given=_revisions(self.oids, ()))
            for lines in read_lines(listed):
                found.update(blobs.intersection(line.partition(b" ")[0].decode() for line in lines))
                if found == blobs:
                    gits.stop()
                    break
        return found


def _pushed_objects(updates: list[RefUpdate]) -> tuple[dict[str, RefUpdate], dict[str, RefUpdate]]:
    """Return the commits that are pushed, and the trees and blobs that a pushed tag points to, each by its id."""
    if all(update.remote_ref.startswith("refs/heads/") for update in updates):
        return {update.local_oid: update for update in updates}, {}  # no branch is anything else
    names = "".join(update.local_oid + "^{}\n" for update in updates).encode()
    lines = _run("cat-file", "--batch-check=%(objectname) %(objecttype)", given=names).decode().splitlines()
    commits: dict[str, RefUpdate] = {}
    others: dict[str, RefUpdate] = {}
    for update, line in zip(updates, lines, strict=True):
        oid, _, kind = line.partition(" ")
        if not _is_oid(oid) or kind == "missing":
            raise Problem(f"git cannot find an object of this push: {line}")
        (commits if kind == "commit" else others)[oid] = update
    return commits, others


def _file_leaks(scan: "_Scan", others: dict[str, RefUpdate], known: _KnownHistory) -> Iterator[Leak]:
    """Yield the tokens that commits of the push add, unless the remote has that version of the file elsewhere."""
    in_commits: Hits = {}
    tags = {update.local_oid.encode() for update in others.values()}
    for (commit, oid), tokens in scan.hits.items():
        if commit in tags and oid in scan.hit_paths:
            blob = Blob(_text(commit), os.fsdecode(scan.hit_paths[oid]), oid.decode(), 0)
            yield from (scan.finder.leak(blob, token) for token in tokens)
        elif commit not in tags:
            in_commits[commit, oid] = tokens
    commits = [*dict.fromkeys(commit for commit, _ in in_commits if commit is not None)]
    if commits:
        differences = _differences(commits, {oid for _, oid in in_commits})
        leaks = list(find_added(scan.finder, in_commits, differences, _count_parents(commits)))
        old = known.holds({leak.blob.oid for leak in leaks})
        yield from (leak for leak in leaks if leak.blob.oid not in old)


def _differences(commits: list[bytes], blobs: set[bytes]) -> Differences:
    """Return what differs in these commits, as far as it is about these blobs."""

    def read(*, renames: bool) -> Differences:
        found = commit_differences(commits, renames=renames)
        return [(commit, [change for change in block if change.new in blobs]) for commit, block in found]

    try:
        return read(renames=True)
    except Problem:
        return read(renames=False)  # a partial clone lacks files that git would compare


def _count_parents(commits: list[bytes]) -> dict[bytes | None, int]:
    lines = _run("rev-list", "--parents", "--no-walk=unsorted", "--stdin", given=_joined(commits)).splitlines()
    return {words[0]: max(1, len(words) - 1) for words in map(bytes.split, lines)}


def _name_leaks(finder: Finder, updates: list[RefUpdate]) -> Iterator[Leak]:
    """Yield the tokens in the names of new references."""
    for update in updates:
        if update.is_new:
            blob = Blob(None, update.remote_ref, update.local_oid, 0)
            yield from (finder.leak(blob, token, "reference") for token in finder.find(os.fsencode(update.remote_ref)))


def _tag_leaks(finder: Finder, tags: dict[str, str]) -> Iterator[Leak]:
    """Yield the tokens in annotated tags (each id with its reference), and in those that they point to."""
    while tags:
        inner = {}
        with Pipeline() as gits:
            contents = gits.start("cat-file", "--batch=%(objectsize)", given=[_joined(map(str.encode, tags))])
            for oid, name in tags.items():
                content = contents.read(int(contents.readline()) + 1)
                for token in finder.find(content):
                    yield finder.leak(Blob(None, name, oid, 0), token, "tag")
                target, kind = content.split(b"\n", 2)[:2]
                if kind == b"type tag":
                    inner[target.split()[1].decode()] = name
        tags = inner


def _walk_history(scan: "_Scan", commits: Iterable[str], others: dict[str, RefUpdate], known: _KnownHistory) -> None:
    """Scan the objects that a push adds. Of several commits that have an object, the first is the one that adds it."""
    order = ["--in-commit-order", "--topo-order", "--reverse"]
    command = ["rev-list", "--objects", *order, *known.options, "--stdin"]  # options after --stdin have no effect
    with Pipeline() as gits:
        listed = scan.listed(gits.start(*command, given=_revisions(commits, known.oids)), {})
        if others:
            scan.ids = set()
            rest = gits.start(*command, given=_revisions(others, known.oids))
            listed = chain(listed, scan.listed(rest, {oid.encode(): update for oid, update in others.items()}))
        scan.run(gits, listed)


def _full_at_tips(directories: list[FullDirectory], commits: Iterable[str]) -> list[FullDirectory]:
    """Keep those that are full at a tip, as the Hub counts: a later commit may have moved files elsewhere."""
    full = []
    for directory in directories:
        files = max((_count_files(commit, directory.path) for commit in commits), default=0)
        if files > MAX_DIRECTORY_FILES:
            full.append(directory._replace(entries=files))
    return full


def _count_files(commit: str, path: str) -> int:
    """Return how many files, not counting directories, a directory has in a commit; 0 if it does not exist."""
    try:
        listed = _run("ls-tree", "-z", "--full-tree", f"{commit}:{path}")
    except Problem:
        return 0
    return sum(not entry.startswith(b"040000") for entry in listed.split(b"\0") if entry)


# --- a commit ---


def scan_index(*, secrets: Sequence[str] = (), read_contents: bool = True) -> Additions:
    """Find what the index adds to HEAD, if that exists; raises `Problem` if git fails."""
    entries = read_config()
    try:
        head = _run("rev-parse", "--verify", "--quiet", "HEAD^{commit}").decode().strip()
    except Problem:
        head = ""  # before the first commit
    files = _added_files(head, entries)
    finder = Finder(secrets)
    scan = _Scan(finder, None, read_contents)
    with Pipeline() as gits:
        scan.run(gits, scan.staged(files))
    found = scan.found
    if scan.hits:
        bases = _index_bases(head)
        differences = map(_index_differences, bases)
        found.leaks = merge_leaks(find_added(finder, scan.hits, differences, {None: len(bases)}))
    found.directories += _staged_directories([path for _, path in files])
    # Any reference counts: a pull request that was fetched is a local branch, and the remote has its LFS objects.
    references = _run("for-each-ref", "--format=%(objectname)").decode().split()
    known = _KnownHistory([head, *references] if head else references, entries)
    found.pointers = _checked_pointers(scan.pointers, known, entries)
    return found


def _added_files(head: str, entries: list[ConfigEntry]) -> list[tuple[bytes, bytes]]:
    """Return the id and the path of each staged file that is new to history, as far as it is in this repository."""
    files = _staged_files(head or _run("hash-object", "-t", "tree", "--stdin").decode().strip())
    for parent in _merged_commits() if head else ():
        new = set(_staged_files(parent))
        files = [file for file in files if file in new]
    missing = _missing_options(entries)
    if missing and files:
        listing = ["rev-list", "--objects", "--no-walk", "--ignore-missing", *missing, "--stdin"]
        listed = _run(*listing, given=_joined(oid for oid, _ in files))
        present = {line[: len(files[0][0])] for line in listed.split(b"\n")}
        files = [file for file in files if file[0] in present]
    return files


def _staged_files(base: str) -> list[tuple[bytes, bytes]]:
    """Return the id and the path of each file in the index that differs from a tree, except those that only moved."""
    fields = iter(
        _run("diff-index", "--cached", "--raw", "-z", "--no-abbrev", "--find-renames=100%", base, "--").split(b"\0")
    )
    found = []
    for field in fields:
        if field:
            _, mode, before, oid, status = field.split(b" ")
            path = next(fields)
            if status.startswith((b"R", b"C")):
                path = next(fields)
            elif mode not in (b"000000", b"160000") and oid != before and oid.strip(b"0"):
                found.append((oid, path))
    return found


def _index_bases(head: str) -> list[str]:
    """Return what the next commit is compared with: its parents, or the empty tree."""
    return [head, *_merged_commits()] if head else [_run("hash-object", "-t", "tree", "--stdin").decode().strip()]


def _index_differences(base: str) -> tuple[None, list[Change]]:
    listed = BytesIO(_run("diff-index", "--cached", *RAW, "-M", base, "--"))
    return None, [change for _, block in parse_raw(listed) for change in block]


def _merged_commits() -> list[str]:
    """Return the commits that the next one merges."""
    try:
        with open(_run("rev-parse", "--git-path", "MERGE_HEAD").removesuffix(b"\n"), "rb") as file:
            words = file.read(CHUNK_BYTES).decode("ascii", "replace").split()
    except OSError:
        return []
    return [word for word in words if _is_oid(word)]


def _staged_directories(changed: list[bytes]) -> Iterator[FullDirectory]:
    """Yield the directories of changed files that have too many files in the index."""
    if not changed:
        return
    files = set(_run("ls-files", "--cached", "--full-name", "-z", ":/").split(b"\0")) - {b""}
    if len(files) <= MAX_DIRECTORY_FILES:
        return
    count = Counter(path.rpartition(b"/")[0] for path in files)
    for directory in sorted(set(_parents(changed))):
        if count[directory] > MAX_DIRECTORY_FILES:
            yield FullDirectory(None, os.fsdecode(directory), count[directory])


def _parents(paths: Iterable[bytes]) -> Iterator[bytes]:
    done = set()
    for path in paths:
        while path:
            path = path.rpartition(b"/")[0]
            if path in done:
                break
            done.add(path)
            yield path


# --- git ---


def _run(*arguments: str, given: bytes = b"") -> bytes:
    # Without core.fsmonitor: in an unpacked archive it may name a program, which everything that reads the index runs.
    arguments = ("-c", "core.fsmonitor=false", *arguments)
    return run_git(*arguments, given=given, environment=ORIGINAL_OBJECTS, seconds=None)


def _missing_options(entries: list[ConfigEntry]) -> list[str]:
    """Return the options with which `rev-list` accepts that a partial clone lacks objects."""
    partial = (("remote", "promisor"), ("extensions", "partialclone"))
    return ["--missing=allow-any"] if any((entry.section, entry.name) in partial for entry in entries) else []


def _joined(words: Iterable[bytes]) -> bytes:
    return b"".join(word + b"\n" for word in words)


def _revisions(wanted: Iterable[str], known: Iterable[str]) -> list[bytes]:
    # For stdin, which has no limit of length, and only ids, so that nothing is taken for an option.
    return ["".join([*(f"{oid}\n" for oid in wanted), *(f"^{oid}\n" for oid in known)]).encode()]


# --- objects ---


class _Scan:
    """One pass over many objects: listed by one git, sized by another, and read from a third if worth it."""

    def __init__(self, finder: Finder, progress: Callable[[int], None] | None, read_contents: bool) -> None:
        self.found = Additions()
        self.directories: list[FullDirectory] = []  # all of them, also of the same path
        self.pointers: list[tuple[Blob, str, int]] = []  # with the SHA-256 and the size of the LFS object
        self.count = 0
        self.progress = progress
        self.read_contents = read_contents
        self.finder = finder
        self.content_hits: list[tuple[_Object, dict[str, int]]] = []
        self.hits: Hits = {}  # files with tokens in their lines or their names
        self.hit_paths: dict[bytes, bytes] = {}
        self.messages: list[Leak] = []
        # Objects that a git has been given and not yet answered; git keeps their order.
        self.to_size: deque[_Object] = deque()
        self.to_read: deque[_Object] = deque()
        self.ids: set[bytes] | None = None  # those listed so far, if there are two lists

    def listed(self, stdout: IO[bytes], roots: dict[bytes, RefUpdate]) -> Iterator[bytes]:
        """Yield the ids of the trees and blobs in the output of `git rev-list --objects`.

        That has a line `ID PATH` for each, and `ID` for a commit. A tag, and no commit, points to those in `roots`.
        """
        commit: bytes | None = None
        for lines in read_lines(stdout):
            items: list[_Object] = []
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
            yield _joined(oid for _, oid, _ in items)

    def _note_names(self, items: Iterable[_Object]) -> None:
        """Let files with a token in their name be looked at, whatever they contain."""
        self.hits.update(((commit, oid), {}) for commit, oid, path in items if self.finder.find(path))

    def staged(self, files: list[tuple[bytes, bytes]]) -> Iterator[bytes]:
        """Yield the ids of staged files."""
        self._note_names((None, oid, path) for oid, path in files)
        self.to_size.extend((None, oid, path) for oid, path in files)
        yield _joined(oid for oid, _ in files)

    def run(self, gits: Pipeline, listed: Iterable[bytes]) -> None:
        """Examine the objects that are listed."""
        sizes = gits.start("cat-file", "--batch-check=%(objecttype) %(objectsize)", "--buffer", given=listed)
        contents = gits.start("cat-file", "--batch=%(objecttype) %(objectsize)", "--buffer", given=self._sized(sizes))
        self._read(contents)

    def _sized(self, stdout: IO[bytes]) -> Iterator[bytes]:
        """Yield the ids of the objects that have to be read, the latest first.

        git stores old versions as differences from later ones, and would unpack those again and again. Not in memory,
        as there may be millions.
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
                    yield _joined(oid for _, oid, _ in fields)
        except OSError as error:
            raise Problem(f"cannot use a temporary file: {error.strerror}") from None

    def _wanted(self, lines: list[bytes]) -> Iterator[_Object]:
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

    def _examine(self, item: _Object, content: bytes) -> None:
        is_binary = content.find(b"\0", 0, _BINARY_CHECK_BYTES) >= 0
        if is_binary:
            self.found.binary.append(_blob(item, len(content)))
        if tokens := self.finder.find_in_version(item[2], content, is_binary=is_binary):
            self.content_hits.append((item, tokens))
        if len(content) < _MAX_POINTER_BYTES and content.startswith(b"version https://git-lfs.github.com/spec/v1"):
            pointer = _parse_pointer(content)
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


def _blob(item: _Object, size: int) -> Blob:
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


# --- LFS ---


# dulwich accepts other lines among these; to git-lfs that is an ordinary file (lfs/pointer.go).
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-\d-\w+ sha256:[0-9a-f]{64}\n)*"
    rb"oid sha256:[0-9a-f]{64}\nsize \d+\n"
)


def _parse_pointer(content: bytes) -> tuple[str, int] | None:
    """Return the SHA-256 and the size in bytes in an LFS pointer; `None` if it is not a valid one."""
    if not _POINTER.fullmatch(content):
        return None
    from dulwich.lfs import LFSPointer

    pointer = LFSPointer.from_bytes(content)
    if pointer is None or pointer.size >= 1 << 63:  # which git-lfs does not accept
        return None
    return pointer.oid, pointer.size


def _checked_pointers(
    pointers: list[tuple[Blob, str, int]], known: _KnownHistory, entries: list[ConfigEntry]
) -> list[LfsPointer]:
    """Determine which LFS objects are missing: not on this machine, and not in what the remote has."""
    stores = _lfs_stores(entries) if pointers else []
    absent = {blob.oid for blob, oid, size in pointers if size and not _is_stored(oid, size, stores)}
    absent -= known.holds(absent)  # the remote has the object of an old pointer that was brought back
    return [LfsPointer(blob, oid, size, blob.oid in absent) for blob, oid, size in pointers]


def _lfs_stores(entries: list[ConfigEntry]) -> list[str]:
    """Return where git-lfs looks for objects: its own directory, and those of the repository's alternates."""
    common = os.path.abspath(os.fsdecode(_run("rev-parse", "--git-common-dir").removesuffix(b"\n")))
    storage = [entry.value for entry in entries if (entry.section, entry.subsection, entry.name) == _LFS_STORAGE]
    # A relative path starts at the git directory (git-lfs-config(5)).
    stores = [os.path.join(common, os.path.expanduser((storage and storage[-1]) or "lfs"), "objects")]
    objects = os.path.join(common, "objects")
    try:
        with open(os.path.join(objects, "info", "alternates"), encoding="utf-8", errors="surrogateescape") as file:
            alternates = file.read().split("\n")
    except OSError:
        alternates = []
    alternates += os.environ.get("GIT_ALTERNATE_OBJECT_DIRECTORIES", "").split(os.pathsep)
    return stores + [os.path.join(objects, path, os.pardir, "lfs", "objects") for path in alternates if path]


_LFS_STORAGE = ("lfs", "", "storage")


def _is_stored(oid: str, size: int, stores: list[str]) -> bool:
    for store in stores:
        try:
            if os.stat(os.path.join(store, oid[:2], oid[2:4], oid)).st_size == size:
                return True
        except OSError:
            pass
    return False
