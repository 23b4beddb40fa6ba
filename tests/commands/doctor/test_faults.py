"""A mend that is interrupted, or impossible: each file stays as it was or is mended, whole, and it says which."""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import faults
import pytest
from amount import IS_LONG, some
from faults import NETRC, PROGRAM, SICK, calls
from faults.calls import can_trace
from programs import run

FIX = (PROGRAM, "doctor", "--fix", "--yes", "--offline")
KEPT = (".netrc", ".huggingface/token")  # a copy of these stays

File = tuple[int, int, int, bytes]  # mode, owner, group, content
State = dict[str, File]


def sicken(home: Path, only: tuple[str, ...] = tuple(SICK)) -> None:
    """Let `home` be as it was before anything was mended."""
    for path in home.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    faults.sicken(home, only)


def state(home: Path) -> State:
    """All files, their owners, permissions and bytes; but for what git-lfs notes for itself."""
    found = {}
    for path in sorted(home.rglob("*")):
        name = str(path.relative_to(home))
        if path.is_file() and not name.startswith(("model/.git/lfs", "model/.git/hooks")):
            status = path.stat()
            found[name] = (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, path.read_bytes())
    return found


def is_backup(name: str) -> bool:
    return ".backup-" in name


def without_backups(found: State) -> State:
    return {name: file for name, file in found.items() if not is_backup(name)}


def backups(home: Path, name: str = ".netrc") -> list[Path]:
    return sorted(home.glob(f"{name}.backup-*"))


