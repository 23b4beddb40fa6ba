"""Ours is found in every kind of repository, and a directory of ours stands in for every other."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from git_credential_hf.hooks.install import (
    FORWARDED_HOOKS,
    HOOK_SCOPES,
    MIRRORED_HOOKS,
    hooks_in_effect,
    inspect_hooks,
    plan_install,
    plan_uninstall,
)
from git_credential_hf.problem import Problem

from .conftest import CUSTOM, Bench, script, tree
from .test_beside import framework


def test_worktrees(bench: Bench) -> None:
    """One installation, in any worktree, is for all of them; so is a removal."""
    where = bench.repository()
    bench.commit()
    bench.git("worktree", "add", "--quiet", "-b", "second", bench.folder / "second tree")
    bench.enter(bench.folder / "second tree")
    bench.install()
    bench.push(0)
    bench.is_judged()
    bench.enter(where)
    bench.git("merge", "--quiet", "second")
    assert bench.state() == "installed"
    bench.is_judged()
    bench.uninstall()
    assert "git-credential-hf" not in (where / ".git/hooks/pre-push").read_text()  # but git-lfs's own


def test_worktrees_with_hooks_path(bench: Bench) -> None:
    """The directory of ours works from each worktree, with a relative directory before it."""
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
    bench.is_judged()
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
    bench.is_judged()


@pytest.mark.parametrize("hooks_path", [False, True])
def test_bare(bench: Bench, hooks_path: bool) -> None:
    """A bare repository can be pushed from, too."""
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
    assert bench.logged() == ["judge", *(["custom"] if hooks_path else [])]


@pytest.mark.parametrize("hooks_path", [False, True])
@pytest.mark.parametrize("name", ["a b", 'it\'s "quoted"', "dollar $HOME `x` \\ *", "ünï"])
def test_names(bench: Bench, name: str, hooks_path: bool) -> None:
    """Whatever the repository's directory is called."""
    where = bench.repository(name)
    if hooks_path:
        script(where / name / "pre-push", CUSTOM)
        bench.git("config", "core.hooksPath", name)
    config = (where / ".git/config").read_bytes()
    bench.install()
    bench.is_judged()
    assert bool(bench.logged("custom")) == hooks_path
    bench.git("config", "--remove-section", "lfs", check=False)
    bench.uninstall()
    assert (where / ".git/config").read_bytes() == config


def test_environment(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """`GIT_DIR` names the repository, from anywhere; so does a directory inside of it."""
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
    """Outside of a repository there is a problem, and no traceback."""
    with pytest.raises(Problem, match="there is no git repository here"):
        plan_install("local")


SETTINGS = {
    "absolute": ("--local", "{folder}/theirs"),
    "relative": ("--local", "theirs"),
    "home": ("--local", "~/theirs"),
    "global": ("--global", "{folder}/theirs"),
    "global, relative": ("--global", "theirs"),
    "slash at the end": ("--local", "{folder}/theirs/"),
}


# (A repository's own setting keeps it from the global hooks: see test_kept_off.)
CASES = [("local", name) for name in SETTINGS] + [
    ("global", name) for name in SETTINGS if SETTINGS[name][0] == "--global"
]


@pytest.mark.parametrize(("scope", "name"), CASES)
def test_hooks_path(bench: Bench, home: Path, name: str, scope: str) -> None:
    """A directory that was set before goes on, untouched, and the setting comes back byte for byte."""
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
    bench.is_judged()
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
    """Where the file sets it, and one that it includes, ours counts, wherever that stands; both come back."""
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
    """A directory that is set for everybody on the machine is run, too."""
    script(bench.folder / "theirs/pre-push", CUSTOM)
    bench.repository()
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(bench.folder / "system"))
    monkeypatch.delenv("GIT_CONFIG_NOSYSTEM")
    bench.git("config", "--system", "core.hooksPath", bench.folder / "theirs")
    for scope in HOOK_SCOPES:
        bench.install(scope)
        bench.is_judged()
        assert bench.logged("custom")
        bench.uninstall(scope)


