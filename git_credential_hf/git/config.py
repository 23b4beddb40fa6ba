"""Read git's configuration by running git, which alone knows all files, scopes and includes, and their order."""

import os

from git_credential_hf.git.run import OUTSIDE_REPOSITORIES, git_home, git_line, run_git
from git_credential_hf.problem import Problem
from git_credential_hf.secrets import register_secret

SCOPES = ("global", "local", "system")


class ConfigEntry:
    """One variable, with `scope` and `origin` as in `git config --show-scope --show-origin`."""

    def __init__(self, scope: str, origin: str, key: str, value: str | None) -> None:
        self.scope = scope
        self.origin = origin
        self.section, _, rest = key.partition(".")
        self.subsection, _, self.name = rest.rpartition(".")
        self.value = value

    @property
    def key(self) -> str:
        """The full name, as in `git config KEY`."""
        return ".".join(part for part in (self.section, self.subsection, self.name) if part)

    def is_helper(self) -> bool:
        """Whether this adds a credential helper, or resets the list of helpers."""
        return self.section == "credential" and self.name == "helper"


def read_config(without: tuple[str, ...] = ()) -> list[ConfigEntry]:
    """Return all variables that apply in the current directory, in git's order.

    `without`: environment variables to remove, because they change which files git reads.
    """
    found = parse_listing(run_git("config", "--list", *LIST_OPTIONS, without=without))
    lost = [entry for entry in found if entry.origin.startswith("file:") and not os.path.exists(entry.origin[5:])]
    if lost:  # git prints these paths relative to the top of the work tree
        up = git_line("rev-parse", "--show-cdup")
        for entry in lost:
            entry.origin = "file:" + os.path.abspath(os.path.join(up, entry.origin[5:]))
    return found


def git_directory() -> str | None:
    """Return the path of the git directory that git uses here; `None` outside of a repository.

    Raises `Problem` if git refuses to work in this repository. `read_config` does not: git then reads its configuration
    as if there were no repository.
    """
    try:
        return git_line("rev-parse", "--git-dir")
    except Problem as problem:
        if "not a git repository (or any" in problem.message:
            return None
        raise


def read_config_file(path: str) -> list[ConfigEntry]:
    """Return the variables in a file, and in the files that it includes."""
    return parse_listing(
        run_git(*OUTSIDE_REPOSITORIES, "config", "--file", path, "--includes", "--list", *LIST_OPTIONS)
    )


def read_user_config() -> list[ConfigEntry]:
    """Return the system's and the user's variables, except those that depend on the repository."""
    return parse_listing(run_git(*OUTSIDE_REPOSITORIES, "config", "--list", *LIST_OPTIONS))


def parse_config(content: bytes) -> list[ConfigEntry]:
    """Return the variables of a file's content, without its includes."""
    if content not in _listings:
        command = ("config", "--file", "-", "--no-includes", "--list", *LIST_OPTIONS)
        _listings[content] = run_git(*OUTSIDE_REPOSITORIES, *command, given=content)
    return parse_listing(_listings[content])


_listings: dict[bytes, bytes] = {}  # a command reads the same content up to seven times
LIST_OPTIONS = ("-z", "--show-scope", "--show-origin")


def parse_listing(listed: bytes) -> list[ConfigEntry]:
    """Parse the output of `git config` with `LIST_OPTIONS`."""
    fields = listed.decode("utf-8", "surrogateescape").split("\0")
    found = []
    for scope, origin, variable in zip(fields[0::3], fields[1::3], fields[2::3], strict=False):
        key, newline, value = variable.partition("\n")
        found.append(ConfigEntry(scope, origin, key, value if newline else None))
        _register_secrets(found[-1], value)
    return found


def _register_secrets(entry: ConfigEntry, value: str) -> None:
    """Register passwords in URLs and headers as secrets."""
    for url in (entry.subsection, value):
        if "://" in url and "@" in url:
            from git_credential_hf.masking import register_url

            register_url(url)
    if entry.name == "proxy":
        from git_credential_hf.masking import register_proxy

        register_proxy(value)
    name, _, header = value.partition(":")
    if entry.name == "extraheader" and any(
        word in name.lower() for word in ("auth", "token", "key", "secret", "cookie")
    ):
        header = header.strip()
        register_secret(header)
        register_secret(header.rpartition(" ")[2])
        if header[:6].lower() == "basic ":
            from git_credential_hf.masking import register_basic

            register_basic(header[6:])


