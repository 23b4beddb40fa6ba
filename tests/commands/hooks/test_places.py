"""The hooks work in every kind of repository, and with every setting of `core.hooksPath`."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from account import git_has
from amount import IS_LONG

from git_credential_hf.configure.settings import Settings
from git_credential_hf.hooks.hook_place import HOOK_SCOPES
from git_credential_hf.hooks.hook_script import FORWARDED_HOOKS, MIRRORED_HOOKS
from git_credential_hf.hooks.hooks_path import is_our_hooks_path
from git_credential_hf.hooks.install import plan_install, plan_uninstall
from git_credential_hf.hooks.installed import hooks_in_effect, inspect_hooks
from git_credential_hf.problem import Problem

from .conftest import CUSTOM, Bench, script, tree
from .test_beside import framework

for_all_repositories = pytest.mark.skipif(not git_has(2, 36), reason="git before 2.36 has no hasconfig")


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


SETTINGS = {
    "absolute": ("--local", "{folder}/theirs"),
    "relative": ("--local", "theirs"),
    "home": ("--local", "~/theirs"),
    "global": ("--global", "{folder}/theirs"),
    "global, relative": ("--global", "theirs"),
    "slash at the end": ("--local", "{folder}/theirs/"),
}


# A repository's own setting overrides the global hooks: see test_overridden.
CASES = [("local", name) for name in SETTINGS] + [
    ("global", name) for name in SETTINGS if SETTINGS[name][0] == "--global"
]


@pytest.mark.parametrize(("scope", "name"), CASES)
def test_hooks_path(bench: Bench, home: Path, name: str, scope: str) -> None:
    """An existing directory of hooks still works, unchanged, and the setting is restored byte for byte."""
    where = bench.repository()
    at, value = SETTINGS[name]
    value = value.format(folder=bench.folder)
    theirs = home / "theirs" if value.startswith("~") else where / value
    script(theirs / "pre-push", CUSTOM)
    script(theirs / "commit-msg", '#!/bin/sh\necho "custom $0" >> "$LOG"\nexit 3\n')
    bench.git("config", at, "core.hooksPath", value)
    folders = theirs, where / ".git/hooks"
    before, configs = tree(*folders), [(p, p.read_bytes()) for p in (where / ".git/config", home / ".gitconfig")]
    bench.install(scope)
    assert bench.state(scope) == "installed"
    assert tree(*folders) == before
    bench.assert_checked_first()
    assert bench.logged("custom")
    bench.log.write_text("")
    assert bench.git("commit", "--allow-empty", "--message", "x", check=False).returncode != 0
    shown = str(home / "theirs") if value.startswith("~") else value.rstrip("/")
    assert f"custom {shown}/commit-msg" in bench.log.read_text()
    bench.git("config", "--remove-section", "lfs")
    bench.uninstall(scope)
    assert [(p, p.read_bytes()) for p, _ in configs] == configs
    assert not (home / ".config/git-credential-hf").exists()


@pytest.mark.parametrize("first", ["include", "core"])
def test_hooks_path_of_an_included_file(bench: Bench, first: str) -> None:
    """Our setting overrides that of the file and of one that it includes; both are restored."""
    config = bench.repository() / ".git/config"
    (config.parent / "included").write_text("[core]\n\thooksPath = one\n")
    parts = {"include": "[include]\n\tpath = included\n", "core": "[core]\n\thooksPath = two\n"}
    config.write_text(config.read_text() + parts.pop(first) + "".join(parts.values()))
    before = config.read_bytes()
    for _ in range(2):
        bench.install()
        assert bench.state() == "installed"
        after = config.read_bytes()
        bench.install()
        assert config.read_bytes() == after
        bench.uninstall()
        assert config.read_bytes() == before


def test_hooks_path_of_the_system(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hooks of a directory that is set for all users run, too."""
    script(bench.folder / "theirs/pre-push", CUSTOM)
    bench.repository()
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(bench.folder / "system"))
    monkeypatch.delenv("GIT_CONFIG_NOSYSTEM")
    bench.git("config", "--system", "core.hooksPath", bench.folder / "theirs")
    for scope in HOOK_SCOPES:
        bench.install(scope)
        bench.assert_checked_first()
        assert bench.logged("custom")
        bench.uninstall(scope)


