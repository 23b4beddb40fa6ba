"""Set `core.hooksPath` in one repository, in a file of ours that its configuration includes.

An existing setting stays as it is, and applies wherever ours does not. The condition contains the git directory's path,
so a repository that is moved, copied or mounted elsewhere runs its own hooks, and not those of the old place.
"""

import os
import re

from git_credential_hf.configure.include import HOOKS_SETTINGS
from git_credential_hf.files import FileChange, append_block, remove_block
from git_credential_hf.git.config import ConfigEntry, parse_config, quote_value
from git_credential_hf.git.run import git_line
from git_credential_hf.problem import Problem

OWN_DIRECTORY = "git-credential-hf"
HOOKS_DIRECTORY = "hf-hooks"  # in the one above: the last two parts of every value that we set
MARK = b"# A hook of git-credential-hf"  # near the start of each of our hooks
_INCLUDED = f"{OWN_DIRECTORY}/{HOOKS_SETTINGS}"  # beside the configuration of the repository


def sets_hooks_path(entry: ConfigEntry) -> bool:
    """Whether this is `core.hooksPath`."""
    return (entry.section, entry.subsection, entry.name) == ("core", "", "hookspath")


def is_our_hooks_path(value: str) -> bool:
    """Whether a value names one of our directories, which may no longer exist; the scripts check the same."""
    directory = os.path.expanduser(value.rstrip("/"))
    return os.path.isabs(directory) and directory.replace("\\", "/").split("/")[-2:] == [OWN_DIRECTORY, HOOKS_DIRECTORY]


def hooks_path_setting(value: str) -> bytes:
    """Return the content of a file that sets `core.hooksPath`."""
    return f"[core]\n\thooksPath = {quote_value(value)}\n".encode("utf-8", "surrogateescape")


def included_block(common: str) -> str:
    """Return the lines that include our setting in the repository at `common`, and in its linked worktrees."""
    pattern = re.sub(r"([*?\[\\])", r"\\\1", os.path.realpath(common)).replace("\n", "?")
    patterns = (pattern, f"{pattern}/worktrees/*")
    sections = (re.sub(r'(["\\])', r"\\\1", f"gitdir:{pattern}") for pattern in patterns)
    return "".join(f'[includeIf "{section}"]\n\tpath = {_INCLUDED}\n' for section in sections)


def without_included_block(content: bytes | None) -> bytes | None:
    """Return a configuration without the lines of `included_block`, for any path."""
    line = rb'\[includeIf "gitdir:[^\n]*"\]\n\tpath = ' + re.escape(_INCLUDED.encode()) + rb"(?:\n|\Z)"
    while content is not None and (block := re.search(rb"(?m)^(?:" + line + rb"){1,2}", content)):
        content = remove_block(content, *block.span())
    return content


def with_included_block(base: bytes | None, common: str) -> bytes:
    """Return the inverse of `without_included_block`."""
    return append_block(base, included_block(common))


def checked_change(change: FileChange) -> FileChange:
    """Check with git that a change affects only our lines; raises `Problem` otherwise."""
    before, after = (
        [(e.section, e.subsection, e.name, e.value) for e in parse_config(content or b"") if e.value != _INCLUDED]
        for content in (change.before, change.after)
    )
    if before != after:
        raise Problem(f"{change.path} cannot be changed safely (does a line end in a backslash?)")
    return change


def expanded_path(value: str) -> str:
    """Return the value as git reads a path: git itself expands `~` and `%(prefix)`."""
    if not value.startswith(("~", "%(prefix)/")):
        return value
    return git_line("config", "--file", "-", "--type=path", "--get", "core.hooksPath", given=hooks_path_setting(value))
