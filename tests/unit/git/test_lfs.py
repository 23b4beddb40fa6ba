"""Whether git uses git-lfs, and what a hint says if it does not: with this system's package manager."""

import os
from pathlib import Path

import pytest
from programs import git

from git_credential_hf.git.config import read_config
from git_credential_hf.git.lfs import MISSING, MISSING_BUT_USED, NOT_USED, pointers_problem, setup_problem

USED = "git lfs install --skip-repo"
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"


def put(folder: Path, *names: str) -> None:
    """Let PATH be a directory with these programs, and git."""
    folder.mkdir()
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="no such package managers")
@pytest.mark.parametrize(
    ("programs", "user", "fix"),
    [
        (["git-lfs"], 1000, f"run `{USED}`"),
        (["apt-get", "sudo", "brew"], 1000, f"run `sudo apt-get install -y git-lfs && {USED}`"),
        (["apt-get"], 0, f"run `apt-get update && apt-get install -y git-lfs && {USED}`"),
        (["dnf"], 0, f"run `dnf install -y git-lfs && {USED}`"),
        (["apk"], 0, f"run `apk add --update-cache git-lfs && {USED}`"),
        (["brew"], 1000, f"run `brew install git-lfs && {USED}`"),
        (["apt-get"], 1000, f"ask an administrator to run `apt-get install -y git-lfs`, then run `{USED}`"),
        ([], 0, f"install git-lfs from https://git-lfs.com, then run `{USED}`"),
        (["apt-get", "sudo", "conda"], 1000, f"run `conda install --yes --channel conda-forge git-lfs && {USED}`"),
    ],
)
def test_how_it_is_installed(
    programs: list[str], user: int, fix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hint is one command for this system, or the page; it says so if an administrator has to run it."""
    put(tmp_path / "bin", *programs)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(os, "geteuid", lambda: user)
    if "conda" in programs:
        monkeypatch.setenv("CONDA_PREFIX", "/opt/conda")
    problem = setup_problem([])
    assert problem
    assert (problem.message, problem.fix) == (NOT_USED if "git-lfs" in programs else MISSING, fix)


def test_a_filter_without_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If git has the filter, and git-lfs is gone, a clone fails, instead of having pointers."""
    git("config", "--global", "filter.lfs.process", "git-lfs filter-process")
    entries = read_config()
    put(tmp_path / "bin", "brew")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    problem = setup_problem(entries)
    assert problem
    assert (problem.message, problem.fix) == (MISSING_BUT_USED, "run `brew install git-lfs`")


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with two pointers, of git-lfs."""
    git("init", "--quiet", tmp_path / "clone")
    monkeypatch.chdir(tmp_path / "clone")
    Path("a.bin").write_text(POINTER)
    Path("b").mkdir()
    Path("b/it's.bin").write_text(POINTER)
    git("add", ".")
    Path(".gitattributes").write_text("*.bin filter=lfs -text\n")
    git("add", ".gitattributes")
    monkeypatch.chdir("b")
    return tmp_path / "clone"


def test_pointers(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said if all files in LFS are pointers, unless somebody has chosen that, or has fetched some of them."""
    git("config", "--global", "filter.lfs.process", "git-lfs filter-process")
    problem = pointers_problem(read_config())
    assert problem
    assert problem.fix and problem.fix.endswith("git lfs pull`")
    git("config", "lfs.fetchExclude", "*.bin")
    assert pointers_problem(read_config()) is None
    git("config", "--unset", "lfs.fetchExclude")
    git("config", "filter.lfs.process", "git-lfs filter-process --skip")
    assert pointers_problem(read_config()) is None
    git("config", "--unset", "filter.lfs.process")
    monkeypatch.setenv("GIT_LFS_SKIP_SMUDGE", "1")
    assert pointers_problem(read_config()) is None
    monkeypatch.delenv("GIT_LFS_SKIP_SMUDGE")
    assert pointers_problem(read_config())
    (clone / "a.bin").write_bytes(bytes(12345))
    assert pointers_problem(read_config()) is None
    monkeypatch.chdir(clone.parent)
    assert pointers_problem(read_config()) is None


def test_a_hostile_repository(clone: Path) -> None:
    """To look for pointers runs nothing that a repository names."""
    git("config", "core.fsmonitor", "touch ../run; false")
    git("config", "filter.lfs.process", "touch ../run; false")
    assert pointers_problem(read_config())
    assert not (clone / "run").exists()
