"""git's configuration, read through git: it alone knows the files, scopes, includes and their order."""

import os

from git_credential_hf.git.run import OUTSIDE_REPOSITORIES, git_home, git_line, run_git
from git_credential_hf.hub import parse_remote
from git_credential_hf.problem import Problem

SCOPES = ("global", "local", "system")


class ConfigEntry:
    """One variable: `scope` and `origin` as `git config --show-scope --show-origin` names them."""

    def __init__(self, scope: str, origin: str, key: str, value: str | None) -> None:
        self.scope = scope
        self.origin = origin
        self.section, _, rest = key.partition(".")
        self.subsection, _, self.name = rest.rpartition(".")
        self.value = value

    def is_helper(self) -> bool:
        """Whether it names a credential helper, or forgets those before it."""
        return self.section == "credential" and self.name == "helper"


def read_config() -> list[ConfigEntry]:
    """Every variable that is set here, in git's order."""
    found = parse_listing(run_git("config", "--list", *LIST_OPTIONS))
    lost = [entry for entry in found if entry.origin.startswith("file:") and not os.path.exists(entry.origin[5:])]
    if lost:  # git names them from the top of the work tree, and this is a directory below it
        up = git_line("rev-parse", "--show-cdup")
        for entry in lost:
            entry.origin = "file:" + os.path.abspath(os.path.join(up, entry.origin[5:]))
    return found


def read_config_file(path: str) -> list[ConfigEntry]:
    """The variables of one file and of what it includes."""
    return parse_listing(
        run_git(*OUTSIDE_REPOSITORIES, "config", "--file", path, "--includes", "--list", *LIST_OPTIONS)
    )


def parse_config(content: bytes) -> list[ConfigEntry]:
    """The variables of what may become a file, without what it includes."""
    return parse_listing(
        run_git(*OUTSIDE_REPOSITORIES, "config", "--file", "-", "--no-includes", "--list", *LIST_OPTIONS, given=content)
    )


LIST_OPTIONS = ("-z", "--show-scope", "--show-origin")


def parse_listing(listed: bytes) -> list[ConfigEntry]:
    """Parse what `git config` lists with `LIST_OPTIONS`."""
    fields = listed.decode("utf-8", "surrogateescape").split("\0")
    found = []
    for scope, origin, variable in zip(fields[0::3], fields[1::3], fields[2::3], strict=False):
        key, newline, value = variable.partition("\n")
        found.append(ConfigEntry(scope, origin, key, value if newline else None))
    return found


def quote_value(value: str) -> str:
    """Return a value as it is written in a configuration file, in quotes if it needs them (git-config(1), SYNTAX)."""
    if is_plain(value.removeprefix("hf --token ")):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def is_plain(text: str) -> bool:
    """Whether neither git's configuration nor a shell could take this for anything but what it is."""
    return all(c.isalnum() or c in "/._-+:~" for c in text)


def push_url() -> str:
    """Return the URL that `git push` in this repository goes to; raises `Problem` if there is none."""
    try:
        branch = run_git("symbolic-ref", "--short", "--quiet", "HEAD").decode("utf-8", "surrogateescape").strip()
    except Problem:
        branch = ""  # detached
    configured = read_config()
    settings = {(e.section, e.subsection, e.name): e.value for e in configured}
    remotes = {e.subsection for e in configured if e.section == "remote" and e.subsection}
    name = remotes.pop() if len(remotes) == 1 else "origin"  # as git has it
    keys = [("branch", branch, "pushremote"), ("remote", "", "pushdefault"), ("branch", branch, "remote")]
    name = next((settings[key] or name for key in keys if settings.get(key)), name)
    if "://" in name or parse_remote(name):
        return name  # what `git push -u URL` leaves; it may hold a token, and arguments are there for all to read
    try:
        urls = (
            run_git("remote", "get-url", "--push", "--all", "--", name).decode("utf-8", "surrogateescape").splitlines()
        )
    except Problem:
        raise Problem("there is no repository here with a remote to push to", "name one, such as acme/model") from None
    return next((url for url in urls if parse_remote(url)), urls[0])  # there may be some


def config_path(scope: str) -> str:
    """The path of a scope's file, which need not exist; symbolic links are followed, as git does when it writes.

    The rules are those of git-config(1), FILES. git itself prints the path only from 2.41 on (`git var`).
    """
    if scope == "local":
        try:
            return os.path.realpath(git_line("rev-parse", "--git-path", "config"))
        except Problem as problem:
            if "not a git repository" in problem.message or "filesystem boundary" in problem.message:
                raise Problem("there is no git repository here", "cd into one, or use --global") from None
            raise
    named = os.environ.get(f"GIT_CONFIG_{scope.upper()}")
    if named is not None:
        if not named:
            raise Problem(
                f"GIT_CONFIG_{scope.upper()} is empty: there is no such file", f"unset GIT_CONFIG_{scope.upper()}"
            )
        return os.path.realpath(named)
    if scope == "system":
        # git runs the editor on the file that it would write to, whether that exists or not. This one prints its name;
        # the quotes make git start it by the shell, which has it built in, and not from PATH.
        shown = run_git("config", "--system", "--edit", environment={"GIT_EDITOR": 'printf "%s"'}).decode(
            "utf-8", "surrogateescape"
        )
        return os.path.realpath(shown)
    if not os.path.isabs(git_home()):
        raise Problem("HOME is not set, so git has no global configuration", "export HOME=/path/of/your/home")
    own = os.path.join(git_home(), ".gitconfig")
    xdg = os.path.join(os.environ.get("XDG_CONFIG_HOME") or os.path.join(git_home(), ".config"), "git", "config")
    is_xdg = not os.access(own, os.R_OK) and os.access(xdg, os.R_OK)
    return os.path.realpath(xdg if is_xdg else own)