@pytest.mark.parametrize("value", ["/dev/null", ""])
@pytest.mark.parametrize("scope", ["local", "global"])
def test_turned_off(bench: Bench, scope: str, value: str) -> None:
    """Where somebody has turned hooks off, they stay off, and the problem says how to change that."""
    bench.repository()
    bench.git("config", "--global", "core.hooksPath", value)
    with pytest.raises(Problem, match="disables all hooks") as caught:
        plan_install(scope)
    bench.run("sh", "-c", (caught.value.fix or "").removeprefix("run `").removesuffix("`"))
    bench.install(scope)
    bench.is_judged()


def test_worktree_setting(bench: Bench) -> None:
    """A setting for one worktree is above ours, and not ours to change."""
    bench.repository()
    bench.git("config", "extensions.worktreeConfig", "true")
    bench.git("config", "--worktree", "core.hooksPath", "x")
    with pytest.raises(Problem, match="this worktree only"):
        plan_install("local")


@pytest.mark.parametrize("name", ["pre-push", "pre-push.before-hf"])
def test_directory_in_the_way(bench: Bench, name: str) -> None:
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
    bench.is_judged()


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
    bench.is_judged()
    assert bench.logged("custom")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not write")
@pytest.mark.parametrize("scope", ["local", "global"])
def test_read_only(bench: Bench, home: Path, scope: str) -> None:
    """Where the files cannot be written there is a problem of one line, and nothing has changed."""
    where = bench.repository()
    before = tree(where, home)
    code = f"""if True:
        import difflib, os, re, shlex, shutil, subprocess
        from git_credential_hf import problem
        from git_credential_hf.hooks.install import plan_install
        changes = plan_install("{scope}")  # before, as the installation may be in root's own home
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


def test_turning_to_the_directory(bench: Bench) -> None:
    """`core.hooksPath` came after us, and went again: each time an installation makes it right."""
    where = bench.repository()
    before = tree(where)
    bench.install()
    bench.git("config", "core.hooksPath", "theirs")
    assert bench.state() == "displaced"
    script(where / "theirs/pre-push", CUSTOM)
    bench.install()
    bench.git("config", "--unset", "core.hooksPath")
    assert bench.state() == "installed"  # it was beside, before
    bench.install()
    assert not (where / ".git/hf-hooks").exists()
    bench.uninstall()
    assert {p: s for p, s in tree(where).items() if "theirs" not in p} == before


def test_moved(bench: Bench) -> None:
    """A repository that was moved has lost the directory of ours: that is seen, and mended."""
    where = bench.repository()
    script(where / "theirs/pre-push", CUSTOM)
    bench.git("config", "core.hooksPath", "theirs")
    before = (where / ".git/config").read_bytes()
    bench.install()
    where.rename(bench.folder / "moved")
    bench.enter(bench.folder / "moved")
    assert bench.state() != "installed"
    bench.install()
    assert bench.state() == "installed"
    bench.is_judged()
    assert bench.logged("custom")
    bench.git("config", "--remove-section", "lfs")
    bench.uninstall()
    assert (bench.where / ".git/config").read_bytes() == before


# --- for all repositories ---


def test_global(bench: Bench, home: Path) -> None:
    """One installation, from anywhere, is for all repositories, each with its own hooks; undoing leaves nothing."""
    before = tree(home)
    bench.install("global")
    assert bench.state("global") == "installed"
    where = bench.repository()
    script(where / ".git/hooks/pre-push", CUSTOM)
    script(where / ".git/hooks/commit-msg", "#!/bin/sh\nexit 1\n")
    (where / ".git/hooks/commit-msg").chmod(0o644)
    bench.is_judged()
    assert bench.logged() == ["judge", "custom", "lfs"]
    (where / ".git/hooks/commit-msg").chmod(0o755)
    assert bench.git("commit", "--allow-empty", "--message", "x", check=False).returncode != 0
    bench.uninstall("global")
    assert tree(home) == before


@pytest.mark.git_versions
def test_global_clone(bench: Bench, home: Path) -> None:
    """In a clone with LFS files git-lfs finds our hooks and installs none; what it would do is done."""
    bench.repository()
    bench.commit()
    bench.git("push", "--quiet", "origin", "HEAD:main")
    bench.git("--git-dir", bench.remote, "symbolic-ref", "HEAD", "refs/heads/main")
    bench.install("global")
    before = tree(home / ".config/git-credential-hf")
    bench.enter(bench.folder)
    bench.git("clone", "--quiet", f"file://{bench.remote}", "clone")
    bench.enter(bench.folder / "clone")
    assert not list((bench.folder / "clone/.git/hooks").glob("pre-push"))
    bench.is_judged()
    bench.log.write_text("")
    bench.git("checkout", "--quiet", "-b", "other")
    assert "lfs post-checkout" in bench.log.read_text()
    assert bench.git("lfs", "install", check=False).returncode == 2
    assert tree(home / ".config/git-credential-hf") == before
    bench.install("local")
    bench.is_judged()
    bench.uninstall("global")
    bench.is_judged()


def test_global_left_empty(bench: Bench, home: Path) -> None:
    """What a `kill -9` has left of our directory at the last moment, the next run takes away."""
    above = home / ".config/git-credential-hf"
    above.mkdir(parents=True)
    bench.uninstall("global")
    assert not above.exists()
    above.mkdir()
    (above / "somebody's").touch()
    bench.uninstall("global")
    assert (above / "somebody's").exists()


def test_global_replaced(bench: Bench) -> None:
    """`git lfs install --force` writes into our directory: that is seen, and mended."""
    bench.install("global")
    bench.repository()
    bench.git("lfs", "install", "--force")
    assert bench.state("global") == "replaced"
    bench.install("global")
    bench.is_judged()


def test_global_and_local(bench: Bench) -> None:
    """Both scopes at once judge once, and each can go without the other."""
    where = bench.repository()
    script(where / ".git/hooks/pre-push", CUSTOM)
    bench.install("global")
    bench.install("local")
    bench.is_judged()
    assert bench.logged() == ["judge", "custom", "lfs"]
    assert bench.state("local") == "installed"
    bench.uninstall("global")
    bench.is_judged()
    assert bench.state("local") == "installed"


def test_kept_off(bench: Bench) -> None:
    """A repository's own `core.hooksPath` keeps it from the global hooks: that is said; a local installation helps."""
    where = bench.repository()
    bench.install("global")
    script(where / "theirs/pre-push", CUSTOM)
    bench.git("config", "core.hooksPath", "theirs")
    assert "core.hooksPath is theirs" in (inspect_hooks("global").by or "")
    bench.install("local")
    assert inspect_hooks("global").by is None
    bench.is_judged()


