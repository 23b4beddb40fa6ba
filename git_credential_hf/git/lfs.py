"""Check whether git uses git-lfs, and suggest a fix if not: most repositories of the Hub store files in LFS."""

import os
import sys

from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.git.run import find_program, run_git
from git_credential_hf.problem import Problem

MISSING = "git-lfs is not installed: clones contain pointers instead of files"
MISSING_BUT_USED = "git-lfs is not installed, but git's configuration has its filter: clones of files in LFS fail"
NOT_USED = "git-lfs is installed, but git does not use it: clones contain pointers instead of files"
NOT_DOWNLOADED = "the LFS files of this repository are pointers: their content was not downloaded"

_INSTALL = "git lfs install --skip-repo"
_MAX_POINTER_BYTES = 1024  # git-lfs's own limit
_POINTER = b"version https://git-lfs.github.com/spec/"
_SECONDS = 3  # for git to list the files in LFS

# The commands that install git-lfs, by package manager.
_MANAGERS = {
    "apt-get": "apt-get install -y git-lfs",
    "dnf": "dnf install -y git-lfs",
    "apk": "apk add --update-cache git-lfs",
    "zypper": "zypper --non-interactive install git-lfs",
    "pacman": "pacman -Sy --noconfirm git-lfs",
}


def is_used(entries: list[ConfigEntry]) -> bool:
    """Whether git has the filter that `git lfs install` sets."""
    return any(
        (entry.section, entry.subsection) == ("filter", "lfs") and entry.name in ("process", "smudge")
        for entry in entries
    )


def setup_problem(entries: list[ConfigEntry]) -> Problem | None:
    """Return why the next clone would have pointers instead of files, if it would."""
    if find_program("git-lfs") is not None and is_used(entries):
        return None
    missing = MISSING_BUT_USED if is_used(entries) else MISSING
    return Problem(NOT_USED if find_program("git-lfs") else missing, _fix(entries))


def pointers_problem(entries: list[ConfigEntry]) -> Problem | None:
    """Return the problem that no LFS file of this work tree was downloaded, unless the user seems to want that."""
    chosen = os.environ.get("GIT_LFS_SKIP_SMUDGE") or any(
        (entry.section, entry.name) in (("lfs", "fetchinclude"), ("lfs", "fetchexclude"))
        or (is_used([entry]) and "--skip" in (entry.value or ""))
        for entry in entries
    )
    return None if chosen or not _has_only_pointers() else Problem(NOT_DOWNLOADED, _fix(entries, "git lfs pull"))


def files_in_lfs() -> list[str]:
    """Return the files of this work tree that are in LFS, relative to the current directory."""
    try:
        # Without programs that a hostile repository could make git run.
        listed = run_git("-c", "core.fsmonitor=false", "ls-files", "-z", ":(top,attr:filter=lfs)", seconds=_SECONDS)
    except Problem:
        return []  # not in a work tree
    return [os.fsdecode(name) for name in listed.split(b"\0") if name]


def _has_only_pointers() -> bool:
    states = [_is_pointer(name) for name in files_in_lfs()]
    return True in states and False not in states


def _is_pointer(path: str) -> bool | None:
    """Whether a file is a pointer; `None` if it does not exist, or is not a regular file."""
    try:
        if os.path.islink(path) or not os.path.isfile(path):
            return None
        if os.path.getsize(path) > _MAX_POINTER_BYTES:
            return False
        with open(path, "rb") as file:
            return file.read(len(_POINTER)) == _POINTER
    except OSError:
        return None


def _fix(entries: list[ConfigEntry], then: str = "") -> str:
    """Return the hint that makes git use git-lfs, and then runs `then`."""
    commands = []
    if not is_used(entries):
        commands.append(_INSTALL)
    commands += filter(None, [then])
    if find_program("git-lfs") is not None:
        return f"run `{' && '.join(commands)}`"
    install, is_allowed = _install_command()
    if install and is_allowed:
        return f"run `{' && '.join([install, *commands])}`"
    rest = f", then run `{' && '.join(commands)}`" if commands else ""
    if install:
        return f"ask an administrator to run `{install}`{rest}"
    return f"install git-lfs from https://git-lfs.com{rest}"


def _install_command() -> tuple[str, bool]:
    """Return the command that installs git-lfs on this system, if it is known, and whether this user may run it."""
    if os.environ.get("CONDA_PREFIX") and find_program("conda"):
        return "conda install --yes --channel conda-forge git-lfs", True
    if sys.platform != "win32":
        is_root = os.geteuid() == 0
        for manager, command in _MANAGERS.items():
            if find_program(manager):
                if is_root:  # in a container, whose package lists may be missing
                    return f"apt-get update && {command}" if manager == "apt-get" else command, True
                return (f"sudo {command}", True) if find_program("sudo") else (command, False)
    return ("brew install git-lfs", True) if find_program("brew") else ("", False)
