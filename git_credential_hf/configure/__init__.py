"""Write the settings that make git use this helper, and only this one, for Hugging Face hosts.

`plan_configure` makes the only plan: `configure` applies it, `--dry-run` shows it, `unconfigure` applies its inverse.
It writes a separate file, and one line in git's own file, so that the inverse can restore that file byte for byte.
"""

import os

from git_credential_hf.configure.include import include_lines, include_values, settings_path, without_include
from git_credential_hf.configure.settings import (
    Settings,
    config_lines,
    credential_sections,
    hooks_lines,
    includes_hooks,
    results_in,
)
from git_credential_hf.files import FileChange, OwnFileChange, append_block, read_file
from git_credential_hf.git.config import (
    ConfigEntry,
    config_path,
    opened_path,
    parse_config,
    read_config,
    read_config_file,
    removal_command,
)
from git_credential_hf.git.helper_chain import (
    HelperChains,
    configure_hint,
    configured_hubs,
    is_our_helper,
    program_path,
    shown_helper,
)
from git_credential_hf.git.run import git_program
from git_credential_hf.git.urlmatch import section_applies
from git_credential_hf.hub import hub_origins
from git_credential_hf.masking import shown_user
from git_credential_hf.owners import selects_token
from git_credential_hf.problem import Problem
from git_credential_hf.program import fix_weaknesses, program_weaknesses
from git_credential_hf.shell import shell_word

_HEADER = "# `git-credential-hf configure` writes this file, and `unconfigure` removes it.\n"


def plan_configure(
    scope: str, new: Settings | None = None, *, helper: bool | None = True, hooks: bool | None = None
) -> list[FileChange]:
    """Plan the changes that make git use this helper in `scope` (of `SCOPES`); empty if it already does.

    They write a file of ours, and a line in git's own file that includes it (docs/facts.md#g7). git ignores that line
    if our file does not exist, as on another machine that `.gitconfig` was copied to. `new`: settings to add. `helper`:
    whether git uses this helper; `hooks`: whether git runs the hooks in repositories with a Hub remote; `None`: as now.
    """
    path = config_path(scope)
    own, includes = settings_path(scope), include_values(scope)
    if scope == "system" and helper:
        _refuse_program_of_others(path)
    before, included = read_file(path), read_file(own)
    configured, known = _read_with_git(opened_path(scope), own, included)
    needs_home = helper is True and includes[0][:2] != "~/" and without_include(before, includes[1:]) != before
    helper = any(entry.is_helper() for entry in known) if helper is None else helper
    hooks = any(includes_hooks(entry) for entry in known) if hooks is None else hooks
    settings = Settings.read(known) + (new or Settings())
    text = (config_lines(settings) if helper else "") + (hooks_lines(settings.hubs) if hooks else "")
    if not text:
        return _removal(path, before, own, included, includes)
    content = (_HEADER + text).encode("utf-8", "surrogateescape")
    wanted = parse_config(content)
    changes: list[FileChange] = []
    if included != content:
        changes.append(OwnFileChange(own, included, content))
    after = before
    place = os.path.realpath(own)
    ours = [i for i, entry in enumerate(configured) if os.path.realpath(entry.origin.removeprefix("file:")) == place]
    planned = configured[: ours[0]] + wanted + configured[ours[-1] + 1 :] if ours else []
    sections = credential_sections(settings) if helper else {}
    later = configured[ours[-1] + 1 :] if ours and hooks else []
    is_overridden = any(e.key == "core.hookspath" and os.path.dirname(place) not in e.origin for e in later)
    are_right = ours and not is_overridden and all(results_in(planned, *section) for section in sections.items())
    if not are_right or needs_home:
        # At the end, because git's settings depend on their order.
        after = append_block(without_include(before, includes), include_lines(includes[0]))
    if after != before:
        # Users who cannot read the system file cannot run git at all, and root's umask may be 077.
        mode = 0o644 if scope == "system" else None
        is_moved = before is not None and without_include(before, includes) != before
        summary = [f"move the line that includes our settings to the end of {path}"] if is_moved else None
        changes.append(_checked(FileChange(path, before, after, mode=mode, summary=summary), includes))
    return changes


