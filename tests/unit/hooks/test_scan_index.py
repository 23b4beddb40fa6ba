"""What a commit adds is what is staged, in real repositories."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from scans import Repository, binaries, push

from git_credential_hf.hooks.additions import Additions
from git_credential_hf.hooks.scan_index import scan_index


def test_the_environment_of_a_hook(repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """GIT_DIR and GIT_INDEX_FILE are used, as git sets them."""
    repository.write("new", b"\0")
    index = repository.path / ".git" / "index"
    shutil.move(index, tmp_path / "index")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_DIR", str(repository.path / ".git"))
    assert scan_index().binary == []
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert len(scan_index().binary) == 1


def test_staged_is_what_differs_from_head(repository: Repository) -> None:
    """What only moved, changed its mode, was removed, or is intended to be added (`add -N`) is not added."""
    assert vars(scan_index()) == vars(Additions())
    for name in ("moved", "mode", "gone", "same", "changed"):
        repository.write(name, name.encode() + b"\0" * 50)
    assert len(scan_index().binary) == 5
    repository.commit()
    repository.git("mv", "moved", "d")
    repository.git("update-index", "--chmod=+x", "mode")
    repository.git("rm", "-q", "gone")
    (repository.path / "announced").write_bytes(b"\0")
    repository.git("add", "-N", "announced")
    repository.write("changed", b"other\0")
    assert binaries(scan_index()) == {(None, "changed")}


def test_a_conflict_is_not_staged(repository: Repository) -> None:
    """An unmerged path cannot be committed; the others are scanned."""
    repository.add("f", "base\n")
    repository.git("checkout", "-q", "-b", "side")
    repository.add("f", "side\n")
    repository.git("checkout", "-q", "main")
    repository.add("f", "main\n")
    subprocess.run(["git", "merge", "-q", "side"], capture_output=True, cwd=repository.path)
    repository.write("g", b"\0")
    assert binaries(scan_index()) == {(None, "g")}


def test_staged_from_a_subdirectory(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths start at the top, wherever git was started; the path of a full top directory is empty."""
    blob = repository.git("hash-object", "-w", "--stdin", given=b"\0")
    files = b"".join(b"100644 %s\t%d\0" % (blob.encode(), n) for n in range(10_001))
    repository.git("update-index", "-z", "--index-info", given=files)
    repository.write("d/f", b"\0f")
    monkeypatch.chdir(repository.path / "d")
    found = scan_index()
    assert (None, "d/f") in binaries(found)
    assert found.directories == [(None, "", 10_001)]
    new = repository.commit()
    assert push(new).directories == [(new, "", 10_001)]
