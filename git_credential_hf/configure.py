"""Write the settings that make git use this helper, and only this one, for Hugging Face hosts.

`plan_configure` makes the only plan: `configure` applies it, `--dry-run` shows it, `unconfigure` applies its inverse.
It writes a separate file, and one line in git's own file, so that the inverse can restore that file byte for byte.
"""

import os
import re
import shlex
from collections.abc import Iterable

from git_credential_hf.files import FileChange, OwnFileChange, append_block, read_file, remove_block
from git_credential_hf.git.config import (
    ConfigEntry,
    config_path,
    opened_path,
    parse_config,
    quote_value,
    read_config,
    read_config_file,
    removal_command,
)
from git_credential_hf.git.helpers import (
    HelperChains,
    configure_hint,
    configured_hubs,
    helper_command,
    helper_options,
    is_our_helper,
    program_path,
    sends_path,
    shown_helper,
)
from git_credential_hf.git.run import git_home, git_program
from git_credential_hf.git.urlmatch import section_applies, section_origin
from git_credential_hf.hub import PUBLIC_HUB, hub_at, hub_origins, origins_of
from git_credential_hf.masking import shown_user
from git_credential_hf.owners import selects_token
from git_credential_hf.problem import Problem, shell_word
from git_credential_hf.program import fix_weaknesses, program_weaknesses


class Settings:
    """Our settings in git's configuration: the `hubs` besides huggingface.co, and the tokens `mapped` to namespaces.

    `mapped` has the name of the stored token for each Hub and namespace.
    """

    def __init__(self, hubs: Iterable[str] = (), mapped: dict[tuple[str, str], str] | None = None) -> None:
        self.hubs = [*hubs]
        self.mapped = mapped or {}

    @classmethod
    def read(cls, configured: list[ConfigEntry]) -> "Settings":
        """Return the settings in these entries."""
        return cls(configured_hubs(configured), mapped_tokens(configured))

    def __add__(self, more: "Settings") -> "Settings":
        return Settings(dict.fromkeys([*self.hubs, *more.hubs]), {**self.mapped, **more.mapped})


def credential_sections(settings: Settings) -> dict[str, list[tuple[str, str]]]:
    """Return the `credential` sections, each with its variables in order: an empty helper, then this program.

    git-lfs sends the path, which contains the namespace, only with `useHttpPath` (docs/facts.md#g4).
    """
    command = helper_command()
    sections: dict[str, list[tuple[str, str]]] = {}
    for hub in (PUBLIC_HUB, *settings.hubs):
        value = command if hub == PUBLIC_HUB else f"{command} --hub {shlex.quote(hub)}"
        namespaces = {namespace: token for (of, namespace), token in settings.mapped.items() if of == hub}
        with_path = [("useHttpPath", "true")] if namespaces else []
        sections |= {origin: [("helper", ""), ("helper", value), *with_path] for origin in origins_of(hub)}
        for namespace, token in namespaces.items():
            variables = [("helper", ""), ("helper", f"{value} --token {shlex.quote(token)}")]
            sections |= {f"{o}/{prefix}{namespace}": variables for o in origins_of(hub) for prefix in _PATH_PREFIXES}
    return sections


_PATH_PREFIXES = ("", "datasets/", "spaces/", "kernels/")  # of models and the other kinds (docs/facts.md#h1)


def mapped_tokens(configured: list[ConfigEntry]) -> dict[tuple[str, str], str]:
    """Return the name of the stored token for each Hub and namespace with a token of its own."""
    found = {}
    hubs = configured_hubs(configured)
    for entry in configured:
        options = helper_options(entry.value or "") if entry.is_helper() else None
        hub = hub_at(section_origin(entry.subsection), hubs)
        namespace = entry.subsection.partition("://")[2].partition("/")[2]
        if options and "token" in options and hub and namespace and "/" not in namespace:
            found[hub, namespace] = options["token"]
    return found


def format_section(section: str, variables: list[tuple[str, str]]) -> str:
    """Format the lines of one section."""
    return f'[credential "{section}"]\n' + "".join(
        f"\t{name} = {quote_value(v)}".rstrip() + "\n" for name, v in variables
    )


