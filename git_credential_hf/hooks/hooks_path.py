"""Set `core.hooksPath` in a file of git's configuration, and restore the previous setting."""

import os
import re

from git_credential_hf.files import FileChange, append_block, remove_block
from git_credential_hf.git.config import ConfigEntry, parse_config, quote_value
from git_credential_hf.git.run import git_line
from git_credential_hf.problem import Problem

HOOKS_DIRECTORY = "hf-hooks"  # the last part of every value that we set, but for this one:
MAIN_WORKTREE_DIRECTORY = "hf-hooks-main-worktree"
_PRESERVED = b"#git-credential-hf keeps:"  # starts the line that preserves the previous setting


def sets_hooks_path(entry: ConfigEntry) -> bool:
    """Whether this is `core.hooksPath`."""
    return (entry.section, entry.subsection, entry.name) == ("core", "", "hookspath")


def is_our_hooks_path(value: str) -> bool:
    """Whether a value leads to one of our directories."""
    return os.path.basename(value.rstrip("/")) in (HOOKS_DIRECTORY, MAIN_WORKTREE_DIRECTORY)


def with_hooks_path(base: bytes | None, directory: str, *, at_end: bool = False) -> bytes:
    """Return `base` with our `core.hooksPath` in the place of the last one, which becomes a comment before it.

    A second value would make `git config core.hooksPath VALUE` fail, which husky runs. `at_end` it is a second value
    all the same, because a file that is included further down sets it as well.
    """
    ours = b"hooksPath = " + quote_value(directory).encode("utf-8", "surrogateescape")
    section = b""
    last: re.Match[bytes] | None = None
    for line in re.finditer(rb"[^\n]*(?:\n|\Z)", base or b""):
        if header := re.match(rb"[ \t]*\[([^\]]*)\]", line[0]):
            section = header[1].strip().lower()
        elif section == b"core" and re.match(rb"(?i)[ \t]*hooksPath[ \t]*=", line[0]):
            last = line
    if base is None or last is None or at_end:
        return append_block(base, "[core]\n\t" + ours.decode("utf-8", "surrogateescape") + "\n")
    text = last[0].rstrip(b"\n")
    indented = text[: len(text) - len(text.lstrip())] + ours
    end = b"\n" if last[0].endswith(b"\n") else b""
    return base[: last.start()] + _PRESERVED + text + b"\n" + indented + end + base[last.end() :]


def without_hooks_path(content: bytes | None) -> bytes | None:
    """Return the inverse of `with_hooks_path`."""
    if content is None:
        return None
    value = rb'"?[^\n]*/' + HOOKS_DIRECTORY.encode() + rb'"?'
    ours = rb"[ \t]*hooksPath[ \t]*=[ \t]*" + value + rb"[ \t]*"
    content = re.sub(rb"(?mi)^" + _PRESERVED + rb"([^\n]*)\n" + ours + rb"$", lambda match: match[1], content)
    content = re.sub(rb"(?m)^" + _PRESERVED + rb"[^\n]*\n", b"", content)  # another program has changed our setting
    found: bytes | None = content
    while found is not None and (blocks := list(re.finditer(rb"(?mi)^(\[core\]\n)?" + ours + rb"(?:\n|\Z)", found))):
        block = blocks[-1]
        if block[1] and re.match(rb"[ \t\n]*(?:\[|\Z)", found[block.end() :]):
            found = remove_block(found, *block.span())
        else:
            start = block.end(1) if block[1] else block.start()
            found = found[:start] + found[block.end() :]
    return found


def checked_change(change: FileChange, directory: str | None) -> FileChange:
    """Check with git that a change affects nothing but `core.hooksPath`, which becomes `directory`.

    Raises `Problem` otherwise.
    """
    before, after = (parse_config(content or b"") for content in (change.before, change.after))
    paths = [entry.value for entry in after if sets_hooks_path(entry)]
    if [(e.section, e.subsection, e.name, e.value) for e in before if not sets_hooks_path(e)] != [
        (e.section, e.subsection, e.name, e.value) for e in after if not sets_hooks_path(e)
    ] or (directory is not None and paths[-1:] != [directory]):
        raise Problem(f"{change.path} cannot be changed safely (does a line end in a backslash?)")
    return change


def expanded_path(value: str) -> str:
    """Return the value as git reads a path: git itself expands `~` and `%(prefix)`."""
    if not value.startswith(("~", "%(prefix)/")):
        return value
    block = f"[core]\n\thooksPath = {quote_value(value)}\n".encode("utf-8", "surrogateescape")
    return git_line("config", "--file", "-", "--type=path", "--get", "core.hooksPath", given=block)
