"""The hooks work with every setting of `core.hooksPath`."""

import shutil
from pathlib import Path

import pytest
from amount import some

from git_credential_hf.hooks.hook_place import HOOK_SCOPES
from git_credential_hf.hooks.install import plan_install
from git_credential_hf.problem import Problem

from .conftest import CUSTOM, Bench, script, tree

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


@pytest.mark.parametrize(("scope", "name"), some(CASES, 5))
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
