"""Who may run and who may change a hook, and where nothing can be run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from git_credential_hf.hooks.hook_place import HOOK_SCOPES

from .conftest import CUSTOM, KILLED, Bench, for_all_repositories, script


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
