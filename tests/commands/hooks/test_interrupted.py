"""At any moment, whatever ends the program, there is a hook that works."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from amount import IS_LONG, each_run

from git_credential_hf.hooks.installed import inspect_hooks
from git_credential_hf.problem import Problem

from .conftest import CUSTOM, KILLED, Bench, for_all_repositories, script, tree

ROWS = [
    (where, what) for where in ("beside", "core.hooksPath", "global") for what in ("plan_install", "plan_uninstall")
]
# The files are written and removed in one way, whatever their places are; git's configuration changes with "global".
EACH_RUN = [("beside", "plan_install"), ("core.hooksPath", "plan_uninstall"), ("global", "plan_install")]


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
@pytest.mark.parametrize(("arrangement", "what"), each_run(ROWS, *EACH_RUN))
def test_killed(bench: Bench, home: Path, arrangement: str, what: str) -> None:
    """Killed before any of its changes to the file system, it leaves a repository with a working hook.

    Repeating or undoing it then gives the same result as without the kill.
    """
    scope = "global" if arrangement == "global" else "local"
    where = bench.repository()
    theirs = "theirs" if arrangement == "core.hooksPath" else ".git/hooks"
    script(where / theirs / "pre-push", CUSTOM)
    if arrangement == "core.hooksPath":
        bench.git("config", "core.hooksPath", theirs)
    bench.git("commit", "--allow-empty", "--message", "x")
    folders = [where / ".git/hooks", where / "theirs", home]
    config = where / ".git/config"
    clean = tree(*folders), config.read_bytes()
    points = 0
    calls = ["rename,renameat,renameat2", "linkat,link", "unlink,unlinkat,rmdir", "mkdir,mkdirat", "fsync"]
    for call in calls:
        for number in (1, 2, 9, 27) if IS_LONG else (2 if what == "plan_install" else 1,):
            if what == "plan_uninstall":
                bench.install(scope)
            inject = f"inject={call}:signal=KILL:when={number}"
            trace = ["strace", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e", inject]
            done = bench.run(*trace, sys.executable, "-c", KILLED, what, scope, check=False)
            points += done.returncode != 0
            assert bench.push(0, "--dry-run", "origin", "HEAD:main").returncode == 0
            assert bench.logged("custom") == ["custom"], (call, number)
            for lock in (*(where / ".git").rglob("*.lock"), *home.rglob("*.lock")):
                lock.unlink(missing_ok=True)  # as the problem would say
            bench.install(scope)
            assert bench.push(1, "--dry-run", "origin", "HEAD:main").returncode != 0
            assert bench.logged() == ["check"], (call, number)
            bench.uninstall(scope)
            assert (tree(*folders), config.read_bytes()) == clean, (call, number)
    assert points >= 2, "it was killed at several points"


def test_at_once(bench: Bench) -> None:
    """Several installations at the same time have the result of one."""
    where = bench.repository()
    script(where / ".git/hooks/pre-push", CUSTOM)
    before = tree(where)
    command = [sys.executable, "-c", KILLED, "plan_install", "local"]
    running = [subprocess.Popen(command, cwd=where, stderr=subprocess.DEVNULL) for _ in range(6)]
    for process in running:
        process.wait()
    bench.install()
    assert (where / ".git/hooks/pre-push.before-hf").read_text() == CUSTOM
    bench.uninstall()
    assert tree(where) == before


@pytest.mark.git_versions
@for_all_repositories
def test_git_crashes(bench: Bench) -> None:
    """Git crashes if a remote's `url` has no value and a condition asks for it: the problem says what to correct."""
    bench.install("global")
    where = bench.repository()
    with (where / ".git/config").open("a") as config:
        config.write('[remote "empty"]\n\turl\n')
    if bench.git("config", "user.name", check=False).returncode == 0:
        pytest.skip("this git does not crash")
    with pytest.raises(Problem, match="it crashed") as caught:
        inspect_hooks("global")
    assert caught.value.fix == "run `${EDITOR:-vi} .git/config`, and give each remote's `url` a value"
    bench.uninstall("global")
    assert bench.git("config", "user.name").stdout