def test_framework_and_global(bench: Bench) -> None:
    """Under the global hooks pre-commit refuses to install, but for this; it is run then, after ours."""
    where = bench.repository()
    bench.install("global")
    with pytest.raises(AssertionError, match="Cowardly refusing"):
        framework(bench)
    hidden = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.hooksPath", "GIT_CONFIG_VALUE_0": ""}
    bench.run(sys.executable, "-m", "pre_commit", "install", "--hook-type", "pre-push", **hidden)
    assert (where / ".git/hooks/pre-push").exists()
    bench.is_judged()
    assert bench.logged() == ["judge", "framework", "lfs"]


@pytest.mark.git_versions
def test_other_hooks(bench: Bench) -> None:
    """Every other hook is run as git would: its path, arguments, input and status; also by a push into a repository."""
    bench.install("global")
    where = bench.repository()
    note = '#!/bin/sh\necho "custom ${0##*/} $*" >> "$LOG"\ncat >> "$LOG"\n'
    for folder in (where / ".git/hooks", bench.remote / "hooks"):
        for name in (*FORWARDED_HOOKS, "reference-transaction"):
            if name not in ("proc-receive", "update"):
                script(folder / name, note)
        script(folder / "update", '#!/bin/sh\necho "custom update $1" >> "$LOG"\ncase $1 in */no) exit 1 ;; esac\n')
    bench.commit()
    bench.push(0, "origin", "HEAD:main")
    bench.git("commit", "--amend", "--message", "again")
    bench.git("checkout", "--quiet", "-b", "side")
    bench.git("merge", "--quiet", "main")
    heard = {line.split()[1] for line in bench.log.read_text().splitlines() if line.startswith("custom")}
    assert heard >= {
        *("pre-receive", "update", "post-receive", "post-update", "reference-transaction"),
        *("prepare-commit-msg", "commit-msg", "post-commit", "post-rewrite", "post-checkout", "post-index-change"),
    }
    assert "refs/heads/main" in bench.log.read_text()
    refused = bench.push(0, "origin", "HEAD:no", "HEAD:yes")
    assert "hook declined" in refused.stderr
    assert "refs/heads/yes" in bench.pushed()
    assert "refs/heads/no" not in bench.pushed()


