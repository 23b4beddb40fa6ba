"""Each hint of the hooks works as it is printed: it is run where it is needed, and the push then goes through."""

import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from account import WEIGHTS, Account
from amount import each_run
from pushes import BIG, HUB, add, messages, push
from reasons import _alice

if TYPE_CHECKING:
    from fake_hub import Hub

Done = subprocess.CompletedProcess[str]
IMAGE = b"\0" * 100  # refused as BIG is, in a tenth of its time


@pytest.fixture
def hub(world: "Hub", monkeypatch: pytest.MonkeyPatch) -> "Hub":
    """Return the Hub, with nothing on it."""
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    return world


@pytest.fixture
def mirror(hub: "Hub", work: Account, tmp_path: Path) -> Account:
    """Log in; the remote `origin` of `work` is a forge, `space` is on the Hub."""
    work.is_given(_alice(hub), "laptop")
    hub.repository("spaces/alice/app", files={"app.py": b"app\n"})
    forge = str(tmp_path / "forge.git")
    work.git("init", "--quiet", "--bare", "--initial-branch", "main", forge)
    work.git("remote", "add", "origin", forge)
    work.git("remote", "add", "space", HUB + "spaces/alice/app")
    return work


def refused(done: Done) -> str:
    """Assert that our hook refused a push, for one reason; return the hint."""
    assert done.returncode == 1, done.stderr
    assert len(messages(done, "error")) == 1, done.stderr
    (hint,) = messages(done, "hint")
    return hint


def follow(work: Account, hint: str, number: int = 0) -> str:
    """Run a command of a hint, exactly as it is printed; return what it said."""
    done = work.run("sh", "-c", hint.split("`")[1::2][number])
    return done.stdout + done.stderr


def taken(done: Done) -> None:
    """Assert that the Hub took a push, and our hook said nothing."""
    assert done.returncode == 0, done.stderr
    assert "git-credential-hf" not in done.stderr


# --- files in history that another remote has ---


@pytest.mark.git_versions
@pytest.mark.parametrize("directory", each_run(["", "sub"], "sub"))
def test_a_file_that_another_remote_has(directory: str, hub: "Hub", mirror: Account) -> None:
    """The hint rewrites it although a forge has it already, says so, and works in a subdirectory, too."""
    add(mirror, {"big.txt": BIG})
    add(mirror, {"more.md": b"more\n"})
    mirror.git("push", "--no-verify", "origin", "main")
    top = mirror.where
    (top / directory).mkdir(exist_ok=True)
    mirror.where = top / directory
    hint = refused(mirror.git("push", "--force", "space", "main", check=False))
    assert "rewrites history that another remote may have" in hint
    assert "without their history" not in hint  # the last commit has it, too
    follow(mirror, hint)
    taken(mirror.git("push", "--force", "space", "main", check=False))
    assert hub.repositories.named("spaces/alice/app").read("big.txt").startswith("version https://git-lfs")
    assert (top / "big.txt").read_text() == BIG.decode(), "git-lfs would leave a pointer"


def test_all_files_at_once(hub: "Hub", mirror: Account) -> None:
    """However many files are refused, history is rewritten once, and what is not committed is not lost unsaid."""
    add(mirror, {f"part {number}.txt": BIG for number in range(2)})
    add(mirror, {"other,one.txt": BIG + b"more", "notes.md": b"notes\n"})
    (mirror.where / "notes.md").write_text("not committed\n")
    done = mirror.git("push", "--force", "space", "main", check=False)
    (hint, *_) = messages(done, "hint")
    assert hint.startswith("commit your changes, or run `git stash -u`, then run `")
    follow(mirror, hint)
    follow(mirror, hint, 1)
    taken(mirror.git("push", "--force", "space", "main", check=False))
    assert (mirror.where / "part 1.txt").read_bytes() == BIG


