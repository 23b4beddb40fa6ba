"""`doctor --fix`, interrupted or impossible: each file is the old or the fixed one, and failures are reported."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faults
import pytest
from amount import IS_LONG, some
from faults import NETRC, PROGRAM, SICK, calls
from faults.calls import can_trace
from programs import run

from git_credential_hf.backups import backup_directory
from git_credential_hf.files import back_up

FIX = (PROGRAM, "doctor", "--fix", "--yes", "--offline")
BACKED_UP = (".netrc", ".huggingface/token", ".header", ".instead", ".provider", ".gitconfig", "model/.git/config")

File = tuple[int, int, int, bytes]  # mode, owner, group, content
State = dict[str, File]


def sicken(home: Path, only: tuple[str, ...] = tuple(SICK)) -> None:
    """Make `home` as it was before any fix, and enter its repository."""
    for path in home.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    faults.sicken(home, only)
    os.chdir(home / "model")  # a new one


def state(home: Path) -> State:
    """Return mode, owner, group and content of all files but git-lfs's own."""
    found = {}
    for path in sorted(home.rglob("*")):
        name = str(path.relative_to(home))
        if path.is_file() and not name.startswith(("model/.git/lfs", "model/.git/hooks")):
            status = path.stat()
            found[name] = (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, path.read_bytes())
    return found


BACKUPS = ".local/state/git-credential-hf/backups"


def is_backup(name: str) -> bool:
    return name.startswith(f"{BACKUPS}/")


def without_backups(found: State) -> State:
    return {name: file for name, file in found.items() if not is_backup(name)}


def backups(home: Path, name: str = ".netrc") -> list[Path]:
    return sorted((home / BACKUPS).glob(f"{Path(name).name}.backup-*"))


def original(name: str) -> str:
    """The file of which this is a copy."""
    (found,) = (old for old in BACKED_UP if Path(old).name == Path(name).name.partition(".backup-")[0])
    return found


def fix(
    *around: str, command: tuple[str, ...] = FIX, timeout: float = 120, **environment: Any
) -> subprocess.CompletedProcess[str]:
    """Run `doctor --fix --yes --offline`; its output must not contain a token."""
    done = run(*around, *command, check=False, timeout=timeout, **environment)
    shows_no_token(done.stdout + done.stderr)
    return done


def shows_no_token(output: str) -> None:
    assert "CaNaRy" not in output
    assert "Traceback" not in output and "internal error" not in output, output


def errors(output: str) -> list[str]:
    return [line for line in output.splitlines() if ": error: " in line]


def reports_each(output: str, home: Path, names: set[str], reason: str) -> None:
    """Assert that each of these files has one error, with this reason."""
    for name in names:
        path = re.escape(str(home / name))
        (line,) = [line for line in errors(output) if re.search(rf"{path}(\.lock)?(?![\w/])", line)]
        assert re.search(reason, line)


FIXED: State = {}