def config_lines(settings: Settings) -> str:
    """Return the lines that `configure` writes."""
    return "".join(format_section(section, variables) for section, variables in credential_sections(settings).items())


def settings_path(scope: str) -> str:
    """Return the path of the file with our settings for a scope, which git's file of that scope includes.

    It is `git-credential-hf/gitconfig` in the user's configuration directory, beside git's system file, or in the git
    directory. Raises `Problem` if it is a symbolic link in a repository.
    """
    if scope == "global":
        return os.path.join(user_directory(), "gitconfig")
    directory = os.path.join(os.path.dirname(opened_path(scope)), _NAME)
    path = os.path.join(directory, "gitconfig")
    for place in (directory, path):
        if scope == "local" and os.path.islink(place):  # from an unpacked archive, it may lead anywhere
            raise Problem(f"{place} is a symbolic link", f"rm {shell_word(place)}")
    return path


_NAME = "git-credential-hf"
_HEADER = "# `git-credential-hf configure` writes this file, and `unconfigure` removes it.\n"


def user_directory() -> str:
    """Return our directory in the user's configuration directory, with our settings and the global hooks."""
    import platformdirs

    path = platformdirs.user_config_dir(_NAME, appauthor=False)
    # Old releases of platformdirs do not ignore a relative XDG_CONFIG_HOME, which depends on the current directory.
    return path if os.path.isabs(path) else os.path.expanduser(os.path.join("~", ".config", _NAME))


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
    needs_home = helper is True and includes[0][:2] != "~/" and _without_include(before, includes[1:]) != before
    helper = any(entry.is_helper() for entry in known) if helper is None else helper
    hooks = any(_includes_hooks(entry) for entry in known) if hooks is None else hooks
    settings = Settings.read(known) + (new or Settings())
    text = (config_lines(settings) if helper else "") + (_hooks_lines(settings.hubs) if hooks else "")
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
        after = append_block(_without_include(before, includes), _include_lines(includes[0]))
    if after != before:
        # Users who cannot read the system file cannot run git at all, and root's umask may be 077.
        mode = 0o644 if scope == "system" else None
        is_moved = before is not None and _without_include(before, includes) != before
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


def _hooks_lines(hubs: list[str]) -> str:
    """Return the sections that set `core.hooksPath` if the repository has a remote on a Hub (git 2.36)."""
    condition = "hasconfig:remote.*.url:"
    return "".join(
        f'[includeIf "{condition}{pattern}"]\n\tpath = {HOOKS_SETTINGS}\n'
        for hub in (PUBLIC_HUB, *hubs)
        for pattern in _remote_patterns(hub)
    )


def _remote_patterns(hub: str) -> Iterable[str]:
    """Yield the patterns of the URLs that `parse_remote` accepts for a Hub: HTTPS, with and without a user, and SSH."""
    for origin in origins_of(hub):
        scheme, _, host = origin.partition("://")
        name = host.partition(":")[0]
        yield from (f"{scheme}://{host}/**", f"{scheme}://*@{host}/**", f"ssh://git@{name}/**")
        yield from (f"git@{name}:*", f"git@{name}:*/**")  # `**` is any number of directories, and `*` one


def _includes_hooks(entry: ConfigEntry) -> bool:
    return entry.section == "includeif" and entry.value == HOOKS_SETTINGS


HOOKS_SETTINGS = "hooks.gitconfig"  # beside the file that includes it


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
    after = _without_include(before, includes)
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


# --- checks with git ---


def _read_with_git(path: str, own: str, included: bytes | None) -> tuple[list[ConfigEntry], list[ConfigEntry]]:
    """Return the variables of the file at `path` with its includes, and those of our own file."""
    git_program()  # raises if there is no git, before the hint is `git config --edit`
    try:
        return read_config_file(path) if os.path.exists(path) else [], parse_config(included or b"")
    except Problem as problem:  # git reads the user's file, and so ours, in each command
        is_own = own in problem.message or "standard input" in problem.message
        fix = f"rm {shell_word(own)}" if is_own else f"git config --file {shell_word(path)} --edit"
        raise Problem(f"git cannot read {own if is_own else path}: {problem.message}", fix) from None


