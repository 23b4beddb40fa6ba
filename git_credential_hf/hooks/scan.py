"""Find what a push or a commit adds: large and binary files, tokens, LFS pointers, full directories.

How severe each is, `judge` decides. dulwich reads LFS pointers; it does not walk history, because that took 10 to 21
times as long as `git rev-list --objects | git cat-file --batch-check` for 10,000 new objects (tests/bench/scan.py).
Nothing is ever fetched: objects that a partial clone lacks are on a remote already, and are skipped.
"""

import os
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import IO, NamedTuple

from git_credential_hf.git.config import ConfigEntry, read_config
from git_credential_hf.git.pipeline import CHUNK_BYTES, NO_FETCH_ENVIRONMENT, Pipeline, read_lines
from git_credential_hf.git.run import run_git
from git_credential_hf.hooks.limits import MAX_DIRECTORY_FILES, MAX_FILE_BYTES
from git_credential_hf.masking import TOKEN_SHAPES
from git_credential_hf.problem import Problem

MAX_CARD_BYTES = 1024 * 1024
_BINARY_CHECK_BYTES = 8000  # a NUL among these makes a file binary: buffer_is_binary() in git's xdiff-interface.c
_MAX_POINTER_BYTES = 1024  # pointers are smaller (git-lfs, docs/spec.md)

# Every token starts with one of these, and `bytes.find` is much faster than a regular expression.
_PREFIXES = (b"hf_", b"api_org_", b"oauth_app_secret_")
_TOKEN = re.compile(
    "(?:{})(?![A-Za-z0-9_])".format(
        "|".join(f"{prefix}({part}{{{length}}})" for prefix, part, length in TOKEN_SHAPES if length)
    ).encode()
)
_JWT_PART = rb"[A-Za-z0-9_-]{16,4096}"  # the shortest header in use has 20 characters
_JWT = re.compile(rb"hf_(?:oauth|jwt)_(" + rb"\.".join([_JWT_PART] * 3) + rb")(?![A-Za-z0-9_])")
_MAX_JWT_MISSES = 1000  # in a file: each may read 12 kB, and a hostile file could cause a million
_ESCAPE = re.compile(rb"\\[nrt]|%[0-9A-Fa-f]{2}")  # white space in a JSON string, or any character in a URL
_MIN_DISTINCT = 10  # characters of a token; placeholders such as hf_xxxxxxxx have fewer
_MIN_SECRET = 8  # characters; anything shorter occurs in any text

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


class Blob(NamedTuple):
    """One version of a file: `commit` is the one that adds it (`None`: the index), `size` is in bytes.

    A path with a newline ends before that, as git prints it. `commit` is a tag if the tag points to no commit.
    """

    commit: str | None
    path: str
    oid: str
    size: int


class Leak(NamedTuple):
    """A token in a file, not masked."""

    blob: Blob
    token: str


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
    remote: str,
    *,
    has: Iterable[str] = (),
    secrets: Sequence[str] = (),
    progress: Callable[[int], None] | None = None,
    read_contents: bool = True,
) -> Additions:
    """Find what `updates` add to a remote, given by its name, or by its URL if it has no name.

    Excluded is what the remote has: what its announced references and its tracking references reach, and what the
    ids in `has` reach, which need not exist in this repository. `secrets` are found in addition to everything that
    looks like a token. `progress` is called, by one thread at a time, with the number of objects so far. Without
    `read_contents` only `large` and `directories` are filled. Raises `Problem` if git fails.
    """
    additions = [update for update in updates if not update.is_deletion]
    if not additions:
        return Additions()
    entries = read_config()
    known = _KnownHistory({*known_objects(updates, remote, entries), *has}, entries)
    commits, others = _pushed_objects(additions)
    scan = _Scan(secrets, progress, read_contents)
    _walk_history(scan, commits, others, known)
    found = scan.found
    found.directories = _full_at_tips(found.directories, commits)
    old = known.holds({leak.blob.oid for leak in found.leaks})
    found.leaks = [leak for leak in found.leaks if leak.blob.oid not in old]
    found.pointers = _checked_pointers(scan.pointers, known, entries)
    return found


