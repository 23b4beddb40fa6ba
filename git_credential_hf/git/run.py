"""Find and run git, and never a program from the repository."""

import os
import sys

from git_credential_hf.problem import Problem

# Environment for helpers: no prompts on the terminal, by askpass or in a window.
NON_INTERACTIVE = {
    "GIT_TERMINAL_PROMPT": "0",
    "GCM_INTERACTIVE": "never",
    "GCM_GUI_PROMPT": "false",
    "GCM_PROVIDER": "generic",  # else it probes the host, and stores the result in git's configuration
    "SSH_ASKPASS_REQUIRE": "never",
}
NO_PROMPTS = {**NON_INTERACTIVE, "GIT_ASKPASS": "", "SSH_ASKPASS": ""}  # for git itself: overrides core.askPass
# Keep git from contacting remotes. Without this, a read-only command may fetch an object that a partial clone lacks,
# from a remote that may be a command (`ext::`). git 2.45 and Debian's 2.39 know the first variable; all others fail
# because of the second.
NO_NETWORK = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}
OLDEST_GIT = (2, 31)  # the first version that reads the settings of `configure --env`
GIT_TIMEOUT = 10  # seconds; git only has to read files
OUTSIDE_REPOSITORIES = ("-C", os.path.abspath(os.sep))  # options for git; a repository's configuration may be broken


# --- which program ---


def git_program() -> str:
    """Return the absolute path of git; raises `Problem` if it is not on PATH."""
    program = find_program("git")
    if program is None:
        raise Problem("git is not on PATH", "install git")
    return program


def git_version() -> tuple[int, ...]:
    """Return the version of git, such as `(2, 39)`; raises `Problem` if git cannot be run."""
    words = run_git("version").decode("ascii", "replace").split()
    numbers = words[2].split(".")[:2] if len(words) > 2 else []
    return tuple(int(number) for number in numbers if number.isdecimal())


def old_git_problem() -> Problem | None:
    """Return the problem that this git is too old for `configure --env`; `None` if it is not."""
    version = git_version()
    if not version or version >= OLDEST_GIT:
        return None
    message = f"git {'.'.join(map(str, version))} is older than {'.'.join(map(str, OLDEST_GIT))}"
    return Problem(f"{message}, and ignores the settings of `configure --env`", "run `git-credential-hf configure`")


