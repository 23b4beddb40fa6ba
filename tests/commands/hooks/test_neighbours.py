"""What people type with git-lfs, pre-commit, husky, and watchers of references works with the global hooks as without.

Each list of commands is run twice, with the same dates in the same kind of repository, and all of it is compared: exit
status, what is printed, the other hooks that ran, and what the remote has afterwards. In a repository without a remote
on the Hub nothing may differ; in one with such a remote, what does is in `DIFFERENCES`.
"""

import re
import shutil
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from amount import each_run

from .conftest import Bench, for_all_repositories, script
from .test_beside import husky

DATES: dict[str, Any] = {"GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z"}
FRAMEWORK = f"{sys.executable} -m pre_commit"
CONFIGURATION = """repos:
- repo: local
  hooks:
  - {id: here, name: here, language: system, entry: sh -c 'echo framework >> "$LOG"', always_run: true,
     pass_filenames: false, stages: [pre-commit, pre-push]}
"""
WATCHED = ("reference-transaction", "post-commit", "post-rewrite", "post-checkout", "post-merge", "pre-auto-gc")


class Typed(NamedTuple):
    """What came of one command."""

    command: str
    status: int
    printed: str


def nothing(bench: Bench) -> None:
    """No other program has hooks there."""


def with_framework(bench: Bench) -> None:
    (bench.where / ".pre-commit-config.yaml").write_text(CONFIGURATION)


def watch(bench: Bench) -> None:
    """Log each change of a reference, and what git-branchless and its like hear of: arguments and input."""
    for name in WATCHED:
        script(bench.where / ".git/hooks" / name, f'#!/bin/sh\necho "custom {name} $*" >> "$LOG"\ncat >> "$LOG"\n')


def with_husky(bench: Bench) -> None:
    husky(bench)
    script(bench.where / ".husky/pre-commit", 'echo husky >> "$LOG"\n', 0o644)


# Who has installed what, and what is typed then.
TOOLS: dict[str, tuple[Callable[[Bench], None], list[str]]] = {
    "git-lfs": (
        nothing,
        [
            "git lfs track '*.dat'",
            "printf data > a.dat && git add .",
            "git lfs status",
            "git commit -m data",
            "git lfs ls-files",
            "git push origin HEAD:main",
            "git checkout -b side",
            "printf more > b.dat && git add . && git commit -m more",
            "git checkout main && git merge side",
            "git lfs fsck",
            "git lfs migrate info --everything",
            "git push --all origin",
            "git lfs prune",
            "git -c core.hooksPath=.git/hooks lfs uninstall --local",
        ],
    ),
    "git-lfs, its hooks": (nothing, ["git lfs install --local", "git lfs update", "git lfs uninstall --local"]),
    "pre-commit": (
        with_framework,
        [
            f"{FRAMEWORK} install --hook-type pre-commit --hook-type pre-push",
            "git add . && git commit -m configuration",
            f"{FRAMEWORK} run --all-files",
            "git push origin HEAD:main",
            f"{FRAMEWORK} uninstall --hook-type pre-commit --hook-type pre-push",
            "git commit --allow-empty -m x",
        ],
    ),
    "husky": (
        with_husky,
        ["git add . && git commit -m configuration", "git push origin HEAD:main", "git commit --amend -m again"],
    ),
    "watchers of references": (
        watch,
        [
            "git commit --allow-empty -m one",
            "git branch side && git tag v1",
            "git checkout side",
            "git commit --allow-empty -m two",
            "git commit --amend --allow-empty -m three",
            "git checkout main",
            "git merge side",
            "git commit --allow-empty -m four",
            "git rebase --keep-empty --force-rebase HEAD~2",
            "git push origin HEAD:main v1",
            "git fetch origin",
            "git update-ref refs/other/x HEAD",
            "git gc --auto",
        ],
    ),
}

# With a remote on the Hub: what fails, and with which words.
DIFFERENCES = {
    "git lfs install --local": (2, "Hook already exists: pre-push"),
    "git lfs update": (2, "Hook already exists: pre-push"),
    f"{FRAMEWORK} install --hook-type pre-commit --hook-type pre-push": (1, "Cowardly refusing to install hooks"),
}


