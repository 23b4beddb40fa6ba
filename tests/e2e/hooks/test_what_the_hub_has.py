"""Only what the Hub lacks is checked."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from account import WEIGHTS, Account
from amount import IS_LONG, each_run
from pushes import BIG, HUB, SECRET, add, large, messages, push, run_hook, uploads
from reasons import _alice

if TYPE_CHECKING:
    from fake_hub import Hub

IMAGE = b"\0" * 100  # refused as BIG is, in a tenth of its time


def test_only_what_the_hub_lacks(hub: "Hub", work: Account) -> None:
    """What the remote has already is not checked again, and a deletion adds nothing."""
    token = _alice(hub)
    large(work)
    assert (
        push(work, "alice/model", "--no-verify", "--force", "origin", "main", HF_TOKEN=token).returncode == 1
    )  # the Hub itself
    work.git("config", "hf.largeFiles", "off")
    hub.blob_limit = 1 << 30
    assert push(work, "alice/model", HF_TOKEN=token).returncode == 0
    work.git("config", "hf.largeFiles", "block")
    add(work, {"more.txt": b"more\n"})
    done = work.git("push", "origin", "main", HF_TOKEN=token)
    assert "git-credential-hf" not in done.stderr
    work.git("push", "origin", "main:refs/heads/other", HF_TOKEN=token)
    done = work.git("push", "origin", ":refs/heads/other", HF_TOKEN=token)
    assert "git-credential-hf" not in done.stderr


def by_its_url(account: Account) -> list[str]:
    account.clone(HUB + "alice/old", GIT_LFS_SKIP_SMUDGE="1")
    return [HUB + "alice/old", "HEAD:refs/heads/new"]


def by_another_name(account: Account) -> list[str]:
    account.clone(HUB + "alice/old", GIT_LFS_SKIP_SMUDGE="1")
    account.git("remote", "add", "again", HUB + "alice/old")
    return ["again", "HEAD:refs/heads/new"]


def from_a_bare_clone(account: Account) -> list[str]:
    account.git("clone", "--bare", HUB + "alice/old", "old")
    account.where = account.home / "old"
    return ["origin", "main:refs/heads/new"]


def of_a_pull_request(account: Account) -> list[str]:
    account.clone(HUB + "alice/old")
    add(account, {"model.bin": b"another" + WEIGHTS})
    account.git("push", "origin", "HEAD:refs/pr/1")
    account.where = account.home
    account.git("clone", HUB + "alice/old", "merging", GIT_LFS_SKIP_SMUDGE="1")
    account.where = account.home / "merging"
    account.git("fetch", "origin", "refs/pr/1:pr/1")
    account.git("merge", "--ff-only", "pr/1", GIT_LFS_SKIP_SMUDGE="1")
    return ["origin", "main"]


@pytest.mark.parametrize(
    "prepare",
    each_run([by_its_url, by_another_name, from_a_bare_clone, of_a_pull_request], by_another_name, of_a_pull_request),
    ids=lambda prepare: prepare.__name__,
)
def test_what_the_hub_lists(prepare: Callable[[Account], list[str]], hub: "Hub", account: Account) -> None:
    """What the Hub has, even if no tracking reference shows it, is no reason to refuse a push; what is new is."""
    hub.user("alice")
    account.is_given(hub.token("alice"), "laptop")
    old = {"README.md": b"old\n", "big.txt": BIG}
    hub.repository("alice/old", private=True, files=old, lfs={"model.bin": WEIGHTS})
    where = prepare(account)
    account.run("git-credential-hf", "hooks", "install")
    done = account.git("push", *where, check=False)
    assert done.returncode == 0, done.stderr
    assert "git-credential-hf" not in done.stderr
    if prepare is by_another_name or (IS_LONG and (account.where / ".git").exists()):
        add(account, {"new.txt": b"y" * (11 << 20)})
        done = account.git("push", *where, check=False)
        (error,) = messages(done, "error")
        assert "new.txt in commit" in error


# That the Hub is the one URL for pushes is less than that it is the second.
@pytest.mark.parametrize(
    "pushed",
    [["other", "hub"], pytest.param(["hub"], marks=pytest.mark.long), ["other", "hub", "both are fetched"]],
    ids=len,
)
def test_what_another_url_of_the_remote_has(pushed: list[str], hub: "Hub", work: Account, tmp_path: Path) -> None:
    """Tracking references do not count; the remote may be fetched from another URL, or pushed to two."""
    work.is_given(_alice(hub), "laptop")
    other = str(tmp_path / "other.git")
    work.git("init", "--quiet", "--bare", other)
    add(work, {"image.ico": IMAGE})
    urls = {"other": other, "hub": HUB + "alice/model"}
    work.git("remote", "add", "origin", urls["hub"] if len(pushed) == 3 else other)
    work.git("push", "--no-verify", other, "main")
    work.git("update-ref", "refs/remotes/origin/main", "main")
    for name in pushed[:2]:
        work.git("remote", "set-url", "--add", "--push", "origin", urls[name])
    hub.log.clear()
    done = work.git("push", "--force", "origin", "main", check=False)
    assert "image.ico" in messages(done, "error")[0]
    assert uploads(hub) == []


@pytest.mark.parametrize("name", each_run(["origin", "origin/x"], "origin/x"))
@pytest.mark.git_versions
def test_what_is_remembered_of_another_repository(name: str, hub: "Hub", work: Account, tmp_path: Path) -> None:
    """The references of a forge that are left under the remote's name are not taken for what the Hub has."""
    work.is_given(_alice(hub), "laptop")
    forge = str(tmp_path / "forge.git")
    work.git("init", "--quiet", "--bare", forge)
    add(work, {"image.ico": IMAGE})
    work.git("remote", "add", name, forge)
    work.git("push", "--no-verify", name, "main:other")
    assert work.git("for-each-ref", f"refs/remotes/{name}").stdout
    work.git("remote", "set-url", name, HUB + "alice/model")
    for references in (["main:new"], ["--force", "main"]):
        hub.log.clear()
        done = work.git("push", name, *references, check=False)
        assert done.returncode == 1
        assert "image.ico" in messages(done, "error")[0]
        assert uploads(hub) == []


