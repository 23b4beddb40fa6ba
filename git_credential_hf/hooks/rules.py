"""Describe the problems of the files that a push or a commit adds, each with a command that fixes it.

The commands work in any POSIX shell and in any directory of the repository.
"""

import os
import re
import shlex
from collections.abc import Iterator, Sequence

from git_credential_hf.api.access import card_errors
from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.git.run import find_program, git_line
from git_credential_hf.hooks.additions import Additions, FullDirectory, LfsPointer
from git_credential_hf.hooks.fixes import Fixes, lfs_pattern
from git_credential_hf.hooks.leaks import Blob, Leak
from git_credential_hf.hooks.limits import (
    MAX_DIRECTORY_FILES,
    MAX_FILE_SIZE,
    MAX_LFS_BYTES,
    MAX_MULTIPART_BYTES,
    MAX_XET_BYTES,
)
from git_credential_hf.hub import PUBLIC_HUB, token_settings_url
from git_credential_hf.masking import is_visible, mask_token
from git_credential_hf.problem import Problem
from git_credential_hf.repository import Repository
from git_credential_hf.secrets import register_secret
from git_credential_hf.shell import shell_word

GIT_XET_PAGE = f"{PUBLIC_HUB}/docs/hub/xet/using-xet-storage#git"


def find_problems(
    added: Additions, entries: list[ConfigEntry], branch: str = "", fixes: Fixes | None = None
) -> Iterator[tuple[str, Iterator[Problem]]]:
    """Yield each check of `verdict.CHECKS` with an iterator over its problems.

    Three more keys depend on the Hub's answers: `unknownTokens`, `filesForLfs`, `unconfirmedObjects`. `branch`: the
    pushed branch if it is not checked out, so that commands have to name it: a space, and the name quoted for a shell.
    `fixes` is given for a push.
    """
    certain = [leak for leak in added.leaks if leak.is_own or leak.is_valid]
    yield "leakedTokens", _leaks(certain, branch)
    yield "unknownTokens", _leaks([leak for leak in added.leaks if leak not in certain], branch)
    yield "largeFiles", (_large(blob, fixes) for blob in added.large)
    yield "largeFiles", map(_full, added.directories)
    yield "filesForLfs", (_for_lfs(blob, fixes) for blob in added.for_lfs)
    yield "binaryFiles", (_binary(blob, fixes) for blob in added.binary)
    yield "lfsObjects", _lfs_objects(added.pointers, entries, fixes)
    yield "unconfirmedObjects", map(_unconfirmed, added.unconfirmed)


# --- tokens ---


def _leaks(leaks: Sequence[Leak], branch: str) -> Iterator[Problem]:
    yield from (Problem(_leak_message(leak), _leak_fix(leak, branch)) for leak in leaks)


def _leak_message(leak: Leak) -> str:
    blob = leak.blob
    place = {
        "file": _location(blob),
        "name": f"the name {blob.path}{_in_commit(blob.commit)}",
        "commit": f"the message of commit {(blob.commit or '')[:10]}",
        "tag": f"the message of {blob.path}",
        "reference": f"the name {blob.path}",
    }[leak.kind]
    if leak.places > 1:
        place += f" and {leak.places - 1} more place{'s' if leak.places > 2 else ''}"
    verb = "contain" if leak.places > 1 else "contains"
    token = mask_token(register_secret(leak.token))
    if leak.is_own:
        return f"{place} {verb} your Hub token {token}"
    if leak.is_valid:
        return f"{place} {verb} the Hub token {token}, which is valid"
    return f"{place} {verb} what looks like a Hub token ({token}); the Hub did not report whether it is valid"


def _leak_fix(leak: Leak, branch: str) -> str:
    revoke = f"revoke it at {token_settings_url()}"
    if leak.is_public:
        return f"{revoke}, because it is already on the Hub; {_way_past('push')}"
    if leak.blob.commit is None and leak.kind in ("file", "name"):
        command = f"git reset -- {_pathspec(leak.blob.path)}"  # works before the first commit, too
        return f"remove it with `{command}`; if anyone else has seen it, {revoke}; {_way_past('commit')}"
    return f"{_removal(leak, branch)}; if anyone else has seen it, {revoke}; {_way_past('push')}"


def _way_past(command: str) -> str:
    once = f"`git {command} --no-verify`"
    return f"to skip this check, run {once}, or `git config hf.leakedTokens warn` for this repository"


def _removal(leak: Leak, branch: str) -> str:
    """Return how to remove a token from a push, which depends on its place."""
    blob = leak.blob
    if leak.kind == "reference":
        return "push it under another name"
    if leak.kind == "tag":
        tag = shell_word(blob.path.removeprefix("refs/tags/"))
        return f"write another message with `git tag --annotate --force {tag} {tag}^{{}}`"
    if blob.commit is None:
        return "remove it"
    is_tip, is_root, is_merge, has_merges = _position(blob.commit, branch)
    if is_tip and leak.places == 1 and not branch:
        return {
            "file": f"remove it from the file, then run `git commit --amend --no-edit -- {_pathspec(blob.path)}`",
            "name": "rename the file, then run `git commit --amend`",
            "commit": "remove it with `git commit --amend`",
        }[leak.kind]
    start = "--root" if is_root else f"{blob.commit[:10]}^"
    merges = "--rebase-merges " if has_merges or is_merge else ""
    edit = "reword" if leak.kind == "commit" else "edit"
    hint = f"remove it with `git rebase --interactive {merges}{start}{branch}`"
    amend = "; there, take it out, and run `git commit --amend --all && git rebase --continue`"
    then = "" if edit == "reword" else amend
    if is_merge:
        return f"{hint} and `break` after the line of {blob.commit[:10]}{then}"
    return f"{hint} and `{edit}` for {blob.commit[:10]}{then}"