def typed(bench: Bench, commands: list[str]) -> list[Typed]:
    """Run commands as a shell does; without what differs from run to run."""
    found = []
    for command in commands:
        done = bench.run("sh", "-c", command, check=False, **DATES)
        printed = (done.stdout + done.stderr).replace(str(bench.folder), "…")
        # What differs from run to run: progress, times, which variable of several git-lfs names.
        printed = re.sub(r"Uploading LFS objects: .*\n|(?<=, )[\d.]+m?s\b|(?<=found filter\.lfs)\.\w+", "", printed)
        found.append(Typed(command, done.returncode, printed))
    return found


def used(
    bench: Bench, tool: str, *, on_hub: bool, then: Callable[[], None] = lambda: None
) -> tuple[list[Typed], list[list[str]], str]:
    """Return what came of the commands of a tool, the other hooks that ran with their input, and what was pushed."""
    for path in (bench.folder / "repository", bench.remote):
        shutil.rmtree(path, ignore_errors=True)
    bench.enter(bench.folder)
    bench.repository(lfs=False)
    if not on_hub:
        bench.git("remote", "remove", "hub")
    bench.run("git", "commit", "--quiet", "--allow-empty", "--message", "first", **DATES)
    prepare, commands = TOOLS[tool]
    prepare(bench)
    then()
    bench.log.write_text("")
    found = typed(bench, commands)
    ran: list[list[str]] = []
    for line in bench.log.read_text().replace(str(bench.folder), "…").splitlines():
        if line.split()[0] in ("check", "custom", "framework", "husky", "lfs"):
            ran.append([])
        ran[-1].append(line)
    bench.git("--git-dir", bench.remote, "fsck", "--strict")
    pushed = bench.pushed() + str(bench.uploaded())
    return found, [lines for lines in ran if not lines[0].startswith("check")], pushed


# Without a remote on the Hub no hook of ours is started, whoever starts git: with one tool that has hooks, one without.
@pytest.mark.git_versions
@for_all_repositories
@pytest.mark.parametrize("tool", each_run(TOOLS, "pre-commit", "git-lfs, its hooks"))
def test_without_a_hub_remote(bench: Bench, tool: str) -> None:
    """Nothing differs, and no hook of ours is started."""
    without = used(bench, tool, on_hub=False)
    bench.install("global")
    assert used(bench, tool, on_hub=False) == without
    assert "check hook" not in bench.log.read_text()


@pytest.mark.git_versions
@for_all_repositories
@pytest.mark.parametrize("tool", TOOLS)
def test_with_a_hub_remote(bench: Bench, tool: str) -> None:
    """Nothing differs but the commands that are known to, and what of references a watcher hears."""
    if tool == "pre-commit":
        pytest.skip("it does not install itself: test_framework_and_global")
    without, ran_without, pushed_without = used(bench, tool, on_hub=True)
    bench.install("global")
    found, ran, pushed = used(bench, tool, on_hub=True)
    for one, other in zip(found, without, strict=True):
        if one.command in DIFFERENCES:
            status, words = DIFFERENCES[one.command]
            assert (one.status, words in one.printed) == (status, True), one
        elif tool != "git-lfs, its hooks":
            assert one == other
    assert pushed == pushed_without
    # For that one, our hooks have to be installed in the repository: see the next test.
    assert ran == [lines for lines in ran_without if "reference-transaction" not in lines[0]]


@pytest.mark.git_versions
@for_all_repositories
@pytest.mark.parametrize("on_hub", [True, False])
@pytest.mark.parametrize("globally", [True, False])
def test_watchers_with_the_hooks_of_the_repository(bench: Bench, on_hub: bool, globally: bool) -> None:
    """Installed in the repository, our hooks let a watcher hear all of each reference, in the same order."""
    tool = "watchers of references"
    without = used(bench, tool, on_hub=on_hub)
    if globally:
        bench.install("global")
    assert used(bench, tool, on_hub=on_hub, then=bench.install) == without