@pytest.mark.git_versions
@pytest.mark.parametrize("name", MIRRORED_HOOKS)
def test_mirrored(bench: Bench, name: str) -> None:
    """The hooks whose mere existence means, or costs, something are in our directory exactly where they were before."""
    where = bench.repository()
    bench.git("config", "core.hooksPath", "theirs")
    bench.install()
    assert not (where / ".git/hf-hooks" / name).exists()
    script(where / "theirs" / name, CUSTOM)
    bench.install()
    assert (where / ".git/hf-hooks" / name).exists()
    (where / "theirs" / name).unlink()
    bench.install()
    assert not (where / ".git/hf-hooks" / name).exists()


def test_here(bench: Bench) -> None:
    """Asked without a scope, it is about what counts in the current directory, with the problem and what mends it."""

    def answer() -> tuple[str, str, str | None]:
        found = hooks_in_effect()
        problem = found.problem()
        return found.scope, found.state, problem and problem.fix

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
    bench.git("config", "core.hooksPath", "theirs")
    assert answer() == ("local", "displaced", "git-credential-hf hooks install --local")
    bench.install("local")
    script(where / ".git/hf-hooks/pre-push", CUSTOM)
    assert answer() == ("local", "replaced", "git-credential-hf hooks install --local")


def test_often(bench: Bench) -> None:
    """Hooks that git runs often start no git in an ordinary repository."""
    bench.repository()
    bench.install("global")
    script(bench.folder / "trap/git", "#!/bin/sh\nexit 99\n")
    hook = Path(inspect_hooks("global").directory, "reference-transaction")
    script(bench.where / ".git/hooks/reference-transaction", '#!/bin/sh\necho "custom $*" >> "$LOG"\n')
    bench.run(hook, "prepared", PATH=f"{bench.folder}/trap:/usr/bin:/bin")
    assert bench.log.read_text() == "custom prepared\n"


def test_foreign_in_our_directory(bench: Bench) -> None:
    """What somebody else has put into our directory is not lost: a problem names it, installing and removing."""
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
    """Killed before any of its changes to the file system, it leaves a repository with its own hook, ours or not.

    Doing it again, or undoing it, comes to the same as if nothing had happened.
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
        for number in (1, 2, 9, 27) if what == "plan_install" else (1, 2, 9):
            if what == "plan_uninstall":
                bench.install(scope)
            inject = f"inject={call}:signal=KILL:when={number}"
            trace = ["strace", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e", inject]
            done = bench.run(*trace, sys.executable, "-c", KILLED, what, scope, check=False)
            points += done.returncode != 0
            assert bench.push(0, "--dry-run", "origin", "HEAD:main").returncode == 0
            assert bench.logged("custom") == ["custom"], (call, number)
            for lock in (*folders[0].rglob("*.lock"), Path(f"{config}.lock"), home / ".gitconfig.lock"):
                lock.unlink(missing_ok=True)  # what `Problem` says is to be removed
            bench.install(scope)
            assert bench.push(1, "--dry-run", "origin", "HEAD:main").returncode != 0
            assert bench.logged() == ["judge"], (call, number)
            bench.uninstall(scope)
            assert (tree(*folders), config.read_bytes()) == clean, (call, number)
    assert points >= 2, "it was killed at several points"


def test_at_once(bench: Bench) -> None:
    """Several installations at the same time come to one."""
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
