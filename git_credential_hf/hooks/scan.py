"""What a push or a commit is about to add: large and binary files, Hub tokens, LFS pointers, full directories, cards.

It finds, and judges nothing: how bad something is, is decided in `hooks`. dulwich reads LFS pointers here, and walks no
history: for 10,000 new objects it took 10 to 21 times as long as `git rev-list --objects | git cat-file --batch-check`
(tests/bench/scan.py), so objects are streamed from git. Nothing is ever fetched: what a partial clone has not got here
came from a remote, and is skipped.
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
from git_credential_hf.masking import TOKEN_SHAPES
from git_credential_hf.problem import Problem

LARGE_FILE_BYTES = (
    10 * 1024 * 1024
)  # bytes; what is over it has no place outside LFS (docs/facts.md#h9), and is not read
MAX_DIRECTORY_FILES = 10_000  # of a directory (docs/facts.md#h11)
MAX_CARD_BYTES = 1024 * 1024  # bytes
_FIRST = 8000  # bytes in which a NUL makes a file binary: buffer_is_binary() in git's xdiff-interface.c
_POINTER = 1024  # bytes; pointers are smaller (git-lfs, docs/spec.md)

# All tokens begin with a marker, because looking for those takes no time.
_MARKERS = (b"hf_", b"api_org_", b"oauth_app_secret_")
_TOKEN = re.compile(
    "(?:{})(?![A-Za-z0-9_])".format(
        "|".join(f"{prefix}({part}{{{length}}})" for prefix, part, length in TOKEN_SHAPES if length)
    ).encode()
)
_PART = rb"[A-Za-z0-9_-]{16,4096}"  # of a JWT: the shortest header in use has 20 characters
_JWT = re.compile(rb"hf_(?:oauth|jwt)_(" + rb"\.".join([_PART] * 3) + rb")(?![A-Za-z0-9_])")
_MOST_TRIES = 1000  # at a JWT in one file: each may look at 12 kB, and a hostile file would have a million
_BEFORE = re.compile(rb"\\[nrt]|%[0-9A-Fa-f]{2}")  # a blank in JSON's strings, and anything in a URL
_LEAST_DISTINCT = 10  # characters; a placeholder, such as hf_xxxxxxxx, has fewer
_LEAST_SECRET = 8  # characters; what is shorter stands in any text


class RefUpdate(NamedTuple):
    """One line of what `pre-push` reads: a reference here, and what it is to be there (githooks(5))."""

    local_ref: str
    local_oid: str
    remote_ref: str
    remote_oid: str

    @property
    def is_deletion(self) -> bool:
        """Whether the remote's reference is to go: then nothing is added."""
        return not self.local_oid.strip("0")


class Blob(NamedTuple):
    """A file in one version: `commit` is what adds it (`None`: the index), `size` is in bytes.

    git tells a path with a newline only up to that. A tag of a blob or a tree, and of no commit, is its `commit`.
    """

    commit: str | None
    path: str
    oid: str
    size: int


class Leak(NamedTuple):
    """A token in a file; it is for the caller to mask it."""

    blob: Blob
    token: str


class LfsPointer(NamedTuple):
    """A file in LFS: its SHA-256, its size in bytes; `is_missing` where neither this machine nor the remote has it."""

    blob: Blob
    oid: str
    size: int
    is_missing: bool


class FullDirectory(NamedTuple):
    """A directory with too many files; the path of the topmost is empty. `commit` is the first to have it so."""

    commit: str | None
    path: str
    entries: int


class Additions:
    """What was found. What is in `large` was not read, and is in no other list; each card is with its content."""

    def __init__(self) -> None:
        self.large: list[Blob] = []
        self.binary: list[Blob] = []
        self.leaks: list[Leak] = []
        self.pointers: list[LfsPointer] = []
        self.directories: list[FullDirectory] = []
        self.cards: list[tuple[Blob, str]] = []


def parse_updates(given: bytes) -> list[RefUpdate]:
    """The updates that git announces to `pre-push`; raises `Problem` on a line that is none."""
    updates = []
    for line in given.decode("utf-8", "surrogateescape").split("\n"):
        if line:
            words = line.rsplit(" ", 3)  # from the right: what is pushed may be `:/words of a message`
            if len(words) != 4 or not (_is_oid(words[1]) and _is_oid(words[3])):
                raise Problem("git announced the push in words that are not those of githooks(5)")
            updates.append(RefUpdate(*words))
    return updates


def _is_oid(word: str) -> bool:
    return len(word) in (40, 64) and all(c in "0123456789abcdef" for c in word)