def quote_value(value: str) -> str:
    """Return a value as written in a configuration file, quoted if necessary (git-config(1), SYNTAX)."""
    if is_plain(value.replace(" --hub ", "").replace(" --token ", "")):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def is_plain(text: str) -> bool:
    """Whether text needs no quotes in git's configuration or in a shell."""
    others = text.translate(_PLAIN_SIGNS)
    return others.isalnum() or not others


_PLAIN_SIGNS = str.maketrans("", "", "/._-+:~")


def removal_command(entry: ConfigEntry) -> str:
    """Return the hint, usually a command, for removing a variable from the place where it is set."""
    from git_credential_hf.shell import shell_word

    if entry.scope == "command":
        return f"remove {shell_word(entry.key)} from GIT_CONFIG_*, or from git's `-c`"
    # Name the file, not the scope: the variable may be in an included file. Paths are relative to that file.
    path = os.path.abspath(entry.origin.removeprefix("file:"))
    return f"run `git config --file {shell_word(path)} --unset-all {shell_word(entry.key)}`"


def push_url(hubs: list[str]) -> str:
    """Return the URL that `git push` uses in this repository; raises `Problem` if there is none.

    `hubs`: other Hubs besides huggingface.co. If a remote has several URLs, the first one on a Hub counts.
    """
    from git_credential_hf.repository import parse_remote

    missing = Problem("this directory has no remote to push to", "name a repository, such as acme/model")
    if git_directory() is None:
        raise missing
    remote = push_remote()
    if "://" in remote or parse_remote(remote, hubs):
        return remote  # a URL, as set by `git push -u URL`; it may contain a token, so do not pass it to git
    try:
        urls = git_line("remote", "get-url", "--push", "--all", "--", remote).splitlines()
    except Problem:
        raise missing from None
    return next((url for url in urls if parse_remote(url, hubs)), urls[0])


def push_remote() -> str:
    """Return the name or the URL of the remote that git pushes to (git-config(1), remote.pushDefault)."""
    try:
        branch = git_line("symbolic-ref", "--short", "--quiet", "HEAD")
    except Problem:
        branch = ""  # detached
    entries = read_config()
    settings = {(entry.section, entry.subsection, entry.name): entry.value for entry in entries}
    remotes = {entry.subsection for entry in entries if entry.section == "remote" and entry.subsection}
    default = remotes.pop() if len(remotes) == 1 else "origin"
    keys = [("branch", branch, "pushremote"), ("remote", "", "pushdefault"), ("branch", branch, "remote")]
    return next((value for key in keys if (value := settings.get(key))), default)


def config_path(scope: str) -> str:
    """Return the path of a scope's file, which may not exist, with symbolic links resolved, as git writes to it.

    The rules are those of git-config(1), FILES. git prints the path only from 2.41 on (`git var`).
    """
    return os.path.realpath(opened_path(scope))


def opened_path(scope: str) -> str:
    """Return the path by which git opens a scope's file; it may be a link, and includes are relative to it."""
    if scope == "local":
        return os.path.abspath(_local_path())
    variable = f"GIT_CONFIG_{scope.upper()}"
    path = os.environ.get(variable)
    if path is None:
        path = _system_path() if scope == "system" else _global_path()
    elif not path:
        raise Problem(f"{variable} is empty, so there is no file", f"unset {variable}")
    return os.path.abspath(path)


def _local_path() -> str:
    if git_directory() is None:
        raise Problem("not in a git repository", "cd into one, or use --global")
    return git_line("rev-parse", "--git-path", "config")


def _system_path() -> str:
    # git opens this file in its editor, even if it does not exist, and our "editor" prints the path. The quotes make
    # git start the shell, in which `printf` is built in, instead of searching PATH.
    path = run_git("config", "--system", "--edit", environment={"GIT_EDITOR": 'printf "%s"'})
    return path.decode("utf-8", "surrogateescape")


def _global_path() -> str:
    home = git_home()
    if not os.path.isabs(home):
        raise Problem("HOME is not set, so git has no global configuration", "export HOME=/path/of/your/home")
    own = os.path.join(home, ".gitconfig")
    xdg = os.path.join(os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), "git", "config")
    return xdg if os.access(xdg, os.R_OK) and not os.access(own, os.R_OK) else own
