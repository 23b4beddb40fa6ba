"""What the Hub refuses after an upload is refused before, if the Hub itself says so; and nothing else."""

import hashlib
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from account import WEIGHTS, Account
from amount import each_run
from pushes import BIG, HUB, add, messages, push, run_hook, uploads
from reasons import _alice

if TYPE_CHECKING:
    from fake_hub import Hub

IMAGE = b"\x89PNG\0\0" + b"x" * 1000


@pytest.fixture
def hub(world: "Hub", monkeypatch: pytest.MonkeyPatch) -> "Hub":
    """Return the Hub, with nothing on it."""
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    return world


def pointer(content: bytes) -> bytes:
    oid = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n".encode()


def refused(done: subprocess.CompletedProcess[str], words: str) -> None:
    """Assert that a push was refused by the hook, once, with these words."""
    assert done.returncode == 1, done.stderr
    assert len(messages(done, "error")) == 1, done.stderr
    (error,) = messages(done, "error")
    assert error.startswith("push refused before any upload: ")
    assert words in error


def taken(done: subprocess.CompletedProcess[str]) -> None:
    """Assert that the Hub took a push, and the hook said nothing."""
    assert done.returncode == 0, done.stderr
    assert "git-credential-hf" not in done.stderr


# --- files outside LFS ---


@pytest.mark.git_versions
@pytest.mark.parametrize("branch", ["main", "new", "refs/pr/1"])
def test_a_binary_file(branch: str, hub: "Hub", work: Account) -> None:
    """The Hub is asked once what is for LFS: its word decides, before an LFS file goes up."""
    token = _alice(hub)
    hub.accepted_binaries = (".png",)
    add(work, {"a.png": IMAGE, "b.ico": IMAGE + b"b", "more.bin": b"more" + WEIGHTS})
    hub.log.clear()
    target = ("--force", "origin", f"main:{branch}")
    done = push(work, "alice/model", *target, HF_TOKEN=token)
    refused(done, "b.ico in commit")
    assert "that the Hub accepts in LFS only" in messages(done, "error")[0]
    assert uploads(hub) == []
    (asked,) = hub.log.of("/preupload/")
    assert (asked.token, asked.status, asked.query) == (token, 200, "create_pr=1" if "pr" in branch else "")
    work.git("rm", "--quiet", "b.ico")
    work.git("commit", "--amend", "--no-edit", "--no-verify")
    taken(push(work, "alice/model", *target, HF_TOKEN=token))


def test_a_binary_file_without_an_answer(hub: "Hub", work: Account) -> None:
    """Without an answer a binary file is a warning; what is configured counts more than the answer."""
    token = _alice(hub)
    hub.accepted_binaries = (".png",)
    add(work, {"a.png": IMAGE})
    hub.faults.status("/preupload/", 500)
    done = push(work, "alice/model", HF_TOKEN=token)
    assert done.returncode == 0, done.stderr
    assert "a.png in commit" in messages(done, "warning")[0]
    hub.faults.clear()
    add(work, {"b.ico": IMAGE + b"b"})
    for key, level in (("warn", "warning"), ("block", "error")):
        work.git("config", "hf.binaryFiles", key)
        assert "b.ico" in messages(run_hook(work, HUB + "alice/model", HF_TOKEN=token), level)[0]
    work.git("config", "hf.binaryFiles", "off")
    assert "b.ico" not in run_hook(work, HUB + "alice/model", HF_TOKEN=token).stderr


def test_a_large_file_that_the_hub_takes(hub: "Hub", work: Account) -> None:
    """A file over the documented limit is not refused if the Hub says that it takes it; it is without an answer."""
    token = _alice(hub)
    add(work, {"big.txt": BIG})
    hub.blob_limit = 1 << 30
    taken(push(work, "alice/model", HF_TOKEN=token))
    add(work, {"bigger.txt": BIG + b"x"})
    hub.faults.status("/preupload/", 404)
    refused(push(work, "alice/model", "origin", "main", HF_TOKEN=token), "bigger.txt in commit")