def fix(
    *around: str, command: tuple[str, ...] = FIX, timeout: float = 120, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `doctor --fix --yes --offline`; whatever it says, no token is in it."""
    done = run(*around, *command, check=False, timeout=timeout, **environment)
    shows_no_token(done.stdout + done.stderr)
    return done


def shows_no_token(said: str) -> None:
    assert "CaNaRy" not in said
    assert "Traceback" not in said and "internal error" not in said, said


def errors(said: str) -> list[str]:
    return [line for line in said.splitlines() if ": error: " in line]


@pytest.fixture
def sick(home: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[State, State]:
    """A home in which much is wrong, and the current directory in its repository: as it is now, and mended."""
    sicken(home)
    monkeypatch.chdir(home / "model")
    old = state(home)
    done = fix()
    assert done.returncode == 0, done.stdout + done.stderr
    new = state(home)
    sicken(home)
    os.chdir(home / "model")  # a new one
    return old, new


def again(home: Path) -> None:
    sicken(home)
    os.chdir(home / "model")


def is_old_or_new(home: Path, old: State, new: State) -> None:
    """Nothing is lost, nothing is half; beside it are only locks, and copies of what was there."""
    now = state(home)
    for name in without_backups(old) | without_backups(new):
        assert now.get(name) in (old.get(name), new.get(name)), name
        if name in KEPT and now.get(name) != old[name]:
            whole = [path.read_bytes() for path in backups(home, name)]
            assert old[name][3] in whole, "it is changed only when a copy of it is there"
    for name in now.keys() - old.keys() - new.keys():
        assert is_backup(name) or name.endswith(".lock"), name
        if is_backup(name):
            mode, _, _, content = now[name]
            assert mode == 0o600
            assert old[name.partition(".backup-")[0]][3].startswith(content)


def completes(home: Path, new: State) -> None:
    """Once more, and all is mended; a lock that was left is to be removed, and the message says how."""
    done = fix()
    if list(home.rglob("*.lock")) and done.returncode:
        hints = re.findall(r"hint: if no.* is running: (rm .*\.lock'?)$", done.stderr, re.MULTILINE)
        assert hints, done.stderr
        for hint in hints:
            subprocess.run(["sh", "-c", hint], check=True)
        done = fix()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "healthy: nothing is wrong" in done.stdout
    now = {name: file for name, file in without_backups(state(home)).items() if not name.endswith(".lock")}
    assert now == without_backups(new)


# --- whole ---


def test_mended(home: Path, sick: tuple[State, State]) -> None:
    """Each file is mended, and but for that as it was; the copies are whole, and their owner's alone; twice is once."""
    old, new = sick
    fix()
    now = state(home)
    assert without_backups(now) == without_backups(new)
    changed = {name for name in old if now.get(name) != old[name]}
    assert changed == set(SICK) - {"model/.git/HEAD"}
    for name in changed - {".cache/huggingface/token", ".cache/huggingface/stored_tokens", ".huggingface/token"}:
        assert now[name][:3] == old[name][:3], "its owner and permissions stay"
        assert b"CaNaRy" not in now[name][3]
    for name in KEPT:
        (copy,) = backups(home, name)
        assert re.fullmatch(r"\.backup-\d{8}-\d{6}", copy.name[len(Path(name).name) :])
        assert (stat.S_IMODE(copy.stat().st_mode), copy.read_bytes()) == (0o600, old[name][3])
    assert not list(home.rglob("*.lock"))
    done = fix()
    assert done.returncode == 0
    assert state(home) == now


# --- interrupted ---

TRACED = {
    "openat": "openat",
    "write": "write",
    "fsync": "fsync",
    "close": "close",
    "rename": "rename,renameat,renameat2",
    "unlink": "unlink,unlinkat",
    "chmod": "chmod,fchmod,fchmodat",
}


def strace(*options: str) -> tuple[str, ...]:
    if why := can_trace():
        pytest.skip(why)
    return calls.strace(*options)


def moments(home: Path, log: Path, call: str) -> list[tuple[str, int]]:
    """Which calls have to do with what is changed: the name of each, and its number among those of this name.

    strace counts each name for itself. A line says on which file: its path, or that of its descriptor.
    """
    watched = strace("-y", "-o", str(log), "-e", f"trace={TRACED[call]}")
    again(home)
    done = fix(*watched)
    assert done.returncode == 0, done.stdout + done.stderr
    again(home)
    counts: dict[str, int] = {}
    found = []
    for line in log.read_text().splitlines():
        if match := re.match(r"(?:\d+ +)?(\w+)\(", line):
            counts[match[1]] = counts.get(match[1], 0) + 1
            is_change = {"openat": "O_WRONLY|O_RDWR", "close": r"\.lock\b|\.backup-"}.get(call, "")
            if str(home) in line and re.search(is_change, line):
                found.append((match[1], counts[match[1]]))
    return found


LONG = ("close", "chmod")  # what is on the disk is the same as at the call before


@pytest.mark.parametrize("call", [pytest.param(c, marks=pytest.mark.long if c in LONG else ()) for c in TRACED])
def test_killed(call: str, home: Path, tmp_path: Path, sick: tuple[State, State]) -> None:
    """`kill -9` at any call that changes something: the old file or the new one, whole; and a way on."""
    old, new = sick
    points = moments(home, tmp_path / "log", call)
    assert len(points) >= 2
    for name, number in some(points, 3):
        again(home)
        inject = f"inject={name}:signal=KILL:when={number}"
        done = fix(*strace("-o", os.devnull, "-e", f"trace={name}", "-e", inject))
        assert done.returncode != 0, (name, number)
        is_old_or_new(home, old, new)
        completes(home, new)


def test_killed_with_git(home: Path, sick: tuple[State, State]) -> None:
    """So it is where git, which doctor has started, is killed in the midst of its change: then it says what to do."""
    old, new = sick
    for call in ("rename,renameat,renameat2", "close", "write") if IS_LONG else ("close",):
        for number in range(1, 12):
            again(home)
            inject = f"inject={call}:signal=KILL:when={number}"
            paths = [str(home / name) for name in (".header.lock", ".header", ".provider.lock", ".provider")]
            only = [word for path in paths for word in ("-P", path)]
            done = fix(*strace("-f", "-o", os.devnull, *only, "-e", f"trace={call}", "-e", inject))
            is_old_or_new(home, old, new)
            if done.returncode == 0:
                break  # it ran through
            completes(home, new)
        else:
            pytest.fail("it never ran through")


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ENDED = [(call, number) for call in ("openat", "write", "fsync", "rename", "unlink") for number in SIGNALS]


@pytest.mark.parametrize(("call", "number"), some(ENDED, 7))
def test_ended(call: str, number: signal.Signals, home: Path, tmp_path: Path, sick: tuple[State, State]) -> None:
    """Ctrl-C, and whatever else a program may be ended with, leaves no lock and no half copy."""
    old, new = sick
    points = moments(home, tmp_path / "log", call)
    for name, at in some(points, 2) if number == signal.SIGINT else some(points, 2)[-1:]:
        again(home)
        inject = f"inject={name}:signal={number.name.removeprefix('SIG')}:when={at}"
        done = fix(*strace("-o", os.devnull, "-e", f"trace={name}", "-e", inject))
        assert done.returncode in ((130,) if number == signal.SIGINT else (128 + number, -number)), done.stderr
        assert errors(done.stderr) == []
        is_old_or_new(home, old, new)
        now = state(home)
        assert not [name for name in now if name.endswith(".lock")], (name, at)
        for name in filter(is_backup, now):
            assert now[name][3] == old[name.partition(".backup-")[0]][3]
    completes(home, new)


# --- impossible ---


def in_mount_namespace(script: str) -> tuple[str, ...]:
    around = ("unshare", "-m", "sh", "-c", f'{script}\n"$@"; status=$?; cp -a "$HOME/." "$SEEN"; exit $status', "sh")
    tried = subprocess.run([*around, "true"], capture_output=True, text=True, env={**os.environ, "SEEN": "/dev/null/x"})
    if "unshare" in tried.stderr or "mount" in tried.stderr:
        pytest.skip(f"no mounts of its own here: {tried.stderr.strip()}")
    return around


FULL = """set -e
cp -a "$HOME/." "$SEEN.before"
mount -t tmpfs -o size=256k,mode=0755 tmpfs "$HOME"
cp -a "$SEEN.before/." "$HOME"
cat /dev/zero > "$HOME/filler" 2> /dev/null || true
cd "$HOME/model"
set +e"""


def test_full_disk(home: Path, tmp_path: Path, sick: tuple[State, State]) -> None:
    """Where the disk is full, each file stays, nothing half is left, and each mend that failed says so once."""
    old, _ = sick
    seen = tmp_path / "seen"
    around = in_mount_namespace(FULL)
    again(home)
    for name in ("seen", "seen.before"):
        shutil.rmtree(tmp_path / name, ignore_errors=True)
        (tmp_path / name).mkdir()
    done = fix(*around, SEEN=str(seen))
    assert done.returncode == 1, done.stderr
    now = state(seen)
    assert now.pop("filler")
    for name in (".cache/huggingface/token", ".cache/huggingface/stored_tokens"):  # this needs no room
        assert now.pop(name) == (0o600, *old[name][1:])
    assert now == {name: file for name, file in old.items() if not name.startswith(".cache")}
    said = errors(done.stderr)
    failed = set(old) - {".cache/huggingface/token", ".cache/huggingface/stored_tokens", "model/.git/HEAD"}
    for name in failed:
        (line,) = [line for line in said if re.search(rf"{re.escape(str(home / name))}(\.lock)?\b", line)]
        assert re.search("No space left on device|failed to write new configuration file", line)  # git's, without why
    assert len(said) == len(failed)


READ_ONLY = """set -e
mount --bind "$HOME" "$HOME"
mount -o remount,ro,bind "$HOME"
cd "$HOME/model"
set +e"""


def test_read_only_file_system(home: Path, tmp_path: Path, sick: tuple[State, State]) -> None:
    """Where nothing can be written, all is as it was, and each mend that failed says so once."""
    old, _ = sick
    around = in_mount_namespace(READ_ONLY)
    seen = tmp_path / "seen"
    shutil.rmtree(seen, ignore_errors=True)
    seen.mkdir()
    done = fix(*around, SEEN=str(seen))
    assert done.returncode == 1
    assert state(home) == old
    said = errors(done.stderr)
    # Who may read the token is the mount's business there, and nothing is said of it.
    for name in set(old) - {"model/.git/HEAD", ".cache/huggingface/token", ".cache/huggingface/stored_tokens"}:
        (line,) = [line for line in said if re.search(rf"{re.escape(str(home / name))}(\.lock)?(?![\w/])", line)]
        assert "Read-only file system" in line


def test_warnings_that_stay(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mend that fails is a failure, be it of a warning alone."""
    sicken(home, (".gitconfig", ".cache/huggingface/token", "model/.git/HEAD"))
    assert fix().returncode == 0
    (home / ".huggingface").mkdir()
    (home / ".huggingface/token").write_text("hf_old")
    done = fix(*in_mount_namespace(READ_ONLY), SEEN=os.devnull)
    assert done.returncode == 1
    assert len(errors(done.stderr)) == 1


def nobody(*, drop: bool = True) -> tuple[str, ...]:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    return ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if drop else ()


def test_home_of_somebody_else(home: Path, sick: tuple[State, State]) -> None:
    """In a home of somebody else nothing is changed, and each mend that failed says so."""
    around = nobody()
    for path in (home, *home.rglob("*")):
        try:
            os.chown(path, 1234, 1234)
        except OSError as error:
            pytest.skip(f"no other users here: {error}")
    home.chmod(0o755)
    (home / ".netrc").chmod(0o644)
    for name in (".header", ".instead", ".provider", ".cache/huggingface/stored_tokens"):
        (home / name).chmod(0o644)
    before = state(home)
    os.chdir("/")
    done = fix(*around)
    assert done.returncode == 1
    assert state(home) == before
    said = errors(done.stderr)
    for name in set(before) - {"model/.git/HEAD", "model/.git/config"}:
        (line,) = [line for line in said if re.search(rf"{re.escape(str(home / name))}(\.lock)?(?![\w/])", line)]
        assert re.search("Permission denied|Operation not permitted", line)


# --- whose file, and which ---


@pytest.fixture
def netrc(home: Path) -> Path:
    """A home in which `.netrc` alone is wrong."""
    sicken(home, (".gitconfig", ".cache/huggingface/token", "model/.git/HEAD"))
    fix()
    (home / ".netrc").write_text(NETRC)
    (home / ".netrc").chmod(0o640)
    return home / ".netrc"


AFTER = "machine a.example login x password y\nmachine b.example login x password z\n"


def test_link(home: Path, netrc: Path) -> None:
    """A symbolic link stays one, and what it leads to is changed; the copy is beside that."""
    (home / "dotfiles").mkdir()
    target = home / "dotfiles/netrc"
    netrc.rename(target)
    for link in ("dotfiles/netrc", str(target)):
        target.write_text(NETRC)
        netrc.unlink(missing_ok=True)
        netrc.symlink_to(link)
        assert fix().returncode == 0
        assert (os.readlink(netrc), target.read_text()) == (link, AFTER)
        assert stat.S_IMODE(target.stat().st_mode) == 0o640
        assert backups(home) == []
        assert backups(home, "dotfiles/netrc")[-1].read_text() == NETRC


def test_owner(home: Path, netrc: Path) -> None:
    """Who owns the file owns it afterwards, and the copy too: root, who mends it, takes nothing away."""
    nobody(drop=False)
    try:
        os.chown(netrc, 1234, 5678)
    except OSError as error:
        pytest.skip(f"no other users here: {error}")
    assert fix().returncode == 0
    (copy,) = backups(home)
    status = netrc.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 5678, 0o640)
    status = copy.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 5678, 0o600)


def test_hard_link(home: Path, netrc: Path) -> None:
    """Another name of the same file keeps what it was: nothing is changed behind the back of who made it."""
    os.link(netrc, home / "other")
    assert fix().returncode == 0
    assert (netrc.read_text(), (home / "other").read_text()) == (AFTER, NETRC)
    assert stat.S_IMODE((home / "other").stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "replace",
    [
        lambda path: path.write_text(NETRC + "machine c.example login n password m\n"),
        lambda path: path.write_text(NETRC.replace("password y", "password Y")),
        lambda path: path.unlink(),
        lambda path: (path.rename(f"{path}.new"), path.symlink_to("/dev/null")),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["longer", "as long", "gone", "a device", "a folder"],
)
def test_changed_meanwhile(replace: Callable[[Path], object], home: Path, netrc: Path) -> None:
    """What another program makes of the file between the look and the change stays."""

    def look(path: Path) -> object:
        kept = os.readlink(path) if path.is_symlink() else path.is_dir()
        return kept or (path.read_bytes() if path.exists() else None)

    answer, said = on_terminal(replace, netrc, home)
    shows_no_token(said)
    after = look(netrc)
    assert answer == 1, said
    assert len(errors(said)) == 1, said
    assert str(netrc) in errors(said)[0]
    assert look(netrc) == after != AFTER.encode()
    assert not list(home.glob("*.lock")) and backups(home) == []
    if after is None:
        assert "has just been changed by another program" in said


def on_terminal(replace: Callable[[Path], object], netrc: Path, home: Path) -> tuple[int, str]:
    """Run `doctor --fix` at a terminal, and let something happen before it is told to go on."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, "doctor", "--fix", "--offline"], stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    os.close(slave)
    assert process.stdout
    said = b""
    while b"Fix it?" not in said:
        chunk = os.read(process.stdout.fileno(), 65536)
        assert chunk, said
        said += chunk
    replace(netrc)
    os.write(master, b"y\n")
    said += process.communicate(timeout=60)[0]
    os.close(master)
    return process.returncode, said.decode()


def test_two_copies_in_one_second(home: Path, netrc: Path) -> None:
    """No copy takes the place of another, however quickly they follow."""
    contents = [NETRC.replace("login x", f"login x{number}") for number in range(4)]
    for _ in range(20):
        for path in backups(home):
            path.unlink()
        while time.time() % 1 > 0.1:
            pass
        command = (sys.executable, "-c", IN_ONE_SECOND, str(netrc), *contents)
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert sorted(path.read_text() for path in backups(home)) == sorted(contents)
        assert {stat.S_IMODE(path.stat().st_mode) for path in backups(home)} == {0o600}
        if len({path.name[:24] for path in backups(home)}) == 1:
            return
    pytest.fail("never were two in one second")


IN_ONE_SECOND = """
import sys
from git_credential_hf.files import FileChange
from git_credential_hf.git.netrc import without_machines
path, *contents = sys.argv[1:]
for content in contents:
    with open(path, "w") as file: file.write(content)
    FileChange(path, content.encode(), without_machines(content.encode(), ["huggingface.co"]), has_backup=True).apply()
"""


# --- who does not answer ---


def nothing_is_left(mark: str) -> None:
    """No process of the test's lives on: a helper that hangs is ended with who asked it."""
    for _ in range(50):
        listed = subprocess.run(["ps", "-A", "-o", "args"], capture_output=True, text=True).stdout
        if mark not in listed:
            return
        time.sleep(0.1)
    pytest.fail(f"{mark} still runs")


def test_helper_that_hangs(home: Path, netrc: Path) -> None:
    """A helper that never answers is not waited for: what it holds, and what git would send, is unknown."""
    netrc.unlink()
    mark = f"sleep 10{os.getpid()}"
    with (home / ".gitconfig").open("a") as file:
        file.write(f'[credential "https://huggingface.co"]\n\thelper =\n\thelper = "!{mark}; :"\n\thelper = hf\n')
    done = fix(command=(PROGRAM, "doctor", "--offline"))
    said = " ".join(done.stdout.split())
    for program in ("git", "git-lfs", "git-xet"):
        assert re.search(rf"{program} - unknown: git credential did not answer within \d+ seconds", said)
    assert f"cannot tell whether the helper '!{mark}; :' holds a copy of a Hub token" in said
    assert done.returncode == 1  # it is asked before ours
    nothing_is_left(mark)


def test_git_that_hangs(home: Path, netrc: Path) -> None:
    """A git that never answers is not waited for, and asked once: what it would say is unknown."""
    mark = f"sleep 11{os.getpid()}"
    (home / "bin").mkdir()
    (home / "bin/git").write_text(f"#!/bin/sh\n{mark}\n")
    (home / "bin/git").chmod(0o755)
    done = fix(PATH=f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}")
    said = " ".join(done.stdout.split())
    for program in ("git", "git-lfs", "git-xet"):
        assert re.search(rf"{program} - unknown: git config did not answer within \d+ seconds", said)
    assert done.returncode == 1
    assert "FAIL credential helpers git config did not answer" in said
    assert netrc.read_text() == AFTER  # what needs no git is mended
    nothing_is_left(mark)


# --- who listens ---


def test_nobody_reads(home: Path, sick: tuple[State, State]) -> None:
    """Where stdout ends early, or is closed, each file is the old or the new one, and the status is 0 only for all."""
    old, new = sick
    for shell in ('"$@" | head -1', '"$@" >&-', '"$@" >&- 2>&- <&-', '"$@" > /dev/full', '"$@" 2>&1 | :'):
        again(home)
        done = fix("bash", "-c", f"set -o pipefail; {shell}", "bash")
        is_old_or_new(home, old, new)
        assert not list(home.rglob("*.lock"))
        if done.returncode == 0:
            assert without_backups(state(home)) == without_backups(new)
        elif "full" in shell:
            assert len(errors(done.stderr)) == 1 and "No space left on device" in done.stderr
        else:
            assert errors(done.stderr) == []
        completes(home, new)


def test_without_a_terminal(home: Path, sick: tuple[State, State], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal `--fix` is refused, as nobody could be asked; with `--yes` it needs none, and no TERM."""
    old, new = sick
    for stdin in ("< /dev/null", "<&-", "< <(echo y)"):
        done = fix("bash", "-c", f'"$@" {stdin}', "bash", command=(PROGRAM, "doctor", "--fix", "--offline"))
        assert done.returncode == 2
        assert "--fix asks on a terminal; elsewhere, add --yes" in done.stderr
        assert state(home) == old
    for term in (None, "dumb", "xterm-256color"):
        if term is None:
            monkeypatch.delenv("TERM", raising=False)
        else:
            monkeypatch.setenv("TERM", term)
        again(home)
        done = fix("setsid", "--wait")
        assert done.returncode == 0
        assert "\x1b" not in done.stdout + done.stderr
        assert without_backups(state(home)) == without_backups(new)
