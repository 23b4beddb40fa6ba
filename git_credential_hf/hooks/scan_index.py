"""Find the additions of the next commit: the files in the index that differ from its parents."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO

from git_credential_hf.git.config import ConfigEntry, read_config
from git_credential_hf.git.pipeline import CHUNK_BYTES, Pipeline, run_on_originals
from git_credential_hf.hooks.additions import Additions, FullDirectory
from git_credential_hf.hooks.known_history import KnownHistory, checked_pointers, missing_options
from git_credential_hf.hooks.leaks import RAW, Change, Finder, find_added, merge_leaks, parse_raw
from git_credential_hf.hooks.limits import MAX_DIRECTORY_FILES
from git_credential_hf.hooks.objects import ObjectScan, joined
from git_credential_hf.hooks.updates import is_oid
from git_credential_hf.problem import Problem


def scan_index(*, secrets: Sequence[str] = (), read_contents: bool = True) -> Additions:
    """Find what the index adds to HEAD, if that exists; raises `Problem` if git fails."""
    entries = read_config()
    try:
        head = run_on_originals("rev-parse", "--verify", "--quiet", "HEAD^{commit}").decode().strip()
    except Problem:
        head = ""  # before the first commit
    files = _added_files(head, entries)
    finder = Finder(secrets)
    scan = ObjectScan(finder, None, read_contents)
    with Pipeline() as gits:
        scan.run(gits, scan.staged(files))
    found = scan.found
    if scan.hits:
        bases = _index_bases(head)
        differences = map(_index_differences, bases)
        found.leaks = merge_leaks(find_added(finder, scan.hits, differences, {None: len(bases)}))
    found.directories += _staged_directories([path for _, path in files])
    # Any reference counts: a pull request that was fetched is a local branch, and the remote has its LFS objects.
    references = run_on_originals("for-each-ref", "--format=%(objectname)").decode().split()
    known = KnownHistory([head, *references] if head else references, entries)
    found.pointers = checked_pointers(scan.pointers, known, entries)
    return found


def _added_files(head: str, entries: list[ConfigEntry]) -> list[tuple[bytes, bytes]]:
    """Return the id and the path of each staged file that is new to history, as far as it is in this repository."""
    files = _staged_files(head or run_on_originals("hash-object", "-t", "tree", "--stdin").decode().strip())
    for parent in _merged_commits() if head else ():
        new = set(_staged_files(parent))
        files = [file for file in files if file in new]
    missing = missing_options(entries)
    if missing and files:
        listing = ["rev-list", "--objects", "--no-walk", "--ignore-missing", *missing, "--stdin"]
        listed = run_on_originals(*listing, given=joined(oid for oid, _ in files))
        present = {line[: len(files[0][0])] for line in listed.split(b"\n")}
        files = [file for file in files if file[0] in present]
    return files


def _staged_files(base: str) -> list[tuple[bytes, bytes]]:
    """Return the id and the path of each file in the index that differs from a tree, except those that only moved."""
    fields = iter(
        run_on_originals(
            "diff-index", "--cached", "--raw", "-z", "--no-abbrev", "--find-renames=100%", base, "--"
        ).split(b"\0")
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
    """Return the trees to compare the next commit with: its parents, or the empty tree."""
    return (
        [head, *_merged_commits()]
        if head
        else [run_on_originals("hash-object", "-t", "tree", "--stdin").decode().strip()]
    )


def _index_differences(base: str) -> tuple[None, list[Change]]:
    listed = BytesIO(run_on_originals("diff-index", "--cached", *RAW, "-M", base, "--"))
    return None, [change for _, block in parse_raw(listed) for change in block]


def _merged_commits() -> list[str]:
    """Return the commits that the next one merges."""
    try:
        with open(run_on_originals("rev-parse", "--git-path", "MERGE_HEAD").removesuffix(b"\n"), "rb") as file:
            words = file.read(CHUNK_BYTES).decode("ascii", "replace").split()
    except OSError:
        return []
    return [word for word in words if is_oid(word)]


def _staged_directories(changed: list[bytes]) -> Iterator[FullDirectory]:
    """Yield the directories of changed files that have too many files in the index."""
    if not changed:
        return
    files = set(run_on_originals("ls-files", "--cached", "--full-name", "-z", ":/").split(b"\0")) - {b""}
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
