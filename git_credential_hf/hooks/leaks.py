"""Find tokens that a push or a commit adds: in lines of files, in messages and in names.

A file that already contained a token is not a leak each time it changes: a line with the token has to be added,
compared with each parent of the commit.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, NamedTuple

from git_credential_hf.git.pipeline import CHUNK_BYTES, Pipeline
from git_credential_hf.hooks.limits import MAX_FILE_BYTES
from git_credential_hf.masking import TOKEN_SHAPES, base64_cores, is_placeholder

# Every token starts with one of these, and `bytes.find` is much faster than a regular expression.
_PREFIXES = (b"hf_", b"api_org_", b"oauth_app_secret_")
_TOKEN = re.compile(
    "(?:{})(?![A-Za-z0-9_])".format(
        "|".join(f"{prefix}{part}{{{length}}}" for prefix, part, length in TOKEN_SHAPES if length)
    ).encode()
)
_JWT_PART = rb"[A-Za-z0-9_-]{16,4096}"  # the shortest header in use has 20 characters
_JWT = re.compile(rb"hf_(?:oauth|jwt)_" + rb"\.".join([_JWT_PART] * 3) + rb"(?![A-Za-z0-9_])")
_MAX_JWT_MISSES = 1000  # in a file: each may read 12 kB, and a hostile file could cause a million
_ESCAPE = re.compile(rb"\\[nrt]|%[0-9A-Fa-f]{2}")  # white space in a JSON string, or any character in a URL
_MAX_CLEAN_BYTES = 1 << 24  # bytes of files to keep, for comparison with the next versions
_EXACT_ENOUGH = 256  # bytes around a difference: to search them is quicker than to compare them
_MIN_SECRET = 8  # characters; anything shorter occurs in any text


class Blob(NamedTuple):
    """One version of a file: `commit` adds it (`None`: the index), `size` is in bytes.

    A path with a newline is cut off there, as in git's output. `commit` is a tag if the tag does not point to a commit.
    """

    commit: str | None
    path: str
    oid: str
    size: int


class Leak(NamedTuple):
    """A token, not masked, and the first of the `places` that add it.

    `kind`: the kind of place: `file`, `name` of a file, message of a `commit` or `tag`, `reference`; the path of the
    last two is their name. `is_own`: the token is one of this user's. `is_valid`: the Hub's answer, `None` if unknown.
    `is_public`: the remote already has the token elsewhere.
    """

    blob: Blob
    token: str
    kind: str = "file"
    is_own: bool = False
    places: int = 1
    is_valid: bool | None = None
    is_public: bool = False


class Finder:
    """Find tokens of any Hub by their form, and the user's own (`secrets`) in any form.

    The user's own are also found in UTF-16, and in base64, as in a Basic header.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        own = sorted({secret for secret in secrets if len(secret) >= _MIN_SECRET and not is_placeholder(secret)})
        self.own = {secret.encode("utf-8", "surrogateescape"): secret for secret in own}
        self.odd = {data: secret for data, secret in self.own.items() if not data.startswith(_PREFIXES)}
        self.base64 = {core.encode(): secret for secret in own for core in base64_cores(secret)}
        # Both byte orders have this in them.
        self.utf16 = {secret.encode("utf-16-le", "surrogatepass")[:-1]: secret for secret in own}
        self.rare = (*self.odd, *self.base64)
        self.needles = (*_PREFIXES, *self.rare)  # a token has one of these in it, in a text
        self.margin = max(map(len, self.needles))
        self._clean: dict[bytes, bytes] = {}
        self._clean_bytes = 0

    def find_in_version(self, path: bytes, content: bytes, *, is_binary: bool = False) -> dict[str, int]:
        """Do the same as `find` for successive versions of a file, which have most of their content in common."""
        if is_binary:
            return self.find(content, is_binary=True)
        before = self._clean.pop(path, b"")
        self._clean_bytes -= len(before)
        start, end = _difference(before, content)
        start, end = max(0, start - self.margin), end + self.margin
        # Prose has no underscore, and each prefix has one: to look for a byte takes a thirtieth of the time.
        for needle in self.needles if content.find(b"_", start, end) >= 0 else self.rare:
            if content.find(needle, start, end) >= 0:
                return self.find(content)
        self._clean[path] = content
        self._clean_bytes += len(content)
        while self._clean_bytes > _MAX_CLEAN_BYTES:
            self._clean_bytes -= len(
                self._clean.pop(next(iter(self._clean)))
            )  # the one that has not changed for longest
        return {}

    def find(self, content: bytes, *, is_binary: bool = False) -> dict[str, int]:
        """Return the tokens in `content`, and how often each occurs."""
        found: dict[str, int] = {}
        for form, secret in (self.odd | self.base64 | self.utf16 if is_binary else self.odd | self.base64).items():
            if form in content:
                found[secret] = found.get(secret, 0) + content.count(form)
        tries = _MAX_JWT_MISSES
        for prefix in _PREFIXES:
            at = content.find(prefix)
            while at >= 0:
                own = next((data for data in self.own if content.startswith(data, at)), b"")
                match = None if own else _TOKEN.match(content, at)
                if not own and match is None and tries and content.startswith((b"hf_jwt_", b"hf_oauth_"), at):
                    match = _JWT.match(content, at)
                    tries -= match is None
                end = at + len(own) if own else match.end() if match else at + 1
                if own or (match and _is_start(content, at)):
                    token = content[at:end].decode("utf-8", "surrogateescape")
                    if own or not is_placeholder(token):
                        found[token] = found.get(token, 0) + 1
                at = content.find(prefix, end)
        return found

    def leak(self, blob: Blob, token: str, kind: str = "file") -> Leak:
        """Return the leak of a token that was found."""
        return Leak(blob, token, kind, token in self.own.values())


