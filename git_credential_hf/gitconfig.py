"""git's configuration, read through git: it alone knows the files, scopes, includes and their order."""

import os
import sys

from git_credential_hf.hub import normalized_origin, parse_remote
from git_credential_hf.problem import Problem

SCOPES = ("global", "local", "system")
PATIENCE = 10  # seconds for an answer of git, which has but files to read


class Entry:
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


def is_ours(value: str) -> bool:
    """Whether git would run this program for this value of `credential.helper` (gitcredentials(7)).

    `hf` is `git credential-hf`, an absolute path is that program, and what follows `!` is for the shell.
    """
    if value == "hf":
        return True
    words = value.split() if is_plain(value.replace(" ", "")) else words_of(value)
    if value.startswith("!"):
        while words and words[0].partition("=")[0].isidentifier() and "=" in words[0]:
            words.pop(0)  # a variable for the program
        if words[:1] == ["git"]:
            return words[1:2] == ["credential-hf"]
    elif not is_path(value):
        return words[:1] == ["hf"]
    return bool(words) and os.path.basename(words[0]).removesuffix(".exe") == "git-credential-hf"


def words_of(value: str) -> list[str]:
    """A helper's value, without its `!` if any, in the words that a shell makes of it."""
    import shlex  # takes as long as half of `store`

    command = value.removeprefix("!")
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


def is_path(value: str) -> bool:
    """Whether git takes a helper's value for the path of a program (git-compat-util.h, is_absolute_path)."""
    return value.startswith("/") or (sys.platform == "win32" and (value[:1] == "\\" or value[1:2] == ":"))


# --- which program ---


def git() -> str:
    """The absolute path of git, never one in the current directory, which may be a hostile repository."""
    return find("git") or _missing()


