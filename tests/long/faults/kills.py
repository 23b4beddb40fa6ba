"""A command that is ended with `kill -9`: alone, at some system call, or at some time with all that it has started."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

from . import PROGRAM, Trial, difference, is_left_by_a_kill
from .calls import INSTALLED, listed, strace


def moments(trial: Trial, how_many: int, chance: random.Random) -> list[int]:
    """Numbers among all system calls of the command's own process: half of them any, half about files of the user's."""
    log = trial.machine.top.with_name("log")
    trial.machine.reset()
    trial.run(*strace("-y", "-s", "0", "-o", str(log)))
    lines = [point.line for _, point in listed(log)]
    top = str(trial.machine.top)
    about_files = [
        number
        for number, line in enumerate(lines, 1)
        if top in line.partition("(")[2].replace(f"AT_FDCWD<{trial.machine.where}>", "") and not INSTALLED.search(line)
    ]
    half = how_many // 2
    return [*chance.choices(about_files, k=half), *chance.choices(range(1, len(lines) + 1), k=how_many - half)]


def after_call(trial: Trial, number: int) -> bool:
    """Kill the command's own process at the call with this number, and let what it has started go on to its end."""
    trial.machine.reset()
    inject = ("-e", "trace=all", "-e", f"inject=all:signal=KILL:when={number}")
    process = _started(trial, *strace("-o", os.devnull, *inject))
    _, _ = process.communicate(trial.stdin.encode())
    _wait_for(trial)
    return process.returncode != 0


def at_time(trial: Trial, seconds: float) -> bool:
    """Kill the command so long after its start, with all that it has started."""
    trial.machine.reset()
    process = _started(trial)
    assert process.stdin
    try:
        process.stdin.write(trial.stdin.encode())
        process.stdin.close()
    except BrokenPipeError:
        pass
    time.sleep(seconds)
    for number in _family(process.pid):
        try:
            os.kill(number, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.wait()
    _wait_for(trial)
    return process.returncode < 0


def _started(trial: Trial, *around: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*around, PROGRAM, *trial.command.arguments],
        cwd=trial.machine.where,
        env={**trial.machine.environment, **trial.command.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _family(first: int) -> list[int]:
    """A process and all below it, each stopped, so that it starts no other one."""
    found = [first]
    for number in found:
        try:
            os.kill(number, signal.SIGSTOP)
            found += [
                int(child)
                for path in Path(f"/proc/{number}/task").glob("*/children")
                for child in path.read_text().split()
            ]
        except (OSError, ProcessLookupError):
            pass
    return found


def _wait_for(trial: Trial) -> None:
    """Until nothing is left of what runs on this machine: what was killed was somebody's parent."""
    mark = f"XDG_RUNTIME_DIR={trial.machine.runtime}".encode()
    deadline = time.monotonic() + 60
    while any(_has(Path("/proc", name, "environ"), mark) for name in os.listdir("/proc") if name.isdigit()):
        assert time.monotonic() < deadline, "something goes on and on"
        time.sleep(0.005)


def _has(path: Path, mark: bytes) -> bool:
    try:
        return mark in path.read_bytes().split(b"\0")
    except OSError:
        return False


class Kills:
    """What kills have left of a command's files: `before`, `after`, or `each` file in one of the two.

    `repaired` counts the next runs that came to the end; `hinted` those of them that first refused, because of a lock,
    and said how to remove it (unless it is the one of git-credential-store).
    """

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.killed = self.repaired = self.hinted = 0

    def judge(self) -> None:
        """All files are whole, and the next run comes to the end, whatever was left behind."""
        self.killed += 1
        trial = self.trial
        trial.is_whole(None, killed=True)
        for folder, _, files in os.walk(trial.machine.top):
            for name in filter(is_left_by_a_kill, (f"{folder}/{name}" for name in files)):
                mode = os.lstat(name).st_mode & 0o777
                assert "CaNaRy" not in Path(name).read_text(errors="replace") or mode & 0o077 == 0, name
                os.utime(name, (time.time() - 3600,) * 2)  # as if it had happened an hour ago
        self.hinted += trial.run_again()
        # Of copies there may be one more, and one that was cut off: tests/commands/doctor looks at those.
        now, after = (
            {
                name: what
                for name, what in state.items()
                if ".backup-" not in name and not name.endswith("credentials.lock")
            }
            for state in (trial.machine.state(), trial.after)
        )
        if trial.command.must_change:
            assert now == after, difference(after, now)
        else:
            assert not [name for name in now if is_left_by_a_kill(name) and name not in trial.after], list(now)
        self.repaired += 1