def _difference(before: bytes, after: bytes) -> tuple[int, int]:
    """Return where the part of `after` that differs from `before` starts and ends; it may be a little longer."""
    most = min(len(before), len(after))
    start, step = 0, _EXACT_ENOUGH
    while start < most and before.startswith(after[start : start + step], start):
        start += step
        step *= 2
    start, same, step = min(start, most), 0, _EXACT_ENOUGH
    while same < most - start and before.endswith(after[-same - step : len(after) - same], 0, len(before) - same):
        same += step
        step *= 2
    return start, len(after) - min(same, most - start)


def _is_start(content: bytes, at: int) -> bool:
    r"""Whether a word starts here, perhaps after an escape such as `\n` or `%3D`."""
    before = content[at - 1 : at] if at else b""
    return not (before.isalnum() or before == b"_") or any(
        _ESCAPE.fullmatch(content, at - length, at) for length in (2, 3) if at >= length
    )


# --- what is added ---


class Change(NamedTuple):
    """A file that differs between a commit and one of its parents: ids of blobs, zeros if there is none."""

    old: bytes
    new: bytes
    old_path: bytes
    path: bytes


Hits = dict[tuple[bytes | None, bytes], dict[str, int]]  # the commit (`None`: the index) and the blob: the tokens


def find_added(
    finder: Finder, hits: Hits, differences: "Differences", parents: dict[bytes | None, int]
) -> Iterator[Leak]:
    """Yield a leak for each place at which a token is added, compared with each of the commit's parents."""
    wanted = {oid for _, oid in hits}
    changes = [(commit, [change for change in block if change.new in wanted]) for commit, block in differences]
    old = {change.old for _, block in changes for change in block} - wanted
    before = {oid: tokens for (_, oid), tokens in hits.items()} | dict(_read_hits(finder, old))
    lacking: Counter[tuple[bytes | None, Change, str, str]] = Counter()  # parents that lack it
    public = set()
    for commit, block in changes:
        for change in block:
            if (commit, change.new) not in hits:
                continue
            place = change._replace(old=b"", old_path=b"")
            had = before.get(change.old, {})
            for token, count in hits[commit, change.new].items():
                if count > had.get(token, 0):
                    lacking[commit, place, token, "file"] += 1
                    if token in had and change.old in old:
                        public.add((commit, place, token))
            for token in finder.find(change.path).keys() - finder.find(change.old_path).keys():
                lacking[commit, place, token, "name"] += 1
    for (commit, place, token, kind), number in lacking.items():
        if number >= parents.get(commit, 1):
            blob = Blob(commit.decode() if commit else None, os.fsdecode(place.path), place.new.decode(), 0)
            yield finder.leak(blob, token, kind)._replace(is_public=(commit, place, token) in public)


