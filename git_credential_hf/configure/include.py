"""The file with our settings, and the line in git's own file that includes it."""

import os
import re

from git_credential_hf.files import read_file, remove_block
from git_credential_hf.git.config import opened_path, quote_value
from git_credential_hf.git.run import git_home
from git_credential_hf.problem import Problem
from git_credential_hf.shell import shell_word

_NAME = "git-credential-hf"
HOOKS_SETTINGS = "hooks.gitconfig"  # beside the file that includes it


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


def user_directory() -> str:
    """Return our directory in the user's configuration directory, with our settings and the global hooks."""
    import platformdirs

    path = platformdirs.user_config_dir(_NAME, appauthor=False)
    # Old releases of platformdirs do not ignore a relative XDG_CONFIG_HOME, which depends on the current directory.
    return path if os.path.isabs(path) else os.path.expanduser(os.path.join("~", ".config", _NAME))


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


def include_lines(include: str) -> str:
    """Return the section that includes our file."""
    return f"[include]\n\tpath = {quote_value(include)}\n"


def without_include(content: bytes | None, includes: list[str]) -> bytes | None:
    """Remove our line, which has one of these values, and its section, if it is empty then.

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
            continue  # in `includeIf`, so not ours
        is_whole = found[1] and re.match(rb"(?:[ \t]*(?:[#;][^\n]*)?\r?\n)*[ \t]*(?:\[|\Z)", content[found.end() :])
        if not is_whole:
            content = content[: found.end(1) if found[1] else found.start()] + content[found.end() :]
        elif (rest := remove_block(content, *found.span())) is None:
            return None
        else:
            content = rest
    return content