def test_a_file_that_git_does_not_know(hub: "Hub", mirror: Account) -> None:
    """git-lfs asks whether to go on if there is an untracked file; the hint puts that away first."""
    add(mirror, {"image.ico": IMAGE})
    (mirror.where / "notes.md").write_text("not added\n")
    (hint, *_) = messages(mirror.git("push", "--force", "space", "main", check=False), "hint")
    assert hint.startswith("commit your changes, or run `git stash -u`, then run `git lfs migrate")
    follow(mirror, hint)
    follow(mirror, hint, 1)
    taken(mirror.git("push", "--force", "space", "main", check=False))


def test_a_pull_request_without_its_number(hub: "Hub", mirror: Account) -> None:
    """`refs/pr/N`, pushed as a hint has it, is refused before the upload: the Hub would speak of the login."""
    done = mirror.git("push", "space", "HEAD:refs/pr/N", check=False)
    assert done.returncode == 1
    assert messages(done, "error") == ["push refused before any upload: refs/pr/N is not a pull request"]
    page = "https://huggingface.co/spaces/alice/app/discussions"
    assert messages(done, "hint") == [f"put in the number of a pull request; {page} lists them"]


@pytest.mark.git_versions
@pytest.mark.parametrize("number", [0, 1])
def test_a_file_that_is_gone(number: int, hub: "Hub", mirror: Account) -> None:
    """A file that only the history has is moved to LFS there, or the files are pushed without their history."""
    add(mirror, {"image.ico": IMAGE})
    mirror.git("rm", "--quiet", "image.ico")
    mirror.git("commit", "--no-verify", "--message", "without it")
    mirror.git("push", "--no-verify", "origin", "main")
    before = mirror.git("rev-parse", "main").stdout
    hint = refused(mirror.git("push", "--force", "space", "main", check=False))
    output = follow(mirror, hint, number)
    space = hub.repositories.named("spaces/alice/app")
    if number == 0:
        taken(mirror.git("push", "--force", "space", "main", check=False))
    else:
        assert "git-credential-hf" not in output
        assert mirror.git("rev-parse", "main").stdout == before
        assert space.git("rev-list", "--count", "main") == "1"
    assert space.read("notes.md") == "notes"


@pytest.mark.git_versions
def test_a_file_on_top_of_what_the_hub_has(hub: "Hub", mirror: Account) -> None:
    """Only what the Hub lacks is rewritten: the push is a fast-forward."""
    mirror.git("push", "--force", "space", "main")
    add(mirror, {"image.ico": IMAGE})
    add(mirror, {"more.md": b"more\n"})
    mirror.git("push", "--no-verify", "origin", "main")
    follow(mirror, refused(mirror.git("push", "space", "main", check=False)))
    taken(mirror.git("push", "space", "main", check=False))


def test_many_files_that_another_remote_has(hub: "Hub", mirror: Account) -> None:
    """Hundreds of files take no longer than a few: what is not shown is not looked up."""
    stream = ""
    for number in range(20):
        stream += "commit refs/heads/main\ncommitter A <a@example.org> now\ndata 1\nx\n"
        stream += "from refs/heads/main^0\n" if number == 0 else ""
        for of in range(20):
            stream += f"M 100644 inline {number}-{of}.ico\ndata 6\n\0{number:02} {of:02}\n"
    mirror.git("fast-import", "--quiet", "--date-format=now", stdin=stream)
    mirror.git("reset", "--quiet", "--hard")
    mirror.git("push", "--no-verify", "origin", "main")
    start = time.monotonic()
    done = mirror.git("push", "--force", "space", "main", check=False)
    assert time.monotonic() - start < 10
    assert len(messages(done, "error")) == 5
    assert "--include-ref=refs/heads/main" in messages(done, "hint")[-1]


