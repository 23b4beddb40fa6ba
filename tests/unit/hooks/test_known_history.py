"""What the remote has is not found again, in real repositories."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from scans import TOKEN, Repository, binaries, pointer_to, push

from git_credential_hf.hooks.additions import Additions
from git_credential_hf.hooks.scan_index import scan_index
from git_credential_hf.hooks.scan_push import scan_push, without_known
from git_credential_hf.hooks.updates import RefUpdate


def test_only_what_the_remote_lacks(repository: Repository) -> None:
    """What the announced reference of the remote reaches is not scanned; an id that is not here excludes nothing."""
    old = repository.add("old", b"\0")
    new = repository.add("new", b"\0new")
    assert binaries(push(new, old)) == {(new, "new")}
    assert vars(push(new, new)) == vars(Additions())
    assert binaries(push(new)) == binaries(push(new, "1" * 40)) == {(old, "old"), (new, "new")}


def test_tracking_references_do_not_count(repository: Repository) -> None:
    """What is remembered of a remote is not what it has: its URL may have been changed."""
    old = repository.add("old", b"\0")
    new = repository.add("new", b"\0new")
    for name in ("none", "origin", "origin/x"):
        repository.git("remote", "add", name, "https://huggingface.co/a/b")
        repository.git("update-ref", f"refs/remotes/{name}/main", new)
    assert binaries(push(new)) == {(old, "old"), (new, "new")}
    assert binaries(push(new, old)) == {(new, "new")}


def test_what_the_remote_has_elsewhere(repository: Repository) -> None:
    """What other references of the remote reach is taken out of what was found, as if it had been excluded before."""
    base = repository.add("base", b"\0base")
    theirs = repository.add("theirs", b"\0theirs")
    repository.git("checkout", "-q", "-b", "side", base)
    repository.add("theirs", b"\0theirs")
    repository.git("merge", "-q", "-m", "x", "main")
    new = repository.add("new", f"\0 {TOKEN}")
    update = RefUpdate("refs/heads/side", new, "refs/heads/side", base)
    found = scan_push([update])
    assert len(found.binary) == 2
    left = without_known(found, [update], [theirs])
    assert binaries(left) == {(new, "new")} and len(left.leaks) == 1
    assert vars(left) == vars(scan_push([update], has=[theirs]))
    assert vars(without_known(found, [update], [new])) == vars(Additions())


def test_a_token_on_another_branch(repository: Repository) -> None:
    """A file with a token that the remote has on another branch is not reported again, nor another line of it."""
    base = repository.add("base")
    theirs = repository.add("key", TOKEN)
    repository.git("checkout", "-q", base)
    repository.add("other")
    picked = repository.add("key", TOKEN)
    assert push(picked, base).leaks
    assert push(picked, base, has=[theirs]).leaks == []
    assert push(repository.add("key", f"{TOKEN}\n"), base, has=[theirs]).leaks == []
    (leak,) = push(repository.add("key", f"{TOKEN}\n" * 2), base, has=[theirs]).leaks
    assert leak.blob.path == "key"


@pytest.mark.parametrize("kind", ["blob:none", "tree:0"])
def test_a_partial_clone_fetches_nothing(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Missing objects are skipped, for any push and for a commit, even if the remote is not reachable."""
    repository.add("d/old", b"\0old")
    repository.add("README.md", "---\nx: y\n---\n")
    tip = repository.add("d/older", b"\0older")
    repository.git("config", "uploadpack.allowFilter", "true")
    clone = Repository(tmp_path / "partial")
    repository.git("clone", "-q", "--no-checkout", f"--filter={kind}", f"file://{repository.path}", str(clone.path))
    shutil.move(repository.path, tmp_path / "away")
    monkeypatch.chdir(clone.path)
    before = clone.git("count-objects", "-v")
    assert vars(push(tip)) == vars(Additions())
    assert clone.git("count-objects", "-v") == before
    if kind == "blob:none":
        clone.git("read-tree", "HEAD")
        blob = clone.git("hash-object", "-w", "--stdin", given=b"\0new")
        clone.git("update-index", "--add", "--cacheinfo", f"100644,{blob},d/new")
        clone.git("update-ref", "--no-deref", "HEAD", clone.git("rev-list", "HEAD").splitlines()[-1])
        assert binaries(scan_index()) == {(None, "d/new")}
        tree = clone.git("write-tree", "--missing-ok")
        new = clone.git("commit-tree", "-m", "x", "-p", tip, tree)
        assert binaries(push(new, clone.git("rev-parse", "origin/HEAD"))) == {(new, "d/new")}
        assert binaries(push(new)) == {(new, "d/new")}


def test_an_old_pointer_that_comes_back(repository: Repository) -> None:
    """The Hub has the object of a pointer that the remote had before; one that only this repository had is missing."""
    repository.git("remote", "add", "hf", "x")
    repository.add("f", pointer_to(b"old"))
    repository.add("f", "none")
    old = repository.add("g", "none")
    repository.git("update-ref", "refs/remotes/hf/main", old)
    repository.write("f", pointer_to(b"old"))
    repository.write("g", pointer_to(b"new"))
    expected = [("f", False), ("g", True)]
    assert [(pointer.blob.path, pointer.is_missing) for pointer in scan_index().pointers] == expected
    new = repository.commit()
    assert [(p.blob.path, p.is_missing) for p in push(new, old).pointers] == expected
    assert [p.is_missing for p in push(new).pointers] == [True, True]
    repository.git("update-ref", "-d", "refs/remotes/hf/main")
    repository.git("update-ref", "refs/heads/pr/1", new)  # `git fetch hf refs/pr/1:pr/1`, and `git merge --squash`
    repository.git("reset", "-q", "--soft", "HEAD~1")
    assert [(p.blob.path, p.is_missing) for p in scan_index().pointers] == [("f", False), ("g", False)]