@pytest.mark.parametrize("value", ["/dev/null", ""])
@pytest.mark.parametrize("scope", ["local", "global"])
def test_turned_off(bench: Bench, scope: str, value: str) -> None:
    """If hooks are disabled they stay so, and the problem says how to change that."""
    bench.repository()
    bench.git("config", "--global", "core.hooksPath", value)
    with pytest.raises(Problem, match="disables all hooks") as caught:
        plan_install(scope)
    bench.run("sh", "-c", (caught.value.fix or "").removeprefix("run `").removesuffix("`"))
    bench.install(scope)
    bench.assert_checked_first()


def test_worktree_setting(bench: Bench) -> None:
    """A setting for one worktree overrides ours, and is not changed."""
    bench.repository()
    bench.git("config", "extensions.worktreeConfig", "true")
    bench.git("config", "--worktree", "core.hooksPath", "x")
    with pytest.raises(Problem, match="this worktree only"):
        plan_install("local")


@pytest.mark.parametrize("name", ["pre-push", "pre-push.before-hf"])
def test_directory_with_the_name_of_a_hook(bench: Bench, name: str) -> None:
    """A directory under a hook's name (git push hangs on one) is a problem."""
    where = bench.repository()
    (where / ".git/hooks" / name).mkdir()
    with pytest.raises(Problem, match="is a directory") as caught:
        plan_install("local")
    bench.run("sh", "-c", caught.value.fix or "")
    bench.install()


def test_missing_directory(bench: Bench) -> None:
    """A repository from an empty template has no hooks directory."""
    where = bench.repository()
    shutil.rmtree(where / ".git/hooks")
    bench.install()
    bench.assert_checked_first()


def test_linked_directory(bench: Bench) -> None:
    """A hooks directory that is a link, perhaps to what is tracked, is not written to."""
    where = bench.repository()
    script(where / "shared/pre-push", CUSTOM)
    shutil.rmtree(where / ".git/hooks")
    (where / ".git/hooks").symlink_to("../shared")
    before, shared = tree(where), tree(where / "shared")
    bench.install()
    assert tree(where / "shared") == shared
    bench.uninstall()
    assert tree(where) == before
    bench.install()
    bench.assert_checked_first()
    assert bench.logged("custom")


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


def test_hooks_path_comes_and_goes(bench: Bench) -> None:
    """`core.hooksPath` is set and unset after the installation: each time installing again fixes it."""
    where = bench.repository()
    before = tree(where)
    bench.install()
    bench.git("config", "core.hooksPath", "theirs")
    assert bench.state() == "displaced"
    script(where / "theirs/pre-push", CUSTOM)
    bench.install()
    bench.git("config", "--unset", "core.hooksPath")
    assert bench.state() == "installed"  # in .git/hooks, from before
    bench.install()
    assert not (where / ".git/git-credential-hf/hf-hooks").exists()
    bench.uninstall()
    assert {p: s for p, s in tree(where).items() if "theirs" not in p} == before


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


# --- for all repositories ---


def test_global(bench: Bench, home: Path) -> None:
    """One installation is for all repositories, each with its own hooks; uninstalling leaves nothing."""
    before = tree(home)
    bench.install("global")
    assert bench.state("global") == "installed"
    where = bench.repository()
    script(where / ".git/hooks/pre-push", CUSTOM)
    script(where / ".git/hooks/commit-msg", "#!/bin/sh\nexit 1\n")
    (where / ".git/hooks/commit-msg").chmod(0o644)
    bench.assert_checked_first()
    assert bench.logged() == ["check", "custom", "lfs"]
    (where / ".git/hooks/commit-msg").chmod(0o755)
    assert bench.git("commit", "--allow-empty", "--message", "x", check=False).returncode != 0
    bench.uninstall("global")
    assert tree(home) == before