def results_in(configured: list[ConfigEntry], section: str, variables: list[tuple[str, str]]) -> bool:
    """Whether these entries result in `variables` for the URL `section`, whatever other settings come before them."""
    wanted = [value for name, value in variables if name == "helper"]
    applying = [
        entry for entry in configured if entry.section == "credential" and section_applies(entry.subsection, section)
    ]
    helpers = [entry.value for entry in applying if entry.is_helper()]
    return helpers[-2:] == wanted and (("useHttpPath", "true") not in variables or sends_path(section, configured))


def _checked(change: FileChange, includes: list[str]) -> FileChange:
    """Check with git that the old and the new content differ only in our own line; raises `Problem` otherwise."""
    before, after = (_other_entries(content, includes) for content in (change.before, change.after))
    if before != after:
        raise Problem(f"{change.path} cannot be changed safely (does a line end in a backslash?)")
    return change


def _other_entries(content: bytes | None, includes: list[str]) -> list[tuple[str, str | None]]:
    entries = parse_config(content or b"")
    return [(entry.key, entry.value) for entry in entries if entry.key != "include.path" or entry.value not in includes]


# --- the line that includes our file ---


def include_values(scope: str) -> list[str]:
    """Return the value for `include.path`, then other values of ours that may be there.

    The value also works in a home directory or repository that is copied or mounted elsewhere. But if a variable sets
    the path of git's file, its readers may have no `HOME`, and without it git fails on `~/`.
    """
    if scope != "global":
        return [f"{_NAME}/gitconfig"]  # relative to the file that includes it (git-config(1), Includes)
    values = [_below_home(settings_path(scope)), settings_path(scope).replace(os.sep, "/")]
    return [*dict.fromkeys(reversed(values) if "GIT_CONFIG_GLOBAL" in os.environ else values)]


def path_in_home(path: str) -> str:
    """Return the value of `core.hooksPath` for a directory of ours; `~/` is used as for `include.path`.

    An absolute path stays absolute: several of git's files may include this setting.
    """
    before = read_file(os.path.join(user_directory(), HOOKS_SETTINGS))
    is_whole = "GIT_CONFIG_GLOBAL" in os.environ or (before and b"= ~/" not in before)
    return path.replace(os.sep, "/") if is_whole else _below_home(path)


def _below_home(path: str) -> str:
    """Return a path for git's configuration, with `~/` for the home directory."""
    path = path.replace(os.sep, "/")
    home = os.path.join(git_home(), "").replace(os.sep, "/")
    return f"~/{path.removeprefix(home)}" if path.startswith(home) else path


def _include_lines(include: str) -> str:
    return f"[include]\n\tpath = {quote_value(include)}\n"


def _without_include(content: bytes | None, includes: list[str]) -> bytes | None:
    """Remove our line, which has one of these values, and its section unless there is more in it.

    White space and quotes may have been changed by a formatter, or by a person.
    """
    if content is None or not includes:
        return content
    values = {
        value.encode("utf-8", "surrogateescape")
        for include in includes
        for value in (include, quote_value(include), f'"{include}"')
    }
    end = rb"[ \t]*(?:[#;][^\n]*)?\r?(?:\n|\Z)"
    line = rb"[ \t]*(?i:path)[ \t]*=[ \t]*(?:" + b"|".join(map(re.escape, values)) + rb")" + end
    header = rb"^[ \t]*\[[ \t]*(?i:include)[ \t]*\]"
    for found in reversed([*re.finditer(rb"(?m)(" + header + end + rb")?^" + line, content)]):
        sections = re.findall(rb"(?m)^[ \t]*\[[^\n]*", content[: found.end()])
        if not sections or not re.match(header, sections[-1]):
            continue  # of `includeIf`, which is somebody's own
        is_whole = found[1] and re.match(rb"(?:[ \t]*(?:[#;][^\n]*)?\r?\n)*[ \t]*(?:\[|\Z)", content[found.end() :])
        if not is_whole:
            content = content[: found.end(1) if found[1] else found.start()] + content[found.end() :]
        elif (rest := remove_block(content, *found.span())) is None:
            return None
        else:
            content = rest
    return content
