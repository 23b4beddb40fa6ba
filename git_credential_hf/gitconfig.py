"""git's configuration, read through git: it alone knows the files, scopes, includes and their order."""

import os
import subprocess
import sys
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from git_credential_hf.problem import Problem

SCOPES = ("global", "local", "system")


class Entry(NamedTuple):
    """One variable: `scope` and `origin` as `git config --show-scope --show-origin` names them."""

    scope: str
    origin: str
    section: str
    subsection: str
    name: str
    value: str | None


class Helper(NamedTuple):
    """A credential helper in the chain that git asks for a URL: `value` as configured, and where."""

    value: str
    scope: str
    origin: str


def is_ours(value: str) -> bool:
    """Whether this value of `credential.helper` runs this program: by its short name, by its path, or by a shell."""
    if value == "hf" or value.startswith("hf "):
        return True
    words = value.removeprefix("!").split("git-credential-hf")
    # The name ends there, and begins there or after a separator: not `git-credential-hfx`, not `my-git-credential-hf`.
    return len(words) > 1 and words[0][-1:] in ("", "/", "\\", "'", '"') and words[-1][:1] in ("", " ", ".", "'", '"')


def git() -> str:
    """The absolute path of git, never one in the current directory, which may be a hostile repository."""
    return find("git") or _missing()


def find(program: str) -> str | None:
    """The absolute path of a program on PATH, leaving out every entry that is not absolute."""
    extensions = os.environ.get("PATHEXT", "").split(os.pathsep) if sys.platform == "win32" else [""]
    for directory in os.environ.get("PATH", os.defpath).split(os.pathsep):
        for extension in extensions:
            path = os.path.join(directory, program + extension)
            if os.path.isabs(directory) and os.path.isfile(path) and os.access(path, os.X_OK):
                return path
    return None


def _missing() -> str:
    raise Problem("git is not on PATH", "install git")


def run(*arguments: str, environment: dict[str, str] | None = None) -> bytes:
    """What `git ARGUMENTS` prints; raises `Problem` with git's own words where it fails."""
    done = subprocess.run(  # noqa: S603 - an absolute path, a list of arguments, no shell
        [git(), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        env={**os.environ, "LC_ALL": "C", **(environment or {})},
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit status {done.returncode}"]
        raise Problem(f"git {arguments[0]}: {said[-1].removeprefix('fatal: ').removeprefix('error: ')}")
    return done.stdout


def entries(*options: str) -> list[Entry]:
    """Every variable that is set, in git's order; `options` narrow it down: `--global`, `--file PATH`."""
    listed = run("config", *options, "--list", "-z", "--show-scope", "--show-origin").split(b"\0")
    found = []
    for scope, origin, variable in zip(listed[0::3], listed[1::3], listed[2::3], strict=False):
        key, newline, value = variable.decode("utf-8", "surrogateescape").partition("\n")
        section, _, rest = key.partition(".")
        subsection, _, name = rest.rpartition(".")
        where = origin.decode("utf-8", "surrogateescape")
        found.append(Entry(scope.decode(), where, section, subsection, name, value if newline else None))
    return found


def helpers(url: str, configured: list[Entry]) -> list[Helper]:
    """The chain of helpers that git asks for `url`, in its order: an empty value forgets the ones before it.

    All matching sections count, the more specific no more than the others (gitcredentials(7), "Custom helpers").
    """
    chain: list[Helper] = []
    for entry in configured:
        if entry.section == "credential" and entry.name == "helper" and applies(entry.subsection, url):
            chain = [*chain, Helper(entry.value, entry.scope, entry.origin)] if entry.value else []
    return chain


def applies(pattern: str, url: str) -> bool:
    """Whether git uses the section `[credential "PATTERN"]` for `url` (gitcredentials(7), "Credential contexts").

    A pattern may leave out the protocol (then it must name the host), have `*` for a label of the host, and name the
    beginning of a path; its user, protocol and port must be the URL's.
    """
    if not pattern:
        return True
    try:
        want, have = urlsplit(pattern if "://" in pattern else "//" + pattern), urlsplit(url)
        wanted, asked = want.port or _port(want), have.port or _port(have)
    except ValueError:
        return False  # git finds no sense in it either
    if want.scheme and (want.scheme != have.scheme or wanted != asked):
        return False
    if not want.scheme and want.netloc.rpartition("@")[2].lower() != have.netloc.rpartition("@")[2].lower():
        return False
    if want.username is not None and want.username != have.username:
        return False
    return _host_matches(want.hostname or "", have.hostname or "") and _path_matches(want.path, have.path)


def _port(url: SplitResult) -> int | None:
    return {"https": 443, "http": 80}.get(url.scheme)


def _host_matches(pattern: str, host: str) -> bool:
    wanted, labels = pattern.split("."), host.split(".")
    return len(wanted) == len(labels) and all(w in ("*", h) for w, h in zip(wanted, labels, strict=True))


def _path_matches(pattern: str, path: str) -> bool:
    prefix = pattern.rstrip("/")
    return not prefix or path == prefix or path.startswith(prefix + "/")


def file(scope: str) -> str:
    """The path of a scope's file, which need not exist; symbolic links are followed, as git does when it writes.

    The rules are those of git-config(1), FILES. git itself prints the path only from 2.41 on (`git var`).
    """
    if scope == "local":
        shown = run("rev-parse", "--git-path", "config").decode("utf-8", "surrogateescape").removesuffix("\n")
        return os.path.realpath(shown)
    named = os.environ.get(f"GIT_CONFIG_{scope.upper()}")
    if named:
        return os.path.realpath(named)
    if scope == "system":
        # git runs the editor on the file that it would write to, whether that exists or not; ours only prints its name
        shown = run("config", "--system", "--edit", environment={"GIT_EDITOR": "echo"}).decode(
            "utf-8", "surrogateescape"
        )
        return os.path.realpath(shown.removesuffix("\n"))
    home = os.environ.get("HOME") or os.path.expanduser("~")
    if not os.path.isabs(home):
        raise Problem("HOME is not set, so there is no global git configuration", "export HOME=/path/of/your/home")
    own = os.path.join(home, ".gitconfig")
    xdg = os.path.join(os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), "git", "config")
    return os.path.realpath(xdg if not os.path.lexists(own) and os.path.exists(xdg) else own)
