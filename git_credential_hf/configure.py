"""What git's configuration has to say for git to ask this helper, and no other, about the Hub.

`plan()` is the single truth: `configure` applies it, `--dry-run` shows it, `unconfigure` applies its inverse. It adds
lines and never takes anybody else's away, so that the inverse gives back the very bytes.
"""

import os
import re
import shlex
import sys

from git_credential_hf import gitconfig, hub, tokens
from git_credential_hf.changes import Change, appended, cut, read
from git_credential_hf.problem import Problem, masked


def helper() -> str:
    """The value for `credential.helper`: the short name where git finds it on PATH, else the path.

    The path breaks when the program moves (cli/cli#2995 and six more), the name where PATH is short.
    """
    if gitconfig.find("git-credential-hf"):
        return "hf"
    program = os.path.abspath(sys.argv[0])
    if sys.platform == "win32":  # a shell is to read it; and what pip has made leaves its `.exe` out
        program = program.replace("\\", "/").removesuffix(".exe") + ".exe"
    if not os.path.basename(program).startswith("git-credential-hf") or not os.access(program, os.X_OK):
        # Run as `python -m git_credential_hf`: there is no executable that git could start.
        raise Problem(
            "there is no executable git-credential-hf on PATH for git to run", "pipx install git-credential-hf"
        )
    # git hands a path to the shell as it is: one with a blank in it has to be a command (credential.c).
    return program if gitconfig.is_plain(program) else "!" + shlex.quote(program)


def sections(mapped: dict[str, str]) -> dict[str, list[tuple[str, str]]]:
    """What git has to be told: for each section of `credential` its variables, in this order.

    An empty helper forgets all others, then comes ours. `mapped`: the stored token for each namespace; git-lfs sends
    the path that tells them apart only with `useHttpPath` (docs/facts.md#g4).
    """
    alone = [("helper", ""), ("helper", helper())]
    found = {origin: alone + ([("useHttpPath", "true")] if mapped else []) for origin in hub.origins()}
    for namespace, token in mapped.items():
        for origin in hub.origins():
            for kind in _KINDS:
                value = f"{helper()} --token {shlex.quote(token)}"
                found[f"{origin}/{kind}{namespace}"] = [("helper", ""), ("helper", value)]
    return found


_KINDS = ("", "datasets/", "spaces/", "kernels/")  # of repositories, as a path begins (docs/facts.md#h1)


def mapped(configured: list[gitconfig.Entry], origins: list[str] | None = None) -> dict[str, str]:
    """The namespaces that have a token of their own at these origins, or any, and its name in `hf auth list`."""
    found = {}
    for entry in configured:
        if entry.is_helper() and gitconfig.is_ours(entry.value or "") and " --token " in (entry.value or ""):
            for origin in hub.origins() if origins is None else origins:
                namespace = entry.subsection.removeprefix(origin + "/")
                if namespace != entry.subsection and "/" not in namespace:
                    try:
                        found[namespace] = shlex.split((entry.value or "").removeprefix("!"))[-1]
                    except ValueError:
                        pass  # no shell can run it, either
    return found


def token_for(repository: tuple[str, str]) -> tokens.Token | None:
    """The token that this helper gives for a repository of the Hub: its namespace's own, or the current one.

    Raises `Problem` where there is a source, but broken.
    """
    asked = [origin for origin in hub.origins() if hub.is_asked(origin)]  # no other one's token is for that Hub
    name = mapped(gitconfig.entries(), asked).get(repository[1].partition("/")[0])
    return tokens.current() if name is None else tokens.named(name)


def block(section: str, variables: list[tuple[str, str]]) -> str:
    """The lines of one section."""
    return f'[credential "{section}"]\n' + "".join(
        f"\t{name} = {gitconfig.quoted(v)}".rstrip() + "\n" for name, v in variables
    )


