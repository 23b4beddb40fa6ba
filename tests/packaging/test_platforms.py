"""Windows and macOS, as far as Linux can show them: the platform is injected, git and its helpers are real.

What our modules see of Python is what it has there (`WINDOWS`); the standard library and what else is installed stay as
they are. Nothing here shows that Windows itself does what its documentation says.
"""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from git_credential_hf.git import other_helpers as others
from git_credential_hf.git.config import ConfigEntry
from git_credential_hf.git.helper_chain import helper_command, is_our_helper, is_program_path
from git_credential_hf.git.netrc import git_netrc_path, netrc_paths
from git_credential_hf.git.run import child_environment, find_program, git_home, git_program
from git_credential_hf.hub import hub_origins
from git_credential_hf.purge import purge_helpers
from git_credential_hf.purge.result import PurgeResult
from git_credential_hf.state import write_state
from git_credential_hf.state_directory import runtime_directory
from git_credential_hf.system import is_process_running

TOKEN = "hf_" + "Platform" * 4 + "wxyz"
HUB = "protocol=https\nhost=huggingface.co\n"
OURS = f"username=git\npassword={TOKEN}\n"
GIT = shutil.which("git") or ""
PROGRAM = os.path.join(sysconfig.get_path("scripts"), "git-credential-hf")


def program(path: Path, script: str = "exit 0") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def use_path(monkeypatch: pytest.MonkeyPatch, *entries: object) -> None:
    monkeypatch.setenv("PATH", os.pathsep.join(map(str, entries)))


@pytest.fixture
def logged_in(home: Path) -> None:
    """A home as `hf auth login` leaves it, an hour ago."""
    folder = home / ".cache" / "huggingface"
    folder.mkdir(parents=True)
    (folder / "token").write_text(TOKEN)
    os.utime(folder / "token", (time.time() - 3600,) * 2)


