"""What git's configuration has to say for git to ask this helper, and no other, about the Hub.

`plan()` is the single truth: `configure` applies it, `--dry-run` shows it, `unconfigure` applies its inverse. It adds
lines and never takes anybody else's away, so that the inverse gives back the very bytes.
"""

import contextlib
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator

from git_credential_hf import gitconfig, hub
from git_credential_hf.changes import Change, read
from git_credential_hf.problem import Problem


def helper() -> str:
    """The value for `credential.helper`: the short name where git finds it on PATH, else the path.

    The path breaks when the program moves (cli/cli#2995 and six more), the name where PATH is short.
    """
    if gitconfig.find("git-credential-hf"):
        return "hf"
    program = os.path.abspath(sys.argv[0])
    if not os.path.basename(program).startswith("git-credential-hf") or not os.access(program, os.X_OK):
        # Run as `python -m git_credential_hf`: there is no executable that git could start.
        raise Problem(
            "there is no executable git-credential-hf on PATH for git to run", "pipx install git-credential-hf"
        )
    # git hands a path to the shell as it is: one with a blank in it has to be a command (credential.c).
    return program if _is_plain(program) else "!" + shlex.quote(program)


def block(origin: str, value: str) -> str:
    """The section for one origin: an empty helper forgets all others for it, then comes ours."""
    quoted = value if _is_plain(value) else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f'[credential "{origin}"]\n\thelper =\n\thelper = {quoted}\n'


def lines() -> str:
    """What `configure` writes, for people to paste where it may not write."""
    return "".join(block(origin, helper()) for origin in hub.origins())


def _is_plain(text: str) -> bool:
    return all(c.isalnum() or c in "/._-+:~" for c in text)


def plan(scope: str) -> list[Change]:
    """The change that makes git ask this helper in `scope` (of `gitconfig.SCOPES`); none where it does already."""
    path, value = gitconfig.file(scope), helper()
    before = after = read(path)
    for origin in hub.origins():
        if not _asks_alone(path, after, origin, value):
            after = _appended(_without_block(after, origin), block(origin, value))
    if after == before:
        return []
    if not all(_asks_alone(path, after, origin, value) for origin in hub.origins()):
        raise Problem(f"{path} cannot be extended safely (does its last line end in a backslash?)")
    return [Change(path, before, after)]


def plan_removal(scope: str) -> list[Change]:
    """The inverse of `plan`, for whatever origins this program was configured for in `scope`."""
    path = gitconfig.file(scope)
    before = read(path)
    after = _without_block(before, None)
    after = _without_entries(path, after) if after is not None else None
    return [Change(path, before, after)] if after != before else []


def environment() -> list[tuple[str, str]]:
    """The same as variables of the environment (git-config(1), GIT_CONFIG_COUNT), for a job that writes no file."""
    value = helper()
    settings = os.environ.get("GIT_CONFIG_COUNT", "")
    count = int(settings) if settings.isdigit() else 0
    pairs = [(os.environ.get(f"GIT_CONFIG_KEY_{i}"), os.environ.get(f"GIT_CONFIG_VALUE_{i}")) for i in range(count)]
    variables = []
    for origin in hub.origins():
        key = f"credential.{origin}.helper"
        ours = [given for name, given in pairs if name == key]
        if ours[-2:] == ["", value]:
            continue
        for setting in ("", value):
            variables += [(f"GIT_CONFIG_KEY_{count}", key), (f"GIT_CONFIG_VALUE_{count}", setting)]
            count += 1
    return [("GIT_CONFIG_COUNT", str(count)), *variables]


# --- one file's bytes ---


def _asks_alone(path: str, content: bytes | None, origin: str, value: str) -> bool:
    """Whether this content by itself, read by git, leaves `value` and no other helper for `origin`."""
    if content is None:
        return False
    found = [entry.value for entry in _helper_entries(path, content) if gitconfig.applies(entry.subsection, origin)]
    return found[-2:] == ["", value]


def _helper_entries(path: str, content: bytes) -> list[gitconfig.Entry]:
    """The `credential.*.helper` of `content`, as git reads it; `path` is for the message where git cannot."""
    with _copy(content) as copy:
        try:
            found = gitconfig.entries("--file", copy, "--no-includes")
        except Problem as problem:
            said = problem.message.replace(copy, path)
            raise Problem(f"git cannot read {path} ({said})", f"git config --file '{path}' --edit") from None
    return [entry for entry in found if entry.section == "credential" and entry.name == "helper"]


@contextlib.contextmanager
def _copy(content: bytes) -> Iterator[str]:
    # mkdtemp's 0700: the configuration may hold somebody's password.
    with tempfile.TemporaryDirectory(prefix="git-credential-hf-") as directory:
        path = os.path.join(directory, "config")
        with open(path, "wb") as file:
            file.write(content)
        yield path


def _appended(content: bytes | None, text: str) -> bytes:
    """`content` with a block at its end, so that `_cut` can tell how it ended before.

    A last line without its line feed leaves the block without one; what was nothing but line feeds gets one more, and
    a file that did not exist none.
    """
    addition = text.encode("utf-8", "surrogateescape")
    if content is None:
        return addition
    if not content.strip(b"\n"):
        return content + b"\n" + addition
    if not content.endswith(b"\n"):
        return content + b"\n" + addition[:-1]
    return content + addition


def _cut(content: bytes, start: int, end: int) -> bytes | None:
    """The inverse of `_appended`."""
    before, after = content[:start], content[end:]
    if after:
        return before + after
    if not content.endswith(b"\n"):
        return before[:-1]
    if before.strip(b"\n"):
        return before
    return before[:-1] if before else None


def _without_block(content: bytes | None, origin: str | None) -> bytes | None:
    """Cut out our blocks, for one origin or for any; one that has become more than ours is left as it is."""
    where = re.escape(origin.encode()) if origin else rb'https?://[^"\\\n]+'
    program = rb'hf|"?!?[\'\\"]*/[^\n]*git-credential-hf[\'\\"]*'
    # Behind it, but for blank lines and comments, another section begins, or nothing: a variable would change sections.
    blank = rb"[ \t]*(?:[#;][^\n]*)?"
    behind = rb"(?:\Z|\n(?=(?:" + blank + rb"\n)*" + blank + rb"(?:\[|\Z)))"
    pattern = rb'^\[credential "' + where + rb'"\]\n\thelper =\n\thelper = (?:' + program + rb")" + behind
    while content is not None and (found := list(re.finditer(pattern, content, re.MULTILINE))):
        content = _cut(content, *found[-1].span())
    return content


def _without_entries(path: str, content: bytes) -> bytes | None:
    """Take our helper out of sections that have become more than ours (GCM adds a `provider`), by git's own hand."""
    entries = [entry for entry in _helper_entries(path, content) if entry.subsection and entry.value]
    ours = {entry.subsection for entry in entries if gitconfig.is_ours(entry.value or "")}
    if not ours:
        return content
    with _copy(content) as copy:
        for subsection in ours:
            key = f"credential.{subsection}.helper"
            gitconfig.run("config", "--file", copy, "--unset-all", key, "^(hf|!?'?/.*git-credential-hf'?)?$")
        return read(copy)
