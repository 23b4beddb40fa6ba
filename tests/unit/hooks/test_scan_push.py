"""What a push adds is found in real repositories, and nothing else is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from amount import tenth
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scans import NULL, Repository, binaries, make, push

from git_credential_hf.hooks.additions import Additions
from git_credential_hf.hooks.scan_index import scan_index
from git_credential_hf.hooks.scan_push import scan_push
from git_credential_hf.hooks.updates import RefUpdate
from git_credential_hf.problem import Problem


def test_a_deletion_adds_nothing(tmp_path: Path) -> None:
    """Nothing is scanned; not even a repository is needed."""
    found = scan_push([RefUpdate("(delete)", NULL, "refs/heads/x", "a" * 40)])
    assert vars(found) == vars(Additions())


def test_an_unknown_local_id_is_a_problem(repository: Repository) -> None:
    """The problem has git's message, in one line."""
    with pytest.raises(Problem, match="1111") as caught:
        scan_push([RefUpdate("refs/tags/v1", "1" * 40, "refs/tags/v1", NULL)])
    assert "\n" not in caught.value.message


def test_the_commit_is_the_one_that_adds(repository: Repository) -> None:
    """A file is of the commit that adds it, not of later ones, whatever the dates are."""
    added = {}
    for number in range(5):
        os.environ["GIT_COMMITTER_DATE"] = f"{1_700_000_000 - 1000 * number} +0000"
        added[repository.add(f"d/f{number}", b"\0%d" % number)] = f"d/f{number}"
    found = push(repository.git("rev-parse", "HEAD"))
    assert binaries(found) == set(added.items())


def test_a_merge(repository: Repository) -> None:
    """Files of both sides are of their commits; what the merge itself adds is of the merge."""
    base = repository.add("base", b"\0base")
    repository.git("checkout", "-q", "-b", "side")
    side = repository.add("side", b"\0side")
    repository.git("checkout", "-q", "main")
    main = repository.add("main", b"\0main")
    repository.git("merge", "-q", "--no-commit", "side")
    merge = repository.add("evil", b"\0evil")
    assert binaries(push(merge, base)) == {(side, "side"), (main, "main"), (merge, "evil")}
    assert binaries(push(merge, main)) == {(side, "side"), (merge, "evil")}


def test_some_updates_at_once(repository: Repository) -> None:
    """Two branches and a deletion: what any remote reference reaches is excluded, and nothing is found twice."""
    base = repository.add("base", b"\0base")
    one = repository.add("one", b"\0one")
    repository.git("checkout", "-q", "-b", "two", base)
    two = repository.add("two", b"\0two")
    updates = [
        RefUpdate("refs/heads/main", one, "refs/heads/main", NULL),
        RefUpdate("refs/heads/two", two, "refs/heads/two", NULL),
        RefUpdate("HEAD", two, "refs/heads/copy", NULL),
        RefUpdate("(delete)", NULL, "refs/heads/gone", base),
    ]
    found = scan_push(updates)
    assert binaries(found) == {(one, "one"), (two, "two")}
    assert len(found.binary) == 2


def test_an_annotated_tag(repository: Repository) -> None:
    """A tag, even of a tag, adds the history of its commit."""
    new = repository.add("new", b"\0")
    repository.git("tag", "-a", "-m", "x", "v1")
    repository.git("tag", "-a", "-m", "x", "v2", "v1")
    tag = RefUpdate("refs/tags/v2", repository.git("rev-parse", "v2"), "refs/tags/v2", NULL)
    assert binaries(scan_push([tag])) == {(new, "new")}


def test_a_tag_of_a_blob_or_a_tree(repository: Repository) -> None:
    """A file in no commit is of the tag; any other one is of its commit, under its path there, and listed once."""
    commit = repository.add("d/f", b"\0f")
    blob = repository.git("hash-object", "-w", "--stdin", given=b"\0blob")
    inner = repository.git("hash-object", "-w", "--stdin", given=b"\0inner")
    tree = repository.git("mktree", given=f"100644 blob {inner}\tname\n".encode())
    updates = [RefUpdate("refs/heads/main", commit, "refs/heads/main", NULL)]
    for name, target in (("blob", blob), ("tree", tree), ("same", f"{commit}:d"), ("root", f"{commit}^{{tree}}")):
        repository.git("tag", "-a", "-m", "x", name, target)
        updates.append(RefUpdate(f"refs/tags/{name}", repository.git("rev-parse", name), f"refs/tags/{name}", NULL))
    ids = {update.local_ref: update.local_oid for update in updates}
    found = scan_push(updates)
    assert binaries(found) == {
        (commit, "d/f"),
        (ids["refs/tags/blob"], "refs/tags/blob"),
        (ids["refs/tags/tree"], "name"),
    }
    assert len(found.binary) == 3
    assert binaries(scan_push(updates[1:2])) == {(ids["refs/tags/blob"], "refs/tags/blob")}


