"""The hooks for all repositories: those with a remote on the Hub have them, and others nothing."""

import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from git_credential_hf.configure.settings import Settings
from git_credential_hf.hooks.githooks import FORWARDED_HOOKS, MIRRORED_HOOKS
from git_credential_hf.hooks.hook_place import HOOK_SCOPES
from git_credential_hf.hooks.hooks_path import is_our_hooks_path
from git_credential_hf.hooks.install import plan_install, plan_uninstall
from git_credential_hf.hooks.installed import hooks_in_effect, inspect_hooks
from git_credential_hf.problem import Problem

from .conftest import CUSTOM, Bench, for_all_repositories, script, tree
from .test_beside import framework


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
