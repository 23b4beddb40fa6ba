"""The settings that make git use this helper, and only this one, for Hugging Face hosts.

`plan()` is the single truth: `configure` applies it, `--dry-run` shows it, `unconfigure` applies its inverse. It adds
lines and never takes anybody else's away, so that the inverse gives back the very bytes.
"""

import os
import re
import shlex
import sys

from git_credential_hf.files import FileChange, append_block, read_file, remove_block
from git_credential_hf.git.config import (
    ConfigEntry,
    config_path,
    is_plain,
    parse_config,
    quote_value,
    read_config,
    read_config_file,
)
from git_credential_hf.git.helpers import CONFIGURE_HINT, HelperChains, is_our_helper
from git_credential_hf.git.run import find_program, git_program
from git_credential_hf.git.urlmatch import section_applies
from git_credential_hf.hub import Repository, hub_origins, is_at_endpoint
from git_credential_hf.masking import mask_line
from git_credential_hf.problem import Problem
from git_credential_hf.tokens import Token, current_token, stored_token


def helper_command() -> str:
    """Return the value for `credential.helper`: the short name if git finds it on PATH, else the path.

    The path breaks when the program moves (cli/cli#2995 and six more), the name if PATH is short.
    """
    if find_program("git-credential-hf"):
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
    return program if is_plain(program) else "!" + shlex.quote(program)


def credential_sections(mapped: dict[str, str]) -> dict[str, list[tuple[str, str]]]:
    """Return the settings: for each section of `credential` its variables, in order.

    An empty helper resets the list, then comes ours. `mapped`: the stored token for each namespace; git-lfs sends
    the path that tells them apart only with `useHttpPath` (docs/facts.md#g4).
    """
    alone = [("helper", ""), ("helper", helper_command())]
    found = {origin: alone + ([("useHttpPath", "true")] if mapped else []) for origin in hub_origins()}
    for namespace, token in mapped.items():
        for origin in hub_origins():
            for kind in _KINDS:
                value = f"{helper_command()} --token {shlex.quote(token)}"
                found[f"{origin}/{kind}{namespace}"] = [("helper", ""), ("helper", value)]
    return found


_KINDS = ("", "datasets/", "spaces/", "kernels/")  # of repositories, as a path begins (docs/facts.md#h1)


def mapped_tokens(configured: list[ConfigEntry], origins: list[str] | None = None) -> dict[str, str]:
    """Return the namespaces with a token of their own at these origins (by default, any), and its stored name."""
    found = {}
    for entry in configured:
        if entry.is_helper() and is_our_helper(entry.value or "") and " --token " in (entry.value or ""):
            for origin in hub_origins() if origins is None else origins:
                namespace = entry.subsection.removeprefix(origin + "/")
                if namespace != entry.subsection and "/" not in namespace:
                    try:
                        found[namespace] = shlex.split((entry.value or "").removeprefix("!"))[-1]
                    except ValueError:
                        pass  # no shell can run it, either
    return found


def token_for_repository(repository: Repository) -> Token | None:
    """Return the token that this helper serves for a repository: its namespace's own, or the current one.

    Raises `Problem` if there is a source, but broken.
    """
    origins = [origin for origin in hub_origins() if is_at_endpoint(origin)]  # another Hub has other tokens
    name = mapped_tokens(read_config(), origins).get(repository.namespace)
    return current_token() if name is None else stored_token(name)


def format_section(section: str, variables: list[tuple[str, str]]) -> str:
    """Format the lines of one section."""
    return f'[credential "{section}"]\n' + "".join(
        f"\t{name} = {quote_value(v)}".rstrip() + "\n" for name, v in variables
    )


def config_lines(mapped: dict[str, str]) -> str:
    """Return what `configure` writes, for people to paste."""
    return "".join(format_section(section, variables) for section, variables in credential_sections(mapped).items())


def plan_configure(scope: str, new: dict[str, str] | None = None) -> list[FileChange]:
    """Plan the change that makes git use this helper in `scope` (of `SCOPES`); empty if it does already.

    `new`: a token for each of these namespaces, in addition to those that have one.
    """
    path = config_path(scope)
    before = after = read_file(path)
    configured = _readable(path) if before is not None else []
    for section, variables in credential_sections({**mapped_tokens(configured), **(new or {})}).items():
        # A section after a changed one is written again: what is later in the file counts.
        if after != before or not _has(configured, section, variables):
            after = append_block(_without_block(after, section), format_section(section, variables))
    # A user who cannot read the system's file cannot run git at all, and root's umask may be 077.
    mode = 0o644 if scope == "system" else None
    return [_checked(FileChange(path, before, after, mode=mode))] if after != before else []


def plan_unconfigure(scope: str) -> list[FileChange]:
    """Plan the inverse of `plan_configure`, for all origins that are configured in `scope`."""
    path = config_path(scope)
    before = read_file(path)
    if before is not None:
        _readable(path)
    after = _without_block(before, None)
    return [_checked(FileChange(path, before, after))] if after != before else []