def known_objects(updates: list[RefUpdate], remote: str, entries: list[ConfigEntry]) -> set[str]:
    """Return the ids that the remote is known to have; some may not exist in this repository."""
    known = {update.remote_oid for update in updates if update.remote_oid.strip("0")}
    if any(entry.section == "remote" and entry.subsection == remote for entry in entries):
        prefix = f"refs/remotes/{remote}/".encode("utf-8", "surrogateescape")  # not a pattern: it might contain `*`
        for line in _run("for-each-ref", "--format=%(objectname) %(refname)", "refs/remotes/").split(b"\n"):
            oid, _, name = line.partition(b" ")
            if name.startswith(prefix):
                known.add(oid.decode())
    return known


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
    scan = _Scan(secrets, None, read_contents)
    with Pipeline() as gits:
        scan.run(gits, scan.staged(files))
    found = scan.found
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
    return run_git(*arguments, given=given, environment=NO_FETCH_ENVIRONMENT, seconds=None)


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

    def __init__(self, secrets: Sequence[str], progress: Callable[[int], None] | None, read_contents: bool) -> None:
        self.found = Additions()
        self.pointers: list[tuple[Blob, str, int]] = []  # with the SHA-256 and the size of the LFS object
        self.count = 0
        self.progress = progress
        self.read_contents = read_contents
        self.secrets = [s.encode("utf-8", "surrogateescape") for s in secrets if len(s) >= _MIN_SECRET]
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
            ids = []
            for line in lines:
                oid, blank, path = line.partition(b" ")
                if not blank:
                    commit = oid
                    continue
                if roots and not path and oid in roots:
                    commit, path = roots[oid].local_oid.encode(), os.fsencode(roots[oid].local_ref)
                if self.ids is not None:
                    if oid in self.ids:
                        continue
                    self.ids.add(oid)
                self.to_size.append((commit, oid, path))
                ids.append(oid)
            self.count += len(lines)
            if self.progress is not None:
                self.progress(self.count)
            yield _joined(ids)

    def staged(self, files: list[tuple[bytes, bytes]]) -> Iterator[bytes]:
        """Yield the ids of staged files."""
        self.to_size.extend((None, oid, path) for oid, path in files)
        yield _joined(oid for oid, _ in files)

    def run(self, gits: Pipeline, listed: Iterable[bytes]) -> None:
        """Examine the objects that are listed."""
        sizes = gits.start("cat-file", "--batch-check=%(objecttype) %(objectsize)", "--buffer", given=listed)
        contents = gits.start("cat-file", "--batch=%(objecttype) %(objectsize)", "--buffer", given=self._sized(sizes))
        self._read(contents)

    def _sized(self, stdout: IO[bytes]) -> Iterator[bytes]:
        """Yield the ids of the objects that have to be read."""
        for lines in read_lines(stdout):
            ids = []
            for line in lines:
                item = self.to_size.popleft()
                kind, _, digits = line.partition(b" ")
                if kind == b"blob":
                    is_large = int(digits) > MAX_FILE_BYTES
                    if is_large:
                        self.found.large.append(_blob(item, int(digits)))
                    is_wanted = self.read_contents and not is_large
                elif kind == b"tree":
                    # The shortest entry is a mode of five digits, a blank, a character, a NUL, and an id.
                    is_wanted = int(digits) > MAX_DIRECTORY_FILES * (8 + len(item[1]) // 2)
                else:
                    raise Problem(f"git cannot find an object of this push: {line.decode('utf-8', 'replace')}")
                if is_wanted:
                    self.to_read.append(item)
                    ids.append(item[1])
            yield _joined(ids)

    def _read(self, stdout: IO[bytes]) -> None:
        full: set[bytes] = set()
        while header := stdout.readline():
            item = self.to_read.popleft()
            commit, oid, path = item
            kind, digits = header.split()
            size = int(digits) if kind in (b"blob", b"tree") else -1
            if size < 0:
                raise Problem(f"git cannot find an object of this push: {oid.decode()}")
            if kind == b"tree":
                entries = _count_entries(stdout, size, len(oid) // 2)
                if entries > MAX_DIRECTORY_FILES and path not in full:
                    full.add(path)
                    self.found.directories.append(FullDirectory(_text(commit), os.fsdecode(path), entries))
            else:
                content = stdout.read(size)  # at most MAX_FILE_BYTES
                if len(content) < size:
                    return  # git has ended; `Pipeline` reports why
                self._examine(item, content)
            stdout.read(1)

    def _examine(self, item: _Object, content: bytes) -> None:
        blob = _blob(item, len(content))
        if content.find(b"\0", 0, _BINARY_CHECK_BYTES) >= 0:
            self.found.binary.append(blob)
        self.found.leaks += (Leak(blob, token) for token in _find_tokens(content, self.secrets))
        if len(content) < _MAX_POINTER_BYTES and content.startswith(b"version https://git-lfs.github.com/spec/v1"):
            pointer = _parse_pointer(content)
            if pointer is not None:
                self.pointers.append((blob, *pointer))


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


# --- tokens ---


def _find_tokens(content: bytes, secrets: list[bytes]) -> set[str]:
    found = {secret.decode("utf-8", "surrogateescape") for secret in secrets if secret in content}
    tries = _MAX_JWT_MISSES
    for prefix in _PREFIXES:
        at = content.find(prefix)
        while at >= 0:
            match = _TOKEN.match(content, at)
            if match is None and tries and content.startswith((b"hf_jwt_", b"hf_oauth_"), at):
                match = _JWT.match(content, at)
                tries -= match is None
            if match is not None and _is_start(content, at) and len(set(match[match.lastindex or 0])) >= _MIN_DISTINCT:
                found.add(match[0].decode())
            at = content.find(prefix, at + 1 if match is None else match.end())
    return found


def _is_start(content: bytes, at: int) -> bool:
    r"""Whether a word starts here, perhaps after an escape such as `\n` or `%3D`."""
    before = content[at - 1 : at] if at else b""
    return not (before.isalnum() or before == b"_") or any(
        _ESCAPE.fullmatch(content, at - length, at) for length in (2, 3) if at >= length
    )


# --- LFS ---


def _parse_pointer(content: bytes) -> tuple[str, int] | None:
    """Return the SHA-256 and the size in bytes in an LFS pointer; `None` if it is not a valid one."""
    from dulwich.lfs import LFSPointer

    pointer = LFSPointer.from_bytes(content)
    # dulwich accepts any word as the id, which becomes part of a path; git-lfs accepts no size over 63 bits.
    if pointer is None or len(pointer.oid) != 64 or not _is_oid(pointer.oid) or not 0 <= pointer.size < 1 << 63:
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