def test_how_often_the_hub_is_asked_what_it_has(hub: "Hub", work: Account) -> None:
    """For a branch that it has, git has announced an id, and that is enough; for a new one it is asked once."""
    token = _alice(hub)
    push(work, "alice/model", HF_TOKEN=token)
    there = work.git("rev-parse", "HEAD").stdout.strip()
    for name, content, listings in (("more.txt", b"more\n", {there: 0, "0" * 40: 1}), ("big.txt", BIG, {there: 1})):
        add(work, {name: content})
        for old, times in listings.items():
            hub.log.clear()
            done = run_hook(work, HUB + "alice/model", old=old, HF_TOKEN=token)
            assert done.returncode == (1 if content == BIG else 0)
            assert len([r for r in hub.log.of("/info/refs", status=200) if "git-upload-pack" in r.query]) == times


def test_a_mirror_of_a_forge(hub: "Hub", work: Account, tmp_path: Path) -> None:
    """What is refused in the pull requests of another forge is named with them, and the hint pushes all the others."""
    work.is_given(_alice(hub), "laptop")
    work.git("checkout", "--quiet", "-b", "pull")
    add(work, {"image.ico": IMAGE})
    work.git("update-ref", "refs/pull/1/head", "HEAD")
    work.git("update-ref", "refs/pull/2/head", "HEAD")
    work.git("checkout", "--quiet", "main")
    work.git("branch", "--quiet", "-D", "pull")
    work.git("tag", "v1")
    hub.log.clear()
    done = push(work, "alice/model", "--mirror", "origin")
    assert done.returncode == 1 and uploads(hub) == []
    (warning,) = messages(done, "warning")
    assert "refs/pull/1/head and 1 more references" in warning
    (hint,) = [hint for hint in messages(done, "hint") if "git push https://" in hint]
    done = work.run("sh", "-c", hint.split("`")[1] + " --force")  # the Hub's first commit is another
    assert "git-credential-hf" not in done.stderr
    assert "refs/tags/v1" in work.git("ls-remote", HUB + "alice/model").stdout


def test_an_lfs_object_that_only_the_hub_has(hub: "Hub", account: Account) -> None:
    """A pointer to an object that the Hub has is no reason to refuse, even if no commit that it lists shows that."""
    hub.user("alice")
    account.is_given(hub.token("alice"), "laptop")
    hub.repository("alice/old", private=True, files={"README.md": b"old\n"}, lfs={"model.bin": WEIGHTS})
    account.clone(HUB + "alice/old")
    account.git("checkout", "--quiet", "-b", "dev")
    add(account, {"new.bin": b"new" + WEIGHTS})
    account.git("push", "origin", "dev")
    mine = account.home / "mine"
    branch = ("--single-branch", "--branch", "main")
    account.git("clone", *branch, HUB + "alice/old", str(mine), GIT_LFS_SKIP_SMUDGE="1")
    account.git("-C", str(mine), "fetch", "origin", "dev")
    account.git("-C", str(mine), "cherry-pick", "FETCH_HEAD", GIT_LFS_SKIP_SMUDGE="1")
    account.git("commit", "--amend", "--message", "another")
    account.git("push", "--force", "origin", "dev")
    account.where = mine
    account.git("commit", "--amend", "--message", "mine")
    account.run("git-credential-hf", "hooks", "install")
    done = account.git("push", "origin", "main", check=False)
    assert done.returncode == 0, done.stderr
    assert "git-credential-hf" not in done.stderr
    (asked,) = [r for r in hub.log if r.path.endswith("/info/lfs/objects/batch") and r.scheme == "bearer"]
    assert {asked.headers["accept"], asked.headers["content-type"]} == {"application/vnd.git-lfs+json"}
    (mine / "lost.bin").write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'5' * 64}\nsize 5\n")
    add(account, {})
    done = account.git("push", "origin", "main", check=False)
    assert "lost.bin in commit" in messages(done, "error")[0]


def test_a_bare_clone_with_a_token_in_its_url(hub: "Hub", account: Account) -> None:
    """If the only credential is in the URL, a new branch of what the Hub has already is not refused."""
    hub.user("alice")
    files = {"key.py": SECRET, "big.txt": BIG}
    hub.repository("alice/old", private=True, files=files, lfs={"model.bin": WEIGHTS})
    account.git("clone", "--bare", f"https://alice:{hub.token('alice')}@huggingface.co/alice/old", "old")
    account.where = account.home / "old"
    account.run("git-credential-hf", "hooks", "install")
    done = account.git("push", "origin", "main:refs/heads/new", check=False)
    assert done.returncode == 0, done.stderr
    assert any("cannot find out what the Hub already has" in warning for warning in messages(done, "warning"))