def scan_push(
    updates: list[RefUpdate],
    remote: str,
    *,
    has: Iterable[str] = (),
    secrets: Sequence[str] = (),
    progress: Callable[[int], None] | None = None,
    read_contents: bool = True,
) -> Additions:
    """What `updates` add to a remote, given by its name, or by a URL where it has none.

    That is what neither its announced references nor its tracking references here reach, nor what else it `has` by its
    own word: ids of commits and tags, which need not be here. `secrets` are searched for besides all that looks like a
    token. `progress` is called now and then, by one thread at a time, with the number of objects seen so far. Without
    `read_contents`, only `large` and `directories` are filled. Raises `Problem` where git fails.
    """
    added = [update for update in updates if not update.is_deletion]
    if not added:
        return Additions()
    entries = read_config()
    there = sorted({*known_objects(updates, remote, entries), *has})
    missing = ["--missing=allow-any"] if _is_partial(entries) else []
    targets = list(zip(added, _peeled(added), strict=True))
    tips = {oid: update.local_oid for update, (oid, kind) in targets if kind == "commit"}
    others = {oid.encode(): update for update, (oid, kind) in targets if kind != "commit"}
    scan = _Scan(secrets, _cards(list(tips)) if read_contents else set(), progress, read_contents)
    with Pipeline() as gits:
        # In this order the first commit that has an object is the one that adds it; what --stdin is to be read with
        # has to stand before it.
        walk = ["rev-list", "--objects", "--in-commit-order", "--topo-order", "--reverse", "--ignore-missing", *missing]
        listed = scan.listed(gits.start(*walk, "--stdin", given=_revisions(tips, there)), {})
        if others:
            scan.ids = set()
            rest = gits.start(*walk, "--stdin", given=_revisions((oid.decode() for oid in others), there))
            listed = chain(listed, scan.listed(rest, others))
        scan.run(gits, listed)
    # The Hub counts at the tips: a later commit may have moved some files elsewhere.
    scan.found.directories = [
        found._replace(entries=files)
        for found in scan.found.directories
        if (files := max((_files_at(tip, found.path) for tip in tips), default=0)) > MAX_DIRECTORY_FILES
    ]
    # A commit beside what the remote has may bring what is there: `rev-list` leaves out no more than what is behind.
    old = _reached({leak.blob.oid for leak in scan.found.leaks}, there, missing)
    scan.found.leaks = [leak for leak in scan.found.leaks if leak.blob.oid not in old]
    return scan.result(there, missing, entries)


def _files_at(tip: str, path: str) -> int:
    """How many files, and not directories, a directory has in a commit; none where it is not there."""
    try:
        listed = _run("ls-tree", "-z", "--full-tree", f"{tip}:{path}")
    except Problem:
        return 0
    return sum(not entry.startswith(b"040000") for entry in listed.split(b"\0") if entry)


def scan_index(*, secrets: Sequence[str] = (), read_contents: bool = True) -> Additions:
    """What the index adds to HEAD, where there is one; raises `Problem` where git fails."""
    entries = read_config()
    missing = ["--missing=allow-any"] if _is_partial(entries) else []
    try:
        head = _run("rev-parse", "--verify", "--quiet", "HEAD^{commit}").decode().strip()
    except Problem:
        head = ""  # before the first commit
    files = _staged_files(head or _run("hash-object", "-t", "tree", "--stdin").decode().strip())
    for parent in _merged() if head else ():  # what one of the parents has is in history already
        new = set(_staged_files(parent))
        files = [file for file in files if file in new]
    if missing and files:
        exist = ["rev-list", "--objects", "--no-walk", "--ignore-missing", *missing]
        here = _run(*exist, "--stdin", given=_joined(oid for oid, _ in files))
        present = {line[: len(files[0][0])] for line in here.split(b"\n")}
        files = [file for file in files if file[0] in present]
    cards = {oid for oid, path in files if path == b"README.md"}
    scan = _Scan(secrets, cards if read_contents else set(), None, read_contents)
    with Pipeline() as gits:
        scan.run(gits, scan.named_by_index(files))
    scan.found.directories += _staged_directories([path for _, path in files])
    # A pull request that was fetched is a branch, and a push tells of what a branch alone has.
    known = _run("for-each-ref", "--format=%(objectname)").decode().split()
    return scan.result([head, *known] if head else known, missing, entries)


def _run(*arguments: str, given: bytes = b"") -> bytes:
    # An unpacked archive may name a program for this, which all that reads the index would run.
    arguments = ("-c", "core.fsmonitor=false", *arguments)
    return run_git(*arguments, given=given, environment=NO_FETCH_ENVIRONMENT, seconds=None)


