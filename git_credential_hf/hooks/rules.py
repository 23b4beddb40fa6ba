"""Describe what is wrong with the files that a push or a commit adds, each with a command that fixes it.

The commands work in any POSIX shell and in any directory of the repository.
"""

import os
import re
from collections.abc import Iterator, Sequence

from git_credential_hf.api.access import card_errors
from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.git.run import run_git
from git_credential_hf.hooks.fixes import Fixes
from git_credential_hf.hooks.limits import (
    MAX_DIRECTORY_FILES,
    MAX_FILE_BYTES,
    MAX_LFS_BYTES,
    MAX_MULTIPART_BYTES,
    MAX_XET_BYTES,
)
from git_credential_hf.hooks.scan import Additions, Blob, FullDirectory, Leak, LfsPointer
from git_credential_hf.hub import Repository, token_settings_url
from git_credential_hf.masking import is_visible, mask_token, register_secret
from git_credential_hf.problem import Problem, shell_word

MAX_FILE_SIZE = f"{MAX_FILE_BYTES // 1024**2} MiB"


def find_problems(
    added: Additions, entries: list[ConfigEntry], branch: str = "", fixes: Fixes | None = None
) -> Iterator[tuple[str, Iterator[Problem]]]:
    """Yield each check of `judge.CHECKS` with its problems, which are looked for when they are read.

    Two more keys are for what the Hub has been asked about: `filesForLfs`, `unconfirmedObjects`. `branch`: what the
    commands have to name because it is not checked out, quoted for a shell, after a blank. `fixes`: of a push.
    """
    yield "leakedTokens", _leaks(added.leaks, branch)
    yield "largeFiles", (_large(blob, fixes) for blob in added.large)
    yield "largeFiles", map(_full, added.directories)
    yield "filesForLfs", (_for_lfs(blob, fixes) for blob in added.for_lfs)
    yield "binaryFiles", (_binary(blob, fixes) for blob in added.binary)
    yield "lfsObjects", _lfs_objects(added.pointers, entries, fixes)
    yield "unconfirmedObjects", map(_unconfirmed, added.unconfirmed)


# --- tokens ---


def _leaks(leaks: Sequence[Leak], branch: str) -> Iterator[Problem]:
    roots = _root_commits(leaks) if leaks else set()
    yield from (_leak(leak, roots, branch) for leak in leaks)


def _root_commits(leaks: Sequence[Leak]) -> set[str]:
    """Return those of their commits that have no parent."""
    commits = "".join(f"{leak.blob.commit}\n" for leak in leaks if leak.blob.commit)
    try:
        found = run_git("rev-list", "--no-walk", "--max-parents=0", "--stdin", given=commits.encode())
    except Problem:
        return set()
    return set(found.decode().split())


def _leak(leak: Leak, roots: set[str], branch: str) -> Problem:
    blob = leak.blob
    if blob.commit is None:
        command = f"git reset -- {_pathspec(blob.path)}"  # works before the first commit, too
    else:
        command = "git rebase --interactive " + ("--root" if blob.commit in roots else f"{blob.commit[:10]}^") + branch
    return Problem(
        f"{_location(blob)} contains the Hub token {mask_token(register_secret(leak.token))}",
        f"remove it with `{command}`; if anyone else has seen it, revoke it at {token_settings_url()}",
    )


# --- files outside LFS ---


def _large(blob: Blob, fixes: Fixes | None) -> Problem:
    message = f"{_location(blob)} is over {MAX_FILE_SIZE} ({_size(blob.size)}) and not in LFS"
    return Problem(message, _lfs_command(blob, fixes))


def _binary(blob: Blob, fixes: Fixes | None) -> Problem:
    message = f"{_location(blob)} is a binary file ({_size(blob.size)}) and not in LFS"
    return Problem(message, _lfs_command(blob, fixes))


def _for_lfs(blob: Blob, fixes: Fixes | None) -> Problem:
    message = f"{_location(blob)} is a file ({_size(blob.size)}) that the Hub takes in LFS only"
    return Problem(message, _lfs_command(blob, fixes))


