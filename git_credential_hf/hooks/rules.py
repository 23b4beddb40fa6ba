"""What is wrong with files that a push or a commit adds, and the commands that mend it, for any shell and directory."""

import os
import re
import shlex
from collections.abc import Iterator, Sequence

from git_credential_hf.api.access import card_errors
from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.git.run import run_git
from git_credential_hf.hooks.scan import Additions, Blob, FullDirectory, Leak, LfsPointer
from git_credential_hf.hub import Repository, token_settings_url
from git_credential_hf.masking import mask_token
from git_credential_hf.problem import Problem

GIGABYTE = 10**9
MAX_WITHOUT_AGENT = 5 * GIGABYTE  # bytes of an LFS object without the multipart or xet agent (docs/facts.md#h13)
MAX_WITH_MULTIPART = 50 * GIGABYTE
MAX_WITH_XET = 500 * GIGABYTE  # docs/facts.md#h13
MAX_FILES = 10_000  # in a directory (docs/facts.md#h11)
MAX_DESCRIPTION = 60  # characters of a card's short_description


def find_problems(
    added: Additions, entries: list[ConfigEntry], repository: Repository | None, branch: str = ""
) -> Iterator[tuple[str, Iterator[Problem]]]:
    """Each check of `hooks.CHECKS` with what it finds; git, or the Hub, is asked when that is looked at.

    `repository`: whose cards the Hub shall be asked about, if any. `branch`: what is pushed if that is not checked out,
    as a shell's word with a blank before it.
    """
    yield "leakedTokens", _leaks(added.leaks, branch)
    yield "largeFiles", (_large(blob, branch) for blob in added.large)
    yield "largeFiles", map(_crowded, added.directories)
    yield "binaryFiles", (_binary(blob, branch) for blob in added.binary)
    yield "lfsObjects", _lfs_objects(added.pointers, entries)
    if repository is not None:
        for blob, content in added.cards:
            yield "metadata", _metadata(blob, content, repository)


def _leaks(leaks: Sequence[Leak], branch: str) -> Iterator[Problem]:
    roots = _roots(leaks) if leaks else set()
    yield from (_leaked(leak, roots, branch) for leak in leaks)


def _roots(leaks: Sequence[Leak]) -> set[str]:
    """Those of their commits that have no parent."""
    given = "".join(f"{leak.blob.commit}\n" for leak in leaks if leak.blob.commit)
    try:
        found = run_git("rev-list", "--no-walk", "--max-parents=0", "--stdin", given=given.encode())
    except Problem:
        return set()
    return set(found.decode().split())


def _leaked(leak: Leak, roots: set[str], branch: str) -> Problem:
    blob = leak.blob
    if blob.commit is None:
        take_out = f"git reset -- {_pathspec(blob.path)}"  # before the first commit, too
    else:
        take_out = "git rebase --interactive " + ("--root" if blob.commit in roots else f"{blob.commit[:10]}^") + branch
    return Problem(
        f"{_place(blob)} contains the Hub token {mask_token(leak.token)}",
        f"take it out: `{take_out}`; if anybody else has seen it, revoke it at {token_settings_url()}",
    )


def _large(blob: Blob, branch: str) -> Problem:
    return Problem(f"{_place(blob)} is over 10 MiB ({_size(blob.size)}) and not in LFS", _into_lfs(blob, branch))


def _binary(blob: Blob, branch: str) -> Problem:
    return Problem(f"{_place(blob)} is a binary file ({_size(blob.size)}) and not in LFS", _into_lfs(blob, branch))