def _joined(words: Iterable[bytes]) -> bytes:
    return b"".join(word + b"\n" for word in words)


def _is_partial(entries: list[ConfigEntry]) -> bool:
    return any(
        (entry.section, entry.name) in (("remote", "promisor"), ("extensions", "partialclone")) for entry in entries
    )


def known_objects(updates: list[RefUpdate], remote: str, entries: list[ConfigEntry]) -> set[str]:
    """The ids of what the remote has, and maybe not this repository."""
    known = {update.remote_oid for update in updates if update.remote_oid.strip("0")}
    if any(entry.section == "remote" and entry.subsection == remote for entry in entries):
        prefix = f"refs/remotes/{remote}/".encode("utf-8", "surrogateescape")  # compared, as a pattern might hold `*`
        for line in _run("for-each-ref", "--format=%(objectname) %(refname)", "refs/remotes/").split(b"\n"):
            oid, _, name = line.partition(b" ")
            if name.startswith(prefix):
                known.add(oid.decode())
    return known


def _peeled(updates: list[RefUpdate]) -> list[tuple[str, str]]:
    """What each update pushes, behind any tags: its id and its type."""
    asked = "".join(update.local_oid + "^{}\n" for update in updates).encode()
    answers = _run("cat-file", "--batch-check=%(objectname) %(objecttype)", given=asked).decode().splitlines()
    for answer in answers:
        if not _is_oid(answer.partition(" ")[0]) or answer.endswith(" missing"):
            raise Problem(f"git does not find what is to be pushed: {answer}")
    return [(oid, kind) for oid, _, kind in (answer.partition(" ") for answer in answers)]


def _cards(tips: list[str]) -> set[bytes]:
    """The ids of the cards at the tips: only those matter, because a later commit may mend one."""
    found = set()
    for tip in tips:
        try:
            shown = _run("ls-tree", "-z", "--full-tree", tip, "README.md")
        except Problem:
            continue  # a partial clone may not have that tree; then the remote has
        if shown.startswith(b"100"):  # a file, and no symbolic link
            found.add(shown.split(b"\t")[0].split(b" ")[2])
    return found


def _revisions(wanted: Iterable[str], known: Iterable[str]) -> list[bytes]:
    # Through stdin, where nothing is too long, and ids alone, so that nothing is an option.
    return ["".join([*(f"{oid}\n" for oid in wanted), *(f"^{oid}\n" for oid in known)]).encode()]


def _staged_files(base: str) -> list[tuple[bytes, bytes]]:
    """The id and the path of each file in the index that differs from a tree, without those that only moved."""
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


def _merged() -> list[str]:
    """The commits that the next one merges."""
    try:
        with open(_run("rev-parse", "--git-path", "MERGE_HEAD").removesuffix(b"\n"), "rb") as file:
            words = file.read(_FIRST).decode("ascii", "replace").split()
    except OSError:
        return []
    return [word for word in words if _is_oid(word)]


def _staged_directories(changed: list[bytes]) -> Iterator[FullDirectory]:
    """The directories above changed files that have too many entries in the index."""
    if not changed:
        return
    files = set(_run("ls-files", "--cached", "--full-name", "-z", ":/").split(b"\0")) - {b""}
    if len(files) <= MAX_DIRECTORY_FILES:
        return
    count = Counter(path.rpartition(b"/")[0] for path in files)
    for directory in sorted(set(_above(changed))):
        if count[directory] > MAX_DIRECTORY_FILES:
            yield FullDirectory(None, os.fsdecode(directory), count[directory])


def _above(paths: Iterable[bytes]) -> Iterator[bytes]:
    done = set()
    for path in paths:
        while path:
            path = path.rpartition(b"/")[0]
            if path in done:
                break
            done.add(path)
            yield path