@pytest.fixture
def sick(home: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[State, State]:
    """A home with many problems, and its repository as current directory; its files before and after a fix."""
    monkeypatch.chdir(home)  # the previous directory is restored in the end
    sicken(home)
    old = state(home)
    if not FIXED:  # it is the same in each home
        done = fix()
        assert done.returncode == 0, done.stdout + done.stderr
        FIXED.update(state(home))
        sicken(home)
    return old, FIXED


def is_old_or_new(home: Path, old: State, new: State) -> None:
    """Assert that each file is the old or the new one, and that there is nothing else but locks and backups."""
    now = state(home)
    for name in without_backups(old) | without_backups(new):
        assert now.get(name) in (old.get(name), new.get(name)), name
        if name in BACKED_UP and now.get(name) != old[name]:
            whole = [path.read_bytes() for path in backups(home, name)]
            assert old[name][3] in whole, "it is changed before it is backed up"
    for name in now.keys() - old.keys() - new.keys():
        assert is_backup(name) or name.endswith(".lock"), name
        if is_backup(name):
            mode, _, _, content = now[name]
            assert mode == 0o600
            assert "/last-fix.json" in name or old[original(name)][3].startswith(content)


def completes(home: Path, new: State) -> None:
    """Assert that another run fixes the rest, after the commands in its hints have removed any lock."""
    done = fix()
    if list(home.rglob("*.lock")) and done.returncode:
        hints = re.findall(r"hint: if no.* is running: (rm .*\.lock'?)$", done.stderr, re.MULTILINE)
        assert hints, done.stderr
        for hint in hints:
            run("sh", "-c", hint)
        done = fix()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "healthy, as far as checked" in done.stdout
    now = {name: file for name, file in without_backups(state(home)).items() if not name.endswith(".lock")}
    assert now == without_backups(new)


# --- not interrupted ---


def test_fixed(home: Path, sick: tuple[State, State]) -> None:
    """Only the faults change, not owner or mode; the backups are whole and private; a second run changes nothing."""
    old, new = sick
    fix()
    now = state(home)
    assert without_backups(now) == without_backups(new)
    changed = {name for name in old if now.get(name) != old[name]}
    assert changed == set(SICK) - {"model/.git/HEAD"}
    for name in changed - {".cache/huggingface/token", ".cache/huggingface/stored_tokens", ".huggingface/token"}:
        assert now[name][:3] == old[name][:3], "owner and permissions stay"
        assert b"CaNaRy" not in now[name][3]
    for name in BACKED_UP:
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


MOMENTS: dict[str, list[tuple[str, int]]] = {}


def moments(home: Path, log: Path, call: str) -> list[tuple[str, int]]:
    """Return the calls that concern changed files: the name of each, and its number among those of this name.

    strace counts by name. A line has the path of the file, or that of its descriptor. They are the same in each home.
    """
    if call in MOMENTS:
        return MOMENTS[call]
    watched = strace("-y", "-o", str(log), "-e", f"trace={TRACED[call]}")
    sicken(home)
    done = fix(*watched)
    assert done.returncode == 0, done.stdout + done.stderr
    sicken(home)
    counts: dict[str, int] = {}
    found = []
    for line in log.read_text().splitlines():
        if match := re.match(r"(?:\d+ +)?(\w+)\(", line):
            counts[match[1]] = counts.get(match[1], 0) + 1
            is_change = {"openat": "O_WRONLY|O_RDWR", "close": r"\.lock\b|\.backup-"}.get(call, "")
            if str(home) in line and re.search(is_change, line):
                found.append((match[1], counts[match[1]]))
    MOMENTS[call] = found
    return found


# The disk is as at the call before, or the next; a file is opened and written before it is renamed.
LONG = ("close", "chmod", "fsync", "openat", "write")


@pytest.mark.parametrize("call", [pytest.param(c, marks=pytest.mark.long if c in LONG else ()) for c in TRACED])
def test_killed(call: str, home: Path, tmp_path: Path, sick: tuple[State, State]) -> None:
    """After `kill -9` at any call that changes something, each file is the old or new one, and another run works."""
    old, new = sick
    points = moments(home, tmp_path / "log", call)
    assert len(points) >= 2
    for name, number in some(points, 2):
        sicken(home)
        inject = f"inject={name}:signal=KILL:when={number}"
        done = fix(*strace("-o", os.devnull, "-e", f"trace={name}", "-e", inject))
        assert done.returncode != 0, (name, number)
        is_old_or_new(home, old, new)
        completes(home, new)


def test_killed_with_git(home: Path, sick: tuple[State, State]) -> None:
    """The same if git, started by doctor, is killed during its change; then the error says what to do."""
    old, new = sick
    for call in ("rename,renameat,renameat2", "close", "write") if IS_LONG else ("close",):
        for number in range(1, 12, 1 if IS_LONG else 4):
            sicken(home)
            inject = f"inject={call}:signal=KILL:when={number}"
            paths = [str(home / name) for name in (".header.lock", ".header", ".provider.lock", ".provider")]
            only = [word for path in paths for word in ("-P", path)]
            done = fix(*strace("-f", "-o", os.devnull, *only, "-e", f"trace={call}", "-e", inject))
            is_old_or_new(home, old, new)
            if done.returncode == 0:
                assert number > 1, "it was never interrupted"
                break  # it is not any more
            completes(home, new)
        else:
            pytest.fail("it was always interrupted")


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ENDED = [(call, number) for call in ("openat", "write", "fsync", "rename", "unlink") for number in SIGNALS]


@pytest.mark.parametrize(("call", "number"), some(ENDED, 2))
def test_ended(call: str, number: signal.Signals, home: Path, tmp_path: Path, sick: tuple[State, State]) -> None:
    """Ctrl-C, and any other signal that ends a program, leaves no lock and no partial backup."""
    old, new = sick
    points = moments(home, tmp_path / "log", call)
    for name, at in some(points, 2) if number == signal.SIGINT else some(points, 2)[-1:]:
        sicken(home)
        inject = f"inject={name}:signal={number.name.removeprefix('SIG')}:when={at}"
        done = fix(*strace("-o", os.devnull, "-e", f"trace={name}", "-e", inject))
        assert done.returncode in ((130,) if number == signal.SIGINT else (128 + number, -number)), done.stderr
        assert errors(done.stderr) == []
        is_old_or_new(home, old, new)
        now = state(home)
        assert not [name for name in now if name.endswith(".lock")], (name, at)
        for name in filter(is_backup, now):
            if name.endswith("/last-fix.json"):
                assert json.loads(now[name][3])
            else:
                assert now[name][3] == old[original(name)][3]
    completes(home, new)


# --- impossible ---


def in_mount_namespace(script: str) -> tuple[str, ...]:
    around = ("unshare", "-m", "sh", "-c", f'{script}\n"$@"; status=$?; cp -a "$HOME/." "$SEEN"; exit $status', "sh")
    tried = subprocess.run([*around, "true"], capture_output=True, text=True, env={**os.environ, "SEEN": "/dev/null/x"})
    if "unshare" in tried.stderr or "mount" in tried.stderr:
        pytest.skip(f"cannot mount anything: {tried.stderr.strip()}")
    return around


FULL = """set -e
cp -a "$HOME/." "$SEEN.before"
mount -t tmpfs -o size=256k,mode=0755 tmpfs "$HOME"
cp -a "$SEEN.before/." "$HOME"
cat /dev/zero > "$HOME/filler" 2> /dev/null || true
cd "$HOME/model"
set +e"""


def test_full_disk(home: Path, tmp_path: Path, sick: tuple[State, State]) -> None:
    """On a full disk each file stays, nothing partial is left, and each fix that failed is reported once."""
    old, _ = sick
    seen = tmp_path / "seen"
    around = in_mount_namespace(FULL)
    sicken(home)
    for name in ("seen", "seen.before"):
        shutil.rmtree(tmp_path / name, ignore_errors=True)
        (tmp_path / name).mkdir()
    done = fix(*around, SEEN=str(seen))
    assert done.returncode == 1, done.stderr
    now = state(seen)
    assert now.pop("filler")
    for name in (".cache/huggingface/token", ".cache/huggingface/stored_tokens"):  # this needs no space
        assert now.pop(name) == (0o600, *old[name][1:])
    assert now == {name: file for name, file in old.items() if not name.startswith(".cache")}
    failed = set(old) - {".cache/huggingface/token", ".cache/huggingface/stored_tokens", "model/.git/HEAD"}
    reports_each(done.stderr, home, failed, "No space left on device")
    assert len(errors(done.stderr)) == len(failed)


READ_ONLY = """set -e
mount --bind "$HOME" "$HOME"
mount -o remount,ro,bind "$HOME"
cd "$HOME/model"
set +e"""


def test_read_only_file_system(home: Path, tmp_path: Path, sick: tuple[State, State]) -> None:
    """On a read-only file system nothing changes, and each fix that failed is reported once."""
    old, _ = sick
    around = in_mount_namespace(READ_ONLY)
    seen = tmp_path / "seen"
    shutil.rmtree(seen, ignore_errors=True)
    seen.mkdir()
    done = fix(*around, SEEN=str(seen))
    assert done.returncode == 1
    assert state(home) == old
    # The mode of the token files belongs to the mount, and is not reported.
    failed = set(old) - {"model/.git/HEAD", ".cache/huggingface/token", ".cache/huggingface/stored_tokens"}
    reports_each(done.stderr, home, failed, "cannot keep a copy|Read-only file system")


def test_warnings_that_stay(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fix that fails is a failure, even if it is for a warning only."""
    sicken(home, (".gitconfig", ".cache/huggingface/token", "model/.git/HEAD"))
    assert fix().returncode == 0
    (home / ".huggingface").mkdir()
    (home / ".huggingface/token").write_text("hf_old")
    done = fix(*in_mount_namespace(READ_ONLY), SEEN=os.devnull)
    assert done.returncode == 1
    assert len(errors(done.stderr)) == 1


def give_to_another_user(*paths: Path, group: int = 1234) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    for path in paths:
        try:
            os.chown(path, 1234, group)
        except OSError as error:
            pytest.skip(f"there are no other users: {error}")


def test_home_of_another_user(home: Path, sick: tuple[State, State]) -> None:
    """In another user's home nothing changes, and each fix that failed is reported."""
    give_to_another_user(home, *home.rglob("*"))
    home.chmod(0o755)
    (home / ".netrc").chmod(0o644)
    for name in (".header", ".instead", ".provider", ".cache/huggingface/stored_tokens"):
        (home / name).chmod(0o644)
    before = state(home)
    os.chdir("/")
    done = fix("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    assert done.returncode == 1
    assert state(home) == before
    failed = set(before) - {"model/.git/HEAD", "model/.git/config"}
    reports_each(done.stderr, home, failed, "cannot keep a copy|Permission denied|Operation not permitted")


# --- which file, and whose ---


@pytest.fixture
def netrc(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which only `.netrc` is wrong."""
    monkeypatch.chdir(home)
    sicken(home, (".gitconfig", ".cache/huggingface/token", "model/.git/HEAD"))
    fix()
    (home / ".netrc").write_text(NETRC)
    (home / ".netrc").chmod(0o640)
    return home / ".netrc"


AFTER = "machine a.example login x password y\nmachine b.example login x password z\n"


def test_link(home: Path, netrc: Path) -> None:
    """A symbolic link stays one; its target is changed, and nothing is put beside that."""
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
        assert [path.name for path in (home / "dotfiles").iterdir()] == ["netrc"]
        assert backups(home, "netrc")[-1].read_text() == NETRC


def test_owner(home: Path, netrc: Path) -> None:
    """The file and its backup belong to the file's owner, even if root fixes it."""
    give_to_another_user(netrc, group=5678)
    assert fix().returncode == 0
    (copy,) = backups(home)
    status = netrc.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 5678, 0o640)
    status = copy.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 5678, 0o600)


def test_hard_link(home: Path, netrc: Path) -> None:
    """Another hard link of the file keeps the old content."""
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
    """A file that another program changes before the fix stays as that program left it."""

    def look(path: Path) -> object:
        kind = os.readlink(path) if path.is_symlink() else path.is_dir()
        return kind or (path.read_bytes() if path.exists() else None)

    status, output = on_terminal(replace, netrc)
    shows_no_token(output)
    after = look(netrc)
    assert status == 1, output
    assert len(errors(output)) == 1, output
    assert str(netrc) in errors(output)[0]
    assert look(netrc) == after != AFTER.encode()
    assert not list(home.glob("*.lock")) and backups(home) == []
    if after is None:
        assert "has just been changed by another program" in output


def on_terminal(replace: Callable[[Path], object], netrc: Path) -> tuple[int, str]:
    """Run `doctor --fix` on a terminal, and replace the file before confirming."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, "doctor", "--fix", "--offline"], stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    os.close(slave)
    assert process.stdout
    output = b""
    while b"Fix it?" not in output:
        chunk = os.read(process.stdout.fileno(), 65536)
        assert chunk, output
        output += chunk
    replace(netrc)
    os.write(master, b"y\n")
    output += process.communicate(timeout=60)[0]
    os.close(master)
    return process.returncode, output.decode()


def test_backups_of_one_second(netrc: Path) -> None:
    """A backup never replaces another one, even if both are made in the same second."""
    contents = [NETRC.replace("login x", f"login x{number}") for number in range(4)]
    for content in contents:
        netrc.write_text(content)
        back_up(str(netrc), backup_directory())
    copies = backups(netrc.parent)
    assert sorted(path.read_text() for path in copies) == sorted(contents)
    assert {stat.S_IMODE(path.stat().st_mode) for path in copies} == {0o600}
    assert len({path.name[: len(".netrc.backup-20261129-060000")] for path in copies}) < 4


# --- programs that do not answer ---


def nothing_is_left(mark: str) -> None:
    """Assert that no process of the test still runs: a helper that hangs is ended with its parent."""
    for _ in range(50):
        listed = subprocess.run(["ps", "-A", "-o", "args"], capture_output=True, text=True).stdout
        if mark not in listed:
            return
        time.sleep(0.1)
    pytest.fail(f"{mark} still runs")


def test_helper_that_hangs(home: Path, netrc: Path) -> None:
    """A helper that never answers does not block doctor: what it holds, and what git would send, is unknown."""
    netrc.unlink()
    mark = f"sleep 10{os.getpid()}"
    with (home / ".gitconfig").open("a") as file:
        file.write(f'[credential "https://huggingface.co"]\n\thelper =\n\thelper = "!{mark}; :"\n\thelper = hf\n')
    done = fix(command=(PROGRAM, "doctor", "--offline"))
    output = " ".join(done.stdout.split())
    for program in ("git", "git-lfs", "git-xet"):
        assert re.search(rf"{program} - unknown: git credential did not answer within \d+ seconds", output)
    assert "cannot tell whether the helper '!sleep …' holds a copy of a Hub token" in output
    assert done.returncode == 1  # git asks it before ours
    nothing_is_left(mark)


def test_git_that_hangs(home: Path, netrc: Path) -> None:
    """A git that never answers is run once, and does not block doctor."""
    mark = f"sleep 11{os.getpid()}"
    (home / "bin").mkdir()
    (home / "bin/git").write_text(f"#!/bin/sh\n{mark}\n")
    (home / "bin/git").chmod(0o755)
    done = fix(PATH=f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}")
    output = " ".join(done.stdout.split())
    for program in ("git", "git-lfs", "git-xet"):
        assert re.search(rf"{program} - unknown: git config did not answer within \d+ seconds", output)
    assert done.returncode == 1
    assert "FAIL git git config did not answer" in output
    assert netrc.read_text() == AFTER  # what needs no git is fixed
    nothing_is_left(mark)


# --- standard streams ---


def test_closed_output(home: Path, sick: tuple[State, State]) -> None:
    """If stdout is closed, each file is the old or the new one, and the exit status is 0 only if all are new."""
    old, new = sick
    for shell in ('"$@" | head -1', '"$@" >&-', '"$@" >&- 2>&- <&-', '"$@" > /dev/full', '"$@" 2>&1 | :'):
        sicken(home)
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
    """Without a terminal `--fix` is refused; with `--yes` it needs neither a terminal nor TERM."""
    old, new = sick
    for stdin in ("< /dev/null", "<&-", "< <(echo y)"):
        done = fix("bash", "-c", f'"$@" {stdin}', "bash", command=(PROGRAM, "doctor", "--fix", "--offline"))
        assert done.returncode == 2
        assert "--fix asks before each change, and there is no terminal: add --yes" in done.stderr
        assert done.stderr.endswith("hint: run `git-credential-hf doctor --fix --yes`\n")
        assert state(home) == old
    for term in (None, "dumb", "xterm-256color"):
        if term is None:
            monkeypatch.delenv("TERM", raising=False)
        else:
            monkeypatch.setenv("TERM", term)
        sicken(home)
        done = fix("setsid", "--wait")
        assert done.returncode == 0
        assert "\x1b" not in done.stdout + done.stderr
        assert without_backups(state(home)) == without_backups(new)
