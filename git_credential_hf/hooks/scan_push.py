"""Find the additions of a push: large and binary files, tokens, LFS pointers, full directories.

`verdict` decides how severe each is. The history is not walked with dulwich, which took 10 to 21 times as long as
`git rev-list --objects | git cat-file --batch-check` for 10,000 new objects (tests/bench/scan.py). Nothing is ever
fetched: objects that a partial clone lacks are already on a remote, and are skipped.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from git_credential_hf.git.config import ConfigEntry, read_config
from git_credential_hf.git.pipeline import Pipeline, read_lines, run_on_originals
from git_credential_hf.hooks.additions import Additions, FullDirectory
from git_credential_hf.hooks.known_history import KnownHistory, checked_pointers, revisions
from git_credential_hf.hooks.leaks import (
    Blob,
    Differences,
    Finder,
    Hits,
    Leak,
    commit_differences,
    find_added,
    merge_leaks,
)
from git_credential_hf.hooks.limits import MAX_DIRECTORY_FILES
from git_credential_hf.hooks.objects import ObjectScan, joined
from git_credential_hf.hooks.updates import RefUpdate, announced_ids, is_oid
from git_credential_hf.problem import Problem


def scan_push(
    updates: list[RefUpdate],
    *,
    has: Iterable[str] = (),
    secrets: Sequence[str] = (),
    progress: Callable[[int], None] | None = None,
    read_contents: bool = True,
    entries: list[ConfigEntry] | None = None,
) -> Additions:
    """Find what `updates` add to a remote; `entries` is git's configuration, if it has been read already.

    Objects that the remote has are excluded: those reachable from its announced references, and from the ids in `has`
    (which may not exist in this repository). `secrets` are found in addition to everything that looks like a token.
    `progress` is called with the number of objects so far, by one thread at a time. Without `read_contents`, only
    `large` and `directories` are filled. Raises `Problem` if git fails.
    """
    additions = [update for update in updates if not update.is_deletion]
    if not additions:
        return Additions()
    entries = read_config() if entries is None else entries
    known = KnownHistory({*announced_ids(updates), *has}, entries)
    commits, others = _pushed_objects(additions)
    finder = Finder(secrets)
    scan = ObjectScan(finder, progress, read_contents)
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
    found.pointers = checked_pointers(scan.pointers, known, entries)
    return found


def are_present(oids: Iterable[str]) -> bool:
    """Whether all these objects are in this repository."""
    try:
        listed = run_on_originals("cat-file", "--batch-check=", given=joined(map(str.encode, oids)))
    except Problem:
        return False  # a partial clone lacks one
    return not any(listed.splitlines())


def without_known(added: Additions, updates: list[RefUpdate], has: Iterable[str]) -> Additions:
    """Return `added` without objects reachable from the ids in `has`, which the remote has, too; reads no contents."""
    known = KnownHistory({*announced_ids(updates), *has}, read_config())
    wanted = {oid for one in added.all_of_blobs() for oid in (one.commit, one.oid)}
    wanted.update(directory.commit for directory in added.directories)
    tips = [update.local_oid for update in updates if not update.is_deletion]
    new: set[str | None] = {None}
    with Pipeline() as gits:
        listed = gits.start("rev-list", "--objects", *known.options, "--stdin", given=revisions(tips, known.oids))
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


def _pushed_objects(updates: list[RefUpdate]) -> tuple[dict[str, RefUpdate], dict[str, RefUpdate]]:
    """Return the commits that are pushed, and the trees and blobs that a pushed tag points to, each by its id."""
    if all(update.remote_ref.startswith("refs/heads/") for update in updates):
        return {update.local_oid: update for update in updates}, {}  # a branch always points to a commit
    names = "".join(update.local_oid + "^{}\n" for update in updates).encode()
    lines = run_on_originals("cat-file", "--batch-check=%(objectname) %(objecttype)", given=names).decode().splitlines()
    commits: dict[str, RefUpdate] = {}
    others: dict[str, RefUpdate] = {}
    for update, line in zip(updates, lines, strict=True):
        oid, _, kind = line.partition(" ")
        if not is_oid(oid) or kind == "missing":
            raise Problem(f"git cannot find an object of this push: {line}")
        (commits if kind == "commit" else others)[oid] = update
    return commits, others


def _file_leaks(scan: ObjectScan, others: dict[str, RefUpdate], known: KnownHistory) -> Iterator[Leak]:
    """Yield the tokens that commits of the push add, unless the remote has that version of the file elsewhere."""
    in_commits: Hits = {}
    tags = {update.local_oid.encode() for update in others.values()}
    for (commit, oid), tokens in scan.hits.items():
        if commit in tags and oid in scan.hit_paths:
            blob = Blob(commit.decode() if commit else None, os.fsdecode(scan.hit_paths[oid]), oid.decode(), 0)
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
    """Return the differences in these commits that involve these blobs."""

    def read(*, renames: bool) -> Differences:
        found = commit_differences(commits, renames=renames)
        return [(commit, [change for change in block if change.new in blobs]) for commit, block in found]

    try:
        return read(renames=True)
    except Problem:
        return read(renames=False)  # a partial clone lacks files that git would compare


def _count_parents(commits: list[bytes]) -> dict[bytes | None, int]:
    lines = run_on_originals(
        "rev-list", "--parents", "--no-walk=unsorted", "--stdin", given=joined(commits)
    ).splitlines()
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
            contents = gits.start("cat-file", "--batch=%(objectsize)", given=[joined(map(str.encode, tags))])
            for oid, name in tags.items():
                content = contents.read(int(contents.readline()) + 1)
                for token in finder.find(content):
                    yield finder.leak(Blob(None, name, oid, 0), token, "tag")
                target, kind = content.split(b"\n", 2)[:2]
                if kind == b"type tag":
                    inner[target.split()[1].decode()] = name
        tags = inner


def _walk_history(scan: ObjectScan, commits: Iterable[str], others: dict[str, RefUpdate], known: KnownHistory) -> None:
    """Scan the objects that a push adds. Of several commits that have an object, the first is the one that adds it."""
    order = ["--in-commit-order", "--topo-order", "--reverse"]
    command = ["rev-list", "--objects", *order, *known.options, "--stdin"]  # options after --stdin have no effect
    with Pipeline() as gits:
        listed = scan.listed(gits.start(*command, given=revisions(commits, known.oids)), {})
        if others:
            scan.ids = set()
            rest = gits.start(*command, given=revisions(others, known.oids))
            listed = chain(listed, scan.listed(rest, {oid.encode(): update for oid, update in others.items()}))
        scan.run(gits, listed)


def _full_at_tips(directories: list[FullDirectory], commits: Iterable[str]) -> list[FullDirectory]:
    """Return the directories that are full at a tip, which is all that the Hub counts."""
    full = []
    for directory in directories:
        files = max((_count_files(commit, directory.path) for commit in commits), default=0)
        if files > MAX_DIRECTORY_FILES:
            full.append(directory._replace(entries=files))
    return full


def _count_files(commit: str, path: str) -> int:
    """Return how many files, not counting directories, a directory has in a commit; 0 if it does not exist."""
    try:
        listed = run_on_originals("ls-tree", "-z", "--full-tree", f"{commit}:{path}")
    except Problem:
        return 0
    return sum(not entry.startswith(b"040000") for entry in listed.split(b"\0") if entry)
