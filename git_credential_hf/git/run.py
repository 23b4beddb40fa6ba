"""How git is run, and which git: never one that a repository brings."""

import os
import sys

from git_credential_hf.problem import Problem

# The environment in which a helper asks nobody: no terminal, no askpass, no window.
NON_INTERACTIVE = {
    "GIT_TERMINAL_PROMPT": "0",
    "GCM_INTERACTIVE": "never",
    "GCM_GUI_PROMPT": "false",
    "SSH_ASKPASS_REQUIRE": "never",
}
NO_PROMPTS = {**NON_INTERACTIVE, "GIT_ASKPASS": "", "SSH_ASKPASS": ""}  # for git itself: this overrides core.askPass
GIT_TIMEOUT = 10  # seconds for an answer of git, which has but files to read
OUTSIDE_REPOSITORIES = ("-C", os.path.abspath(os.sep))  # options; a repository's own configuration may be broken


# --- which program ---


def git_program() -> str:
    """The absolute path of git, never one in the current directory, which may be a hostile repository."""
    return find_program("git") or _missing()


def find_program(program: str) -> str | None:
    """The absolute path of a program on PATH; by an entry that is not absolute nothing is found.

    One in the current directory, or in the work tree around that, is the last choice: if PATH has its absolute
    path, its owner means that (a virtual environment), but for no program that is elsewhere, too.
    """
    # No .bat and .cmd: cmd.exe reads their arguments once more, as it likes. git starts none by its name either.
    name = f"{program}.exe" if sys.platform == "win32" else program
    last = None
    for directory in path_directories():
        path = os.path.join(directory, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            if not _is_around_us(directory):
                return path
            last = last or path
    return last


def path_directories() -> list[str]:
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


def child_environment(*without: str, **more: str) -> dict[str, str]:
    """The environment for git and for helpers: they, too, are to find no program in the current directory."""
    found = {name: value for name, value in os.environ.items() if name not in without}
    found["PATH"] = os.pathsep.join(path_directories())
    if sys.platform == "win32":
        found["NoDefaultCurrentDirectoryInExePath"] = "1"  # it would come before PATH
    return {**found, **more}


def git_home() -> str:
    """Return the home that git uses, for its configuration and for `.netrc`; empty if it has none.

    Python's on Windows may be another one, as it does not look at HOME. Git for Windows sets that if it is not set
    (compat/mingw.c, setup_windows_environment).
    """
    named = os.environ.get("HOME", "")
    if named or sys.platform != "win32":
        return named
    drive, path = os.environ.get("HOMEDRIVE", ""), os.environ.get("HOMEPATH", "")
    return drive + path if drive and path and os.path.isdir(drive + path) else os.environ.get("USERPROFILE", "")


# --- running git ---


class NoAnswer(Problem):
    """git, or what it started, took too long or could not start: its answer is unknown."""


class NothingFound(Problem):
    """git has found nothing: status 1 without a message (git-config(1))."""


def run_git(
    *arguments: str, given: bytes = b"", environment: dict[str, str] | None = None, seconds: float | None = GIT_TIMEOUT
) -> bytes:
    """What `git ARGUMENTS` prints, with `given` on its stdin, and `seconds` to do it (`None`: as long as it takes).

    Raises `Problem` with git's own words if it fails, and `NoAnswer`.
    """
    from git_credential_hf.system import TimeoutExpired, end_process, start_process

    is_apart = seconds is not None
    try:
        process = start_process(
            [git_program(), *arguments], {**git_environment(), **(environment or {})}, is_apart=is_apart
        )
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
        raise git_failure(stderr, process.returncode)
    return stdout


def git_line(*arguments: str, given: bytes = b"") -> str:
    """The one line that `git ARGUMENTS` prints; raises as `run` does."""
    return run_git(*arguments, given=given).decode("utf-8", "surrogateescape").removesuffix("\n")


def git_failure(stderr: bytes, status: int) -> Problem:
    """Return why git failed, in its own words: the fatal line, or else the last one.

    A `NoAnswer` if it could not start something (run-command.c), such as a helper. `NothingFound` if it has not failed
    at all.
    """
    if status == 1 and not stderr:
        return NothingFound("git says: exit status 1")
    lines = stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit status {status}"]
    for words in lines:
        if words.startswith(("error: cannot fork() for ", "error: cannot create ")):
            return NoAnswer(f"git says: {words.removeprefix('error: ')}")
    why = next((words for words in lines if words.startswith("fatal: ")), lines[-1])
    return Problem(f"git says: {why.removeprefix('fatal: ').removeprefix('error: ')}")


def git_environment() -> dict[str, str]:
    """Return the environment in which git answers as it does for a credential, and in English."""
    # GIT_CONFIG is for `git config` alone: the git that asks for a credential does not know it.
    return child_environment("GIT_CONFIG", LC_ALL="C")