@pytest.fixture
def repository(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of a repository of the Hub, with a commit, in which we are; no Hub is to be reached."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    where = tmp_path / "clone"
    for arguments in (
        ("init", "-q", str(where)),
        ("-C", str(where), "remote", "add", "origin", "https://huggingface.co/alice/model"),
        ("-C", str(where), "-c", "user.name=A", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x"),
        ("config", "--global", "--add", "credential.helper", "store"),
        ("config", "--global", "--add", "credential.helper", "hf"),
    ):
        subprocess.run([GIT, *arguments], check=True)
    monkeypatch.chdir(where)
    return where


# --- a repository with programs in it ---

BAIT = ("git", "git.exe", "git-lfs", "git-lfs.exe", "git-credential-store", "git-credential-hf", "sh", "python3", "hf")
COMMANDS: dict[str, tuple[list[str], str]] = {
    "get": (["get"], HUB),
    "store": (["store"], HUB + OURS),
    "erase": (["erase"], HUB + "username=git\npassword=hf_other\n"),
    "status": (["status"], ""),
    "check": (["check"], ""),
    "doctor": (["doctor", "--offline"], ""),
    "purge": (["purge"], ""),
    "hook pre-push": (
        ["hook", "pre-push", "origin", "https://huggingface.co/alice/model"],
        f"refs/heads/main {'1' * 40} refs/heads/main {'0' * 40}\n",
    ),
    "hook pre-commit": (["hook", "pre-commit"], ""),
    "configure": (["configure", "--local", "--no-purge"], ""),
    "hooks install": (["hooks", "install"], ""),
}


@pytest.mark.parametrize("below", [".", "models"])
@pytest.mark.parametrize("name", COMMANDS)
def test_no_program_of_the_repository_is_run(
    name: str, below: str, repository: Path, logged_in: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever lies in the work tree, and whatever PATH has that is no absolute path: none of it is run."""
    here = repository / below
    for place in {repository, here, here / "bin"}:
        for bait in BAIT:
            program(place / bait, f"echo $0 $* >>'{tmp_path}/ran'")
    monkeypatch.chdir(here)
    use_path(monkeypatch, "", ".", "bin", "..", os.environ["PATH"])
    arguments, given = COMMANDS[name]
    done = subprocess.run([PROGRAM, *arguments], input=given.encode(), capture_output=True, timeout=120)
    assert not (tmp_path / "ran").exists(), (tmp_path / "ran").read_text()
    assert b"internal error" not in done.stderr
    assert b"not on PATH" not in done.stderr


# How a platform names a program, and how an attacker could.
NAMES = {"linux": ("git", ["git"]), "darwin": ("git", ["git"]), "win32": ("git.exe", ["git.exe", "git.bat", "git.cmd"])}


@pytest.mark.parametrize("platform", NAMES)
@pytest.mark.parametrize("where", ["work tree", "directory below the work tree", "no work tree"])
def test_git_is_found_outside_of_where_we_are(
    platform: str, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither an empty or relative entry of PATH, nor an absolute one into the work tree, comes before another git."""
    name, baits = NAMES[platform]
    hostile, good = tmp_path / "hostile", program(tmp_path / "good" / name)
    (tmp_path / "link").symlink_to(hostile)
    for bait in baits:
        for place in (hostile, hostile / "bin", hostile / "sub"):
            program(place / bait)
    if where != "no work tree":
        (hostile / ".git").mkdir()
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.chdir(hostile / "sub" if where.startswith("directory") else hostile)
    inside = ["", ".", "./bin", "bin", hostile, f"{hostile}/bin/..", tmp_path / "link", os.getcwd()]
    if where != "no work tree":
        inside += [f"{hostile}/bin"]  # else it may be ~/bin
    use_path(monkeypatch, *inside, good.parent)
    assert git_program() == str(good)
    use_path(monkeypatch, "", ".", "bin")
    assert find_program("git") is None


def test_a_virtual_environment_in_the_work_tree_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that only an absolute entry of PATH leads to is found there, be it in the work tree."""
    (tmp_path / ".git").mkdir()
    mine = program(tmp_path / ".venv/bin/git-credential-hf")
    monkeypatch.chdir(tmp_path)
    use_path(monkeypatch, mine.parent, "/usr/bin")
    assert find_program("git-credential-hf") == str(mine)


def test_a_directory_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the current directory has been removed, git is found all the same."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert git_program() == GIT


@pytest.mark.parametrize("script", ["git.bat", "git.cmd", "git.com", "git"])
def test_windows_starts_no_script(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `.bat` or `.cmd`, whose arguments cmd.exe reads anew, is not git, whatever PATHEXT says."""
    program(tmp_path / "elsewhere" / script)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("PATHEXT", ".COM;.EXE;.BAT;.CMD")
    use_path(monkeypatch, tmp_path / "elsewhere")
    assert find_program("git") is None


@pytest.mark.parametrize("platform", NAMES)
def test_what_git_starts_finds_nothing_here_either(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that are started get a PATH without the current directory, which on Windows would come before it."""
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("GIT_ASKPASS", "ask")
    use_path(monkeypatch, "", "/a", ".", "b", "/usr/bin")
    given = child_environment("GIT_ASKPASS", LC_ALL="C")
    assert given["PATH"] == os.pathsep.join(["/a", "/usr/bin"])
    assert given["LC_ALL"] == "C" and "GIT_ASKPASS" not in given
    assert ("NoDefaultCurrentDirectoryInExePath" in given) == (platform == "win32")


# --- homes and .netrc ---


@pytest.mark.parametrize(
    ("platform", "there", "used"),
    [
        ("linux", [".netrc", "_netrc"], ".netrc"),
        ("linux", ["_netrc"], ".netrc"),
        ("darwin", ["_netrc"], ".netrc"),
        ("win32", [".netrc", "_netrc"], ".netrc"),
        ("win32", ["_netrc"], "_netrc"),
        ("win32", [], "_netrc"),
    ],
)
def test_netrc_of_git(platform: str, there: list[str], used: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What git reads is `.netrc`, or on Windows `_netrc` where that is not, as libcurl does; `doctor` sees both."""
    monkeypatch.setattr(sys, "platform", platform)
    for name in there:
        (home / name).touch()
    assert git_netrc_path() == str(home / used)
    assert netrc_paths() == [str(home / ".netrc"), str(home / "_netrc")]
    monkeypatch.setenv("NETRC", str(home / "mine"))
    assert netrc_paths()[2:] == [str(home / "mine")]


def test_home_on_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The home of git is HOME, then HOMEDRIVE with HOMEPATH where that is a directory, then USERPROFILE."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("USERPROFILE", "C:/Users/alice")
    assert git_home() == os.environ["HOME"]
    monkeypatch.delenv("HOME")
    assert git_home() == "C:/Users/alice"
    monkeypatch.setenv("HOMEDRIVE", str(tmp_path))
    monkeypatch.setenv("HOMEPATH", "/missing")
    assert git_home() == "C:/Users/alice"
    (tmp_path / "missing").mkdir()
    assert git_home() == f"{tmp_path}/missing"
    monkeypatch.setattr(sys, "platform", "linux")
    assert git_home() == ""


# --- what is kept ---


@pytest.mark.skipif(
    tuple(map(int, version("platformdirs").split(".")[:2])) < (4, 14), reason="platformdirs had other rules before 4.14"
)
def test_runtime_directory_of_macos_follows_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS, too, XDG_RUNTIME_DIR counts where it is the user's alone, as with platformdirs."""
    from platformdirs.macos import MacOS

    monkeypatch.setattr(sys, "platform", "darwin")
    for mode in (0o700, 0o755):
        tmp_path.chmod(mode)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = MacOS("git-credential-hf", appauthor=False).user_runtime_dir
        assert runtime_directory() == expected


@pytest.mark.parametrize(("platform", "is_kept"), [("win32", True), ("linux", False)])
def test_a_reader_makes_a_writer_wait_on_windows(
    platform: str, is_kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that somebody reads cannot be replaced on Windows until it is closed; elsewhere a refusal is one."""
    monkeypatch.setattr(sys, "platform", platform)
    tries: list[int] = []
    replace = os.replace

    def busy(source: str, target: str) -> None:  # stands for a reader
        tries.append(1)
        if len(tries) < 3:
            raise PermissionError(13, "used by another process")
        replace(source, target)

    monkeypatch.setattr(os, "replace", busy)
    place = tmp_path / "runtime"
    assert write_state("name", "one\ntwo\n", str(place)) is is_kept
    assert [file.read_bytes() for file in place.iterdir()] == ([b"one\ntwo\n"] if is_kept else [])


# --- other helpers ---


@pytest.mark.parametrize(
    ("platform", "value", "is_one"),
    [
        ("linux", "/usr/bin/x", True),
        ("linux", "C:/x", False),
        ("linux", r"\x", False),
        ("win32", "/mingw64/bin/x", True),
        ("win32", "C:/x", True),
        ("win32", r"C:\x", True),
        ("win32", r"\x", True),
        ("win32", "manager", False),
    ],
)
def test_paths_of_helpers(platform: str, value: str, is_one: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What git takes for a path, and does not look for on PATH."""
    monkeypatch.setattr(sys, "platform", platform)
    assert is_program_path(value) is is_one


@pytest.mark.parametrize(
    "value",
    [
        "C:/Users/alice/bin/git-credential-hf.exe",
        "C:/Users/alice/bin/git-credential-hf",
        "!'C:/Users/Alice B/bin/git-credential-hf.exe'",
        r"C:/Users/Alice\ B/bin/git-credential-hf.exe --token work",
        "hf",
    ],
)
def test_ours_on_windows(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The values that start this program on Windows are known as ours."""
    monkeypatch.setattr(sys, "platform", "win32")
    assert is_our_helper(value)
    assert not is_our_helper("C:/Program\\ Files/Git/mingw64/bin/git-credential-manager.exe")


@pytest.mark.parametrize("started_as", ["git-credential-hf.exe", "git-credential-hf"])
def test_a_path_to_ours_on_windows(started_as: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PATH, git gets the path of the `.exe`, which pip's wrapper does not name."""
    program(tmp_path / "git-credential-hf.exe")
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(sys, "argv", [str(tmp_path / started_as)])
    use_path(monkeypatch, "/usr/bin")
    assert helper_command() == f"{tmp_path}/git-credential-hf.exe"


@pytest.fixture
def windows(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Windows' two programs, git as `git.exe`, and the directory that they are all below."""
    (tmp_path / "Git").mkdir()
    (tmp_path / "Git/git.exe").symlink_to(GIT)
    (tmp_path / "Git/git-credential-hf.exe").symlink_to(PROGRAM)
    use_path(monkeypatch, tmp_path / "Git", os.environ["PATH"])
    monkeypatch.setenv("SYSTEMROOT", str(tmp_path / "Windows"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "Local"))
    (tmp_path / "Local/Temp").mkdir(parents=True)
    # `/T /F /PID N`: here the tree is a session.
    program(tmp_path / "Windows/System32/taskkill.exe", f'echo "$*" >>"{tmp_path}/killed"; /bin/kill -KILL -- -"$4"')
    program(
        tmp_path / "Windows/System32/tasklist.exe",
        'n=${5#PID eq }; kill -0 "$n" && echo "\\"x.exe\\",\\"$n\\",\\"0\\""',
    )
    return tmp_path


KEEPS = """
held='{file}'
grep -qx host=huggingface.co || exit 0
case "$1" in
    get) test -f "$held" && cat "$held" ;;
    erase) rm -f "$held" ;;
esac
exit 0
"""


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
@pytest.mark.parametrize(
    ("value", "where"),
    [
        ("manager", "bin/git-credential-manager"),
        (r"{home}/Program\ Files/Git/mingw64/bin/git-credential-manager.exe", "Program Files/Git/mingw64/bin/{exe}"),
        (
            "{home}/'Program Files'/Git/mingw64/bin/git-credential-manager.exe --x",
            "Program Files/Git/mingw64/bin/{exe}",
        ),
        ("!f() {{ '{home}/Program Files/{exe}' \"$@\"; }}; f", "Program Files/{exe}"),
        ("store --file ~/kept", ""),
    ],
)
def test_helpers_are_asked_as_git_asks_them(
    platform: str, value: str, where: str, home: Path, windows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On each platform a helper's value is what git makes of it, and what it holds for the Hub is rejected."""
    exe = "git-credential-manager.exe"
    value, where = value.format(home=home, exe=exe), where.format(exe=exe)
    if where:
        file = home / "held"
        file.write_text("username=git\npassword=hf_heldbyanotherhelper\n")
        program(home / where, KEEPS.format(file=file).replace('"$1"', '"$2"' if "--x" in value else '"$1"'))
        use_path(monkeypatch, os.environ["PATH"], home / "bin")
        if platform == "win32":
            (home / "bin/git-credential-manager.exe").parent.mkdir(exist_ok=True)
            (home / "bin/git-credential-manager.exe").symlink_to(home / where)
    else:
        file = home / "kept"
        file.write_text("https://git:hf_heldbyanotherhelper@huggingface.co\n")
    monkeypatch.setattr(sys, "platform", platform)
    helpers = [ConfigEntry("global", "file:x", "credential.helper", value)]
    (result,) = purge_helpers([(helper, hub_origins()) for helper in helpers], why_kept=lambda _: None)
    assert [copy.secret for copy in result.copies] == ["hf_heldbyanotherhelper"]
    assert (result.state, result.failure) == ("purged", "")
    assert not file.exists() or not file.read_text()


@pytest.mark.parametrize("platform", ["linux", "win32"])
def test_a_helper_that_hangs_is_ended_with_its_children(
    platform: str, home: Path, windows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that does not answer is unknown, and nothing of it runs on; on Windows `taskkill` sees to that."""
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(others, "HELPER_TIMEOUT", 0.5)
    line = f"!echo $$ >'{home}/pid'; sleep 100; :"
    entry = ConfigEntry("global", "file:x", "credential.helper", line)
    (result,) = purge_helpers([(entry, hub_origins())], (None,))
    assert (result.state, result.has_timed_out) == ("unknown", True)
    pid = int((home / "pid").read_text())
    for _ in range(100):
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True).stdout.strip()
        if state in (b"", b"Z"):
            break
        time.sleep(0.05)
    else:
        os.kill(pid, signal.SIGKILL)
        pytest.fail("it runs on")
    assert (windows / "killed").exists() == (platform == "win32")


@pytest.mark.parametrize("platform", ["linux", "win32"])
def test_whether_a_process_runs(platform: str, windows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process is known to run without being sent anything: on Windows `os.kill(N, 0)` is Ctrl-C."""
    monkeypatch.setattr(sys, "platform", platform)
    if platform == "win32":
        monkeypatch.delattr(os, "kill")
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert is_process_running(os.getpid())
    assert not is_process_running(gone.pid)


@pytest.mark.parametrize(
    ("platform", "value", "place"),
    [
        ("darwin", "osxkeychain", "Keychain Access"),
        ("darwin", "/usr/local/share/gcm-core/git-credential-manager", "Keychain Access"),
        ("win32", "wincred", "Windows Credential Manager"),
        ("win32", "manager-core", "Windows Credential Manager"),
        ("win32", r"C:/Program\ Files/Git/mingw64/bin/git-credential-manager.exe", "Windows Credential Manager"),
        ("linux", r"/mnt/c/Program\ Files/Git/mingw64/bin/git-credential-manager.exe", "Windows Credential Manager"),
        ("linux", "libsecret", "keyring"),
        ("linux", "store", None),
        ("linux", "osxkeychain", None),
    ],
)
def test_where_a_person_finds_what_is_held(
    platform: str, value: str, place: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a helper will not let go of a token, its keychain has a name that a person knows; else nothing is said."""
    monkeypatch.setattr(sys, "platform", platform)
    result = PurgeResult(ConfigEntry("global", "file:x", "credential.helper", value))
    assert result.remedy() is None
    result.copies = [others.TokenCopy("https://huggingface.co", "git", "secret-of-somebody")]
    result.copies[0].is_held = True
    assert (place in (result.remedy() or "")) if place else result.remedy() is None


# --- the program, in a Python that is like the one on Windows ---

# "Availability: Unix" in the documentation of os and signal, of what the package or a change to it might use.
ABSENT_MODULES = ("fcntl", "pwd", "grp", "termios", "tty", "pty", "resource", "syslog", "posix", "readline", "curses")
ABSENT_NAMES = {
    "os": (
        *("fork", "forkpty", "posix_spawn", "posix_spawnp", "wait", "waitid", "wait3", "wait4", "nice", "killpg"),
        *("getuid", "geteuid", "getgid", "getegid", "getgroups", "getresuid", "setuid", "seteuid", "setgid", "setsid"),
        *("getpgid", "getpgrp", "setpgid", "tcgetpgrp", "ttyname", "openpty", "uname", "sysconf", "confstr"),
        *("chown", "fchown", "lchown", "fchdir", "chroot", "mkfifo", "mknod", "statvfs", "fstatvfs", "sync"),
        *("lockf", "pread", "pwrite", "readv", "writev", "sendfile", "posix_fadvise", "pipe2", "getloadavg"),
        *("environb", "getenvb", "fchmod", "lchmod", "WNOHANG", "WIFEXITED", "WEXITSTATUS", "WIFSIGNALED"),
        *("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_DIRECTORY", "O_SYNC", "O_NOCTTY", "O_PATH", "O_TMPFILE"),
        *("POSIX_SPAWN_OPEN", "POSIX_SPAWN_CLOSE", "POSIX_SPAWN_DUP2", "set_blocking", "get_blocking"),
    ),
    "signal": (
        *("SIGKILL", "SIGHUP", "SIGALRM", "SIGPIPE", "SIGCHLD", "SIGUSR1", "SIGUSR2", "SIGQUIT", "SIGSTOP", "SIGTSTP"),
        *("SIGTTIN", "SIGTTOU", "SIGWINCH", "alarm", "setitimer", "getitimer", "pause", "pthread_sigmask", "sigwait"),
        *("pthread_kill", "siginterrupt", "sigpending", "SIG_BLOCK", "SIG_UNBLOCK", "SIG_SETMASK"),
    ),
}  # fmt: skip
INJECTED = """
import builtins, fcntl, os, select, signal, subprocess, sys, types

PLATFORM, ABSENT_MODULES, ABSENT_NAMES = {platform!r}, {modules!r}, {names!r}

def like(module, **other):
    copy = types.ModuleType(module.__name__)
    absent = ABSENT_NAMES.get(module.__name__, ()) if PLATFORM == "win32" else ()
    vars(copy).update({{name: value for name, value in vars(module).items() if name not in absent}}, **other)
    return copy

class Sys(types.ModuleType):
    def __setattr__(self, name, value):  # a stdout of ours is everybody's
        vars(self)[name] = value
        setattr(sys, name, value)

class Popen(subprocess.Popen):
    def __init__(self, command, *more, shell=False, creationflags=0, preexec_fn=None, **options):
        # CreateProcess looks in the current directory first; cmd.exe is no shell of git's.
        assert not shell and preexec_fn is None and isinstance(command, list), command
        assert os.path.isabs(command[0]) and command[0].endswith(".exe"), command
        assert options["env"]["NoDefaultCurrentDirectoryInExePath"] == "1"
        super().__init__(command, *more, **options)

def run(command, *more, creationflags=0, **options):
    assert os.path.isabs(command[0]) and command[0].endswith(".exe"), command
    return subprocess.run(command, *more, **options)

def sockets_alone(*given):
    raise OSError(10038, "not a socket")

def locking(descriptor, mode, length):
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

found = {{"sys": Sys("sys"), "os": like(os), "signal": like(signal)}}
vars(found["sys"]).update(vars(sys), platform=PLATFORM)
if PLATFORM == "win32":
    sys.stdout.reconfigure(newline="\\r\\n")
    found["os"].name = "nt"
    found["subprocess"] = like(subprocess, Popen=Popen, run=run, CREATE_NO_WINDOW=0x08000000)
    found["select"] = like(select, select=sockets_alone, poll=None)
    found["msvcrt"] = types.ModuleType("msvcrt")
    vars(found["msvcrt"]).update(locking=locking, LK_NBLCK=2)
real = builtins.__import__

def importing(name, globals=None, locals=None, fromlist=(), level=0):
    if str((globals or {{}}).get("__name__")).startswith("git_credential_hf"):
        if PLATFORM == "win32" and name in ABSENT_MODULES:
            raise ModuleNotFoundError(f"No module named {{name!r}}")
        if name in found:
            return found[name]
    return real(name, globals, locals, fromlist, level)

builtins.__import__ = importing
"""
EVERY_MODULE = """
import importlib, pkgutil, git_credential_hf
for module in pkgutil.walk_packages(git_credential_hf.__path__, "git_credential_hf."):
    if not module.name.endswith(("__main__", "launcher")):
        importlib.import_module(module.name)
        print(module.name)
"""

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture(params=["win32", "darwin"])
def there(
    request: pytest.FixtureRequest, repository: Path, windows: Path, logged_in: None, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """The program on that platform: `there(ARGUMENT..., given=STDIN)`; a `sitecustomize` of ours injects it."""
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    site = windows / "site"
    site.mkdir()
    text = INJECTED.format(platform=request.param, modules=ABSENT_MODULES, names=ABSENT_NAMES)
    (site / "sitecustomize.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(site))

    def run(*arguments: str, given: str = "", status: int = 0) -> "subprocess.CompletedProcess[bytes]":
        command = list(arguments) if arguments[0] == sys.executable else [PROGRAM, *arguments]
        done = subprocess.run(command, input=given.encode(), capture_output=True, timeout=120)
        assert b"internal error" not in done.stderr, done.stderr.decode()
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        assert done.returncode == status, (done.returncode, done.stdout.decode(), done.stderr.decode())
        return done

    return run


def test_every_module_is_importable(there: Run) -> None:
    """No module needs, when it is imported, what the platform does not have."""
    names = there(sys.executable, "-c", EVERY_MODULE).stdout.split()
    assert b"git_credential_hf.git.pipeline" in names and b"git_credential_hf.doctor.environment" in names


def test_the_protocol(there: Run) -> None:
    """An answer has LF and no CR, in one piece; a request with CRLF is refused whole; three refusals are remembered."""
    answer = f"username=git\npassword={TOKEN}\n".encode()
    assert there("get", given=HUB + "\n").stdout == answer
    assert there("get", given=(HUB + "\n").replace("\n", "\r\n"), status=1).stdout == b""
    assert there("store", given=HUB + OURS).stdout == b""
    assert there("get", given=HUB + "\n").stdout == answer
    for _ in range(3):
        assert there("get", given=HUB + "\n").stdout == answer
        erased = there("erase", given=HUB + OURS)
        assert erased.stdout == b"" and b"the Hub refused the token hf_****wxyz" in erased.stderr
    assert there("get", given=HUB + "\n").stdout == b"quit=1\n"


def test_store_takes_back_what_others_were_told(there: Run, home: Path) -> None:
    """What git has just told `store`, too, is not left there."""
    (home / ".git-credentials").write_text(f"https://git:{TOKEN}@huggingface.co\nhttps://a:b@example.org\n")
    there("store", given=HUB + OURS)
    assert (home / ".git-credentials").read_text() == "https://a:b@example.org\n"


def test_the_commands(there: Run, home: Path) -> None:
    """The commands that people type do what they do everywhere."""
    printed = there("configure", "--print").stdout
    assert b'[credential "https://huggingface.co"]\n\thelper =\n\thelper = ' in printed and b"\r" not in printed
    assert there("configure", "--env").stdout.startswith(b"export GIT_CONFIG_COUNT=4\n")
    assert b"\r" not in there("configure", "--env").stdout
    (home / ".git-credentials").write_text(f"https://git:{TOKEN}@huggingface.co\n")
    assert there("status", status=1).stdout.startswith(b"token     hf_****wxyz from the file ")
    assert b"'store' holds a copy of a Hub token" in there("doctor", "--offline", status=1).stdout
    assert there("purge").stdout.startswith(b"purged   store")
    there("configure", "--no-purge")
    assert b"uses this helper\n" in there("status").stdout
    there("hook", "pre-commit")
    update = f"refs/heads/main {'1' * 40} refs/heads/main {'0' * 40}\n"
    there("hook", "pre-push", "origin", "https://huggingface.co/alice/model", given=update)
    there("hooks", "install")
    there("hooks", "install")
    there("hooks", "status")
    there("hooks", "uninstall")
    there("unconfigure")
