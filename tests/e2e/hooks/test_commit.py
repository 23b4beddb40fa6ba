"""The hook of a commit, and the framework pre-commit."""

from typing import TYPE_CHECKING

import pytest
from account import WEIGHTS, Account
from amount import each_run, some
from pushes import BIG, HUB, SECRET, add, commit, messages, push, remedy
from reasons import _alice

if TYPE_CHECKING:
    from fake_hub import Hub


def test_commits(hub: "Hub", work: Account) -> None:
    """A commit with a token, or with a file that the Hub will refuse, fails."""
    work.git("remote", "add", "origin", HUB + "alice/model")
    before = work.git("rev-parse", "HEAD").stdout
    for files, words in (
        ({"a.py": SECRET}, "a.py contains the Hub token hf_****EfGh"),
        ({"big.txt": BIG}, "big.txt is over 10 MiB (11.5 MB) and not in LFS"),
    ):
        done = commit(work, files)
        assert done.returncode == 1
        (error,), (hint,) = messages(done, "error"), messages(done, "hint")
        assert error.startswith("commit refused: ")
        assert words in error
        assert hint
        assert work.git("rev-parse", "HEAD").stdout == before
        work.git("reset", "--hard")
    assert commit(work, {"fine.bin": b"\0" + WEIGHTS, "fine.py": b"print()\n"}).returncode == 0
    (work.where / "a.py").write_bytes(SECRET)
    work.git("add", "a.py")
    assert work.git("commit", "--no-verify", "--message", "anyway", check=False).returncode == 0


@pytest.mark.parametrize("where", each_run(["", "a b"], "a b"))
def test_the_remedy_for_a_large_file(where: str, hub: "Hub", work: Account) -> None:
    """The hint before a commit moves that file into LFS, from any directory."""
    work.git("remote", "add", "origin", HUB + "alice/model")
    (work.where / "a b").mkdir()
    (work.where / "a b/big [1].txt").write_bytes(BIG)
    work.git("add", "--all")
    work.where /= where
    done = work.git("commit", "--message", "a change", check=False)
    (hint,) = messages(done, "hint")
    work.run("sh", "-c", " && ".join(hint.split("`")[1::2]))
    work.git("commit", "--message", "a change")
    assert work.git("show", "HEAD:a b/big [1].txt").stdout.startswith("version https://git-lfs")
    assert work.git("status", "--porcelain").stdout == ""


ODD_NAMES = [
    "-x.txt",
    ":x.txt",
    "!x.txt",
    "^x",
    "_x.py",
    "@x",
    ":(top)x",
    "[a].txt",
    "*",
    "a\tb.txt",
    "a\\b.txt",
    "end ",
]


@pytest.mark.parametrize("name", some(ODD_NAMES, 2))
def test_the_remedy_for_an_odd_name(name: str, hub: "Hub", work: Account) -> None:
    """The hint removes that file from the commit, or moves it into LFS, and no other, whatever its name is."""
    work.git("remote", "add", "origin", HUB + "alice/model")
    beside = {"a.txt": b"a\n", "x.txt": b"x\n"}
    done = commit(work, {name: SECRET, **beside})
    work.run("sh", "-c", remedy(done))
    staged = work.git("diff", "--cached", "--name-only", "-z").stdout.split("\0")[:-1]
    assert staged == sorted(beside)
    assert name not in staged
    (hint,) = messages(commit(work, {name: BIG}), "hint")
    work.run("sh", "-c", " && ".join(hint.split("`")[1::2]))
    work.git("commit", "--message", "a change")
    assert work.git("cat-file", "blob", f"HEAD:{name}").stdout.startswith("version https://git-lfs")


@pytest.mark.parametrize("name", each_run(["end ", "a\tb.txt", "-x.txt"], "a\tb.txt"))
def test_the_remedy_for_an_odd_name_in_history(name: str, hub: "Hub", work: Account) -> None:
    """The hint moves a file into LFS, even if a pattern would lose the end of its name, or a tab."""
    work.is_given(_alice(hub), "laptop")
    add(work, {name: BIG})
    work.run("sh", "-c", remedy(push(work, "alice/model")))
    assert push(work, "alice/model").returncode == 0


def test_a_merge_with_a_conflict(hub: "Hub", work: Account) -> None:
    """A merge is refused only for what is new, and not for what one of its parents has."""
    work.git("remote", "add", "origin", HUB + "alice/model")
    work.git("checkout", "--quiet", "-b", "theirs")
    add(work, {"notes.md": b"theirs\n", "key.py": SECRET, "image.png": b"\0"})
    work.git("checkout", "--quiet", "main")
    add(work, {"notes.md": b"ours\n"})
    work.git("merge", "theirs", check=False)
    assert commit(work, {"notes.md": b"both\n", "more.py": SECRET}).returncode == 1
    work.git("rm", "--quiet", "--force", "more.py")
    done = commit(work, {"notes.md": b"both\n"})
    assert done.returncode == 0
    assert "git-credential-hf" not in done.stderr


def test_commits_for_other_remotes(hub: "Hub", work: Account) -> None:
    """If no remote is on the Hub, a commit is only checked for tokens."""
    work.git("remote", "add", "origin", "https://github.com/alice/model")
    assert commit(work, {"big.txt": BIG}).returncode == 0
    assert commit(work, {"a.py": SECRET}).returncode == 1


def test_the_first_commit(hub: "Hub", account: Account) -> None:
    """In a repository without a commit everything staged is checked."""
    account.git("init", "--quiet", "new")
    account.where = account.home / "new"
    account.run("git-credential-hf", "hooks", "install")
    assert commit(account, {"a.py": SECRET}).returncode == 1


FRAMEWORK = """\
repos:
  - repo: local
    hooks:
      - {id: push, name: push, entry: git-credential-hf hook pre-push, language: system, stages: [pre-push],
         always_run: true, pass_filenames: false}
      - {id: commit, name: commit, entry: git-credential-hf hook pre-commit, language: system, stages: [pre-commit],
         always_run: true, pass_filenames: false}
"""


def test_called_by_pre_commit(hub: "Hub", work: Account) -> None:
    """The hook works in the pre-commit framework, which describes a push in its environment, root commits too."""
    reads, writes = _alice(hub, "read"), hub.token("alice")
    work.run("git-credential-hf", "hooks", "uninstall")
    add(work, {".pre-commit-config.yaml": FRAMEWORK.encode()})
    work.run("python", "-m", "pre_commit", "install", "--hook-type", "pre-push", "--hook-type", "pre-commit")
    done = push(work, "alice/model", HF_TOKEN=reads)
    assert done.returncode == 1
    assert "push refused before any upload: the token" in done.stdout + done.stderr
    assert "can only read" in done.stdout + done.stderr
    add(work, {"big.txt": BIG})
    done = push(work, "alice/model", HF_TOKEN=writes)
    assert done.returncode == 1
    assert "big.txt in commit" in done.stdout + done.stderr
    done = commit(work, {"a.py": SECRET})
    assert done.returncode == 1
    assert "commit refused: a.py contains the Hub token" in done.stdout + done.stderr
    work.git("reset", "--hard", "HEAD~1")
    done = push(work, "alice/model", "--force", "origin", "main:main", HF_TOKEN=writes)
    assert done.returncode == 0, done.stdout + done.stderr