def handwritten_helpers(scope: str) -> list[ConfigEntry]:
    """Return entries for this helper that were written by hand, which `plan_unconfigure` leaves alone."""
    path = config_path(scope)
    if read_file(path) is None:
        return []
    return [entry for entry in _readable(path) if entry.is_helper() and entry.value and is_our_helper(entry.value)]


def config_environment(new: dict[str, str]) -> list[tuple[str, str]]:
    """Return the settings as environment variables (git-config(1), GIT_CONFIG_COUNT), without writing a file."""
    given = os.environ.get("GIT_CONFIG_COUNT") or "0"
    if not (given.isascii() and given.isdecimal() and len(given) < 6):
        raise Problem(f"GIT_CONFIG_COUNT is '{given}', which is not a number of settings", "unset GIT_CONFIG_COUNT")
    configured = [entry for entry in read_config() if entry.scope == "command"]
    count = int(given)
    settings: list[tuple[str, str]] = []
    for section, variables in credential_sections({**mapped_tokens(configured), **new}).items():
        if settings or not _has(configured, section, variables):
            for name, value in variables:
                settings.append((f"GIT_CONFIG_KEY_{count}", f"credential.{section}.{name}"))
                settings.append((f"GIT_CONFIG_VALUE_{count}", value))
                count += 1
    return [("GIT_CONFIG_COUNT", str(count)), *settings]


def helpers_in_the_way() -> list[Problem]:
    """Return what else in git's configuration, as it counts here, would spoil what `configure` has written."""
    entries = read_config()
    found: dict[tuple[str, ...], Problem] = {}
    for entry in HelperChains(hub_origins(), entries).others:
        message = f"git also gives each Hub token to '{mask_line(entry.value or '')}' to store ({_where(entry)})"
        # What it does for other hosts is not ours to change: after it, it is reset for the Hub alone.
        is_local = entry.scope == "local" and not entry.subsection
        fix = f"{CONFIGURE_HINT[:-1]} --local`" if is_local else removal_command(entry)
        found.setdefault((entry.origin, entry.subsection, "helper"), Problem(message, fix))
    for entry in entries:
        is_username = entry.section == "credential" and entry.name == "username"
        if is_username and any(section_applies(entry.subsection, origin) for origin in hub_origins()):
            message = f"git requests tokens for the user name '{mask_line(entry.value or '')}' only ({_where(entry)})"
            key = (entry.origin, entry.subsection, "username")
            found.setdefault(key, Problem(message, removal_command(entry)))
    return list(found.values())


def _where(entry: ConfigEntry) -> str:
    return "the environment, GIT_CONFIG_*" if entry.scope == "command" else entry.origin.removeprefix("file:")


def removal_command(entry: ConfigEntry) -> str:
    """Return the command, or the hint, that removes a variable from where it is set."""
    key = ".".join(part for part in (entry.section, entry.subsection, entry.name) if part)
    if entry.scope == "command":
        return f"remove {key} from GIT_CONFIG_*, or from git's `-c`"
    # Not by its scope: it may be in an included file, and paths there are relative to that.
    path = os.path.abspath(entry.origin.removeprefix("file:"))
    return f"run `git config --file {shlex.quote(path)} --unset-all {shlex.quote(key)}`"


# --- what git makes of it ---


def _readable(path: str) -> list[ConfigEntry]:
    git_program()
    try:
        return read_config_file(path)
    except Problem as problem:
        raise Problem(
            f"git cannot read {path}: {problem.message}", f"git config --file {shlex.quote(path)} --edit"
        ) from None


def _has(configured: list[ConfigEntry], section: str, variables: list[tuple[str, str]]) -> bool:
    """Whether these entries, whatever git read before them, come to `variables` for the URL `section`."""
    wanted = [value for name, value in variables if name == "helper"]
    applying = [
        entry for entry in configured if entry.section == "credential" and section_applies(entry.subsection, section)
    ]
    helpers = [entry.value for entry in applying if entry.is_helper()]
    sends_path = [
        (entry.value or "true").lower() in ("true", "yes", "on", "1")
        for entry in applying
        if entry.name == "usehttppath"
    ]
    return helpers[-2:] == wanted and (("useHttpPath", "true") not in variables or sends_path[-1:] == [True])


def _checked(change: FileChange) -> FileChange:
    """Let git read the old and the new content: nothing but our own lines may differ."""
    before, after = (_others(content) for content in (change.before, change.after))
    if before != after:
        raise Problem(f"{change.path} cannot be changed safely (does a line end in a backslash?)")
    return change


def _others(content: bytes | None) -> list[tuple[str, str, str, str | None]]:
    others: list[tuple[str, str, str, str | None]] = []
    ours: str | None = None  # the section in which the last entry was ours
    for entry in parse_config(content or b""):
        section = entry.section, entry.subsection, entry.name
        if entry.is_helper() and is_our_helper(entry.value or ""):
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
        # A section ends where the next one begins; blank lines and comments between them belong to neither.
        is_whole = not block[1] and re.match(rb"(?:" + end + rb")*?(?:[ \t]*\[|\Z)", content[block.end() :])
        content = (
            remove_block(content, *block.span()) if is_whole else content[: block.start(2)] + content[block.end() :]
        )
    return content
