"""Describe what is wrong with the files that a push or a commit adds, each with a command that fixes it.

The commands work in any POSIX shell and in any directory of the repository.
"""

import os
import re
from collections.abc import Iterator, Sequence

from git_credential_hf.api.access import card_errors
from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.git.run import find_program, run_git
from git_credential_hf.hooks.limits import (
    MAX_DESCRIPTION,
    MAX_DIRECTORY_FILES,
    MAX_FILE_BYTES,
    MAX_LFS_BYTES,
    MAX_MULTIPART_BYTES,
    MAX_XET_BYTES,
)
from git_credential_hf.hooks.scan import Additions, Blob, FullDirectory, Leak, LfsPointer
from git_credential_hf.hub import PUBLIC_HUB, Repository, token_settings_url
from git_credential_hf.masking import is_visible, mask_token, register_secret
from git_credential_hf.problem import Problem, shell_word

GIT_XET_PAGE = f"{PUBLIC_HUB}/docs/hub/xet/using-xet-storage#git"
MAX_FILE_SIZE = f"{MAX_FILE_BYTES // 1024**2} MiB"


def find_problems(
    added: Additions, entries: list[ConfigEntry], repository: Repository | None, branch: str = ""
) -> Iterator[tuple[str, Iterator[Problem]]]:
    """Yield each check of `judge.CHECKS` with its problems, which are looked for when they are read.

    `repository`: the one whose model cards the Hub validates; `None` to validate none. `branch`: what the commands have
    to name because it is not checked out, quoted for a shell, after a blank.
    """
    yield "leakedTokens", _leaks(added.leaks, branch)
    yield "largeFiles", (_large(blob, branch) for blob in added.large)
    yield "largeFiles", map(_full, added.directories)
    yield "binaryFiles", (_binary(blob, branch) for blob in added.binary)
    yield "lfsObjects", _lfs_objects(added.pointers, entries)
    if repository is not None:
        for blob, content in added.cards:
            yield "metadata", _metadata(blob, content, repository)


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


def _large(blob: Blob, branch: str) -> Problem:
    message = f"{_location(blob)} is over {MAX_FILE_SIZE} ({_size(blob.size)}) and not in LFS"
    return Problem(message, _lfs_command(blob, branch))


def _binary(blob: Blob, branch: str) -> Problem:
    message = f"{_location(blob)} is a binary file ({_size(blob.size)}) and not in LFS"
    return Problem(message, _lfs_command(blob, branch))


def _lfs_command(blob: Blob, branch: str) -> str:
    """Return how to move a file into LFS."""
    pattern = shell_word(_pattern(blob.path))
    if blob.commit is not None:
        return f"run `git lfs migrate import --include={pattern}{branch}`"
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
        f"move some with `git mv {shell_word(directory.path or '.')}/… …`, then `git commit --amend`",
    )


# --- LFS ---


def _lfs_objects(pointers: Sequence[LfsPointer], entries: list[ConfigEntry]) -> Iterator[Problem]:
    limit, fix = _lfs_limit(entries)
    for pointer in pointers:
        if pointer.is_missing:
            yield Problem(
                f"{_location(pointer.blob)} is a pointer to an LFS object ({pointer.oid[:10]}) "
                "that is not on this machine",
                "run `git lfs fetch --all`, or add the original file again",
            )
        if pointer.size > limit:
            message = f"{_location(pointer.blob)} is {_size(pointer.size)} in LFS; this setup can push {_size(limit)}"
            yield Problem(message, fix)


def _lfs_limit(entries: list[ConfigEntry]) -> tuple[int, str]:
    """Return the largest LFS object in bytes that git-lfs can push as configured, and what raises that limit."""
    has_xet = find_program("git-xet") is not None
    xet = "run `git xet install`" if has_xet else f"install git-xet, see {GIT_XET_PAGE}"
    agents = {entry.subsection for entry in entries if entry.section == "lfs" and entry.name == "path"}
    if "customtransfer.xet" in agents:
        return MAX_XET_BYTES, "split the file"
    if "customtransfer.multipart" in agents:
        return MAX_MULTIPART_BYTES, f"split the file, or {xet}"
    if find_program("hf"):  # which git-lfs starts at each push, too
        return MAX_LFS_BYTES, "run `hf lfs-enable-largefiles .`" + (", or `git xet install`" if has_xet else "")
    return MAX_LFS_BYTES, xet


# --- model cards ---


def _metadata(blob: Blob, content: str, repository: Repository) -> Iterator[Problem]:
    if not _may_be_invalid(content):
        return
    try:
        errors = card_errors(content, repository)
    except Problem:
        return  # only the Hub can tell
    for error in errors:
        fix = f"fix the lines between `---` in {shell_word(blob.path)}, then run `git commit --amend`"
        yield Problem(f"{_location(blob)} has metadata that the Hub rejects: {error}", fix)


def _may_be_invalid(content: str) -> bool:
    """Whether a card has to be sent to the Hub: a value may be over a known limit (docs/facts.md#h10)."""
    header = content.removeprefix("---").partition("\n---")[0]
    found = re.search(r"^[\"']?short_description[\"']?[ \t]*:(.*(?:\n[ \t].*)*)", header, re.MULTILINE)
    return found is not None and len(found[1].strip()) > MAX_DESCRIPTION


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
