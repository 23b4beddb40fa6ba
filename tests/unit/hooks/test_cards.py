"""The model cards that a push changes, in real repositories."""

import subprocess
from pathlib import Path

import pytest
from programs import git

from git_credential_hf.hooks.cards import MAX_CARD_BYTES, changed_cards
from git_credential_hf.hooks.updates import RefUpdate

NULL = "0" * 40


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "a")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "a@example.org")
    subprocess.run(["git", "init", "-q", "-b", "main", str(tmp_path / "work")], check=True)
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def commit(path: str, content: str) -> str:
    file = Path(path)
    file.parent.mkdir(exist_ok=True)
    file.write_text(content)
    git("add", path)
    git("commit", "-q", "--allow-empty", "-m", "x")
    return git("rev-parse", "HEAD").strip()


def changed(*pairs: tuple[str, str]) -> list[tuple[str | None, str]]:
    """Return the commits and the contents of the cards that differ between pairs of a new and an old id."""
    updates = [RefUpdate("refs/heads/a", new, "refs/heads/b", old) for new, old in pairs]
    return [(blob.commit, content) for blob, content in changed_cards(updates)]


def test_the_card_at_the_tip(work: Path) -> None:
    """Only the card at the tip counts, and only if the Hub has another one there; not one in a subdirectory."""
    bad = commit("README.md", "---\nbad\n---\n")
    good = commit("README.md", "---\ngood\n---\n")
    tip = commit("d/README.md", "---\nelse\n---\n")
    back = commit("README.md", "---\nbad\n---\n")
    assert changed((tip, NULL)) == changed((tip, bad)) == changed((tip, "1" * 40)) == [(tip, "---\ngood\n---\n")]
    assert changed((tip, good)) == changed((NULL, good)) == []
    assert changed((back, tip)) == [(back, "---\nbad\n---\n")]
    assert changed((tip, good), (back, good), (back, NULL)) == [(back, "---\nbad\n---\n")]


@pytest.mark.parametrize("content", ["# no header\n", "---\n" + "x" * MAX_CARD_BYTES, ""])
def test_what_is_not_a_card(content: str, work: Path) -> None:
    """A card without a header, or a huge one, is ignored; so is a commit without one, and a tag of a blob."""
    first = commit("f", "f\n")
    assert changed((first, NULL)) == []
    assert changed((commit("README.md", content), first)) == []
    assert changed((git("rev-parse", "HEAD:f").strip(), NULL)) == []


@pytest.mark.parametrize("kind", ["blob:none", "tree:0"])
def test_a_partial_clone(kind: str, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card that is not here is on the remote already: it is not fetched, and is no reason to end the check."""
    old = commit("README.md", "---\nold\n---\n")
    tip = commit("f", "f\n")
    git("config", "uploadpack.allowFilter", "true")
    git("clone", "-q", "--no-checkout", f"--filter={kind}", f"file://{work}", str(tmp_path / "partial"))
    work.rename(tmp_path / "away")
    monkeypatch.chdir(tmp_path / "partial")
    assert changed((tip, old)) == changed((tip, NULL)) == []
    blob = git("hash-object", "-w", "--stdin", stdin="---\nnew\n---\n").strip()
    tree = git("mktree", stdin=f"100644 blob {blob}\tREADME.md\n").strip()
    new = git("commit-tree", "-m", "x", "-p", tip, tree).strip()
    assert changed((new, tip)) == [(new, "---\nnew\n---\n")]


def test_replacements(work: Path) -> None:
    """What is pushed counts, and not what a replacement shows instead."""
    good = commit("README.md", "---\ngood\n---\n")
    bad = commit("README.md", "---\nbad\n---\n")
    git("replace", bad, good)
    git("replace", git("--no-replace-objects", "rev-parse", f"{bad}:README.md").strip(), f"{good}:README.md")
    assert changed((bad, good)) == [(bad, "---\nbad\n---\n")]