def _refuse_program_of_others(path: str) -> None:
    """Raise `Problem` if this program can be changed by users who cannot change the system file at `path`.

    All users, including root, would then run that user's code, with their tokens.
    """
    owners = {os.stat(place).st_uid for place in (path, os.path.dirname(path)) if os.path.exists(place)}
    weaknesses = program_weaknesses(owners, [program_path()])
    if weaknesses:
        environment = "/opt/git-credential-hf"
        reinstall = f"python3 -m venv {environment} && {environment}/bin/pip install git-credential-hf"
        raise Problem(
            f"this program cannot be used for all users, because {weaknesses[0].reason}",
            fix_weaknesses(weaknesses, f"sudo sh -c 'umask 022; {reinstall}'"),
        )


def plan_unconfigure(scope: str) -> list[FileChange]:
    """Plan the inverse of `plan_configure`."""
    path = config_path(scope)
    own = settings_path(scope)
    before, included = read_file(path), read_file(own)
    _read_with_git(opened_path(scope), own, included)
    return _removal(path, before, own, included, include_values(scope))


def _removal(
    path: str, before: bytes | None, own: str, included: bytes | None, includes: list[str]
) -> list[FileChange]:
    """Return the changes that remove our line from git's file at `path`, and our own file."""
    after = without_include(before, includes)
    changes: list[FileChange] = [_checked(FileChange(path, before, after), includes)] if after != before else []
    return [*changes, OwnFileChange(own, included, None)] if included is not None else changes


def handwritten_helpers(scope: str) -> list[ConfigEntry]:
    """Return entries for this helper that were written by hand, which `plan_unconfigure` does not remove."""
    path = config_path(scope)
    if read_file(path) is None:
        return []
    entries = parse_config(read_file(path) or b"")
    for entry in entries:
        entry.scope, entry.origin = scope, f"file:{path}"
    return [entry for entry in entries if entry.is_helper() and entry.value and is_our_helper(entry.value)]


def helpers_in_the_way() -> list[Problem]:
    """Return the problems that git's other settings cause in the current directory after `configure`."""
    entries = read_config()
    problems: dict[tuple[str, str, str], Problem] = {}
    origins = hub_origins(configured_hubs(entries))
    for entry in HelperChains(origins, entries).others:
        message = f"git also passes each Hub token to '{shown_helper(entry.value or '')}' ({_place(entry)})"
        # The helper may be needed for other hosts: `configure --local` resets it for the Hub only.
        is_for_all_hosts = entry.scope == "local" and not entry.subsection
        fix = configure_hint("local") if is_for_all_hosts else removal_command(entry)
        problems.setdefault((entry.origin, entry.subsection, "helper"), Problem(message, fix))
    for entry in entries:
        is_username = (
            entry.section == "credential" and entry.name == "username" and not selects_token(entry.value or "")
        )
        if is_username and any(section_applies(entry.subsection, origin) for origin in origins):
            message = f"git requests tokens for the user name '{shown_user(entry.value or '')}' only ({_place(entry)})"
            key = (entry.origin, entry.subsection, "username")
            problems.setdefault(key, Problem(message, removal_command(entry)))
    return list(problems.values())


def _place(entry: ConfigEntry) -> str:
    return "the environment, GIT_CONFIG_*" if entry.scope == "command" else entry.origin.removeprefix("file:")


def _read_with_git(path: str, own: str, included: bytes | None) -> tuple[list[ConfigEntry], list[ConfigEntry]]:
    """Return the variables of the file at `path` with its includes, and those of our own file."""
    git_program()  # raises if there is no git, before the hint is `git config --edit`
    try:
        return read_config_file(path) if os.path.exists(path) else [], parse_config(included or b"")
    except Problem as problem:  # git reads the user's file, and so ours, in each command
        is_own = own in problem.message or "standard input" in problem.message
        fix = f"rm {shell_word(own)}" if is_own else f"git config --file {shell_word(path)} --edit"
        raise Problem(f"git cannot read {own if is_own else path}: {problem.message}", fix) from None


def _checked(change: FileChange, includes: list[str]) -> FileChange:
    """Check with git that the old and the new content differ only in our own line; raises `Problem` otherwise."""
    before, after = (_other_entries(content, includes) for content in (change.before, change.after))
    if before != after:
        raise Problem(f"{change.path} cannot be changed safely (does a line end in a backslash?)")
    return change


def _other_entries(content: bytes | None, includes: list[str]) -> list[tuple[str, str | None]]:
    entries = parse_config(content or b"")
    return [(entry.key, entry.value) for entry in entries if entry.key != "include.path" or entry.value not in includes]
