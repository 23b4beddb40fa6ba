"""LFS pointers, and whether their objects are on this machine."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from scans import Repository, pointer_to, push, store

from git_credential_hf.hooks.scan_index import scan_index


def test_pointers(repository: Repository) -> None:
    """An LFS object is missing if it is not stored, or with another size; an empty one never is."""
    store(b"here", repository.path / ".git" / "lfs")
    store(b"short", repository.path / ".git" / "lfs")
    repository.write("here", pointer_to(b"here"))
    repository.write("gone", pointer_to(b"gone"))
    repository.write("wrong", pointer_to(b"short").replace(b"size 5", b"size 6"))
    repository.write("empty", pointer_to(b""))
    expected = {("here", 4, False), ("gone", 4, True), ("wrong", 6, True), ("empty", 0, False)}
    for found in (scan_index(), push(repository.commit())):
        assert {(pointer.blob.path, pointer.size, pointer.is_missing) for pointer in found.pointers} == expected
        assert {pointer.oid for pointer in found.pointers} >= {hashlib.sha256(b"gone").hexdigest()}
        assert found.binary == []


def test_what_is_not_a_pointer(repository: Repository) -> None:
    """A file that is not exactly a pointer is an ordinary one."""
    pointer = pointer_to(b"x")
    for number, content in enumerate(
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            pointer.replace(b"sha256:", b"sha256:../"),
            pointer[:-20],
            pointer.replace(b"size 1", b"size -1"),
            pointer + b" " * 1024,
            b"# " + pointer,
            pointer + b"more\n",
            pointer + b"\nThat is a pointer.\n",
            pointer.replace(b"oid", b"key value\noid"),
        )
    ):
        repository.write(f"f{number}", content)
    assert scan_index().pointers == []


@pytest.mark.parametrize("where", ["elsewhere", "~/lfs", "absolute"])
def test_lfs_storage(repository: Repository, home: Path, tmp_path: Path, where: str) -> None:
    """`lfs.storage` may be any directory; a relative path starts at the git directory."""
    paths = {"elsewhere": repository.path / ".git" / "elsewhere", "~/lfs": home / "lfs", "absolute": tmp_path / "lfs"}
    store(b"here", paths[where])
    repository.git("config", "lfs.storage", str(paths[where]) if where == "absolute" else where)
    repository.write("here", pointer_to(b"here"))
    assert [pointer.is_missing for pointer in scan_index().pointers] == [False]


def test_a_linked_worktree(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A linked worktree has its own index, and the LFS objects of the repository."""
    repository.commit()
    repository.git("worktree", "add", "-q", str(tmp_path / "linked"))
    monkeypatch.chdir(tmp_path / "linked")
    store(b"here", repository.path / ".git" / "lfs")
    linked = Repository(tmp_path / "linked")
    linked.write("here", pointer_to(b"here"))
    assert [pointer.is_missing for pointer in scan_index().pointers] == [False]
    assert [pointer.is_missing for pointer in push(linked.commit()).pointers] == [False]


def test_alternates(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """git-lfs finds objects in the repository of `git clone --shared`."""
    store(b"here", repository.path / ".git" / "lfs")
    new = repository.add("here", pointer_to(b"here"))
    repository.git("clone", "-q", "--shared", ".", str(tmp_path / "shared"))
    monkeypatch.chdir(tmp_path / "shared")
    assert [pointer.is_missing for pointer in push(new).pointers] == [False]