def lines(mapped: dict[str, str]) -> str:
    """What `configure` writes, for people to paste where it may not write."""
    return "".join(block(section, variables) for section, variables in sections(mapped).items())


def plan(scope: str, new: dict[str, str] | None = None) -> list[Change]:
    """The change that makes git ask this helper in `scope` (of `gitconfig.SCOPES`); none where it does already.

    `new`: a token for each of these namespaces, beside those that have one.
    """
    path = gitconfig.file(scope)
    before = after = read(path)
    configured = _readable(path) if before is not None else []
    for section, variables in sections({**mapped(configured), **(new or {})}).items():
        # One that comes behind a change is made anew: what stands later in the file has the last word.
        if after != before or not _has(configured, section, variables):
            after = appended(_without_block(after, section), block(section, variables))
    # Whoever may not read the system's file can run no git at all, and root's umask may be 077.
    mode = 0o644 if scope == "system" else None
    return [_checked(Change(path, before, after, mode=mode))] if after != before else []


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
    return [entry for entry in _readable(path) if entry.is_helper() and entry.value and gitconfig.is_ours(entry.value)]


def environment(new: dict[str, str]) -> list[tuple[str, str]]:
    """The same as variables of the environment (git-config(1), GIT_CONFIG_COUNT), for a job that writes no file."""
    given = os.environ.get("GIT_CONFIG_COUNT") or "0"
    if not (given.isascii() and given.isdecimal() and len(given) < 6):
        raise Problem(f"GIT_CONFIG_COUNT is '{given}', which is no number of settings", "unset GIT_CONFIG_COUNT")
    configured = [entry for entry in gitconfig.entries() if entry.scope == "command"]
    count = int(given)
    settings: list[tuple[str, str]] = []
    for section, variables in sections({**mapped(configured), **new}).items():
        if settings or not _has(configured, section, variables):
            for name, value in variables:
                settings.append((f"GIT_CONFIG_KEY_{count}", f"credential.{section}.{name}"))
                settings.append((f"GIT_CONFIG_VALUE_{count}", value))
                count += 1
    return [("GIT_CONFIG_COUNT", str(count)), *settings]


def in_the_way() -> list[Problem]:
    """What stands elsewhere in git's configuration, as it counts here, and would spoil what `plan` has written."""
    entries = gitconfig.entries()
    found: dict[tuple[str, ...], Problem] = {}
    for origin in hub.origins():
        for entry in gitconfig.helpers(origin, entries):
            if not gitconfig.is_ours(entry.value or ""):
                said = f"git also asks, and gives every Hub token to, `{masked(entry.value or '')}` ({_where(entry)})"
                # What it does for other hosts is none of our business: behind it, we reset it for the Hub alone.
                is_local = entry.scope == "local" and not entry.subsection
                remedy = "run `git-credential-hf configure --local`" if is_local else removal(entry)
                found.setdefault((entry.origin, entry.subsection, "helper"), Problem(said, remedy))
        for entry in entries:
            if (
                entry.section == "credential"
                and entry.name == "username"
                and gitconfig.applies(entry.subsection, origin)
            ):
                said = f"git asks for the user name '{masked(entry.value or '')}' alone ({_where(entry)})"
                found.setdefault((entry.origin, entry.subsection, "username"), Problem(said, removal(entry)))
    return list(found.values())


def _where(entry: gitconfig.Entry) -> str:
    return "the environment, GIT_CONFIG_*" if entry.scope == "command" else entry.origin.removeprefix("file:")


def removal(entry: gitconfig.Entry) -> str:
    """The remedy that takes a variable out of where it is set."""
    key = ".".join(part for part in (entry.section, entry.subsection, entry.name) if part)
    if entry.scope == "command":
        return f"take {key} out of GIT_CONFIG_*, or of git's `-c`"
    # Not by its scope: it may stand in a file that the scope's own includes, and paths there are relative to it.
    where = os.path.abspath(entry.origin.removeprefix("file:"))
    return f"run `git config --file {shlex.quote(where)} --unset-all {shlex.quote(key)}`"