@pytest.mark.git_versions
def test_two_push_urls(hub: "Hub", mirror: Account) -> None:
    """Of a remote with two URLs to push to, the forge has the commits already when the Hub is pushed to."""
    forge = mirror.git("remote", "get-url", "origin").stdout.strip()
    for url in (forge, HUB + "spaces/alice/app"):
        mirror.git("remote", "set-url", "--add", "--push", "origin", url)
    add(mirror, {"image.ico": IMAGE})
    mirror.git("rm", "--quiet", "image.ico")
    mirror.git("commit", "--no-verify", "--message", "without it")
    done = mirror.git("push", "--force", "origin", "main", check=False)
    hint = refused(done)
    assert f"git push --force {HUB}spaces/alice/app " in hint  # and not to the forge
    follow(mirror, hint, 1)
    follow(mirror, hint, 0)
    taken(mirror.git("push", "--force", "origin", "main", check=False))


@pytest.mark.git_versions
@pytest.mark.parametrize("is_public", each_run([False, True], True))
def test_a_detached_head(is_public: bool, hub: "Hub", mirror: Account) -> None:
    """git-lfs rewrites no detached HEAD: the hint makes a branch of it."""
    mirror.git("checkout", "--quiet", "--detach")
    mirror.git("branch", "lfs-import", "main")
    add(mirror, {"image.ico": IMAGE})
    if is_public:
        mirror.git("push", "--no-verify", "origin", "HEAD:refs/heads/main")
    command = ("push", "--force", "space", "HEAD:main")
    hint = refused(mirror.git(*command, check=False))
    follow(mirror, hint)
    taken(mirror.git(*command, check=False))
    assert mirror.git("branch", "--show-current").stdout == "lfs-import-1\n"


def test_a_tag(hub: "Hub", mirror: Account) -> None:
    """What is pushed as a tag, and is on no branch, is put on one."""
    mirror.git("checkout", "--quiet", "--detach")
    add(mirror, {"image.ico": IMAGE})
    mirror.git("tag", "v1")
    mirror.git("checkout", "--quiet", "main")
    follow(mirror, refused(mirror.git("push", "space", "v1", check=False)))
    taken(mirror.git("push", "--force", "space", "lfs-import:main", check=False))


@pytest.mark.git_versions
@pytest.mark.parametrize("is_gone", each_run([False, True], True))
def test_a_bare_repository(is_gone: bool, hub: "Hub", mirror: Account) -> None:
    """The hint works in a mirror, `git clone --mirror`, which has no remote branches and no work tree."""
    add(mirror, {"image.ico": IMAGE})
    if is_gone:
        mirror.git("rm", "--quiet", "image.ico")
        mirror.git("commit", "--no-verify", "--message", "without it")
    mirror.git("push", "--no-verify", "origin", "main")
    forge = mirror.git("remote", "get-url", "origin").stdout.strip()
    lfs = mirror.where / ".git/lfs"
    mirror.where = mirror.home
    mirror.git("clone", "--quiet", "--mirror", forge, "bare.git")
    mirror.where = mirror.home / "bare.git"
    shutil.copytree(lfs, mirror.where / "lfs", dirs_exist_ok=True)
    mirror.run("git-credential-hf", "hooks", "install")
    command = ("push", "--force", HUB + "spaces/alice/app", "main")
    hint = refused(mirror.git(*command, check=False))
    if is_gone:
        follow(mirror, hint, 1)
    follow(mirror, hint)
    taken(mirror.git(*command, check=False))


# --- LFS objects ---


@pytest.mark.git_versions
def test_lfs_objects_on_another_remote(hub: "Hub", account: Account) -> None:
    """Objects that neither this machine nor the Hub's repository has are fetched from the remote that has them."""
    hub.user("alice")
    account.is_given(hub.token("alice"), "laptop")
    hub.repository("alice/one", private=True, lfs={"model.bin": WEIGHTS})
    hub.repository("alice/two", private=True)
    account.clone(HUB + "alice/one", GIT_LFS_SKIP_SMUDGE="1")
    account.git("remote", "rename", "origin", "first")
    account.git("remote", "add", "second", HUB + "alice/two")
    account.run("git-credential-hf", "hooks", "install")
    hint = refused(account.git("push", "--force", "second", "main", check=False))
    assert "`git lfs fetch --all first`" in hint
    follow(account, hint)
    taken(account.git("push", "--force", "second", "main", check=False))