def test_what_is_asked_about_files(hub: "Hub", work: Account) -> None:
    """Of 300 binary files the Hub is asked about 256, in one request; text is not asked about."""
    token = _alice(hub)
    hub.accepted_binaries = (".png",)
    add(work, {f"{number}.png": IMAGE + bytes(number) for number in range(300)})
    hub.log.clear()
    done = run_hook(work, HUB + "alice/model", HF_TOKEN=token)
    assert done.returncode == 0
    assert "and 39 more like this" in messages(done, "warning")[-1]
    assert len(hub.log.of("/preupload/")) == 1


# --- LFS objects ---


def of_pointers(account: Account, repository: str, contents: Iterable[bytes]) -> None:
    """Enter a repository of one commit, with pointers and no objects, that is to replace one of the Hub."""
    account.git("init", "--quiet", "--initial-branch", "main", "pointers")
    account.where = account.home / "pointers"
    account.git("remote", "add", "origin", HUB + repository)
    account.run("git-credential-hf", "hooks", "install")
    add(account, {f"{number}.bin": pointer(content) for number, content in enumerate(contents)})
    (account.where / ".git/lfs").mkdir()


@pytest.mark.git_versions
def test_many_lfs_objects_that_only_the_hub_has(hub: "Hub", account: Account) -> None:
    """A clone without its LFS files may rewrite history: all of them are asked about, in hundreds."""
    hub.user("alice")
    account.is_given(hub.token("alice"), "laptop")
    contents = [f"weights {number}\n".encode() for number in range(152)]
    model = hub.repository("alice/many", private=True)
    for content in contents:
        model.store(content)
    of_pointers(account, "alice/many", contents)
    hub.log.clear()
    taken(account.git("push", "--force", "origin", "main", check=False))
    asked = [r for r in hub.log if r.path.endswith("/info/lfs/objects/batch") and r.scheme == "bearer"]
    assert len(asked) == 2
    add(account, {"lost.bin": pointer(b"lost")})
    refused(account.git("push", "origin", "main", check=False), "lost.bin in commit")


@pytest.mark.parametrize("status", [500, 404, 403])
def test_lfs_objects_without_an_answer(status: int, hub: "Hub", account: Account) -> None:
    """If the Hub does not say whether it has an object, the push goes on, with a warning."""
    hub.user("alice")
    account.is_given(hub.token("alice"), "laptop")
    hub.repository("alice/one", private=True).store(b"weights\n")
    of_pointers(account, "alice/one", [b"weights\n"])
    hub.faults.status("/info/lfs/objects/batch", status, times=1)
    done = account.git("push", "--force", "origin", "main", check=False)
    assert done.returncode == 0, done.stderr
    assert "the Hub does not report whether it has the object" in messages(done, "warning")[0]


# --- shallow clones ---


def forge(work: Account, tmp_path: Path, commits: int = 3) -> str:
    """Return the URL of another host, which has the history of `work` with more commits."""
    for number in range(commits):
        add(work, {"notes.md": f"{number}\n".encode()})
    bare = tmp_path / "forge.git"
    work.git("init", "--quiet", "--bare", "--initial-branch", "main", str(bare))
    work.git("push", "--no-verify", str(bare), "main")
    return f"file://{bare}"


@pytest.mark.git_versions(each_run=1)
def test_a_shallow_push(hub: "Hub", work: Account, tmp_path: Path) -> None:
    """A clone of depth 1 is not pushed to a Space that lacks the rest; the hint fetches that, and the push works."""
    token = _alice(hub)
    hub.repository("spaces/alice/app", files={"app.py": b"app\n"})
    url = forge(work, tmp_path)
    lfs = work.where / ".git/lfs"
    work.where = work.home
    work.git("clone", "--quiet", "--depth", "1", url, "shallow", GIT_LFS_SKIP_SMUDGE="1")
    work.where = work.home / "shallow"
    work.run("cp", "-r", str(lfs), ".git/")
    work.git("remote", "add", "space", HUB + "spaces/alice/app")
    work.run("git-credential-hf", "hooks", "install")
    hub.log.clear()
    command = ("push", "--force", "space", "main")
    done = work.git(*command, check=False, HF_TOKEN=token)
    refused(done, "this clone is shallow")
    assert uploads(hub) == []
    assert messages(done, "hint") == ["run `git fetch --unshallow origin`"]
    work.run("sh", "-c", messages(done, "hint")[0].split("`")[1])
    taken(work.git(*command, check=False, HF_TOKEN=token))
    done = work.git("push", "--no-verify", "space", "main:again", check=False, HF_TOKEN=token)
    assert done.returncode == 0