# --- what git makes of it ---


def _readable(path: str) -> list[gitconfig.Entry]:
    gitconfig.git()
    try:
        return gitconfig.entries_of_file(path)
    except Problem as problem:
        raise Problem(
            f"git cannot read {path}: {problem.message}", f"git config --file {shlex.quote(path)} --edit"
        ) from None


def _has(configured: list[gitconfig.Entry], section: str, variables: list[tuple[str, str]]) -> bool:
    """Whether these entries, whatever git read before them, come to `variables` for the URL `section`."""
    wanted = [value for name, value in variables if name == "helper"]
    applying = [
        entry for entry in configured if entry.section == "credential" and gitconfig.applies(entry.subsection, section)
    ]
    helpers = [entry.value for entry in applying if entry.is_helper()]
    sends_path = [
        (entry.value or "true").lower() in ("true", "yes", "on", "1")
        for entry in applying
        if entry.name == "usehttppath"
    ]
    return helpers[-2:] == wanted and (("useHttpPath", "true") not in variables or sends_path[-1:] == [True])


def _checked(change: Change) -> Change:
    """Let git read the old and the new content: nothing but our own lines may differ."""
    before, after = (_others(content) for content in (change.before, change.after))
    if before != after:
        raise Problem(f"{change.path} cannot be changed safely (does a line end in a backslash?)")
    return change


def _others(content: bytes | None) -> list[tuple[str, str, str, str | None]]:
    others: list[tuple[str, str, str, str | None]] = []
    ours: str | None = None  # the section in which the last entry was ours
    for entry in gitconfig.entries_of(content or b""):
        section = entry.section, entry.subsection, entry.name
        if entry.is_helper() and gitconfig.is_ours(entry.value or ""):
            ours = entry.subsection
            if others[-1:] == [(*section, "")]:
                others.pop()  # the empty value before ours is ours, too
        elif section != ("credential", ours, "usehttppath") or entry.value != "true":
            others.append((*section, entry.value))
            ours = None
    return others


# --- one file's bytes ---


def _without_block(content: bytes | None, origin: str | None) -> bytes | None:
    """Cut out our blocks, for one origin or for any; of a section with more in it, our two lines.

    A formatter, or a person, may have changed what does not count.
    """
    where = re.escape(origin.encode()) if origin else rb'https?://[^"\\\n]+'
    end = rb"[ \t]*(?:[#;][^\n]*)?\r?(?:\n|\Z)"
    header = rb'^[ \t]*\[[ \t]*credential[ \t]+"' + where + rb'"[ \t]*\]' + end
    program = rb'[\'\\"]*(?:[A-Z]:)?/[^\n]*git-credential-hf(?:\.exe)?[\'\\"]*'
    program = rb'"?hf"?|"?hf --token [^\n]+?|"?!?' + program + rb"(?: --token [^\n]+?)?"
    lines = rb"[ \t]*helper[ \t]*=" + end + rb"[ \t]*helper[ \t]*=[ \t]*(?:" + program + rb")" + end
    if b" --token " in (content or b""):
        lines += rb"(?:[ \t]*useHttpPath[ \t]*=[ \t]*true" + end + rb")?"  # with namespaces, the host has it from us
    pattern = rb"(?mi)" + header + rb"((?:" + end.replace(rb"|\Z", b"") + rb")*)(" + lines + rb")"
    while content is not None and (found := list(re.finditer(pattern, content))):
        block = found[-1]
        # A section ends where the next one begins; blank lines and comments between them belong to nobody.
        is_whole = not block[1] and re.match(rb"(?:" + end + rb")*?(?:[ \t]*\[|\Z)", content[block.end() :])
        content = cut(content, *block.span()) if is_whole else content[: block.start(2)] + content[block.end() :]
    return content