def _read_hits(finder: Finder, oids: Iterable[bytes]) -> Iterator[tuple[bytes, dict[str, int]]]:
    """Yield the tokens in blobs of the remote, as far as these are in this repository."""
    oids = [oid for oid in oids if oid.strip(b"0")]
    if not oids:
        return
    with Pipeline() as gits:
        given = [b"".join(oid + b"\n" for oid in oids)]
        contents = gits.start("cat-file", "--batch=%(objecttype) %(objectsize)", "--buffer", given=given)
        for oid in oids:
            header = contents.readline().split()
            if len(header) != 2 or not header[1].isdigit():
                continue  # missing from a partial clone, or a submodule's
            size = int(header[1])
            content = contents.read(size) if size <= MAX_FILE_BYTES else b""
            while not content and size > 0:
                size -= len(contents.read(min(size, CHUNK_BYTES)) or bytes(size))
            contents.read(1)
            yield oid, finder.find(content, is_binary=b"\0" in content)


Differences = Iterable[tuple[bytes | None, list[Change]]]

# With renames, as in `git diff`: a file that was moved and changed adds only the changed lines.
RAW = ("--raw", "-z", "--no-abbrev", "--ignore-submodules=all")


def commit_differences(commits: Sequence[bytes], *, renames: bool = True) -> Iterator[tuple[bytes, list[Change]]]:
    """Yield each commit with its differences from a parent, once for each parent that differs."""
    detect = ["-M"] if renames else ["--no-renames"]
    with Pipeline() as gits:
        given = [b"".join(commit + b"\n" for commit in commits)]
        stdout = gits.start("diff-tree", "--stdin", "-r", "-m", "--root", *RAW, *detect, given=given)
        yield from parse_raw(stdout)  # type: ignore[misc]


def parse_raw(stdout: IO[bytes]) -> Iterator[tuple[bytes | None, list[Change]]]:
    """Yield the blocks of `--raw -z`, each after the id of its commit (`None` for the index)."""
    fields = _fields(stdout)
    commit: bytes | None = None
    block: list[Change] = []
    for field in fields:
        if not field.startswith(b":"):
            if block:
                yield commit, block
            commit, block = field, []
            continue
        _, _, old, new, status = field.split(b" ")
        path = old_path = next(fields)
        if status.startswith((b"R", b"C")):
            path = next(fields)
        elif status.startswith(b"A"):
            old_path = b""
        block.append(Change(old, new, old_path, path))
    if block:
        yield commit, block


def _fields(stdout: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while chunk := stdout.read1(CHUNK_BYTES):  # type: ignore[attr-defined] # a BufferedReader
        fields = (rest + chunk).split(b"\0")
        rest = fields.pop()
        yield from fields


def merge_leaks(leaks: Iterable[Leak]) -> list[Leak]:
    """Return one leak for each token: that of its first place, with the number of places."""
    merged: dict[str, Leak] = {}
    for leak in leaks:
        first = merged.get(leak.token)
        merged[leak.token] = (
            first._replace(places=first.places + 1, is_public=first.is_public or leak.is_public) if first else leak
        )
    return list(merged.values())