def test_lfs_objects_nowhere(hub: "Hub", work: Account) -> None:
    """If there is no other remote, the original file is needed; the pointer stays the same."""
    work.is_given(_alice(hub), "laptop")
    content = b"\1" + WEIGHTS
    shutil.rmtree(work.where / ".git/lfs/objects")
    hint = refused(push(work, "alice/model"))
    (work.where / "model.bin").write_bytes(content)
    (work.where / "sub").mkdir()
    work.where /= "sub"
    follow(work, hint)
    taken(work.git("push", "--force", "origin", "main", check=False))


def test_a_large_lfs_object(hub: "Hub", work: Account) -> None:
    """The hint lets git-lfs push more than 5 GB: the hook then lets it go on."""
    work.is_given(_alice(hub), "laptop")
    oid = "cd" * 32
    folder = work.where / ".git/lfs/objects/cd/cd"
    folder.mkdir(parents=True)
    with (folder / oid).open("wb") as file:
        file.truncate(6 * 10**9)
    (work.where / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n????.bin !filter\n")
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {6 * 10**9}\n"
    add(work, {"huge.bin": pointer.encode()})
    hint = refused(push(work, "alice/model"))
    (work.where / "sub").mkdir()
    work.where /= "sub"
    follow(work, hint)
    tip = work.git("rev-parse", "HEAD").stdout.strip()
    line = f"refs/heads/main {tip} refs/heads/main {'0' * 40}\n"
    done = work.run("git-credential-hf", "hook", "pre-push", "origin", HUB + "alice/model", stdin=line)
    assert done.stderr == ""


# --- what a person has to change ---


@pytest.mark.parametrize("where", each_run(["", "sub", "other"], "other"))
def test_a_card(where: str, hub: "Hub", work: Account) -> None:
    """The hint puts the card, once it was edited, into the last commit, and no other file; in any directory."""
    work.is_given(_alice(hub), "laptop")
    add(work, {"README.md": b"---\nlicense: unheard-of\n---\n"})
    add(work, {"notes.md": b"more\n"})
    target = ("--force", "origin", "main")
    if where == "other":
        work.git("checkout", "--quiet", "-b", "other", "main~2")
    hint = refused(push(work, "alice/model", *target))
    top = work.where
    commands = [command for command in hint.split("`")[1::2] if command.startswith("git ")]
    if where == "other":
        assert work.run("sh", "-c", commands.pop(0)).returncode == 0
    (top / "README.md").write_text("---\nlicense: mit\n---\n")
    (top / "notes.md").write_text("not yet\n")
    if where == "sub":
        (top / "sub").mkdir()
        work.where = top / "sub"
    (command,) = commands
    work.run("sh", "-c", command)
    work.where = top
    assert work.git("status", "--porcelain", "notes.md").stdout == " M notes.md\n"
    taken(push(work, "alice/model", *target))


def test_a_full_directory(hub: "Hub", work: Account) -> None:
    """The hint for too many files in a directory: move some, and amend."""
    work.is_given(_alice(hub), "laptop")
    blob = work.git("hash-object", "-w", "--stdin").stdout.strip()
    entries = "".join(f"100644 blob {blob}\tf{number:05}\n" for number in range(10_001))
    tree = work.git("mktree", stdin=entries).stdout.strip()
    work.git("read-tree", "--prefix", "many/", tree)
    work.git("commit", "--no-verify", "--message", "many files")
    work.git("checkout", "--quiet", "HEAD", "many")
    hint = refused(push(work, "alice/model"))
    (work.where / "many/more").mkdir()
    move, amend = hint.split("`")[1::2]
    work.run("sh", "-c", f"{move} many/f0000* many/more/")
    work.run("sh", "-c", amend)
    taken(push(work, "alice/model"))
