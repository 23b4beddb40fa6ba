"""The hooks work in every kind of repository, wherever its git directory is."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from git_credential_hf.hooks.install import plan_install
from git_credential_hf.problem import Problem

from .conftest import CUSTOM, Bench, script, tree


def test_worktrees(bench: Bench) -> None:
    """Installing and uninstalling in one worktree is for all of them."""
    where = bench.repository()
    bench.commit()
    bench.git("worktree", "add", "--quiet", "-b", "second", bench.folder / "second tree")
    bench.enter(bench.folder / "second tree")
    bench.install()
    bench.push(0)
    bench.assert_checked_first()
    bench.enter(where)
    bench.git("merge", "--quiet", "second")
    assert bench.state() == "installed"
    bench.assert_checked_first()
    bench.uninstall()
    assert "git-credential-hf" not in (where / ".git/hooks/pre-push").read_text()


def test_worktrees_with_hooks_path(bench: Bench) -> None:
    """Our directory works from each worktree, with a relative `core.hooksPath` before it."""
    where = bench.repository()
    script(where / ".githooks/pre-push", CUSTOM)
    script(where / ".githooks/commit-msg", '#!/bin/sh\necho "custom $0" >> "$LOG"\n')
    bench.git("config", "core.hooksPath", ".githooks")
    bench.commit()
    bench.install()
    bench.git("worktree", "add", "--quiet", bench.folder / "second")
    bench.enter(bench.folder / "second")
    assert bench.state() == "installed"
    bench.push(0)
    bench.assert_checked_first()
    assert bench.logged("custom")
    bench.log.write_text("")
    bench.git("commit", "--allow-empty", "--message", "x")
    assert "custom .githooks/commit-msg" in bench.log.read_text()


def test_submodule(bench: Bench) -> None:
    """A submodule is a repository of its own, whose `.git` is a file."""
    bench.repository("inner")
    bench.commit()
    bench.repository("outer")
    bench.git("submodule", "--quiet", "add", bench.folder / "inner", "part")
    bench.enter(bench.folder / "outer/part")
    bench.git("remote", "set-url", "origin", f"file://{bench.remote}")
    shutil.rmtree(bench.folder / "outer/.git/modules/part/hooks")
    bench.install()
    assert (bench.folder / "outer/.git/modules/part/hooks/pre-push").is_file()
    bench.assert_checked_first()


@pytest.mark.parametrize("hooks_path", [False, True])
def test_bare(bench: Bench, hooks_path: bool) -> None:
    """The hooks work for pushes from a bare repository."""
    bench.repository()
    bench.commit()
    bench.git("clone", "--quiet", "--bare", bench.folder / "repository", bench.folder / "bare.git")
    bench.enter(bench.folder / "bare.git")
    if hooks_path:
        script(bench.folder / "theirs/pre-push", CUSTOM)
        bench.git("config", "core.hooksPath", bench.folder / "theirs")
    bench.install()
    bench.git("remote", "set-url", "origin", f"file://{bench.remote}")
    assert bench.push(1, "origin", "main").returncode != 0
    assert bench.push(0, "origin", "main").returncode == 0
    assert bench.logged() == ["check", *(["custom"] if hooks_path else [])]


@pytest.mark.parametrize("hooks_path", [False, True])
@pytest.mark.parametrize("name", ['it\'s "quoted"', "ünï $HOME `x` \\ *"])
def test_names(bench: Bench, name: str, hooks_path: bool) -> None:
    """The repository's directory may have any name."""
    where = bench.repository(name)
    if hooks_path:
        script(where / name / "pre-push", CUSTOM)
        bench.git("config", "core.hooksPath", name)
    config = (where / ".git/config").read_bytes()
    bench.install()
    bench.assert_checked_first()
    assert bool(bench.logged("custom")) == hooks_path
    bench.git("config", "--remove-section", "lfs", check=False)
    bench.uninstall()
    assert (where / ".git/config").read_bytes() == config