def test_a_shallow_push_without_another_remote(hub: "Hub", work: Account, tmp_path: Path) -> None:
    """If the rest of the history is on no remote, the hint pushes the files without it."""
    token = _alice(hub)
    url = forge(work, tmp_path)
    lfs = work.where / ".git/lfs"
    work.where = work.home
    work.git("clone", "--quiet", "--depth", "1", url, "shallow", GIT_LFS_SKIP_SMUDGE="1")
    work.where = work.home / "shallow"
    work.run("cp", "-r", str(lfs), ".git/")
    work.git("remote", "set-url", "origin", HUB + "alice/model")
    work.run("git-credential-hf", "hooks", "install")
    done = work.git("push", "--force", "origin", "main", check=False, HF_TOKEN=token)
    refused(done, "this clone is shallow")
    taken(work.run("sh", "-c", messages(done, "hint")[0].split("`")[1], check=False, HF_TOKEN=token))
    assert hub.repositories.named("alice/model").read("notes.md") == "2"


@pytest.mark.git_versions
@pytest.mark.parametrize("target", ["main", "new", "moved on"])
def test_a_shallow_clone_of_the_hub(target: str, hub: "Hub", account: Account) -> None:
    """A shallow clone of the Hub's own repository can be pushed, also to a new branch, or if the Hub has moved on."""
    hub.user("alice")
    account.is_given(hub.token("alice"), "laptop")
    model = hub.repository("alice/deep", private=True, files={"README.md": b"old\n"})
    model.commit({"a.txt": b"a\n"})
    account.git("clone", "--quiet", "--depth", "1", HUB + "alice/deep", "shallow")
    account.where = account.home / "shallow"
    account.run("git-credential-hf", "hooks", "install")
    add(account, {"b.txt": b"b\n"})
    if target == "moved on":
        model.commit({"c.txt": b"c\n"})
    hub.log.clear()
    taken(account.git("push", "--force", "origin", f"main:{target.split(' ')[0]}", check=False))
    assert len(hub.log.of("/revision/")) == (target != "main")


def test_a_shallow_push_without_an_answer(hub: "Hub", work: Account, tmp_path: Path) -> None:
    """If the Hub does not say whether it has the commit, git itself decides."""
    token = _alice(hub)
    url = forge(work, tmp_path)
    work.where = work.home
    work.git("clone", "--quiet", "--depth", "1", url, "shallow", GIT_LFS_SKIP_SMUDGE="1")
    work.where = work.home / "shallow"
    work.run("git-credential-hf", "hooks", "install")
    for status in (500, 404, 403):
        hub.faults.clear()
        hub.faults.status("/revision/", status)
        assert "shallow" not in run_hook(work, HUB + "alice/model", HF_TOKEN=token).stderr


# --- model cards ---


def test_a_card_that_the_hub_rejects(hub: "Hub", work: Account) -> None:
    """The Hub is asked whenever the card differs from the one that it has there, with one request."""
    token = _alice(hub)
    for line in ("license: unheard-of", "short_description: " + "words " * 20, "colorFrom: violet"):
        add(work, {"README.md": f"---\n{line}\n---\n# A model\n".encode()})
        refused(run_hook(work, HUB + "alice/model", HF_TOKEN=token), line.partition(":")[0])
    hub.log.clear()
    refused(push(work, "alice/model", HF_TOKEN=token), line.partition(":")[0])
    assert uploads(hub) == []
    assert len(hub.log.of("/validate-yaml")) == 1
    add(work, {"README.md": b"---\nlicense: mit\n---\n# A model\n"})
    hub.log.clear()
    taken(push(work, "alice/model", HF_TOKEN=token))
    assert len(hub.log.of("/validate-yaml")) == 1
    add(work, {"notes.md": b"more\n"})
    hub.log.clear()
    taken(push(work, "alice/model", "origin", "main", HF_TOKEN=token))
    assert hub.log.of("/validate-yaml") == []
    add(work, {"README.md": f"---\n{line}\n---\n# Another\n".encode()})
    hub.faults.status("/validate-yaml", 500, b"{}")
    done = push(work, "alice/model", "origin", "main", HF_TOKEN=token)
    assert "git-credential-hf" not in done.stderr