def _lfs_command(blob: Blob, fixes: Fixes | None) -> str:
    """Return how to move a file into LFS."""
    pattern = shell_word(_pattern(blob.path))
    if blob.commit is not None:
        return (
            fixes.import_to_lfs(blob.commit, pattern) if fixes else f"run `git lfs migrate import --include={pattern}`"
        )
    # A hook runs at the top; git was called in GIT_PREFIX below it (git(1)), and `track` writes to that directory.
    top = '`cd "$(git rev-parse --show-toplevel)"`, ' if os.environ.get("GIT_PREFIX") else ""
    # `track --filename` does not escape a `!` at the start, and turns each backslash into a slash.
    is_literal = _is_visible(blob.path) and blob.path[0] not in "-!" and "\\" not in blob.path
    track = f"`git lfs track {f'--filename {shell_word(blob.path)}' if is_literal else pattern}`"
    return f"run {top}{track}, then `git add .gitattributes` and `git add --renormalize {_pathspec(blob.path)}`"


def _pattern(path: str) -> str:
    """Return a pattern of gitignore(5) for a path: printable, not an option, and not several patterns with commas."""
    return "".join(c if is_visible(c) else "*" for c in re.sub(r'[][*?,!#\\"`]|^[- ]| $', "?", path))


def _is_visible(path: str) -> bool:
    return all(map(is_visible, path)) and "`" not in path  # which ends the command in our messages


def _pathspec(path: str) -> str:
    """Return a pathspec for this file in any directory, quoted for a shell (gitglossary(7), "pathspec")."""
    if not _is_visible(path):  # what cannot be shown cannot be typed
        return shell_word(":(top,glob)" + _pattern(path))
    is_plain = re.fullmatch(r"(?!_)[.\w][^][*?\\]*", path)  # `:/_` and the like are magic
    return shell_word((":/" if is_plain else ":(top,literal)") + path)


def _full(directory: FullDirectory) -> Problem:
    name = (f"{directory.path}/" if directory.path else "the top directory") + _in_commit(directory.commit)
    return Problem(
        f"{name} has {directory.entries:,} files; the Hub accepts {MAX_DIRECTORY_FILES:,}",
        "move some of them to other directories with `git mv`, then run `git commit --amend --no-edit`",
    )


# --- LFS ---


def _lfs_objects(pointers: Sequence[LfsPointer], entries: list[ConfigEntry], fixes: Fixes | None) -> Iterator[Problem]:
    limit, fix = _lfs_limit(entries)
    for pointer in pointers:
        if pointer.is_missing:
            message = f"{_missing(pointer)}, and not on the Hub" if fixes else _missing(pointer)
            get = "run `git lfs fetch --all`, or add the original file again"
            yield Problem(message, fixes.fetch_lfs_objects(_pathspec(pointer.blob.path)) if fixes else get)
        if pointer.size > limit:
            message = f"{_location(pointer.blob)} is {_size(pointer.size)} in LFS; this setup can push {_size(limit)}"
            yield Problem(message, fix)


def _unconfirmed(pointer: LfsPointer) -> Problem:
    message = f"{_missing(pointer)}; the Hub does not say whether it has it"
    return Problem(message, "run `git lfs fetch --all` if it does not")


def _missing(pointer: LfsPointer) -> str:
    return f"{_location(pointer.blob)} is a pointer to an LFS object ({pointer.oid[:10]}) that is not on this machine"


def _lfs_limit(entries: list[ConfigEntry]) -> tuple[int, str]:
    """Return the largest LFS object in bytes that git-lfs can push as configured, and what raises that limit."""
    agents = {entry.subsection for entry in entries if entry.section == "lfs" and entry.name == "path"}
    if "customtransfer.xet" in agents:
        return MAX_XET_BYTES, "split the file"
    if "customtransfer.multipart" in agents:
        return MAX_MULTIPART_BYTES, "split the file, or run `git xet install`"
    return MAX_LFS_BYTES, "run `hf lfs-enable-largefiles .`, or `git xet install`"


# --- model cards ---


def card_problems(cards: Sequence[tuple[Blob, str]], repository: Repository, fixes: Fixes) -> Iterator[Problem]:
    """Yield what the Hub rejects of model cards (docs/facts.md#h10)."""
    for blob, content in cards:
        try:
            errors = card_errors(content, repository)
        except Problem:
            return  # only the Hub can tell
        for error in errors:
            message = f"{_location(blob)} has metadata that the Hub rejects: {error}"
            yield Problem(message, fixes.amend(blob.commit or "", ":/README.md"))


# --- words ---


def _location(blob: Blob) -> str:
    return blob.path + _in_commit(blob.commit)


def _in_commit(commit: str | None) -> str:
    return f" in commit {commit[:10]}" if commit else ""


def _size(size: int) -> str:
    """Format a number of bytes as git-lfs does."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"