@pytest.mark.git_versions(each_run=1)
@for_all_repositories
def test_global_clone(bench: Bench, home: Path) -> None:
    """In a clone with LFS files our hooks run git-lfs, and its own hooks once."""
    bench.repository()
    bench.commit()
    bench.git("push", "--quiet", "origin", "HEAD:main")
    bench.git("--git-dir", bench.remote, "symbolic-ref", "HEAD", "refs/heads/main")
    bench.install("global")
    before = tree(home / ".config/git-credential-hf")
    bench.enter(bench.folder)
    bench.git("clone", "--quiet", "-c", "remote.hub.url=https://hf.co/acme/m", f"file://{bench.remote}", "clone")
    bench.enter(bench.folder / "clone")
    bench.assert_checked_first()
    assert bench.logged("lfs") == ["lfs"]
    bench.log.write_text("")
    bench.git("checkout", "--quiet", "-b", "other")
    assert bench.log.read_text().count("lfs post-checkout") == 1
    assert bench.git("lfs", "install", check=False).returncode == 2
    assert tree(home / ".config/git-credential-hf") == before
    bench.install("local")
    bench.assert_checked_first()
    bench.uninstall("global")
    bench.assert_checked_first()


HUB_REMOTES = [
    "https://huggingface.co/gpt2",
    "https://huggingface.co/datasets/acme/data",
    "https://alice@huggingface.co/acme/model.git",
    "https://alice:word@hf.co/acme/model",
    "https://hub.example.com:8443/acme/model",
    "git@hf.co:acme/model",
    "git@hf.co:spaces/acme/app",
    "git@huggingface.co:gpt2",
    "ssh://git@hf.co/acme/model",
    "git@hub.example.com:acme/model",
]
OTHER_REMOTES = [
    "https://git.example.com/acme/model",
    "https://git.example.com/huggingface.co/model",
    "https://huggingface.co.example.com/acme/model",
    "https://git.example.com/a@huggingface.co/model",
    "git@git.example.com:hf.co/model",
    "ssh://git@git.example.com/git@hf.co/model",
]


@pytest.mark.git_versions(each_run=1)
@for_all_repositories
def test_global_only_with_a_hub_remote(bench: Bench) -> None:
    """Git uses the global hooks in a repository with a remote on a Hub, in whatever form, and in no other."""
    for change in plan_install("global", Settings(["https://hub.example.com:8443"])):
        change.apply()
    bench.repository()
    bench.git("remote", "remove", "hub")
    assert bench.git("config", "core.hooksPath", check=False).stdout == ""
    for url in HUB_REMOTES + OTHER_REMOTES:
        bench.git("config", "remote.other.url", url)
        used = bench.git("config", "core.hooksPath", check=False).stdout.strip()
        assert is_our_hooks_path(used) == (url in HUB_REMOTES), url


@pytest.mark.git_versions
@for_all_repositories
def test_global_elsewhere(bench: Bench) -> None:
    """In a repository without a Hub remote, git starts no hook of ours; git-lfs and pre-commit install theirs."""
    bench.install("global")
    where = bench.repository()
    bench.git("remote", "remove", "hub")
    trace = bench.folder / "trace"
    bench.commit()
    bench.push(1, GIT_TRACE=str(trace))
    bench.git("fetch", "--quiet", "origin", GIT_TRACE=str(trace))
    assert bench.logged("check") == []
    assert "hf-hooks" not in trace.read_text()
    bench.git("lfs", "install", "--local")
    framework(bench, "--hook-type", "commit-msg")
    assert {path.name for path in (where / ".git/hooks").iterdir()} >= {"pre-push", "post-checkout", "commit-msg"}


@pytest.mark.git_versions
@for_all_repositories
def test_global_frequent_hooks(bench: Bench) -> None:
    """What git runs for each reference, or for the index, starts nothing of ours.

    `hooks status` names a repository's own hook of that kind, and once installed there, our hooks run it.
    """
    bench.install("global")
    where = bench.repository()
    bench.commit()
    trace = bench.folder / "trace"
    bench.git("tag", "first", GIT_TRACE=str(trace))
    bench.git("add", "model.bin", GIT_TRACE=str(trace))
    assert not re.search("run_command: .*hf-hooks", trace.read_text())
    assert inspect_hooks("global").problem() is None
    names = ("reference-transaction", "post-index-change")
    for name in names:
        script(where / ".git/hooks" / name, f'#!/bin/sh\necho "custom {name}" >> "$LOG"\n')
    problem = inspect_hooks("global").problem()
    assert problem and all(name in problem.message for name in names)
    assert problem.fix == "git-credential-hf hooks install"
    bench.install()
    bench.log.write_text("")
    bench.commit()
    assert {line.split()[1] for line in bench.log.read_text().splitlines() if line.startswith("custom")} == {*names}