# --- another place for LFS ---


def in_lfsconfig(work: Account, key: str, value: str) -> None:
    work.git("config", "--file", ".lfsconfig", key, value)
    add(work, {})


def in_git(work: Account, key: str, value: str) -> None:
    work.git("config", key, value)


KEYS = ("lfs.url", "lfs.pushurl", "remote.origin.lfsurl", "remote.origin.lfspushurl")
ELSEWHERE = [(where, key) for where in (in_lfsconfig, in_git) for key in KEYS]


# Each key, once in each place: of those beside it, the same code reads the one place or the other.
@pytest.mark.parametrize(("where", "key"), each_run(ELSEWHERE, ELSEWHERE[0], ELSEWHERE[2], ELSEWHERE[5], ELSEWHERE[7]))
def test_lfs_goes_to_another_repository(where: Any, key: str, hub: "Hub", work: Account) -> None:
    """Another repository for LFS is named before anything goes there; refused if a file of the repository has it so."""
    token = _alice(hub)
    hub.repository("alice/other")
    url = HUB + "alice/other.git/info/lfs"
    work.git("remote", "add", "origin", HUB + "alice/model")
    where(work, key, url)
    hub.log.clear()
    if (where, key) == (in_lfsconfig, "remote.origin.lfspushurl"):  # which git-lfs does not read there
        taken(work.git("push", "--force", "origin", "main", check=False, HF_TOKEN=token))
        return
    done = work.git("push", "--force", "origin", "main", check=False, HF_TOKEN=token)
    level = "error" if where is in_lfsconfig else "warning"
    assert done.returncode == 1  # the Hub refuses it, too
    words = f"git-lfs uploads the LFS files of this push to {url}, and not to {HUB}alice/model"
    assert messages(done, level)[0].endswith(words)
    assert bool(uploads(hub)) == (where is in_git)
    assert bool(hub.log.of("PUT")) == (where is in_git)
    (work.where / "sub").mkdir()
    work.where /= "sub"
    work.run("sh", "-c", messages(done, "hint")[0].split("`")[1])
    taken(work.git("push", "--force", "origin", "main", check=False, HF_TOKEN=token))


def test_lfs_goes_to_an_old_name(hub: "Hub", work: Account) -> None:
    """The old name of a repository is the same one."""
    token = _alice(hub)
    hub.rename("alice/model", "alice/renamed")
    in_lfsconfig(work, "lfs.url", HUB + "alice/model.git/info/lfs")
    taken(push(work, "alice/renamed", HF_TOKEN=token))


def test_lfs_goes_to_another_host(hub: "Hub", work: Account) -> None:
    """Another host for LFS is a warning: it may be a way to the Hub. The token does not go there."""
    token = _alice(hub)
    in_lfsconfig(work, "lfs.url", "https://lfs.example.org/alice")
    done = run_hook(work, HUB + "alice/model", HF_TOKEN=token)
    assert done.returncode == 0
    assert "to https://lfs.example.org/alice, and not to" in messages(done, "warning")[0]
    add(work, {"only.md": b"text\n"})
    work.git("config", "hf.lfsObjects", "off")
    assert run_hook(work, HUB + "alice/model", HF_TOKEN=token).stderr == ""


