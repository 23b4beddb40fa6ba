"""Find out who else can change this program's files, and so get every token that it reads; and how to install more.

Windows has no permission bits, and is not checked.
"""

import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator

from git_credential_hf.shell import shell_command

MACOS_ADMIN = 80  # the group of users who may use sudo; Homebrew's directories are writable for it


class Weakness:
    """A file or directory that others can change; `is_mode`: because of its permissions, not because of its owner."""

    def __init__(self, path: str, reason: str, *, is_mode: bool) -> None:
        self.path = path
        self.reason = reason
        self.is_mode = is_mode


def program_weaknesses(trusted: set[int], others: Iterable[str] = ()) -> list[Weakness]:
    """Return what lets users other than root and the `trusted` ones change this program; the topmost path first.

    Imported packages are part of the program; `others` are the paths by which git starts it.
    """
    if sys.platform == "win32":
        return []
    package = os.path.dirname(os.path.abspath(__file__))
    packages = [package, *imported_packages()]
    # Whoever can create a file in these can add a module, even with the sticky bit.
    imported = {_identity(os.stat(path)) for path in (*packages, *map(os.path.dirname, packages))}
    found: list[Weakness] = []
    seen: set[tuple[int, int]] = set()
    paths = (os.path.abspath(sys.argv[0]), sys.executable, *others, *packages)
    for path, status in _files_and_steps(paths, packages):
        is_theirs = not (status.st_uid in trusted or _is_like_root(status.st_uid))
        if not is_theirs and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            continue  # as nearly all of two thousand files
        if _identity(status) in seen:
            continue
        seen.add(_identity(status))
        reason = _who_may_write(status, is_imported=_identity(status) in imported)
        if is_theirs:
            found.append(Weakness(path, f"{path} belongs to {user_name(status.st_uid)}", is_mode=False))
        elif reason:
            found.append(Weakness(path, f"{path} is writable for {reason}", is_mode=True))
    return sorted(found, key=lambda weakness: weakness.path.count(os.sep))


def fix_weaknesses(weaknesses: list[Weakness], reinstall: str) -> str:
    """Return the hint that makes this program safe from other users; `reinstall`: the command that installs it anew."""
    if not all(weakness.is_mode for weakness in weaknesses):
        return f"run `{reinstall}`"
    environment = sys.prefix if sys.prefix != sys.base_prefix else None
    inside = [weakness for weakness in weaknesses if environment and _is_in(weakness.path, environment)]
    outside = [weakness.path for weakness in weaknesses if weakness not in inside]
    commands = [["chmod", "go-w", *outside]] if outside else []
    if environment and inside:
        commands.append(["chmod", "-R", "go-w", environment])
    is_mine = sys.platform == "win32" or all(os.stat(one.path).st_uid == os.geteuid() for one in weaknesses)
    sudo = [] if is_mine else ["sudo"]
    return "run `" + " && ".join(shell_command([*sudo, *command]) for command in commands) + "`"


def command_to_install(requirement: str) -> str:
    """Return the command that installs a package into this program's environment, with the tool that manages it.

    uv and pipx create environments without pip.
    """
    import importlib.util

    for receipt, command in (
        ("uv-receipt.toml", ["uv", "tool", "install", "--with", requirement, "git-credential-hf"]),
        ("pipx_metadata.json", ["pipx", "inject", "--force", "git-credential-hf", requirement]),
    ):
        if os.path.exists(os.path.join(sys.prefix, receipt)):
            return shell_command(command)
    if importlib.util.find_spec("pip"):
        return shell_command([sys.executable, "-m", "pip", "install", requirement])
    return shell_command(["uv", "pip", "install", "--python", sys.executable, requirement])


def _is_in(path: str, directory: str) -> bool:
    directory = os.path.realpath(directory)
    return os.path.commonpath([os.path.realpath(path), directory]) == directory


def imported_packages() -> list[str]:
    """Return the directories of all packages that this program imports, directly or indirectly."""
    from importlib.metadata import PackageNotFoundError
    from importlib.util import find_spec

    waiting, seen = ["git-credential-hf"], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            waiting += _required_packages(name)
        except PackageNotFoundError:
            continue  # for another platform, or found in another way
    specs = (find_spec(name.replace("-", "_")) for name in seen if name != "git-credential-hf")
    return sorted({place for spec in specs if spec for place in spec.submodule_search_locations or ()})