def test_environment(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The repository is found from a directory inside it, and by `GIT_DIR`."""
    where = bench.repository()
    inner = where / "a/b"
    inner.mkdir(parents=True)
    bench.enter(inner)
    bench.install()
    assert bench.state() == "installed"
    bench.uninstall()
    bench.enter(bench.folder)
    with monkeypatch.context() as patch:
        patch.setenv("GIT_DIR", str(where / ".git"))
        patch.setenv("GIT_WORK_TREE", str(where))
        bench.install()
    bench.enter(inner)
    assert bench.state() == "installed"


def test_no_repository(bench: Bench) -> None:
    """Outside a repository there is a problem, and no traceback."""
    with pytest.raises(Problem, match="not in a git repository"):
        plan_install("local")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can drop its privileges")
@pytest.mark.parametrize("scope", ["local", "global"])
def test_read_only(bench: Bench, home: Path, scope: str) -> None:
    """If files cannot be written there is a problem of one line, and nothing has changed."""
    where = bench.repository()
    before = tree(where, home)
    code = f"""if True:
        import difflib, os, re, shlex, shutil, subprocess
        from git_credential_hf import problem
        from git_credential_hf.hooks.install import plan_install
        changes = plan_install("{scope}")  # first: the installation may be in root's home
        os.setuid(65534)
        try:
            for change in changes: change.apply()
        except problem.Problem as problem: print(problem.message)"""
    for folder in (bench.folder, *bench.folder.parents, *home.parents):
        if "pytest-of" in str(folder):
            folder.chmod(0o755)
    home.chmod(0o755)
    done = bench.run(sys.executable, "-c", code)
    assert done.stdout.startswith("cannot write /"), done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert tree(where, home) == before


@pytest.mark.git_versions
@pytest.mark.parametrize("how", ["moved", "copied"])
@pytest.mark.parametrize("hooks", ["theirs", ".git/hooks"])
def test_elsewhere(bench: Bench, how: str, hooks: str) -> None:
    """Moved, copied or mounted elsewhere, a repository has its own hooks, and ours again after an installation."""
    where = bench.repository()
    script(where / hooks / "pre-push", '#!/bin/sh\n# its name is $0\necho "custom $PWD" >> "$LOG"\n')
    if hooks == "theirs":
        bench.git("config", "core.hooksPath", "theirs")
    before = (where / ".git/config").read_bytes()
    bench.install()
    bench.assert_checked_first()
    new = bench.folder / "new"
    shutil.copytree(where, new, symlinks=True)
    script(where / ".git/git-credential-hf/hf-hooks/pre-push", "#!/bin/sh\nexit 1\n")  # whoever is there now
    if how == "moved":
        shutil.rmtree(where)
    bench.enter(new)
    bench.commit()
    assert bench.push(1).returncode == 0
    assert bench.log.read_text() == f"custom {new}\n"
    assert bench.state() == "displaced"
    bench.install()
    assert bench.state() == "installed"
    bench.assert_checked_first()
    assert bench.logged("custom")
    bench.git("config", "--remove-section", "lfs", check=False)  # git-lfs 2.13 sets nothing
    bench.uninstall()
    assert (new / ".git/config").read_bytes() == before
    assert not (new / ".git/git-credential-hf").exists()


@pytest.mark.parametrize("name", ["a [b] c?*", "back\\slash", 'quote"', "new\nline", "[x"])
def test_name_of_the_git_directory(bench: Bench, name: str) -> None:
    """The condition for our setting is met in a repository of any name, and in its linked work trees."""
    where = bench.repository(name)
    script(where / "theirs/pre-push", CUSTOM)
    bench.git("config", "core.hooksPath", "theirs")
    before = (where / ".git/config").read_bytes()
    bench.git("commit", "--allow-empty", "--message", "x")
    bench.git("worktree", "add", "--quiet", bench.folder / "linked")
    bench.install()
    for place in (where, bench.folder / "linked"):
        bench.enter(place)
        assert bench.state() == "installed"
        assert bench.push(1, "origin", "HEAD:main").returncode != 0
    bench.uninstall()
    assert (where / ".git/config").read_bytes() == before
