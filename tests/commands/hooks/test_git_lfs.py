"""git-lfs installs hooks of its own where it finds none; with ours there they are installed all the same."""

import shutil
from pathlib import Path

import pytest

from git_credential_hf.hooks.install import plan_uninstall

from .conftest import CUSTOM, Bench, for_all_repositories, script

LFS_HOOKS = {"pre-push", "post-checkout", "post-commit", "post-merge"}


def lfs_hooks(where: Path) -> set[str]:
    """Return the names of the hooks that run git-lfs."""
    hooks = (where / ".git/hooks").glob("*")
    return {path.name for path in hooks if path.suffix != ".sample" and b"\ngit lfs p" in path.read_bytes()}


def clone(bench: Bench, *options: str) -> Path:
    """Clone a repository with a file in LFS, which has a remote on the Hub, and go there."""
    bench.repository()
    bench.commit()
    bench.git("push", "--quiet", "origin", "HEAD:main")
    bench.git("--git-dir", bench.remote, "symbolic-ref", "HEAD", "refs/heads/main")
    bench.enter(bench.folder)
    hub = "remote.hub.url=https://hf.co/acme/model"
    bench.git("clone", "--quiet", "-c", hub, *options, f"file://{bench.remote}", "clone", GIT_LFS_SKIP_SMUDGE="1")
    bench.enter(bench.folder / "clone")
    return bench.where


def assert_uploads_without_us(bench: Bench) -> None:
    """Push without any hook of ours, or any setting: what was committed before is uploaded."""
    objects = bench.uploaded()
    assert bench.push(1, "origin", "HEAD:refs/heads/later").returncode == 0, "nothing checks"
    assert bench.logged("check", "lfs")[:1] == ["lfs"]
    assert bench.uploaded() == objects + 1


@pytest.mark.git_versions(each_run=1)
@for_all_repositories
@pytest.mark.parametrize("way", ["clone", "clone --no-checkout", "commit", "push"])
def test_left_by_the_global_hooks(bench: Bench, way: str) -> None:
    """After a clone, a commit or a push with our hooks, a repository that uses LFS has git-lfs's own."""
    bench.install("global")
    if way.startswith("clone"):
        where = clone(bench, *way.split()[1:])
        if way == "clone":
            assert lfs_hooks(where) == LFS_HOOKS
        bench.git("checkout", "--quiet", "HEAD", ".")
        bench.commit()
    else:
        where = bench.repository()
        bench.commit()
        if way == "push":
            shutil.rmtree(where / ".git/hooks")
            bench.push(0)
            bench.git("update-ref", "-d", "refs/heads/main")
            bench.commit()
    assert lfs_hooks(where) == LFS_HOOKS
    bench.uninstall("global")
    assert_uploads_without_us(bench)


@pytest.mark.git_versions
@pytest.mark.parametrize("way", ["commit", "push", "core.hooksPath"])
def test_left_by_the_local_hooks(bench: Bench, way: str) -> None:
    """`hooks uninstall` leaves the hooks that git-lfs would have installed meanwhile, where it would have."""
    where = bench.repository()
    if way == "core.hooksPath":
        bench.git("config", "core.hooksPath", ".git/theirs")
    bench.install()
    bench.git("lfs", "track", "*.bin")
    bench.commit()
    if way == "push":
        bench.push(0)
        assert lfs_hooks(where) == {*LFS_HOOKS - {"pre-push"}, "pre-push.before-hf"}
        bench.commit()
    bench.uninstall()
    if way == "core.hooksPath":
        shutil.rmtree(where / ".git/hooks")
        (where / ".git/theirs").rename(where / ".git/hooks")
        bench.git("config", "--unset", "core.hooksPath")
    assert lfs_hooks(where) == LFS_HOOKS
    assert_uploads_without_us(bench)


@pytest.mark.git_versions
@for_all_repositories
def test_not_where_git_lfs_would_not(bench: Bench) -> None:
    """No hook is installed without files in LFS, without git-lfs's filter, or beside somebody's own `pre-push`."""
    bench.install("global")
    where = bench.repository(lfs=False)
    bench.git("commit", "--allow-empty", "--message", "x")
    bench.push(0)
    assert lfs_hooks(where) == set()
    bench.git("lfs", "env")  # makes .git/lfs
    bench.git("config", "--global", "--rename-section", "filter.lfs", "filter.other")
    bench.git("commit", "--allow-empty", "--message", "x")
    bench.push(0)
    assert lfs_hooks(where) == set()
    bench.git("config", "--global", "--rename-section", "filter.other", "filter.lfs")
    script(where / ".git/hooks/pre-push", CUSTOM)
    bench.git("lfs", "track", "*.bin")
    bench.commit()
    bench.push(0)
    assert lfs_hooks(where) == set()
    assert (where / ".git/hooks/pre-push").read_text() == CUSTOM
    assert not list((where / ".git/lfs/tmp").glob("hf-hooks*"))
    assert plan_uninstall("local") == []


@for_all_repositories
def test_uninstalled_beside_the_global_hooks(bench: Bench) -> None:
    """What docs/hooks.md names makes git-lfs find its own hooks: it removes them, and leaves ours alone."""
    bench.install("global")
    where = bench.repository()
    bench.commit()
    assert lfs_hooks(where) == LFS_HOOKS
    bench.run("sh", "-c", "git -c core.hooksPath=.git/hooks lfs uninstall --local")
    assert lfs_hooks(where) == set()
    assert bench.state("global") == "installed"


def test_left_beside_a_hook_of_the_user(bench: Bench) -> None:
    """`hooks uninstall` is done when git-lfs has installed what it would have: nothing after somebody's own hook."""
    where = bench.repository()
    script(where / ".git/hooks/post-checkout", CUSTOM)
    bench.install()
    bench.git("lfs", "track", "*.bin")
    bench.commit()
    bench.uninstall()
    assert (where / ".git/hooks/post-checkout").read_text() == CUSTOM
    assert_uploads_without_us(bench)
