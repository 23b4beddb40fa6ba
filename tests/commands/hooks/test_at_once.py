"""Two processes that install and uninstall at the same time, or another tool, lose nobody's hook."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from git_credential_hf.files import Change
from git_credential_hf.hooks.githooks import CHECKING_HOOKS
from git_credential_hf.hooks.install import plan_install, plan_uninstall
from git_credential_hf.problem import Problem

from .conftest import CUSTOM, KILLED, Bench, script, tree

ANOTHER = "#!/bin/sh\n# of another tool\n"


def hook(bench: Bench, text: str) -> None:
    for name in CHECKING_HOOKS:
        script(bench.where / ".git/hooks" / name, text)


def beside(bench: Bench) -> None:
    hook(bench, CUSTOM)
    bench.install()


def alone(bench: Bench) -> None:
    bench.install()


def in_a_directory(bench: Bench) -> None:
    bench.git("config", "core.hooksPath", "theirs")
    bench.install()


def replaced(bench: Bench) -> None:
    bench.uninstall()
    hook(bench, ANOTHER)


def kept_as_well(bench: Bench) -> None:
    script(bench.where / ".git/hooks/pre-commit.before-hf", ANOTHER)


def added(bench: Bench) -> None:
    script(bench.where / ".git/git-credential-hf/hf-hooks/commit-msg", ANOTHER)


def one_more(bench: Bench) -> None:
    script(bench.where / ".git/git-credential-hf/hf-hooks/some-hook", ANOTHER)


# What is installed; what is planned; what happens before it is done.
BETWEEN: list[tuple[Callable[[Bench], object], Callable[[str], list[Change]], Callable[[Bench], object]]] = [
    (alone, plan_uninstall, replaced),
    (alone, plan_uninstall, kept_as_well),
    (beside, plan_uninstall, replaced),
    (lambda bench: hook(bench, CUSTOM), plan_install, lambda bench: hook(bench, ANOTHER)),
    (lambda bench: None, plan_install, lambda bench: hook(bench, ANOTHER)),
    (lambda bench: hook(bench, CUSTOM), plan_install, kept_as_well),
    (in_a_directory, plan_uninstall, added),
    (in_a_directory, plan_uninstall, one_more),
]


@pytest.mark.parametrize("number", range(len(BETWEEN)))
def test_what_came_between(number: int, bench: Bench) -> None:
    """A hook that came after the plan is not touched, and the message says what to do."""
    first, plan, between = BETWEEN[number]
    bench.repository()
    first(bench)
    changes = plan("local")
    between(bench)
    hooks = [bench.where / ".git/hooks", bench.where / ".git/git-credential-hf/hf-hooks"]
    before = {
        path: what for path, what in tree(*hooks).items() if isinstance(what, tuple) and what[1] == ANOTHER.encode()
    }
    assert before
    with pytest.raises(Problem):
        for change in changes:
            change.apply()
    assert before.items() <= tree(*hooks).items()


def test_install_and_uninstall(bench: Bench) -> None:
    """However often both run at the same time, the user's hook is there afterwards, and is what runs."""
    where = bench.repository()
    script(where / ".git/hooks/pre-commit", CUSTOM)
    before = tree(where / ".git/hooks")
    for _ in range(2):
        running = [
            subprocess.Popen([sys.executable, "-c", KILLED, plan, "local"], cwd=where, stderr=subprocess.DEVNULL)
            for plan in ("plan_install", "plan_uninstall") * 2
        ]
        for process in running:
            process.wait()
        bench.install()
        assert Path(where, ".git/hooks/pre-commit.before-hf").read_text() == CUSTOM
        bench.uninstall()
        assert tree(where / ".git/hooks") == before


def test_somebody_holds_the_lock(bench: Bench) -> None:
    """The directory may be locked by anybody who can read it: it is waited for, and not for ever."""
    where = bench.repository()
    descriptor = os.open(where / ".git/hooks", os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        bench.install()
        assert bench.state() == "installed"
    finally:
        os.close(descriptor)