def _position(commit: str, branch: str) -> tuple[bool, bool, bool, bool]:
    """Return whether a commit is the tip, a root, a merge, and whether there are merges after it."""
    tip = shlex.split(branch)[0] if branch else "HEAD"
    try:
        after = git_line("rev-list", "--count", "--min-parents=2", "--end-of-options", f"{commit}..{tip}")
        parents = git_line("rev-list", "--parents", "--no-walk", commit).split()[1:]
        is_tip = git_line("rev-parse", "--verify", "--end-of-options", tip) == commit
    except Problem:
        return False, False, False, False
    return is_tip, not parents, len(parents) > 1, after != "0"


# --- files outside LFS ---


def _large(blob: Blob, fixes: Fixes | None) -> Problem:
    message = f"{_location(blob)} is over {MAX_FILE_SIZE} ({_size(blob.size)}) and not in LFS"
    return Problem(message, _lfs_command(blob, fixes))


def _binary(blob: Blob, fixes: Fixes | None) -> Problem:
    message = f"{_location(blob)} is a binary file ({_size(blob.size)}) and not in LFS"
    return Problem(message, _lfs_command(blob, fixes))


def _for_lfs(blob: Blob, fixes: Fixes | None) -> Problem:
    message = f"{_location(blob)} is a file ({_size(blob.size)}) that the Hub accepts in LFS only"
    return Problem(message, _lfs_command(blob, fixes))


def _lfs_command(blob: Blob, fixes: Fixes | None) -> str:
    """Return how to move a file into LFS."""
    pattern = shell_word(lfs_pattern(blob.path))
    if blob.commit is not None:
        alone = f"run `git lfs migrate import --include={pattern}`"
        return fixes.import_to_lfs(blob.commit, blob.path) if fixes else alone
    # A hook runs in the top directory, the user's git command in GIT_PREFIX below it (git(1)), to which `track` writes.
    top = '`cd "$(git rev-parse --show-toplevel)"`, ' if os.environ.get("GIT_PREFIX") else ""
    # `track --filename` does not escape a `!` at the start, and turns each backslash into a slash.
    is_literal = _is_visible(blob.path) and blob.path[0] not in "-!" and "\\" not in blob.path
    track = f"`git lfs track {f'--filename {shell_word(blob.path)}' if is_literal else pattern}`"
    return f"run {top}{track}, then `git add .gitattributes` and `git add --renormalize {_pathspec(blob.path)}`"


def _is_visible(path: str) -> bool:
    return all(map(is_visible, path)) and "`" not in path  # a backtick would end the command in our messages


def _pathspec(path: str) -> str:
    """Return a pathspec for this file in any directory, quoted for a shell (gitglossary(7), "pathspec")."""
    if not _is_visible(path):  # a path that cannot be shown cannot be typed
        return shell_word(":(top,glob)" + lfs_pattern(path))
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
            message = f"{_missing(pointer)}, nor on the Hub" if fixes else _missing(pointer)
            get = "run `git lfs fetch --all`, or add the original file again"
            yield Problem(message, fixes.fetch_lfs_objects(_pathspec(pointer.blob.path)) if fixes else get)
        if pointer.size > limit:
            message = (
                f"{_location(pointer.blob)} is {_size(pointer.size)} in LFS; this setup can push at most {_size(limit)}"
            )
            yield Problem(message, fix)


def _unconfirmed(pointer: LfsPointer) -> Problem:
    message = f"{_missing(pointer)}; the Hub does not report whether it has the object"
    return Problem(message, "run `git lfs fetch --all` if it does not")


def _missing(pointer: LfsPointer) -> str:
    return f"{_location(pointer.blob)} is a pointer to an LFS object ({pointer.oid[:10]}) that is not on this machine"


def _lfs_limit(entries: list[ConfigEntry]) -> tuple[int, str]:
    """Return the largest LFS object in bytes that git-lfs can push as configured, and how to raise that limit."""
    has_xet = find_program("git-xet") is not None
    xet = "run `git xet install`" if has_xet else f"install git-xet, see {GIT_XET_PAGE}"
    agents = {entry.subsection for entry in entries if entry.section == "lfs" and entry.name == "path"}
    if "customtransfer.xet" in agents:
        return MAX_XET_BYTES, "split the file"
    if "customtransfer.multipart" in agents:
        return MAX_MULTIPART_BYTES, f"split the file, or {xet}"
    if find_program("hf"):  # the transfer agent runs `hf` at each push
        return MAX_LFS_BYTES, "run `hf lfs-enable-largefiles .`" + (", or `git xet install`" if has_xet else "")
    return MAX_LFS_BYTES, xet


# --- model cards ---


def card_problems(cards: Sequence[tuple[Blob, str]], repository: Repository, fixes: Fixes) -> Iterator[Problem]:
    """Yield the errors that the Hub reports for model cards (docs/facts.md#h10)."""
    for blob, content in cards:
        try:
            errors = card_errors(content, repository)
        except Problem:
            return  # only the Hub can tell
        for error in errors:
            message = f"{_location(blob)} has metadata that the Hub rejects: {error}"
            yield Problem(message, fixes.amend(blob.commit or "", ":/README.md"))


# --- parts of messages ---


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
