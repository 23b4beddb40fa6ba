"""A repository with a file in LFS, a local remote, and a log of the programs that a push starts."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from account import git_has
from programs import Argument, Done, run

from git_credential_hf.hooks.install import plan_install, plan_uninstall
from git_credential_hf.hooks.installed import inspect_hooks

# Replaces `git-credential-hf`: it exits with the status that a test sets, and logs its arguments and input.
STAND_IN = """#!/bin/sh
[ "$1" != capability ] || exit 0 # the hooks run this after a refusal
{ echo "check $*"; cat; } >> "$LOG"
[ "$1" != hook ] || exit "$(cat "$ANSWER")"
"""
# The real git-lfs, which logs its own hooks.
GIT_LFS = """#!/bin/sh
case $1 in
    pre-push | post-*) echo "lfs $*" >> "$LOG" ;;
esac
exec "$REAL_GIT_LFS" "$@"
"""
CUSTOM = '#!/bin/sh\necho "custom $*" >> "$LOG"\ncat >> "$LOG"\n'


def script(path: Path, text: str | bytes, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(mode)
    return path


def tree(*folders: Path) -> dict[str, object]:
    """Return all files below, with modes, contents, and targets of links."""
    found: dict[str, object] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            status = path.lstat()
            what = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
            found[str(path)] = (status.st_mode, what)
    return found


class Bench:
    """A repository, and what a user does in it."""

    def __init__(self, folder: Path, change_directory: Callable[[Path], None]) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.answer = folder / "answer"
        self.remote = folder / "remote.git"
        self.change_directory = change_directory
        self.where = folder
        self.number = 0

    def enter(self, where: Path) -> None:
        self.where = where
        self.change_directory(where)

    def run(self, *command: Argument, check: bool = True, **environment: Any) -> Done:
        return run(*command, cwd=self.where, check=check, **environment)

    def git(self, *arguments: Argument, check: bool = True, **environment: Any) -> Done:
        return self.run("git", *arguments, check=check, **environment)

    def repository(self, name: str = "repository", lfs: bool = True) -> Path:
        """Create one that pushes to `remote.git`, and go there; git-lfs has installed no hooks."""
        if not self.remote.exists():
            self.git("init", "--quiet", "--bare", self.remote)
        where = self.folder / name
        self.git("init", "--quiet", where)
        self.enter(where)
        self.git("remote", "add", "origin", f"file://{self.remote}")
        self.git("remote", "add", "hub", "https://huggingface.co/acme/model")  # the global hooks are for these
        if lfs:
            (where / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
        return where

    def commit(self) -> None:
        """Commit a new LFS object."""
        self.number += 1
        (self.where / "model.bin").write_bytes(os.urandom(99))
        self.git("add", ".", check=False)
        self.git("commit", "--quiet", "--no-verify", "--message", str(self.number))

    def uploaded(self) -> int:
        return sum(path.is_file() for path in (self.remote / "lfs/objects").rglob("*"))

    def pushed(self) -> str:
        return self.git("--git-dir", self.remote, "for-each-ref").stdout

    def answers(self, answer: int) -> None:
        self.answer.write_text(f"{answer}\n")

    def push(self, answer: int = 0, *arguments: str, **environment: Any) -> subprocess.CompletedProcess[str]:
        """Push, with that exit status of the check, and a log of this push alone."""
        self.answers(answer)
        self.log.write_text("")
        return self.git("push", *(arguments or ("origin", "HEAD:main")), check=False, **environment)

    def logged(self, *who: str) -> list[str]:
        """Return which of these programs ran, in order."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        words = [line.split(" ")[0] for line in lines]
        return [word for word in words if word in (who or ("check", "lfs", "custom", "framework", "husky"))]

    def install(self, scope: str = "local") -> None:
        for change in plan_install(scope):
            change.apply()
        assert plan_install(scope) == [], "twice is once"

    def uninstall(self, scope: str = "local") -> None:
        for change in plan_uninstall(scope):
            change.apply()
        assert plan_uninstall(scope) == [], "twice is once"

    def assert_checked_first(self) -> None:
        """Push twice: refused, without starting git-lfs or uploading; then allowed, with one check before git-lfs."""
        self.commit()
        objects, refs = self.uploaded(), self.pushed()
        refused = self.push(1)
        assert refused.returncode != 0, refused.stderr
        assert self.logged("check", "lfs") == ["check"], self.log.read_text()
        assert (self.uploaded(), self.pushed()) == (objects, refs)
        allowed = self.push(0)
        assert allowed.returncode == 0, allowed.stderr
        assert self.logged("check") == ["check"], self.log.read_text()
        assert self.logged("check", "lfs")[:2] == ["check", "lfs"], self.log.read_text()
        assert self.uploaded() == objects + 1
        assert self.pushed() != refs

    def state(self, scope: str = "local") -> str:
        return inspect_hooks(scope).state


@pytest.fixture
def bench(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Return a bench on which `STAND_IN` replaces `git-credential-hf`, with the status 0."""
    real = shutil.which("git-lfs")
    if real is None:
        pytest.skip("no git-lfs")
    bench = Bench(tmp_path, lambda where: monkeypatch.chdir(where))
    stand_in = script(tmp_path / "bin/git-credential-hf", STAND_IN)
    monkeypatch.setattr(sys, "argv", [str(stand_in)])  # the program that installs its path in the hooks
    script(tmp_path / "bin/git-lfs", GIT_LFS)
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]]))
    monkeypatch.setenv("LOG", str(bench.log))
    monkeypatch.setenv("ANSWER", str(bench.answer))
    monkeypatch.setenv("REAL_GIT_LFS", real)
    bench.answers(0)
    (home / ".config").mkdir()
    if not CONFIGURATION:  # what comes of these is the same each time
        bench.git("lfs", "install", "--skip-repo")
        for name, value in {
            "user.name": "Alice",
            "user.email": "alice@example.org",
            "init.defaultBranch": "main",
            "protocol.file.allow": "always",
            "safe.directory": "*",
        }.items():
            bench.git("config", "--global", name, value)
        CONFIGURATION.append((home / ".gitconfig").read_text())
    (home / ".gitconfig").write_text(CONFIGURATION[0])
    return bench


CONFIGURATION: list[str] = []  # the global one with which each bench starts


KILLED = """
import os, sys
from git_credential_hf.hooks import install
for change in getattr(install, sys.argv[1])(sys.argv[2]): change.apply()
"""


for_all_repositories = pytest.mark.skipif(not git_has(2, 36), reason="git before 2.36 has no hasconfig")