@pytest.mark.git_versions
@for_all_repositories
def test_global_and_a_foreign_directory(bench: Bench) -> None:
    """With another work tree than the repository's own, no hook of that directory runs: it may be from an archive."""
    bench.install("global")
    where = bench.repository()
    other = bench.folder / "archive"
    for name in (*FORWARDED_HOOKS, *MIRRORED_HOOKS, "pre-commit"):
        script(other / ".git/hooks" / name, f'#!/bin/sh\necho "custom {name}" >> "$LOG"\n')
    script(where / ".git/hooks/post-commit", '#!/bin/sh\necho "husky post-commit" >> "$LOG"\n')
    (other / "file").write_text("x")
    bench.git("--work-tree", other, "add", "--all")
    bench.git("--work-tree", other, "commit", "--message", "import")
    bench.enter(other)
    bench.git("--git-dir", where / ".git", "status")
    bench.git("update-ref", "refs/heads/zz", "HEAD", GIT_DIR=str(where / ".git"))
    assert bench.logged("custom") == []
    assert bench.logged("husky") == ["husky"], "the repository's own"


def set_in(bench: Bench, home: Path, how: str, value: str) -> None:
    """Set `core.hooksPath` for the user or for all users; `above`: before our line in `~/.gitconfig`."""
    if how == "condition above":
        (home / "work.gitconfig").write_text(f"[core]\n\thooksPath = {value}\n")
        config = home / ".gitconfig"
        condition = f'[includeIf "gitdir:{bench.where}/"]\n\tpath = ~/work.gitconfig\n'
        config.write_text(condition + config.read_text())
    else:
        bench.git("config", f"--{how}", "core.hooksPath", value)


