"""What git's configuration has to say for git to ask this helper, and no other, about the Hub.

`plan()` is the single truth: `configure` applies it, `--dry-run` shows it, `unconfigure` applies its inverse. It adds
lines and never takes anybody else's away, so that the inverse gives back the very bytes.
"""

import os
import re
import shlex
import sys

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
    configured = _readable(path) if before is not None else []
    for origin in hub.origins():
        if not _asks_alone(configured, origin, value):
            after = _appended(_without_block(after, origin), block(origin, value))
    return [_checked(Change(path, before, after))] if after != before else []


def plan_removal(scope: str) -> list[Change]:
    """The inverse of `plan`, for whatever origins this program was configured for in `scope`."""
    path = gitconfig.file(scope)
    before = read(path)
    if before is not None:
        _readable(path)
    after = _without_block(before, None)
    return [_checked(Change(path, before, after))] if after != before else []


def left_behind(scope: str) -> list[gitconfig.Entry]:
    """Helpers of ours that somebody has put there by hand: theirs to remove, and `plan_removal` leaves them."""
    path = gitconfig.file(scope)
    if read(path) is None:
        return []
    return [entry for entry in _helpers(_readable(path)) if entry.value and gitconfig.is_ours(entry.value)]


def environment() -> list[tuple[str, str]]:
    """The same as variables of the environment (git-config(1), GIT_CONFIG_COUNT), for a job that writes no file."""
    value = helper()
    given = os.environ.get("GIT_CONFIG_COUNT") or "0"
    if not (given.isascii() and given.isdecimal() and len(given) < 6):
        raise Problem(f"GIT_CONFIG_COUNT is '{given}', which is no number of settings", "unset GIT_CONFIG_COUNT")
    configured = [entry for entry in gitconfig.entries() if entry.scope == "command"]
    count, variables = int(given), []
    for origin in hub.origins():
        if not _asks_alone(configured, origin, value):
            for setting in ("", value):
                variables.append((f"GIT_CONFIG_KEY_{count}", f"credential.{origin}.helper"))
                variables.append((f"GIT_CONFIG_VALUE_{count}", setting))
                count += 1
    return [("GIT_CONFIG_COUNT", str(count)), *variables]


# --- what git makes of it ---


def _readable(path: str) -> list[gitconfig.Entry]:
    gitconfig.git()
    try:
        return gitconfig.entries_of_file(path)
    except Problem as problem:
        raise Problem(f"git cannot read {path}: {problem.message}", f"git config --file '{path}' --edit") from None


def _helpers(configured: list[gitconfig.Entry]) -> list[gitconfig.Entry]:
    return [entry for entry in configured if entry.section == "credential" and entry.name == "helper"]


def _asks_alone(configured: list[gitconfig.Entry], origin: str, value: str) -> bool:
    """Whether these entries, whatever git read before them, leave `value` and no other helper for `origin`."""
    found = [entry.value for entry in _helpers(configured) if gitconfig.applies(entry.subsection, origin)]
    return found[-2:] == ["", value]


def _checked(change: Change) -> Change:
    """Let git read the old and the new content: nothing but our own lines may differ."""
    before, after = (_others(content) for content in (change.before, change.after))
    if before != after:
        raise Problem(f"{change.path} cannot be changed safely (does a line end in a backslash?)")
    return change


def _others(content: bytes | None) -> list[tuple[str, str, str, str | None]]:
    others: list[tuple[str, str, str, str | None]] = []
    for section, subsection, name, value in (entry[2:] for entry in gitconfig.entries_of(content or b"")):
        if (section, name) != ("credential", "helper") or not gitconfig.is_ours(value or ""):
            others.append((section, subsection, name, value))
        elif others[-1:] == [(section, subsection, name, "")]:
            others.pop()  # the empty value before ours is ours, too
    return others


# --- one file's bytes ---


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
    """Cut out our blocks, for one origin or for any; of a section with more in it, our two lines.

    A formatter, or a person, may have changed what does not count.
    """
    where = re.escape(origin.encode()) if origin else rb'https?://[^"\\\n]+'
    end = rb"[ \t]*(?:[#;][^\n]*)?\r?(?:\n|\Z)"
    header = rb'^[ \t]*\[[ \t]*credential[ \t]+"' + where + rb'"[ \t]*\]' + end
    program = rb'"?hf"?|"?!?[\'\\"]*/[^\n]*git-credential-hf[\'\\"]*'
    lines = rb"[ \t]*helper[ \t]*=" + end + rb"[ \t]*helper[ \t]*=[ \t]*(?:" + program + rb")" + end
    pattern = rb"(?mi)" + header + rb"((?:" + end.replace(rb"|\Z", b"") + rb")*)(" + lines + rb")"
    while content is not None and (found := list(re.finditer(pattern, content))):
        block = found[-1]
        # A section ends where the next one begins; blank lines and comments between them belong to nobody.
        is_whole = not block[1] and re.match(rb"(?:" + end + rb")*?(?:[ \t]*\[|\Z)", content[block.end() :])
        content = _cut(content, *block.span()) if is_whole else content[: block.start(2)] + content[block.end() :]
    return content