def _required_packages(name: str) -> list[str]:
    """Return the packages that an installed package needs, without those of its extras."""
    from importlib.metadata import distribution

    package = distribution(name)
    headers = (package.read_text("METADATA") or "").partition("\n\n")[0]
    # `requires` would also parse what follows: the README of each package.
    needed = re.findall("^Requires-Dist: (.*)", headers, re.MULTILINE) if headers else package.requires or []
    return [re.split(r"[^\w.-]", text)[0] for text in needed if "extra ==" not in text]


def files_of(packages: list[str]) -> Iterator["os.DirEntry[str]"]:
    """Yield what is in packages, and the files beside them that Python reads at each start."""
    waiting = [*packages]
    while waiting:
        for entry in _entries(waiting.pop()):
            yield entry
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
    for beside in {os.path.dirname(package) for package in packages}:
        for entry in _entries(beside):
            if entry.name.endswith(".pth") or entry.name in ("sitecustomize.py", "usercustomize.py"):
                yield entry


def _entries(directory: str) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(directory) as entries:
            return [*entries]
    except OSError:
        return []  # it no longer exists, or cannot be read


def _files_and_steps(paths: Iterable[str], packages: list[str]) -> Iterator[tuple[str, os.stat_result]]:
    """Yield what leads to `paths` and to the files in packages, and these files."""
    walked: set[str] = set()
    for path in paths:
        yield from _steps(path, walked)
    for entry in files_of(packages):
        if entry.is_symlink():
            yield from _steps(entry.path, walked)
            continue
        try:
            yield entry.path, entry.stat(follow_symlinks=False)
        except OSError:
            pass  # it no longer exists


def _steps(path: str, walked: set[str]) -> Iterator[tuple[str, os.stat_result]]:
    """Yield `path` and all directories above it, and the same for the targets of links among them.

    Leave out what is in `walked`, and add the rest to it.
    """
    waiting = [path]
    for _ in range(40):  # as many links as the kernel follows
        if not waiting:
            return
        path = waiting.pop()
        while path not in walked:  # which contains all directories above its paths, to the root
            walked.add(path)
            try:
                status = os.lstat(path)
                if stat.S_ISLNK(status.st_mode):
                    waiting.append(os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path))))
                else:
                    yield path, status
            except OSError:
                pass  # it no longer exists, or cannot be read
            path = os.path.dirname(path)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _who_may_write(status: os.stat_result, *, is_imported: bool) -> str | None:
    """Return who else can write to a file, or replace files in a directory."""
    if stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX and not is_imported:
        return None  # only owners can rename or remove files in it
    if status.st_mode & stat.S_IWOTH:
        return "all users of this machine"
    if status.st_mode & stat.S_IWGRP and _has_others(status.st_gid):
        return f"the group {_group_name(status.st_gid)}"
    return None


def _has_others(gid: int) -> bool:
    """Whether a group has members that are neither this user nor root; a user's private group has no others."""
    if sys.platform == "win32" or gid == 0 or (sys.platform == "darwin" and gid == MACOS_ADMIN):
        return False
    import grp
    import pwd

    try:
        group = grp.getgrgid(gid)
        mine = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return False  # a container's user without a name: there are no others
    accounts = pwd.getpwall()
    members = {*group.gr_mem, *(account.pw_name for account in accounts if account.pw_gid == gid)}
    if members - {mine, "root"}:
        return True
    # A directory service knows the user, but often does not list all members of a group.
    is_listed = any(account.pw_name == mine for account in accounts)
    return not is_listed and group.gr_name != mine and gid in {os.getegid(), *os.getgroups()}


def _is_like_root(uid: int) -> bool:
    if uid == 0 or (sys.platform == "linux" and uid == _unmapped_user()):
        return True
    if sys.platform != "darwin":
        return False
    import grp
    import pwd

    try:  # the user who installed Homebrew, and can use sudo
        return pwd.getpwuid(uid).pw_name in grp.getgrgid(MACOS_ADMIN).gr_mem
    except KeyError:
        return False


def _unmapped_user() -> int | None:
    """Return the user that a rootless container shows as the owner of files of the host's root."""
    try:
        with open("/proc/self/uid_map") as file:
            if file.read().split()[-1:] == ["4294967295"]:
                return None  # not in such a container
        with open("/proc/sys/fs/overflowuid") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def user_name(uid: int) -> str:
    """Return the name of a user, for messages."""
    if sys.platform == "win32":
        return str(uid)
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"the user {uid}"


def _group_name(gid: int) -> str:
    if sys.platform == "win32":
        return str(gid)
    import grp

    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