@pytest.mark.git_versions(each_run=1)
@for_all_repositories
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("how", ["condition above", "global", "system"])
def test_hooks_path_beside_the_global_hooks(
    how: str, when: str, bench: Bench, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hooks that git would run without ours run in each repository, whenever their directory is set or unset."""
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(bench.folder / "system"))
    monkeypatch.delenv("GIT_CONFIG_NOSYSTEM")
    (home / ".gitconfig").write_text("[core]\n\tpager = cat\n" + (home / ".gitconfig").read_text())
    for place in (home / "their hooks", bench.folder / "other/.git/hooks"):
        for name in ("pre-push", "commit-msg"):
            script(place / name, f'#!/bin/sh\necho "custom {name} {place.name}" >> "$LOG"\n')
    where = bench.repository(lfs=False)
    script(where / ".git/hooks/commit-msg", '#!/bin/sh\necho "custom own" >> "$LOG"\n')

    def ran() -> list[tuple[str, str]]:
        bench.commit()
        bench.log.write_text("")
        bench.git("commit", "--allow-empty", "--message", "x")
        committed = bench.log.read_text()
        bench.push(0, "origin", "HEAD:main", "HEAD:side")
        return re.findall("(?m)^custom (.*)$|^(check) hook", committed + bench.log.read_text())

    if when == "before":
        set_in(bench, home, how, "~/their hooks")
    bench.install("global")
    if when == "after":
        assert ran() == [("", "check"), ("own", ""), ("", "check")]
        set_in(bench, home, how, "~/their hooks")
    assert inspect_hooks("global").problem() is None
    theirs = [("", "check"), ("commit-msg their hooks", ""), ("", "check"), ("pre-push their hooks", "")]
    assert ran() == theirs
    bench.repository("other")
    bench.git("commit", "--allow-empty", "--message", "x")
    assert ("custom commit-msg hooks" in bench.log.read_text()) == (how == "condition above")
    bench.enter(where)
    set_in(bench, home, how, "/dev/null")
    assert ran() == []
    if how == "condition above":
        (home / "work.gitconfig").unlink()
    else:
        bench.git("config", f"--{how}", "--unset", "core.hooksPath")
    assert ran() == [("", "check"), ("own", ""), ("", "check")]


def test_a_condition_below_the_global_hooks(bench: Bench, home: Path) -> None:
    """A condition that git reads after ours counts more, and `hooks status` says so."""
    bench.install("global")
    where = bench.repository()
    (home / "work.gitconfig").write_text("[core]\n\thooksPath = .githooks\n")
    bench.git("config", "--global", f"includeIf.gitdir:{where}/.path", "~/work.gitconfig")
    problem = inspect_hooks("global").problem()
    assert problem and "git does not run the global hooks in this repository: core.hooksPath is .githooks" in str(
        problem
    )
    assert problem.fix == "git-credential-hf hooks install"
    bench.install()
    bench.assert_checked_first()


def test_a_directory_of_the_same_name(bench: Bench) -> None:
    """A `core.hooksPath` of a team whose directory happens to have the name of ours is theirs."""
    where = bench.repository()
    script(where / "tools/hf-hooks/pre-push", CUSTOM)
    for value in ("tools/hf-hooks", str(where / "tools/hf-hooks")):
        bench.git("config", "core.hooksPath", value)
        bench.uninstall()
        assert bench.git("config", "core.hooksPath").stdout.strip() == value
        bench.install()
        bench.assert_checked_first()
        assert bench.logged("check", "custom") == ["check", "custom"]
        bench.uninstall()
        assert bench.git("config", "core.hooksPath").stdout.strip() == value


@pytest.mark.parametrize("arrangement", ["beside", "core.hooksPath", "global"])
def test_lines_that_others_add(bench: Bench, home: Path, arrangement: str) -> None:
    """What another tool has added at the end of our hook stays when we install again, and is not removed with it."""
    scope = "global" if arrangement == "global" else "local"
    where = bench.repository()
    if arrangement == "core.hooksPath":
        script(where / "theirs/pre-push", CUSTOM)
        bench.git("config", "core.hooksPath", "theirs")
    bench.install(scope)
    hook = Path(inspect_hooks(scope).hooks[0].path)
    added = '\n# BEGIN tool\necho "husky $*" >> "$LOG"\n'
    hook.write_text(hook.read_text().replace("PRE_COMMIT_RUNNING_LEGACY", "OLD") + added)  # of an older version
    bench.install(scope)
    assert hook.read_text().endswith(added)
    assert "PRE_COMMIT_RUNNING_LEGACY" in hook.read_text()
    bench.assert_checked_first()
    assert bench.logged("husky") == ["husky"]
    with pytest.raises(Problem, match="ends with lines that another program added"):
        bench.uninstall(scope)
    hook.write_text(hook.read_text().removesuffix(added))
    bench.uninstall(scope)


@pytest.mark.git_versions(each_run=1)
@for_all_repositories
def test_printed_by_git_lfs(bench: Bench) -> None:
    """`git lfs install` prints the hook that it finds, whose first lines say why there is one, and what to type."""
    bench.install("global")
    bench.repository()
    done = bench.git("lfs", "install", "--local", check=False)
    printed = done.stdout + done.stderr
    assert "It runs git-lfs, too" in printed
    assert printed.index("git lfs install --skip-repo") < 400
    bench.git("lfs", "install", "--skip-repo")


def test_old_git(bench: Bench) -> None:
    """Before git 2.36, which would read no such setting, nothing is written, and it says what to do."""
    real = shutil.which("git")
    old = f'#!/bin/sh\n[ "$1" != version ] || exec echo git version 2.34.1\nexec {real} "$@"\n'
    script(bench.folder / "bin/git", old)
    with pytest.raises(Problem, match=r"this is git 2\.34") as raised:
        bench.install("global")
    assert "hooks install" in (raised.value.fix or "")


def test_global_left_empty(bench: Bench, home: Path) -> None:
    """An empty directory that a `kill -9` has left is removed by the next run."""
    above = home / ".config/git-credential-hf"
    above.mkdir(parents=True)
    bench.uninstall("global")
    assert not above.exists()
    above.mkdir()
    (above / "other").touch()
    bench.uninstall("global")
    assert (above / "other").exists()


def test_global_replaced(bench: Bench) -> None:
    """`git lfs install --force` writes into our directory: that is reported, and fixed."""
    bench.install("global")
    bench.repository()
    bench.git("lfs", "install", "--force")
    assert bench.state("global") == "replaced"
    bench.install("global")
    bench.assert_checked_first()


def test_global_written_by_others(bench: Bench) -> None:
    """What a tool writes into our directory, which is there for all repositories, is reported whatever its name."""
    bench.install("global")
    bench.repository()
    path = Path(bench.git("rev-parse", "--git-path", "hooks").stdout.strip(), "post-checkout")
    path.write_text('#!/bin/sh\ncommand -v git-lfs >/dev/null 2>&1 || { exit 2; }\ngit lfs post-checkout "$@"\n')
    problem = inspect_hooks("global").problem()
    assert problem and problem.message.startswith("another program has changed the hooks")
    assert problem.fix == "git-credential-hf hooks install --global"
    bench.install("global")
    assert inspect_hooks("global").problem() is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can write for another user")
@pytest.mark.parametrize("scope", HOOK_SCOPES)
def test_as_root_for_another_user(bench: Bench, home: Path, scope: str) -> None:
    """What sudo installs in a user's home or repository is that user's, and so is ~/.config."""
    (home / ".config").rmdir()
    where = bench.repository()
    for folder in (home, where):
        for path in (folder, *folder.rglob("*")):
            os.chown(path, 1000, 1000, follow_symlinks=False)
    before = {*home.rglob("*"), *where.rglob("*")}
    bench.install(scope)
    made = {*home.rglob("*"), *where.rglob("*")} - before
    assert made
    assert {(path.stat().st_uid, path.stat().st_gid) for path in made} == {(1000, 1000)}
    bench.uninstall(scope)
    assert {*home.rglob("*"), *where.rglob("*")} - before <= {home / ".config"}


def test_global_and_local(bench: Bench) -> None:
    """Both scopes at once check once, and either can be uninstalled."""
    where = bench.repository()
    script(where / ".git/hooks/pre-push", CUSTOM)
    bench.install("global")
    bench.install("local")
    bench.assert_checked_first()
    assert bench.logged() == ["check", "custom", "lfs"]
    assert bench.state("local") == "installed"
    bench.uninstall("global")
    bench.assert_checked_first()
    assert bench.state("local") == "installed"


def test_overridden(bench: Bench) -> None:
    """A repository's own `core.hooksPath` overrides the global hooks: that is reported; installing locally fixes it."""
    where = bench.repository()
    bench.install("global")
    script(where / "theirs/pre-push", CUSTOM)
    bench.git("config", "core.hooksPath", "theirs")
    assert "core.hooksPath is theirs" in (inspect_hooks("global").by or "")
    bench.install("local")
    assert inspect_hooks("global").by is None
    bench.assert_checked_first()


def test_framework_and_global(bench: Bench) -> None:
    """Under the global hooks pre-commit refuses to install, unless that setting is hidden; it runs after our hook."""
    where = bench.repository()
    bench.install("global")
    with pytest.raises(AssertionError, match="Cowardly refusing"):
        framework(bench)
    hidden: dict[str, Any] = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.hooksPath", "GIT_CONFIG_VALUE_0": ""}
    bench.run(sys.executable, "-m", "pre_commit", "install", "--hook-type", "pre-push", **hidden)
    assert (where / ".git/hooks/pre-push").exists()
    bench.assert_checked_first()
    assert bench.logged() == ["check", "framework", "lfs"]


@pytest.mark.git_versions
@for_all_repositories
def test_other_hooks(bench: Bench) -> None:
    """Every other hook runs as by git: arguments, input and status; also in a repository that is pushed to."""
    bench.install("global")
    where = bench.repository()
    note = '#!/bin/sh\necho "custom ${0##*/} $*" >> "$LOG"\ncat >> "$LOG"\n'
    for folder in (where / ".git/hooks", bench.remote / "hooks"):
        for name in FORWARDED_HOOKS:
            if name not in ("proc-receive", "update"):
                script(folder / name, note)
        script(folder / "update", '#!/bin/sh\necho "custom update $1" >> "$LOG"\ncase $1 in */no) exit 1 ;; esac\n')
    bench.commit()
    bench.push(0, "origin", "HEAD:main")
    bench.git("commit", "--amend", "--message", "again")
    bench.git("checkout", "--quiet", "-b", "side")
    bench.git("merge", "--quiet", "main")
    ran = {line.split()[1] for line in bench.log.read_text().splitlines() if line.startswith("custom")}
    assert ran >= {
        *("pre-receive", "update", "post-receive", "post-update"),
        *("prepare-commit-msg", "commit-msg", "post-commit", "post-rewrite", "post-checkout"),
    }
    assert "refs/heads/main" in bench.log.read_text()
    refused = bench.push(0, "origin", "HEAD:no", "HEAD:yes")
    assert "hook declined" in refused.stderr
    assert "refs/heads/yes" in bench.pushed()
    assert "refs/heads/no" not in bench.pushed()


@pytest.mark.git_versions(each_run=1)
@pytest.mark.parametrize("name", MIRRORED_HOOKS)
def test_mirrored(bench: Bench, name: str) -> None:
    """Hooks whose mere existence has an effect are in our directory only if they were in the previous one."""
    where = bench.repository()
    bench.git("config", "core.hooksPath", "theirs")
    bench.install()
    assert not (where / ".git/git-credential-hf/hf-hooks" / name).exists()
    script(where / "theirs" / name, CUSTOM)
    bench.install()
    assert (where / ".git/git-credential-hf/hf-hooks" / name).exists()
    (where / "theirs" / name).unlink()
    bench.install()
    assert not (where / ".git/git-credential-hf/hf-hooks" / name).exists()


def test_hooks_in_effect(bench: Bench) -> None:
    """Without a scope, the hooks that count in the current directory are reported, with the fix."""

    def answer() -> tuple[str, str, str | None]:
        found = hooks_in_effect()
        problem = found.problem()
        return found.scope, found.state, problem.fix if problem else None

    assert answer() == ("global", "absent", "git-credential-hf hooks install --global")
    where = bench.repository()
    assert answer() == ("local", "absent", "git-credential-hf hooks install --local")
    bench.install("global")
    assert answer() == ("global", "installed", None)
    script(where / "theirs/pre-push", CUSTOM)
    bench.git("config", "core.hooksPath", "theirs")
    assert answer() == ("global", "installed", "git-credential-hf hooks install")
    bench.install("local")
    assert answer() == ("local", "installed", None)
    bench.git("config", "core.hooksPath", "others")
    assert answer() == ("local", "installed", None)
    with (where / ".git/config").open("a") as config:
        config.write("[core]\n\thooksPath = theirs\n")
    assert answer() == ("local", "displaced", "git-credential-hf hooks install --local")
    bench.install("local")
    script(where / ".git/git-credential-hf/hf-hooks/pre-push", CUSTOM)
    assert answer() == ("local", "replaced", "git-credential-hf hooks install --local")


def test_often(bench: Bench) -> None:
    """A hook that git runs often starts git once, to look for `core.hooksPath`; without an answer, it works as well."""
    bench.repository()
    bench.install("global")
    script(bench.folder / "trap/git", f"#!/bin/sh\necho $1 >> {bench.folder}/started\nexit 99\n")
    bench.git("commit", "--quiet", "--allow-empty", "--no-verify", "--message", "x")
    bench.git("worktree", "add", "--quiet", bench.folder / "linked")
    hook = Path(inspect_hooks("global").directory, "prepare-commit-msg")
    script(bench.where / ".git/hooks/prepare-commit-msg", '#!/bin/sh\necho "custom $*" >> "$LOG"\n')
    for directory in (".git", ".git/worktrees/linked"):  # as git sets it in a linked work tree
        bench.run(hook, directory, PATH=f"{bench.folder}/trap:/usr/bin:/bin", GIT_DIR=directory)
    assert bench.log.read_text() == "custom .git\ncustom .git/worktrees/linked\n"
    assert (bench.folder / "started").read_text() == "config\nconfig\n"


def test_foreign_in_our_directory(bench: Bench) -> None:
    """A file of another program in our directory is not lost: a problem names it, and its fix works."""
    bench.install("global")
    path = script(Path(inspect_hooks("global").directory, "commit-msg"), CUSTOM)
    for plan in (plan_install, plan_uninstall):
        with pytest.raises(Problem, match="not a hook of git-credential-hf") as caught:
            plan("global")
    assert path.read_text() == CUSTOM
    bench.run("sh", "-c", caught.value.fix or "")
    bench.install("global")
    bench.uninstall("global")


# --- half-way ---

KILLED = """
import os, sys
from git_credential_hf.hooks import install
for change in getattr(install, sys.argv[1])(sys.argv[2]): change.apply()
"""


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace")
@pytest.mark.parametrize("arrangement", ["beside", "core.hooksPath", "global"])
@pytest.mark.parametrize("what", ["plan_install", "plan_uninstall"])
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


@pytest.mark.parametrize("mode", [0o755, 0o775, 0o2777, 0o711, 0o750, 0o700])
@pytest.mark.parametrize("arrangement", ["beside", "a new directory", "core.hooksPath"])
def test_open_to_those_who_use_the_repository(arrangement: str, mode: int, bench: Bench) -> None:
    """Whoever may enter the hooks' directory may run them, with whatever umask they were installed."""
    where = bench.repository()
    hooks = where / ".git/hooks"
    if arrangement == "core.hooksPath":
        hooks = script(where / "theirs/pre-commit", CUSTOM).parent
        bench.git("config", "core.hooksPath", "theirs")
    elif arrangement == "beside":
        script(hooks / "pre-commit", CUSTOM)
    else:
        shutil.rmtree(hooks)
    (hooks if hooks.exists() else hooks.parent).chmod(mode)
    mask = os.umask(0o077)
    try:
        bench.install()
    finally:
        os.umask(mask)
    for path in (where / ".git").rglob("hf-hooks*"):
        assert {item.stat().st_mode & 0o777 for item in (path, *path.iterdir())} == {0o755}
    used = {0o755: 0o755, 0o775: 0o755, 0o2777: 0o755, 0o711: 0o755, 0o750: 0o750, 0o700: 0o700}[mode]
    if arrangement != "core.hooksPath":
        made = [hooks / "pre-push", hooks / "pre-commit"] + [hooks] * (arrangement == "a new directory")
        assert [oct(path.stat().st_mode & 0o777) for path in made] == [oct(used)] * len(made)
    (where / ".git").chmod(0o755)


@pytest.mark.parametrize("scope", HOOK_SCOPES)
@pytest.mark.parametrize("umask", [0o000, 0o002])
def test_nobody_else_may_change_a_hook(umask: int, scope: str, bench: Bench, home: Path) -> None:
    """What git will run is writable for its owner alone, with the directories that were made for it."""
    where = bench.repository()
    shutil.rmtree(where / ".git/hooks")
    before = {*bench.folder.rglob("*"), *home.rglob("*")}
    mask = os.umask(umask)
    try:
        bench.install(scope)
    finally:
        os.umask(mask)
    made = {*bench.folder.rglob("*"), *home.rglob("*")} - before
    hooks = [path for path in made if path.name in ("pre-push", "pre-commit")]
    assert hooks and all(os.access(path, os.X_OK) for path in hooks)
    own = [path for hook in hooks for path in (hook, hook.parent)]
    assert {path: oct(path.stat().st_mode & 0o022) for path in own} == dict.fromkeys(own, "0o0")


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


# --- where programs cannot run ---


def with_mount(bench: Bench, mount: str, command: str) -> subprocess.CompletedProcess[str]:
    """Run shell commands in a mount namespace of their own, after `mount`."""
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("only root can mount")
    return bench.run("unshare", "--mount", "sh", "-c", f"mount {mount} && {command}", check=False)


@pytest.mark.parametrize("scope", HOOK_SCOPES)
def test_noexec(bench: Bench, home: Path, scope: str) -> None:
    """If no hook can run there, none is installed: git would complain at each command, and run nobody's."""
    where = bench.repository()
    place = home / ".config" if scope == "global" else where / ".git/hooks"
    install = f"{sys.executable} -c '{KILLED}' plan_install {scope}"
    done = with_mount(bench, f"-t tmpfs -o noexec,mode=755 none '{place}'", f"{install}; find '{place}'")
    assert "can be run: is the file system mounted with noexec?" in done.stderr
    assert done.stdout.split("\n") == [str(place), ""]
    assert bench.state(scope) == "absent"


@for_all_repositories
def test_without_proc(bench: Bench) -> None:
    """In a chroot or a build jail without `/proc`, hooks run as elsewhere."""
    where = bench.repository()
    for name in ("prepare-commit-msg", "post-commit"):
        script(where / ".git/hooks" / name, '#!/bin/sh\necho "custom ${0##*/}" >> "$LOG"\n')
    bench.install("global")
    done = with_mount(bench, "-t tmpfs none /proc", "git commit --allow-empty --message x")
    assert done.returncode == 0, done.stderr
    assert bench.log.read_text().splitlines() == [
        "check hook pre-commit",
        "custom prepare-commit-msg",
        "custom post-commit",
    ]
