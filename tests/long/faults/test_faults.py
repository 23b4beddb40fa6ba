"""Whatever system call fails, and whenever it is killed: each file is whole, it says what is wrong, and can go on.

A sample of what tests/long/faults/long does: there every call of every command fails in turn, in every way that it may.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from executable import OWN_FILE

from . import COMMANDS, LOCK_HINT, PROGRAM, Trial, write
from .calls import CHANGES, Gits, Point, can_trace, failing, own, strace
from .kills import Kills, after_call, at_time, moments

if TYPE_CHECKING:
    from fake_hub import Hub


# The calls that each of these lets fail once; what one command does with processes and looks, others do with the same.
ALL = ("configure", "purge", "hooks uninstall", "get", "erase", "check --write")
SOME = ("hooks install", "get (Trusted Publisher)")


@pytest.fixture
def trial(request: pytest.FixtureRequest, tmp_path: Path) -> Trial:
    """A command, which `parametrize` names, on a machine of its own."""
    if why := can_trace():
        pytest.skip(why)
    hub: Hub | None = request.getfixturevalue("world") if COMMANDS[request.param].needs_hub else None
    return Trial(request.param, tmp_path, hub)


def sample(points: list[Point], kinds: tuple[str, ...] | None) -> list[Point]:
    """The last call of each kind, before which most has happened; of threads the first, as there may be no other."""
    wanted = [point for point in points if kinds is None or point.kind in kinds]
    found = {point.kind: point for point in wanted}
    return list({**found, **{point.kind: point for point in reversed(wanted) if point.kind == "clone3"}}.values())


@pytest.mark.parametrize("trial", [*ALL, *SOME], indirect=True)
def test_failing_calls(trial: Trial) -> None:
    """A system call that fails costs the command, with a line that says why, and no file, half or whole."""
    points = sample(own(trial), None if trial.name in ALL else CHANGES)
    assert len(points) > 3
    for number, point in enumerate(points):
        errors = point.errors()
        around = failing(point, errors[number % len(errors)])
        trial.fails(*around, unheard=point.is_heard, unseen=point.is_look)


@pytest.mark.parametrize("trial", ["configure"], indirect=True)
def test_failing_git(trial: Trial) -> None:
    """So it is where a call of git's fails, whichever git it is."""
    gits = Gits(trial)
    which = 0
    while (points := gits.points(which := which + 1)) is not None:
        for point in sample(points, ("openat", "read", "write"))[:1]:
            tracer = failing(point, point.errors()[0], everywhere=True)
            trial.fails(**gits.environment(which, tracer))
    assert which > 3


@pytest.mark.parametrize("trial", ["hooks install"], indirect=True)
@pytest.mark.parametrize("most", [100, 1000])
def test_short_writes(trial: Trial, most: int) -> None:
    """Where only a part of what is written gets into the file, that is no file of ours."""
    done = trial.fails("prlimit", f"--fsize={most}")
    assert "File too large" in done.stderr


@pytest.mark.parametrize("trial", ["hook pre-push"], indirect=True)
def test_push_goes_on(trial: Trial) -> None:
    """Where it cannot be asked what git would send, the push is not refused: only the Hub's no does that."""
    for point in sample(own(trial), ("write", "fork", "vfork", "pipe2")):
        trial.fails(*failing(point, point.errors()[0]))


@pytest.mark.parametrize("trial", ["hook pre-push"], indirect=True)
@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("?vfork,?fork,?clone:error=EAGAIN:when=1+", "cannot fork() for "),
        ("pipe2:error=EMFILE:when=1", "cannot create "),
    ],
)
def test_a_git_that_asks_nobody_has_not_said_no(call: str, expected: str, trial: Trial) -> None:
    """Where `git credential fill` cannot ask its helpers, it says that nobody has a token: that is not known."""
    # Asked after ours, so that git is asked for both.
    trial.machine.git("config", "--global", "--add", "credential.helper", "store")
    tracer = strace("-f", "-o", os.devnull, "-e", f"trace={call.partition(':')[0]}", "-e", f"inject={call}")
    done = trial.fails(**Gits(trial).environment(2, tracer))
    assert f"cannot check access to alice/model: {expected}" in done.stderr.replace("git failed: ", "")


@pytest.mark.parametrize("trial", ["doctor --fix"], indirect=True)
def test_what_is_found_later_is_mended(trial: Trial) -> None:
    """What cannot be looked at once is there at the second look, and is mended then: the status 0 says that it is."""
    path = trial.machine.home / ".huggingface/token"
    around = strace("-o", os.devnull, "-P", str(path), "-e", "trace=%file", "-e", "inject=%%stat:error=ENOMEM:when=1")
    done = trial.fails(*around)
    assert done.returncode == 0 and f"cannot read {path}: Cannot allocate memory" not in done.stdout


@pytest.mark.parametrize("trial", ["erase"], indirect=True)
def test_a_module_that_cannot_be_read(trial: Trial) -> None:
    """It is the system's fault, and the file is named: nobody is to report that."""
    # After the login has been read, the next file is a module that asks the Hub.
    point = [point for point in own(trial) if point.call == "openat" and "/.cache/huggingface/" in point.line][-1]
    done = trial.fails(*failing(point._replace(number=point.number + 1), "EACCES", again=True))
    assert "error: system error: Permission denied: /" in done.stderr


