"""Which programs are run: none that a hostile directory brings along."""

import os
import sysconfig
from pathlib import Path

import pytest
from programs import git, run

from git_credential_hf.git.run import find_program, git_program, run_git
from git_credential_hf.problem import Problem


def make_program(path: Path, script: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o755)


@pytest.mark.parametrize("entry", ["", ".", "bin", "./bin", "../{}/bin", "~/bin"])
@pytest.mark.parametrize("position", ["first", "last"])
def test_no_program_from_a_relative_entry(
    entry: str, position: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative entry of PATH is in the current directory, which may be hostile: nothing is found there."""
    for path in (home / "planted", home / "bin/planted"):
        make_program(path)
    entries = [entry.format(home.name), "/usr/bin"]
    monkeypatch.setenv("PATH", os.pathsep.join(entries if position == "first" else entries[::-1]))
    assert find_program("planted") is None
    monkeypatch.setenv("PATH", os.pathsep.join([*entries, str(home / "bin")]))
    assert find_program("planted") == str(home / "bin/planted")


def test_only_programs_are_found(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Directories, files that are not executable and dangling links are ignored, as a shell does."""
    (home / "a/program").mkdir(parents=True)
    make_program(home / "b/program")
    (home / "b/program").chmod(0o644)
    (home / "c").mkdir()
    (home / "c/program").symlink_to("nowhere")
    make_program(home / "d/program")
    monkeypatch.setenv("PATH", os.pathsep.join(str(home / name) for name in "abcd"))
    assert find_program("program") == str(home / "d/program")
    (home / "d/program").unlink()
    assert find_program("program") is None
    with pytest.raises(Problem, match="git is not on PATH"):
        git_program()


@pytest.mark.parametrize(
    "arguments",
    [["status"], ["configure"], ["configure", "--system", "--dry-run"], ["unconfigure"], ["configure", "--env"]],
    ids=" ".join,
)
def test_a_hostile_directory_runs_nothing(arguments: list[str], home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs in the current directory are not run, not even with that directory first on PATH."""
    directory = home / "hostile"
    for name in ["git", "git-config", "git-rev-parse", "git-credential-hf", "echo", "sh", "env", "python3", "uname"]:
        for folder in (directory, directory / "bin"):
            make_program(folder / name, f"/bin/echo {name} >> '{home}/ran'\n")
    monkeypatch.delenv("GIT_CONFIG_NOSYSTEM")
    if "--system" not in arguments:  # else git is asked for the file that it has built in
        monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(home / "system"))
    program = Path(sysconfig.get_path("scripts"), "git-credential-hf")
    path = os.pathsep.join(["", ".", "bin", os.environ["PATH"]])
    run(program, *arguments, cwd=directory, check=False, PATH=path, HF_HUB_OFFLINE="1")
    assert not (home / "ran").exists(), (home / "ran").read_text()


@pytest.mark.git_versions(each_run=1)
@pytest.mark.parametrize("lazy", ["0", "1"])
def test_nothing_is_fetched(lazy: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No git of ours fetches a missing object from a promisor remote, also one that does not know GIT_NO_LAZY_FETCH."""
    monkeypatch.chdir(home)
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "ext:file")  # does not count
    git("init", "--quiet")
    git("config", "remote.evil.url", f"ext::touch {home / 'mark'}")
    git("config", "remote.evil.promisor", "true")
    git("config", "core.repositoryFormatVersion", "1")
    git("config", "extensions.partialClone", "evil")
    with pytest.raises(Problem):
        run_git("cat-file", "-e", "1" * 40, environment={"GIT_NO_LAZY_FETCH": lazy})
    assert not (home / "mark").exists()
    with pytest.raises(Problem):
        run_git("ls-remote", "evil", may_connect=True)
    assert (home / "mark").exists()