def find_program(program: str) -> str | None:
    """Return the absolute path of a program on PATH, or `None`. Relative entries of PATH are ignored.

    A program in the current work tree, which may be hostile, is the last choice. It is used at all because the user
    may have put a directory of it on PATH, such as a virtual environment.
    """
    # Not .bat and .cmd: cmd.exe parses their arguments again. git does not start them by name either.
    name = f"{program}.exe" if sys.platform == "win32" else program
    last = None
    for directory in path_directories():
        path = os.path.join(directory, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            if not is_in_work_tree(directory):
                return path
            last = last or path
    return last


def path_directories() -> list[str]:
    """Return the entries of PATH, without relative ones: the current directory may be a hostile repository."""
    return [path for path in os.environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(path)]


def is_in_work_tree(directory: str) -> bool:
    """Whether a directory is the current one, or in its work tree."""
    try:
        here = os.path.realpath(os.getcwd())
    except OSError:
        return False  # it was removed
    directory = os.path.normcase(os.path.join(os.path.realpath(directory), ""))
    if directory == os.path.normcase(os.path.join(here, "")):
        return True
    while not os.path.lexists(os.path.join(here, ".git")):
        here, below = os.path.dirname(here), here
        if here == below:
            return False  # no work tree
    return directory.startswith(os.path.normcase(os.path.join(here, "")))


def child_environment(*without: str, **more: str) -> dict[str, str]:
    """Return the environment for git and helpers, which must not start programs in the current directory either."""
    found = {name: value for name, value in os.environ.items() if name not in without}
    found["PATH"] = os.pathsep.join(path_directories())
    if sys.platform == "win32":
        found["NoDefaultCurrentDirectoryInExePath"] = "1"  # else Windows looks there before PATH
    return {**found, **more}


def git_home() -> str:
    """Return the home directory that git uses, for its configuration and for `.netrc`; empty if there is none.

    On Windows it may differ from Python's, which ignores HOME. Git for Windows sets HOME if it is not set
    (compat/mingw.c, setup_windows_environment).
    """
    named = os.environ.get("HOME", "")
    if named or sys.platform != "win32":
        return named
    drive, path = os.environ.get("HOMEDRIVE", ""), os.environ.get("HOMEPATH", "")
    return drive + path if drive and path and os.path.isdir(drive + path) else os.environ.get("USERPROFILE", "")


# --- running git ---


class NoAnswer(Problem):
    """git, or a program that it started, took too long or could not start."""


class NothingFound(Problem):
    """git found nothing: exit status 1 without a message (git-config(1))."""


def run_git(
    *arguments: str,
    given: bytes = b"",
    environment: dict[str, str] | None = None,
    without: tuple[str, ...] = (),
    seconds: float | None = GIT_TIMEOUT,
    may_connect: bool = False,
) -> bytes:
    """Run `git ARGUMENTS` with `given` on its stdin, and return its stdout.

    `seconds`: the time limit, `None` for none. `environment`: variables to add; `without`: variables to remove.
    `may_connect`: git and its child processes may use the network. Raises `Problem` with git's own message if it fails,
    and `NoAnswer` if it does not answer.
    """
    question = (arguments, given, without)
    known = OneLook.answers.get(question) if OneLook.answers is not None else None
    if known is None:
        try:
            status, stdout, stderr = try_git(
                *arguments,
                given=given,
                environment=environment,
                without=without,
                seconds=seconds,
                may_connect=may_connect,
            )
            known = git_failure(stderr, status) if status else stdout
        except Problem as problem:
            known = problem
        if OneLook.answers is not None:
            OneLook.answers[question] = known
    if isinstance(known, Problem):
        raise known.with_traceback(None)
    return known


class OneLook:
    """A block in which nothing changes, so that each git command, and the helpers it runs, runs only once."""

    answers: "dict[tuple[tuple[str, ...], bytes, tuple[str, ...]], bytes | Problem] | None" = None

    def __enter__(self) -> None:
        OneLook.answers = {}

    def __exit__(self, *_: object) -> None:
        OneLook.answers = None


def try_git(
    *arguments: str,
    given: bytes = b"",
    environment: dict[str, str] | None = None,
    without: tuple[str, ...] = (),
    seconds: float | None = GIT_TIMEOUT,
    may_connect: bool = False,
) -> tuple[int, bytes, bytes]:
    """Run `git ARGUMENTS` like `run_git`; return its exit status, stdout and stderr."""
    from git_credential_hf.system import TimeoutExpired, end_process, start_process

    is_apart = seconds is not None
    try:
        process = start_process(
            [git_program(), *arguments],
            {**git_environment(*without, may_connect=may_connect), **(environment or {})},
            is_apart=is_apart,
        )
    except OSError as error:  # an argument of 128 kB is too long, for example
        raise Problem(f"git cannot be started: {error.strerror}") from None
    with process:
        try:
            stdout, stderr = process.communicate(given, seconds)
        except BaseException as error:
            end_process(process, is_apart=is_apart, grace=1)  # for git to remove its locks
            if isinstance(error, TimeoutExpired):
                command = next(word for word in arguments[0::2] if word not in ("-C", "-c"))
                raise NoAnswer(f"git {command} did not answer within {seconds:g} seconds") from None
            raise
    return process.returncode, stdout, stderr


def git_line(*arguments: str, given: bytes = b"") -> str:
    """Run `git ARGUMENTS`, and return the line that it prints; raises like `run_git`."""
    return run_git(*arguments, given=given).decode("utf-8", "surrogateescape").removesuffix("\n")


def git_failure(stderr: bytes, status: int) -> Problem:
    """Return git's own error message: the fatal line, or else the last line.

    `NoAnswer` if git could not start another program, such as a helper (run-command.c); `NothingFound` if it did not
    fail, but found nothing.
    """
    if status == 1 and not stderr:
        return NothingFound("git failed: exit status 1")
    from git_credential_hf.masking import mask_secrets, mask_words

    # Masked before it is split into lines, because it contains output of helpers.
    words = mask_secrets(stderr.decode("utf-8", "surrogateescape"), are_others_words=True)
    lines = words.strip().splitlines() or [f"it crashed (signal {-status})" if status < 0 else f"exit status {status}"]
    for line in lines:
        if line.startswith(("error: cannot fork() for ", "error: cannot create ")):
            return NoAnswer(f"git failed: {mask_words(line.removeprefix('error: '))}")
    reason = next((line for line in lines if line.startswith("fatal: ")), lines[-1])
    if reason == "fatal: unable to parse command-line config":
        reason = lines[max(lines.index(reason) - 1, 0)]
    elif reason.endswith(":") and lines[-1].startswith("\t"):  # a list of one
        reason += f" {lines[-1].strip()}"
    reason = mask_words(reason).removeprefix("fatal: ").removeprefix("error: ")
    return Problem(f"git failed: {reason}", _remedy(reason, lines))


def _remedy(reason: str, lines: list[str]) -> str | None:
    """Return how to make git work again: the command that git suggests, or one for its message."""
    import re
    import shlex

    from git_credential_hf.shell import shell_command, shell_word

    for line in lines:
        if line.startswith("\tgit config --global --add safe.directory "):
            try:
                return f"run `{shell_command(shlex.split(line))}`"  # quoted for our messages
            except ValueError:
                return None
    if found := re.match(r"bad config (?:line (\d+) in file (.*)|variable .* in file '(.*)' at line (\d+))$", reason):
        file = os.path.abspath(found[2] or found[3])
        return f"run `${{EDITOR:-vi}} {shell_word(file)}`, and correct line {found[1] or found[4]}"
    if found := re.match(r"unable to access '(.*)': Permission denied$", reason):
        return f"run `ls -ld {shell_word(os.path.abspath(found[1]))}` to see its permissions"
    if found := re.match(r"bogus .* in (GIT_CONFIG_[A-Z]+)$", reason):
        return f"run `unset {found[1]}`"
    if re.match(r"(?i)expected git repo version|unknown repository extension", reason):
        return "update git: a newer one has made this repository"
    if found := re.match("not a git repository: (.*)$", reason):
        if "GIT_DIR" in os.environ:
            return "run `unset GIT_DIR`"
        what = "what .git names" if found[1] == "(null)" else shell_word(found[1])  # as git 2.55 prints it
        return f"restore {what}, or remove .git"
    if reason.startswith("it crashed") and os.path.isfile(".git/config"):  # all versions with `hasconfig`, up to 2.55
        return "run `${EDITOR:-vi} .git/config`, and give each remote's `url` a value"
    if reason.startswith("Unable to read current working directory"):
        return "run `cd`, as this directory was removed"
    return None


def git_environment(*without: str, may_connect: bool = False) -> dict[str, str]:
    """Return the environment in which `git config` reads the same settings as git itself, with English messages."""
    # Only `git config` honors GIT_CONFIG; git ignores it when it looks for helpers.
    return child_environment("GIT_CONFIG", *without, LC_ALL="C", **({} if may_connect else NO_NETWORK))