@pytest.mark.parametrize("trial", ["hooks uninstall"], indirect=True)
def test_what_cannot_be_looked_at_is_there(trial: Trial) -> None:
    """Where a look at a hook fails, no hook is taken for none: ours would go, and the one before not come back."""
    hooks = trial.machine.where / ".git/hooks"
    for path in (hooks / "pre-push", hooks / "pre-push.before-hf", hooks / "pre-commit"):
        around = strace("-o", os.devnull, "-P", str(path), "-e", "trace=%file", "-e", "inject=%%stat:error=EIO:when=1")
        done = trial.fails(*around)
        assert done.returncode == 1 and f"cannot read {path}: Input/output error" in done.stderr
        assert trial.machine.state() == trial.before


@pytest.mark.parametrize("trial", ["configure", "purge", "hooks install"], indirect=True)
def test_killed(trial: Trial) -> None:
    """After `kill -9` all files are whole, and the next run comes to the end, or says which lock to remove first."""
    kills = Kills(trial)
    for number in moments(trial, 8, random.Random(7)):
        if after_call(trial, number):
            kills.judge()
    for seconds in (0.1, 0.2):
        if at_time(trial, seconds):
            kills.judge()
    assert kills.killed > 1


# --- locks ---


@pytest.mark.parametrize("trial", ["configure", "configure, the first file"], indirect=True)
def test_lock_of_one_that_was_killed(trial: Trial) -> None:
    """What was killed leaves its lock, as git does, with a whole file in it; the next run says how to remove it."""
    trial.machine.reset()
    trial.run(*strace("-o", os.devnull, "-e", "trace=rename", "-e", "inject=rename:signal=KILL:when=1"))
    left = trial.machine.state()
    lock = f"home/{OWN_FILE}.lock"  # our own file is written first
    assert {name: left[name] for name in left if name in trial.before or name == lock} == {
        **trial.before,
        lock: trial.after[f"home/{OWN_FILE}"],
    }
    done = trial.run()
    assert done.returncode == 1 and LOCK_HINT.findall(done.stderr) == [f"rm {trial.machine.home}/{OWN_FILE}.lock"]
    assert trial.machine.state() == left
    trial.completes()


def test_lock_of_a_removal_that_was_killed(tmp_path: Path) -> None:
    """So it is with the lock under which a file is removed."""
    if why := can_trace():
        pytest.skip(why)
    trial = Trial("configure, the first file", tmp_path, None)
    trial.machine.reset()
    trial.run()
    around = strace("-o", os.devnull, "-e", "trace=unlink", "-e", "inject=unlink:signal=KILL:when=1")
    trial.machine.run(*around, PROGRAM, "unconfigure")
    assert (trial.machine.home / ".gitconfig.lock").exists()
    assert trial.machine.run_again(PROGRAM, "unconfigure")
    assert [path for path in trial.machine.home.rglob("*") if path.name != ".config"] == []


@pytest.mark.parametrize("trial", ["configure"], indirect=True)
def test_lock_of_one_that_lives(trial: Trial) -> None:
    """A lock that is held is respected, whatever is in it; and so is one of git's, which git does not hold."""
    trial.machine.reset()
    lock = trial.machine.home / f"{OWN_FILE}.lock"
    around = strace("-o", os.devnull, "-e", "trace=rename", "-e", "inject=rename:delay_enter=3000000:when=1")
    command = [*around, PROGRAM, *trial.command.arguments]
    first = subprocess.Popen(
        command, env=trial.machine.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while not lock.exists() and first.poll() is None:
        time.sleep(0.01)
    second = trial.run()
    assert second.returncode == 1 and "is being changed by another program" in second.stderr
    said = first.communicate()
    assert first.returncode == 0, said
    assert trial.machine.state() == trial.after
    for content in ("", "[user]\n", "x" * 1000):
        trial.machine.reset()
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.write_text(content)
        assert "is being changed by another program" in trial.run().stderr
        assert lock.read_text() == content


def python(code: str, *around: str) -> str:
    done = subprocess.run([*around, sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_where_there_are_no_locks() -> None:
    """On a file system without locks nobody waits for one: each `get` would take half a minute."""
    if why := can_trace():
        pytest.skip(why)
    around = strace("-o", os.devnull, "-e", "trace=flock", "-e", "inject=flock:error=ENOLCK")
    assert python("from git_credential_hf.lock import Lock\nwith Lock('x'): print('in')", *around) == "in\n"


def test_what_was_not_put_in_its_place() -> None:
    """What a process that was killed was about to keep goes with the next one that keeps something; a token, say."""
    ours = Path(os.environ["XDG_RUNTIME_DIR"], "git-credential-hf")
    ours.mkdir(mode=0o700)
    for name in ("oidc.4711", "oidc.4712", "oidc"):
        write(ours / name, "hf_x", 0o600)
    for name in ("oidc.4711", "oidc"):
        os.utime(ours / name, (time.time() - 3600,) * 2)
    python("from git_credential_hf.state import write_state\nassert write_state('refused', 'x')")
    assert sorted(path.name for path in ours.iterdir()) == ["oidc", "oidc.4712", "refused"]
