"""Set `core.hooksPath` in a file of git's configuration, and restore the previous setting."""

import os
import re

from git_credential_hf.files import FileChange, append_block, remove_block
from git_credential_hf.git.config import ConfigEntry, parse_config, quote_value
from git_credential_hf.git.run import git_line
from git_credential_hf.problem import Problem

HOOKS_DIRECTORY = "hf-hooks"  # the last part of every value that we set
MARK = b"# A hook of git-credential-hf"  # near the start of each of our hooks
_PRESERVED = b"#git-credential-hf keeps:"  # starts the line that preserves the previous setting


def sets_hooks_path(entry: ConfigEntry) -> bool:
    """Whether this is `core.hooksPath`."""
    return (entry.section, entry.subsection, entry.name) == ("core", "", "hookspath")


def is_our_hooks_path(value: str) -> bool:
    """Whether a value leads to one of our directories, which may be gone: a team's may have the same name."""
    directory = os.path.expanduser(value.rstrip("/"))
    parent, name = os.path.split(directory)
    if name != HOOKS_DIRECTORY or not os.path.isabs(directory):
        return False
    if os.path.isdir(directory):
        names = os.listdir(directory)
        return not names or any(_has_mark(os.path.join(directory, name)) for name in names)
    return os.path.basename(parent) in (".git", "git-credential-hf") or parent.endswith(".git") or "/.git/" in parent


def _has_mark(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return MARK in file.read(300)
    except OSError:
        return False


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
    value = rb'"?(?P<value>[^\n]*/' + HOOKS_DIRECTORY.encode() + rb')"?'
    ours = rb"[ \t]*hooksPath[ \t]*=[ \t]*" + value + rb"[ \t]*"

    def is_ours(line: re.Match[bytes]) -> bool:
        text = re.sub(rb"\\(.)", rb"\1", line["value"])
        return is_our_hooks_path(text.decode("utf-8", "surrogateescape"))

    pair = rb"(?mi)^" + _PRESERVED + rb"(?P<before>[^\n]*)\n" + ours + rb"$"
    content = re.sub(pair, lambda line: line["before"] if is_ours(line) else line[0], content)
    content = re.sub(rb"(?m)^" + _PRESERVED + rb"[^\n]*\n", b"", content)  # another program has changed our setting
    found: bytes | None = content
    block_of_ours = rb"(?mi)^(?P<header>\[core\]\n)?" + ours + rb"(?:\n|\Z)"
    while found is not None and (blocks := list(filter(is_ours, re.finditer(block_of_ours, found)))):
        block = blocks[-1]
        if block["header"] and re.match(rb"[ \t\n]*(?:\[|\Z)", found[block.end() :]):
            found = remove_block(found, *block.span())
        else:
            start = block.end("header") if block["header"] else block.start()
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