class _Scan:
    """One look at many objects: named by `listed`, sized by one git, and read from another where that is worth it."""

    def __init__(
        self, secrets: Sequence[str], cards: set[bytes], progress: Callable[[int], None] | None, read_contents: bool
    ) -> None:
        self.found = Additions()
        self.pointers: list[tuple[Blob, str, int]] = []
        self.seen = 0
        self.cards = cards
        self.progress = progress
        self.read_contents = read_contents
        self.secrets = [s.encode("utf-8", "surrogateescape") for s in secrets if len(s) >= _LEAST_SECRET]
        # Each is appended to before git is asked, and popped when it answers: git keeps the order.
        self.named: deque[tuple[bytes | None, bytes, bytes]] = deque()
        self.to_read: deque[tuple[bytes | None, bytes, bytes]] = deque()
        self.ids: set[bytes] | None = None  # of what was listed, where there are two lists

    def listed(self, stdout: IO[bytes], roots: dict[bytes, RefUpdate]) -> Iterator[bytes]:
        """The ids of the trees and blobs that `git rev-list --objects` lists: `ID PATH`, and a bare `ID` for a commit.

        `roots` are those among them that a tag names, and no commit.
        """
        commit: bytes | None = None
        for lines in read_lines(stdout):
            asked = []
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
                self.named.append((commit, oid, path))
                asked.append(oid)
            self._tell(len(lines))
            yield _joined(asked)

    def named_by_index(self, files: list[tuple[bytes, bytes]]) -> Iterator[bytes]:
        """The ids of staged files."""
        self.named.extend((None, oid, path) for oid, path in files)
        yield _joined(oid for oid, _ in files)

    def run(self, gits: Pipeline, listed: Iterable[bytes]) -> None:
        """Find all that is to be found in what is listed."""
        sizes = gits.start("cat-file", "--batch-check=%(objecttype) %(objectsize)", "--buffer", given=listed)
        contents = gits.start("cat-file", "--batch=%(objecttype) %(objectsize)", "--buffer", given=self._sized(sizes))
        self._read(contents)

    def _tell(self, more: int) -> None:
        self.seen += more
        if self.progress is not None:
            self.progress(self.seen)

    def _sized(self, stdout: IO[bytes]) -> Iterator[bytes]:
        """The ids of the objects that are to be read."""
        for lines in read_lines(stdout):
            asked = []
            for line in lines:
                one = self.named.popleft()
                kind, _, digits = line.partition(b" ")
                if kind == b"blob":
                    is_large = int(digits) > LARGE_FILE_BYTES
                    if is_large:
                        self.found.large.append(_blob(one, int(digits)))
                    is_wanted = self.read_contents and not is_large
                elif kind == b"tree":
                    # The shortest entry is a mode of five digits, a blank, a character, a NUL, and an id.
                    is_wanted = int(digits) > MAX_DIRECTORY_FILES * (8 + len(one[1]) // 2)
                else:
                    raise Problem(f"git does not find an object of this push: {line.decode('utf-8', 'replace')}")
                if is_wanted:
                    self.to_read.append(one)
                    asked.append(one[1])
            yield _joined(asked)

    def _read(self, stdout: IO[bytes]) -> None:
        full: set[bytes] = set()
        while header := stdout.readline():
            one = self.to_read.popleft()
            kind, digits = header.split()
            size = int(digits) if kind in (b"blob", b"tree") else -1
            if size < 0:
                raise Problem(f"git does not find an object of this push: {one[1].decode()}")
            if kind == b"tree":
                entries = _entries(stdout, size, len(one[1]) // 2)
                if entries > MAX_DIRECTORY_FILES and one[2] not in full:
                    full.add(one[2])
                    self.found.directories.append(FullDirectory(_text(one[0]), os.fsdecode(one[2]), entries))
            else:
                content = stdout.read(size)  # at most LARGE
                if len(content) < size:
                    return  # git has ended; why, is told where it is waited for
                self._look(one, content)
            stdout.read(1)

    def _look(self, one: tuple[bytes | None, bytes, bytes], content: bytes) -> None:
        if content.find(b"\0", 0, _FIRST) >= 0:
            self.found.binary.append(_blob(one, len(content)))
        for token in _tokens(content, self.secrets):
            self.found.leaks.append(Leak(_blob(one, len(content)), token))
        if len(content) < _POINTER and content.startswith(b"version https://git-lfs.github.com/spec/v1"):
            pointer = _pointer(content)
            if pointer is not None:
                self.pointers.append((_blob(one, len(content)), *pointer))
        if one[1] in self.cards and len(content) <= MAX_CARD_BYTES and content.startswith(b"---"):
            # The path is that of the card, even where the same content was seen elsewhere first.
            blob = _blob(one, len(content))._replace(path="README.md")
            self.found.cards.append((blob, content.decode("utf-8", "replace")))

    def result(self, known: list[str], missing: list[str], entries: list[ConfigEntry]) -> Additions:
        """What was found, once it is clear which LFS objects are missing: not here, and not in what is known."""
        stores = _lfs_stores(entries) if self.pointers else []
        absent = {blob.oid for blob, oid, size in self.pointers if size and not _is_stored(oid, size, stores)}
        absent -= _reached(absent, known, missing)  # an old pointer that was brought back is on the Hub already
        self.found.pointers = [LfsPointer(blob, oid, size, blob.oid in absent) for blob, oid, size in self.pointers]
        return self.found


def _blob(one: tuple[bytes | None, bytes, bytes], size: int) -> Blob:
    commit, oid, path = one
    return Blob(_text(commit), os.fsdecode(path), oid.decode(), size)


def _text(commit: bytes | None) -> str | None:
    return None if commit is None else commit.decode()


def _entries(stdout: IO[bytes], size: int, width: int) -> int:
    """How many entries a tree object of `size` bytes has; ids are of `width` bytes. It is read in pieces."""
    entries, rest = 0, b""
    while size and (piece := stdout.read(min(size, CHUNK_BYTES))):
        size -= len(piece)
        rest += piece
        at = 0
        while 0 <= (end := rest.find(b"\0", at)) < len(rest) - width:
            at = end + 1 + width
            entries += 1
        rest = rest[at:]
    return entries


def _tokens(content: bytes, secrets: list[bytes]) -> set[str]:
    found = {secret.decode("utf-8", "surrogateescape") for secret in secrets if secret in content}
    tries = _MOST_TRIES
    for marker in _MARKERS:
        at = content.find(marker)
        while at >= 0:
            match = _TOKEN.match(content, at)
            if match is None and tries and content.startswith((b"hf_jwt_", b"hf_oauth_"), at):
                match = _JWT.match(content, at)
                tries -= match is None
            if (
                match is not None
                and _is_start(content, at)
                and len(set(match[match.lastindex or 0])) >= _LEAST_DISTINCT
            ):
                found.add(match[0].decode())
            at = content.find(marker, at + 1 if match is None else match.end())
    return found


def _is_start(content: bytes, at: int) -> bool:
    before = content[at - 1 : at] if at else b""
    return not (before.isalnum() or before == b"_") or any(
        _BEFORE.fullmatch(content, at - length, at) for length in (2, 3) if at >= length
    )


def _pointer(content: bytes) -> tuple[str, int] | None:
    """The SHA-256 and the size in bytes that an LFS pointer has; `None` where it is none."""
    from dulwich.lfs import LFSPointer

    pointer = LFSPointer.from_bytes(content)
    # dulwich takes any word for an id, and from this one a path is made; and git-lfs takes no size over 63 bits.
    if pointer is None or len(pointer.oid) != 64 or not _is_oid(pointer.oid) or not 0 <= pointer.size < 1 << 63:
        return None
    return pointer.oid, pointer.size


def _lfs_stores(entries: list[ConfigEntry]) -> list[str]:
    """Where git-lfs keeps objects: its own directory, and those of the repositories that this one borrows from."""
    common = os.path.abspath(os.fsdecode(_run("rev-parse", "--git-common-dir").removesuffix(b"\n")))
    storage = [entry.value for entry in entries if (entry.section, entry.subsection, entry.name) == _STORAGE]
    # git-lfs-config(5): a relative one is inside of the git directory.
    stores = [os.path.join(common, os.path.expanduser((storage and storage[-1]) or "lfs"), "objects")]
    objects = os.path.join(common, "objects")
    try:
        with open(os.path.join(objects, "info", "alternates"), encoding="utf-8", errors="surrogateescape") as file:
            borrowed = file.read().split("\n")
    except OSError:
        borrowed = []
    borrowed += os.environ.get("GIT_ALTERNATE_OBJECT_DIRECTORIES", "").split(os.pathsep)
    return stores + [os.path.join(objects, path, os.pardir, "lfs", "objects") for path in borrowed if path]


_STORAGE = ("lfs", "", "storage")


def _is_stored(oid: str, size: int, stores: list[str]) -> bool:
    for store in stores:
        try:
            if os.stat(os.path.join(store, oid[:2], oid[2:4], oid)).st_size == size:
                return True
        except OSError:
            pass
    return False


def _reached(oids: set[str], known: list[str], missing: list[str]) -> set[str]:
    """Which of these blobs a history holds: asked once for all of them, as git has to look through it anyway."""
    found: set[str] = set()
    if not oids or not known:
        return found
    with Pipeline() as gits:
        stdout = gits.start(
            "rev-list", "--objects", "--ignore-missing", *missing, "--stdin", given=_revisions(known, ())
        )
        for lines in read_lines(stdout):
            found.update(oids.intersection(line.partition(b" ")[0].decode() for line in lines))
            if found == oids:
                gits.stop()
                break
    return found