def _into_lfs(blob: Blob, branch: str) -> str:
    pattern = shlex.quote(_pattern(blob.path))
    if blob.commit is None:
        # A hook runs at the top, git has been called in GIT_PREFIX below that (git(1)), and `track` writes where it is.
        top = '`cd "$(git rev-parse --show-toplevel)"`, ' if os.environ.get("GIT_PREFIX") else ""
        # That writes a name as it is where it begins with `!`, and with a slash for each backslash.
        is_taken = blob.path.isprintable() and blob.path[0] not in "-!" and "\\" not in blob.path
        track = f"`git lfs track {f'--filename {shlex.quote(blob.path)}' if is_taken else pattern}`"
        return f"run {top}{track}, then `git add .gitattributes` and `git add --renormalize {_pathspec(blob.path)}`"
    return f"run `git lfs migrate import --include={pattern}{branch}`"


def _pattern(path: str) -> str:
    """A path as a pattern of gitignore(5): an option it is not, nor some with commas between them, and all is shown."""
    return "".join(c if c.isprintable() else "*" for c in re.sub(r'[][*?,!#\\"]|^[- ]| $', "?", path))


def _pathspec(path: str) -> str:
    """What means this file to git in any directory, quoted for a shell (gitglossary(7), "pathspec")."""
    if not path.isprintable():  # what is not shown cannot be typed, either
        return shlex.quote(":(top,glob)" + _pattern(path))
    is_plain = re.fullmatch(r"(?!_)[.\w][^][*?\\]*", path)  # `:/_` and the like are magic
    return shlex.quote((":/" if is_plain else ":(top,literal)") + path)


def _crowded(directory: FullDirectory) -> Problem:
    where = f"{directory.path}/" if directory.path else "the top directory"
    return Problem(
        f"{where}{_in_commit(directory.commit)} has {directory.entries:,} files, and the Hub takes {MAX_FILES:,}",
        f"move some with `git mv {shlex.quote(directory.path or '.')}/… …`, then `git commit --amend`",
    )


def _lfs_objects(pointers: Sequence[LfsPointer], entries: list[ConfigEntry]) -> Iterator[Problem]:
    agents = {entry.subsection for entry in entries if entry.section == "lfs" and entry.name == "path"}
    for pointer in pointers:
        place = _place(pointer.blob)
        if pointer.is_missing:
            yield Problem(
                f"{place} is a pointer to an LFS object ({pointer.oid[:10]}) that is not on this machine",
                "run `git lfs fetch --all`, or add the file itself again",
            )
        if "customtransfer.xet" in agents:
            most, fix = MAX_WITH_XET, "split the file"
        elif "customtransfer.multipart" in agents:
            most, fix = MAX_WITH_MULTIPART, "split the file, or run `git xet install`"
        else:
            most, fix = MAX_WITHOUT_AGENT, "run `hf lfs-enable-largefiles .`, or `git xet install`"
        if pointer.size > most:
            yield Problem(
                f"{place} is {_size(pointer.size)} in LFS, and over {_size(most)} is not accepted this way", fix
            )


def _metadata(blob: Blob, content: str, repository: Repository) -> Iterator[Problem]:
    if not _is_doubtful(content):
        return
    try:
        errors = card_errors(content, repository)
    except Problem:
        return  # without the Hub's word on it there is nothing to say
    for error in errors:
        mend = f"mend the lines between `---` in {blob.path}, then `git commit --amend`"
        yield Problem(f"{_place(blob)} has metadata that the Hub refuses: {error}", mend)


def _is_doubtful(content: str) -> bool:
    """Whether the Hub has to be asked about a card: a value may be over a limit that we know of (docs/facts.md#h10)."""
    header = content.removeprefix("---").partition("\n---")[0]
    found = re.search(r"^[\"']?short_description[\"']?[ \t]*:(.*(?:\n[ \t].*)*)", header, re.MULTILINE)
    return found is not None and len(found[1].strip()) > MAX_DESCRIPTION


def _place(blob: Blob) -> str:
    return blob.path + _in_commit(blob.commit)


def _in_commit(commit: str | None) -> str:
    return f" in commit {commit[:10]}" if commit else ""


def _size(size: int) -> str:
    """Bytes for people, as git-lfs shows them."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"