def test_replacements_are_not_pushed(repository: Repository) -> None:
    """A push sends the object itself, so that is scanned, whatever `git replace` shows instead."""
    blob = repository.write("f", b"\0")
    new = repository.commit()
    repository.git("replace", blob, repository.git("hash-object", "-w", "--stdin", given=b"text"))
    assert binaries(push(new)) == {(new, "f")}


# Which repositories


def test_sha256(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids may have 64 digits."""
    repository = make(tmp_path / "sha256", monkeypatch, "--object-format=sha256")
    repository.write("new", b"\0")
    assert len(scan_index().binary) == 1
    new = repository.commit()
    assert len(new) == 64
    assert binaries(push(new, "0" * 64)) == {(new, "new")}
    assert vars(push(new, new)) == vars(Additions())


def test_a_bare_repository(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No work tree is needed."""
    new = repository.add("new", b"\0")
    repository.git("clone", "-q", "--bare", ".", str(tmp_path / "bare"))
    monkeypatch.chdir(tmp_path / "bare")
    assert binaries(push(new)) == {(new, "new")}


def test_a_shallow_clone(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """History that the clone lacks is not added."""
    repository.add("old", b"\0")
    repository.add("older", b"\0\0")
    clone = Repository(tmp_path / "shallow")
    repository.git("clone", "-q", "--depth=1", f"file://{repository.path}", str(clone.path))
    monkeypatch.chdir(clone.path)
    new = clone.add("new", b"\0new")
    assert binaries(push(new, clone.git("rev-parse", "origin/HEAD"))) == {(new, "new")}


def test_not_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a repository git's message is raised."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Problem, match="not a git repository"):
        push("1" * 40)
    with pytest.raises(Problem, match="not a git repository"):
        scan_index()


# Against a slow reference

FILES = st.dictionaries(st.sampled_from(["a", "b", "d/a", "d/e/b", " c"]), st.integers(0, 6), max_size=4)


@settings(max_examples=tenth(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(FILES, st.lists(st.integers(0, 9), max_size=2)), min_size=1, max_size=7), st.data())
def test_as_a_slow_reference_has_it(
    repository: Repository, steps: list[tuple[dict[str, int], list[int]]], data: st.DataObject
) -> None:
    """In any history, with merges and roots, each blob is found once that no excluded parent's tree has; its commit
    has it at its path, and no parent of that one has it.
    """
    contents = [repository.git("hash-object", "-w", "--stdin", given=b"\0%d" % number) for number in range(7)]
    commits: list[str] = []
    parents: dict[str, list[str]] = {}
    trees: dict[str, dict[str, str]] = {}
    for number, (files, wanted) in enumerate(steps):
        index = b"".join(f"100644 {contents[c]}\t{path}\0".encode() for path, c in files.items())
        repository.git("read-tree", "--empty")
        repository.git("update-index", "-z", "--index-info", given=index)
        above = sorted({commits[p] for p in wanted if p < len(commits)})
        options = [word for parent in above for word in ("-p", parent)]
        date = data.draw(st.integers(1_600_000_000, 1_600_000_009))
        os.environ["GIT_COMMITTER_DATE"] = f"{date} +0000"
        commit = repository.git("commit-tree", "-m", str(number), *options, repository.git("write-tree"))
        commits.append(commit)
        parents[commit], trees[commit] = above, {path: contents[c] for path, c in files.items()}

    def reached(tips: list[str]) -> set[str]:
        found: set[str] = set()
        while tips:
            found.update(tips)
            tips = [parent for tip in tips for parent in parents[tip] if parent not in found]
        return found

    new, old = data.draw(st.sampled_from(commits)), data.draw(st.sampled_from([None, *commits]))
    known = reached([old] if old else [])
    added = reached([new]) - known
    edge = {blob for c in added for parent in parents[c] if parent in known for blob in trees[parent].values()}
    found = push(new, old or NULL).binary
    assert sorted(blob.oid for blob in found) == sorted({b for c in added for b in trees[c].values()} - edge)
    for blob in found:
        assert blob.commit in added
        assert trees[blob.commit][blob.path] == blob.oid
        assert not any(blob.oid in trees[parent].values() for parent in parents[blob.commit])