def test_two_push_urls(hub: "Hub", work: Account, tmp_path: Path) -> None:
    """Of a remote's push URLs git-lfs takes the last one for both: with the Hub first, that is named."""
    token = _alice(hub)
    other = str(tmp_path / "other.git")
    work.git("init", "--quiet", "--bare", other)
    work.git("remote", "add", "origin", other)
    for url in (HUB + "alice/model", other):
        work.git("remote", "set-url", "--add", "--push", "origin", url)
    done = work.git("push", "--force", "origin", "main", check=False, HF_TOKEN=token)
    assert done.returncode == 1
    assert "and not to https://huggingface.co/alice/model" in messages(done, "warning")[0]
    fix = messages(done, "hint")[0].split("`")[1]
    taken(work.run("sh", "-c", fix.replace("git push", "git push --force"), check=False, HF_TOKEN=token))


# --- a forge, with LFS on the Hub ---


@pytest.mark.git_versions
def test_a_forge_with_lfs_on_the_hub(hub: "Hub", work: Account, tmp_path: Path) -> None:
    """Of a push to another host the LFS files are checked if git-lfs uploads them to the Hub, and nothing else."""
    reads, writes = _alice(hub, "read"), hub.token("alice")
    other = str(tmp_path / "forge.git")
    work.git("init", "--quiet", "--bare", other)
    work.git("remote", "add", "origin", other)
    work.git("config", "lfs.url", HUB + "alice/model.git/info/lfs")
    add(work, {"big.txt": BIG, "image.png": IMAGE, "README.md": b"---\nlicense: unheard-of\n---\n"})
    hub.log.clear()
    done = work.git("push", "origin", "main", check=False, HF_TOKEN=reads)
    refused(done, "can only read")
    assert uploads(hub) == []
    taken(work.git("push", "origin", "main", check=False, HF_TOKEN=writes))
    assert len(hub.log.of("PUT")) == 1
    hub.log.clear()
    add(work, {"text.md": b"text\n"})
    taken(work.git("push", "origin", "main", check=False, HF_TOKEN=reads))
    assert hub.log.of("/api/") == []
    (work.where / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\nlost.bin !filter\n")
    add(work, {"lost.bin": pointer(b"lost")})
    refused(work.git("push", "origin", "main", check=False, HF_TOKEN=writes), "lost.bin in commit")
    work.git("config", "--unset", "lfs.url")
    hub.log.clear()
    work.git("push", "origin", "main", check=False, HF_TOKEN=writes)
    assert list(hub.log) == []


# --- locks ---

LOCKS = "LFS locking API"


@pytest.mark.git_versions
@pytest.mark.parametrize("url", [HUB + "alice/model", "https://alice@huggingface.co/alice/model.git/"])
def test_locks(url: str, hub: "Hub", work: Account) -> None:
    """git-lfs asks for locks at each push, as without us; the command that `hooks install` names ends that."""
    work.is_given(_alice(hub), "laptop")
    work.git("remote", "add", "origin", url)
    work.git("push", "--force", "origin", "main")
    asked = []
    for hooks in ("uninstall", "install"):
        work.run("git-credential-hf", "hooks", hooks)
        if hooks == "uninstall":
            work.git("lfs", "install", "--local")
        add(work, {"notes.md": hooks.encode()})
        hub.log.clear()
        done = work.git("push", "origin", "main")
        assert (done.stdout + done.stderr).count(LOCKS) == 1
        asked.append(
            [request.line for request in hub.log if "/info/lfs/" in request.path or "info/refs" in request.path]
        )
        if hooks == "uninstall":
            (work.where / ".git/hooks/pre-push").unlink()
    assert asked[0] == asked[1]
    assert len(hub.log.of("/locks/verify")) == 1
    hint = messages(work.run("git-credential-hf", "hooks", "install"), "hint")[-1]
    assert hint == (
        "git-lfs asks for locks at each push, which the Hub does not support: "
        f"run `git config lfs.{HUB}alice/model.git/info/lfs.locksverify false` to stop it"
    )
    work.run("sh", "-c", hint.split("`")[1])
    assert "locks" not in work.run("git-credential-hf", "hooks", "install").stderr
    add(work, {"notes.md": b"quiet\n", "more.bin": b"more" + WEIGHTS})
    hub.log.clear()
    done = work.git("push", "origin", "main")
    assert LOCKS not in done.stdout + done.stderr
    assert hub.log.of("/locks/") == []
    assert len(hub.log.of("PUT")) == 1