def find(program: str) -> str | None:
    """The absolute path of a program on PATH; by an entry that is not absolute nothing is found.

    One in the current directory, or in the work tree around that, is the last choice: where PATH has its absolute
    path, its owner means that (a virtual environment), but for no program that is elsewhere, too.
    """
    # No .bat and .cmd: cmd.exe reads their arguments once more, as it likes. git starts none by its name either.
    name = f"{program}.exe" if sys.platform == "win32" else program
    last = None
    for directory in directories():
        path = os.path.join(directory, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            if not _is_around_us(directory):
                return path
            last = last or path
    return last


def directories() -> list[str]:
    """PATH, without the entries that mean the current directory, or one below it."""
    return [path for path in os.environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(path)]


def _is_around_us(directory: str) -> bool:
    """Whether it is the current directory, or in the work tree around that."""
    try:
        here = os.path.realpath(os.getcwd())
    except OSError:
        return False  # it is gone, and nothing is in it
    where = os.path.normcase(os.path.join(os.path.realpath(directory), ""))
    if where == os.path.normcase(os.path.join(here, "")):
        return True
    while not os.path.lexists(os.path.join(here, ".git")):
        here, below = os.path.dirname(here), here
        if here == below:
            return False  # no work tree
    return where.startswith(os.path.normcase(os.path.join(here, "")))


def _missing() -> str:
    raise Problem("git is not on PATH", "install git")


def environment(*without: str, **more: str) -> dict[str, str]:
    """The environment for git and for helpers: they, too, are to find no program in the current directory."""
    found = {name: value for name, value in os.environ.items() if name not in without}
    found["PATH"] = os.pathsep.join(directories())
    if sys.platform == "win32":
        found["NoDefaultCurrentDirectoryInExePath"] = "1"  # it would come before PATH
    return {**found, **more}


def home() -> str:
    """The home by git, for its configuration and for `.netrc`; empty where it has none.

    Python's on Windows may be another one, as it does not look at HOME. Git for Windows sets that where it is not set
    (compat/mingw.c, setup_windows_environment).
    """
    named = os.environ.get("HOME", "")
    if named or sys.platform != "win32":
        return named
    drive, path = os.environ.get("HOMEDRIVE", ""), os.environ.get("HOMEPATH", "")
    return drive + path if drive and path and os.path.isdir(drive + path) else os.environ.get("USERPROFILE", "")


# --- running git ---


class NoAnswer(Problem):
    """git, or what it has started, took too long or could not start: what it would have said is unknown."""


class Nothing(Problem):
    """git has looked, and there is nothing: the status 1, and not a word (git-config(1))."""


def run(
    *arguments: str, given: bytes = b"", environment: dict[str, str] | None = None, seconds: float | None = PATIENCE
) -> bytes:
    """What `git ARGUMENTS` prints, with `given` on its stdin, and `seconds` to do it (`None`: as long as it takes).

    Raises `Problem` with git's own words where it fails, and `NoAnswer`.
    """
    from git_credential_hf.system import TimeoutExpired, end_process, start_process

    is_apart = seconds is not None
    try:
        process = start_process([git(), *arguments], {**_environment(), **(environment or {})}, is_apart=is_apart)
    except OSError as error:  # an argument of some 100 kB is enough for that
        raise Problem(f"git cannot be started: {error.strerror}") from None
    with process:
        try:
            stdout, stderr = process.communicate(given, seconds)
        except BaseException as error:
            end_process(process, is_apart=is_apart, grace=1)  # so that git takes its locks away
            if isinstance(error, TimeoutExpired):
                command = arguments[2] if arguments[0] in ("-C", "-c") else arguments[0]
                raise NoAnswer(f"git {command} did not answer within {seconds:g} seconds") from None
            raise
    if process.returncode:
        raise failure(stderr, process.returncode)
    return stdout


def line(*arguments: str, given: bytes = b"") -> str:
    """The one line that `git ARGUMENTS` prints; raises as `run` does."""
    return run(*arguments, given=given).decode("utf-8", "surrogateescape").removesuffix("\n")


def failure(stderr: bytes, status: int) -> Problem:
    """Why git has failed, in its own words: what it calls fatal, or else the last of what it said.

    A `NoAnswer` where it could not start something (run-command.c): a helper, say, without which it goes on. `Nothing`
    where it has not failed at all.
    """
    if status == 1 and not stderr:
        return Nothing("git says: exit status 1")
    said = stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit status {status}"]
    for words in said:
        if words.startswith(("error: cannot fork() for ", "error: cannot create ")):
            return NoAnswer(f"git says: {words.removeprefix('error: ')}")
    why = next((words for words in said if words.startswith("fatal: ")), said[-1])
    return Problem(f"git says: {why.removeprefix('fatal: ').removeprefix('error: ')}")


def _environment() -> dict[str, str]:
    # GIT_CONFIG is for `git config` alone: the git that asks for a credential does not know it.
    return environment("GIT_CONFIG", LC_ALL="C")


def helper_entries() -> list[Entry]:
    """The entries that name credential helpers: the one look that `store` and `erase` take, and quickly.

    None where git cannot read its configuration: then it has not asked anybody, either.
    """
    pattern = r"^credential\.(.*\.)?helper$"
    arguments = ["config", "--get-regexp", *_LISTED, pattern]
    if sys.platform == "win32":
        try:
            return _parsed(run(*arguments))
        except Problem:
            return []
    # What `subprocess` does, without the time that its import takes.
    reading, writing = os.pipe()
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, writing, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    program = git()
    child = os.posix_spawn(program, [program, *arguments], _environment(), file_actions=files)
    os.close(writing)
    with open(reading, "rb") as pipe:
        listed = pipe.read()
    os.waitpid(child, 0)
    return _parsed(listed)


def entries() -> list[Entry]:
    """Every variable that is set here, in git's order."""
    found = _parsed(run("config", "--list", *_LISTED))
    lost = [entry for entry in found if entry.origin.startswith("file:") and not os.path.exists(entry.origin[5:])]
    if lost:  # git names them from the top of the work tree, and this is a directory below it
        up = line("rev-parse", "--show-cdup")
        for entry in lost:
            entry.origin = "file:" + os.path.abspath(os.path.join(up, entry.origin[5:]))
    return found


def entries_of_file(path: str) -> list[Entry]:
    """The variables of one file and of what it includes."""
    return _parsed(run(*_NOWHERE, "config", "--file", path, "--includes", "--list", *_LISTED))


def entries_of(content: bytes) -> list[Entry]:
    """The variables of what may become a file, without what it includes."""
    return _parsed(run(*_NOWHERE, "config", "--file", "-", "--no-includes", "--list", *_LISTED, given=content))


_LISTED = ("-z", "--show-scope", "--show-origin")
_NOWHERE = ("-C", os.path.abspath(os.sep))  # not in a repository, whose own configuration may be broken


def _parsed(listed: bytes) -> list[Entry]:
    fields = listed.decode("utf-8", "surrogateescape").split("\0")
    found = []
    for scope, origin, variable in zip(fields[0::3], fields[1::3], fields[2::3], strict=False):
        key, newline, value = variable.partition("\n")
        found.append(Entry(scope, origin, key, value if newline else None))
    return found


def quoted(value: str) -> str:
    """A value as it stands in a configuration file, in quotes where it needs them (git-config(1), SYNTAX)."""
    if is_plain(value.removeprefix("hf --token ")):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def is_plain(text: str) -> bool:
    """Whether neither git's configuration nor a shell could take this for anything but what it is."""
    return all(c.isalnum() or c in "/._-+:~" for c in text)


def helpers(url: str, configured: list[Entry]) -> list[Entry]:
    """The chain of helpers that git asks for `url`, in its order: an empty value forgets the ones before it.

    All matching sections count, the more specific no more than the others (gitcredentials(7), "Custom helpers").
    """
    chain: list[Entry] = []
    for entry in configured:
        if entry.is_helper() and applies(entry.subsection, url):
            chain = [*chain, entry] if entry.value else []
    return chain


def applies(pattern: str, url: str) -> bool:
    """Whether git uses the section `[credential "PATTERN"]` for `url` (gitcredentials(7), "Credential contexts")."""
    if not pattern:
        return True
    if _matches_in_part(pattern, url):
        return True
    if _is_plain_url(pattern):
        return _matches(pattern, url)
    # Percent signs, wildcards, `..`, a dot at the end: git itself knows best what it makes of them.
    return "://" in pattern and _git_matches(pattern, url)


def _matches_in_part(pattern: str, url: str) -> bool:
    """What a pattern that is no whole URL names must be the same, letter by letter (match_partial_url)."""
    return all(want in (None, part) for want, part in zip(_parts(pattern), _parts(url), strict=True))


def _parts(url: str) -> tuple[str | None, ...]:
    protocol, separator, rest = url.partition("://")
    if not separator:
        protocol, rest = "", url
    end = min((rest.index(c) for c in "/?#" if c in rest), default=len(rest))
    user, at, host = rest[:end].rpartition("@")
    name = user.partition(":")[0] if at else None
    return tuple(decoded(part) for part in (protocol or None, host or None, rest[end:].strip("/") or None, name))


def origin_of(pattern: str) -> str | None:
    """The origin that a section is about, whatever user or path it names."""
    protocol, host, _, _ = _parts(pattern)
    return normalized_origin(protocol or "", host or "")


def user_of(url: str) -> str | None:
    """The user name in a URL, if there is one."""
    return _parts(url)[3]


def decoded(part: str | None) -> str | None:
    """A part of a URL without its percent signs."""
    if part is None or "%" not in part:
        return part
    from urllib.parse import unquote

    return unquote(part)


def _is_plain_url(pattern: str) -> bool:
    scheme, separator, rest = pattern.partition("://")
    host, colon, port = rest.partition("/")[0].rpartition("@")[2].partition(":")
    is_plain = (
        all(c.isascii() and (c.isalnum() or c in "-._/@:") for c in rest) and "/." not in rest and "//" not in rest
    )
    return (
        bool(separator)
        and scheme.isalnum()
        and is_plain
        and host.strip(".") == host != ""
        and bool(colon) == bool(port)
    )


def _matches(pattern: str, url: str) -> bool:
    _, _, path, user = _parts(pattern)
    _, _, have_path, have_user = _parts(url)
    return (
        origin_of(pattern) is not None  # as it is for what is never given a token
        and origin_of(pattern) == origin_of(url)
        and user in (None, have_user)
        and (not path or f"{have_path}/".startswith(f"{path}/"))
    )


_matched: dict[tuple[str, str], bool] = {}  # what git has been asked already


def _git_matches(pattern: str, url: str) -> bool:
    scheme, _, rest = pattern.partition("://")
    where, slash, path = rest.partition("/")
    login, at, host = where.rpartition("@")
    # git compares no passwords, so it is told none.
    pattern = f"{scheme}://{login.partition(':')[0]}{at}{host}{slash}{path}"
    if (pattern, url) not in _matched:
        probe = {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"credential.{pattern}.isforus",
            "GIT_CONFIG_VALUE_0": "yes",
        }
        try:
            answer = run(*_NOWHERE, "config", "--get-urlmatch", "credential.isforus", url, environment=probe)
        except Problem:
            answer = b""
        _matched[pattern, url] = answer == b"yes\n"
    return _matched[pattern, url]


def push_url() -> str:
    """The URL that `git push` in this repository goes to; raises `Problem` where there is none."""
    try:
        branch = run("symbolic-ref", "--short", "--quiet", "HEAD").decode("utf-8", "surrogateescape").strip()
    except Problem:
        branch = ""  # detached
    configured = entries()
    settings = {(e.section, e.subsection, e.name): e.value for e in configured}
    remotes = {e.subsection for e in configured if e.section == "remote" and e.subsection}
    name = remotes.pop() if len(remotes) == 1 else "origin"  # as git has it
    keys = [("branch", branch, "pushremote"), ("remote", "", "pushdefault"), ("branch", branch, "remote")]
    name = next((settings[key] or name for key in keys if settings.get(key)), name)
    if "://" in name or parse_remote(name):
        return name  # what `git push -u URL` leaves; it may hold a token, and arguments are there for all to read
    try:
        urls = run("remote", "get-url", "--push", "--all", "--", name).decode("utf-8", "surrogateescape").splitlines()
    except Problem:
        raise Problem("there is no repository here with a remote to push to", "name one, such as acme/model") from None
    return next((url for url in urls if parse_remote(url)), urls[0])  # there may be some


def file(scope: str) -> str:
    """The path of a scope's file, which need not exist; symbolic links are followed, as git does when it writes.

    The rules are those of git-config(1), FILES. git itself prints the path only from 2.41 on (`git var`).
    """
    if scope == "local":
        try:
            return os.path.realpath(line("rev-parse", "--git-path", "config"))
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
        # the quotes make git start it by the shell, where it is built in, and not from PATH.
        shown = run("config", "--system", "--edit", environment={"GIT_EDITOR": 'printf "%s"'}).decode(
            "utf-8", "surrogateescape"
        )
        return os.path.realpath(shown)
    if not os.path.isabs(home()):
        raise Problem("HOME is not set, so git has no global configuration", "export HOME=/path/of/your/home")
    own = os.path.join(home(), ".gitconfig")
    xdg = os.path.join(os.environ.get("XDG_CONFIG_HOME") or os.path.join(home(), ".config"), "git", "config")
    is_xdg = not os.access(own, os.R_OK) and os.access(xdg, os.R_OK)
    return os.path.realpath(xdg if is_xdg else own)
