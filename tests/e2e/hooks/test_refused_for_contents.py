"""What is pushed with the hooks installed: what will be refused is not uploaded."""

import contextlib
import os
import pty
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from account import Account
from pushes import BIG, HUB, SECRET, add, in_trees, large, messages, push, remedy, run_hook, uploads
from reasons import _alice

if TYPE_CHECKING:
    from fake_hub import Hub


def large_once(work: Account) -> None:
    large(work)
    (work.where / "big.txt").unlink()
    add(work, {"small.txt": b"x"})


def leak(work: Account) -> None:
    add(work, {"config.py": b'TOKEN = "' + SECRET + b'"\n'})


def missing(work: Account) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 12345\n"
    (work.where / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n????.bin !filter\n")
    add(work, {"lost.bin": pointer.encode()})


def huge(work: Account) -> None:
    oid = "cd" * 32
    folder = work.where / ".git/lfs/objects/cd/cd"
    folder.mkdir(parents=True)
    with (folder / oid).open("wb") as file:
        file.truncate(6 * 10**9)
    (work.where / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n????.bin !filter\n")
    add(
        work, {"huge.bin": f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {6 * 10**9}\n".encode()}
    )


def crowd(work: Account) -> None:
    blob = work.git("hash-object", "-w", "--stdin").stdout.strip()
    entries = "".join(f"100644 blob {blob}\tf{number:05}\n" for number in range(10_001))
    tree = work.git("mktree", stdin=entries).stdout.strip()
    work.git("read-tree", "--prefix", "many/", tree)
    work.git("commit", "--no-verify", "--message", "many files")


def metadata(work: Account) -> None:
    add(work, {"README.md": b"---\nlicense: mit\nshort_description: " + b"words " * 20 + b"\n---\n# A model\n"})


LARGE = "big.txt in commit {} is over 10 MiB (10.5 MB) and not in LFS"
MIGRATE = "git lfs migrate import --include=big.txt"
CONTENTS: dict[Callable[[Account], None], tuple[str, str, str]] = {
    large: ("largeFiles", LARGE.format("{commit}"), MIGRATE),
    large_once: ("largeFiles", LARGE.format("{parent}"), MIGRATE),
    leak: (
        *("leakedTokens", "config.py in commit {commit} contains the Hub token hf_****EfGh"),
        "git commit --amend --no-edit -- :/config.py",
    ),
    missing: (
        *("lfsObjects", "lost.bin in commit {commit} is a pointer to an LFS object (abababab"),
        "copy the original file there",
    ),
    huge: ("lfsObjects", "huge.bin in commit {commit} is 6.0 GB in LFS", "hf lfs-enable-largefiles ."),
    crowd: ("largeFiles", "many/ in commit {commit} has 10,001 files", "with `git mv`"),
    metadata: ("metadata", "README.md in commit {commit} has metadata that the Hub rejects", "fix the lines"),
}


PUSHED = (large_once, missing)  # each kind is in test_rules.py


@pytest.mark.parametrize("change", in_trees(CONTENTS, large_once, missing), ids=lambda change: change.__name__)
def test_contents(change: Callable[[Account], None], hub: "Hub", work: Account) -> None:
    """What the Hub will refuse is named, with commit, path and size; its key warns, or turns the check off."""
    token = _alice(hub)
    change(work)
    key, words, remedy = CONTENTS[change]
    commit, parent = work.git("log", "--format=%h", "--abbrev=10", "-2").stdout.split()
    hub.log.clear()
    run = push if change in PUSHED else run_hook
    done = run(work, HUB + "alice/model", HF_TOKEN=token)
    assert done.returncode == 1, done.stderr
    (error,), (hint,) = messages(done, "error"), messages(done, "hint")
    assert error.startswith("push refused before any upload: ")
    assert words.format(commit=commit, parent=parent) in error
    assert remedy in hint
    assert uploads(hub) == []
    assert len(hub.log.of("/api/")) <= 2 + 5  # which of the commits it has: its branch has others than this repository
    work.git("config", f"hf.{key}", "warn")
    done = run_hook(work, HUB + "alice/model", HF_TOKEN=token)
    assert done.returncode == 0
    assert words.format(commit=commit, parent=parent) in messages(done, "warning")[0]
    work.git("config", f"hf.{key}", "off")
    done = run_hook(work, HUB + "alice/model", HF_TOKEN=token)
    assert (done.returncode, done.stderr) == (0, "")


def test_binary_files_warn(hub: "Hub", work: Account) -> None:
    """A binary file outside LFS is a warning if the Hub does not say, unless `hf.binaryFiles` is `block`."""
    token = _alice(hub)
    hub.faults.status("/preupload/", 404)
    add(work, {"image.png": b"\x89PNG\0\0"})
    done = run_hook(work, HUB + "alice/model", HF_TOKEN=token)
    assert done.returncode == 0
    assert "image.png" in messages(done, "warning")[0]
    work.git("config", "hf.binaryFiles", "block")
    hub.log.clear()
    done = push(work, "alice/model", HF_TOKEN=token)
    assert done.returncode == 1
    assert "is a binary file (6 bytes) and not in LFS" in messages(done, "error")[0]
    assert uploads(hub) == []


def test_the_remedy_for_a_name(hub: "Hub", work: Account) -> None:
    """The hint for a file outside LFS moves that file into LFS, and no other, whatever its name is."""
    work.is_given(_alice(hub), "laptop")
    add(work, {"a [b],c*.txt": BIG, "b.txt": b"small\n"})
    work.run("sh", "-c", remedy(push(work, "alice/model")))
    assert work.git("show", "HEAD:b.txt").stdout == "small\n"
    done = push(work, "alice/model")
    assert done.returncode == 0, done.stderr


def test_the_remedy_for_another_branch(hub: "Hub", work: Account) -> None:
    """The hint for a branch that is not checked out changes that branch."""
    work.is_given(_alice(hub), "laptop")
    work.git("checkout", "--quiet", "-b", "other/one")
    add(work, {"big.txt": BIG})
    work.git("checkout", "--quiet", "main")
    work.run("sh", "-c", remedy(push(work, "alice/model", "--force", "origin", "other/one:main")))
    done = push(work, "alice/model", "--force", "origin", "other/one:main")
    assert done.returncode == 0, done.stderr


def test_many_of_a_kind(hub: "Hub", work: Account) -> None:
    """A hundred problems of a kind are five errors with a hint each, and the number of the others."""
    token = _alice(hub)
    add(work, {f"{n}.dat": b"\0%d" % n for n in range(100)})
    work.git("config", "hf.binaryFiles", "block")
    done = run_hook(work, HUB + "alice/model", HF_TOKEN=token)
    assert len(messages(done, "error")) == len(messages(done, "hint")) == 5
    assert "and 95 more like this" in messages(done, "error")[-1]


def test_off_switches(hub: "Hub", work: Account) -> None:
    """`--no-verify`, `GIT_CREDENTIAL_HF_HOOKS=off` and `hf.writeCheck` turn it off; an invalid value is a warning."""
    token = _alice(hub, "read")
    assert run_hook(work, HUB + "alice/model", HF_TOKEN=token).returncode == 1
    assert run_hook(work, HUB + "alice/model", HF_TOKEN=token, GIT_CREDENTIAL_HF_HOOKS="off").stderr == ""
    done = push(work, "alice/model", "--no-verify", "--force", "origin", "main", HF_TOKEN=token)
    assert done.returncode == 1
    assert "git-credential-hf" not in done.stderr
    assert uploads(hub)
    work.git("config", "hf.writeCheck", "warn")
    done = run_hook(work, HUB + "alice/model", HF_TOKEN=token)
    assert done.returncode == 0
    assert "can only read" in messages(done, "warning")[0]
    work.git("config", "hf.writeCheck", "maybe")
    done = run_hook(work, HUB + "alice/model", HF_TOKEN=token)
    assert done.returncode == 1
    assert "hf.writeCheck is 'maybe'" in messages(done, "warning")[0]
    work.git("config", "hf.writeCheck", "off")
    hub.log.clear()
    assert run_hook(work, HUB + "alice/model", HF_TOKEN=token).stderr == ""
    assert hub.log.of("/api/") == []


def test_what_cannot_be_checked_is_not_refused(hub: "Hub", work: Account, tmp_path: Path) -> None:
    """After input that git never writes there is one warning, and the push goes on."""
    token = _alice(hub)
    for stdin in ("rubbish\n", f"refs/tags/v1 {'1' * 40} refs/tags/v1 {'2' * 40}\n", "\0\n", "a b c d e\n"):
        command = ("git-credential-hf", "hook", "pre-push", "origin", HUB + "alice/model")
        done = work.run(*command, stdin=stdin, check=False, HF_TOKEN=token)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        assert len(messages(done, "warning")) == 1


def test_porcelain(hub: "Hub", work: Account) -> None:
    """`git push --porcelain` prints what programs read; our output is not part of it."""
    done = push(work, "alice/model", "--porcelain", "--force", "origin", "main", HF_TOKEN=_alice(hub))
    assert done.returncode == 0
    assert "git-credential-hf" not in done.stdout


def test_progress(hub: "Hub", work: Account, tmp_path: Path) -> None:
    """A long scan shows its progress on a terminal only, and clears it at the end."""
    token = _alice(hub)
    slow = tmp_path / "bin/git"
    slow.parent.mkdir()
    slow.write_text(f'#!/bin/sh\ncase $* in *rev-list*) sleep 1.5 ;; esac\nexec {shutil.which("git")} "$@"\n')
    slow.chmod(0o755)
    environment = {"HF_TOKEN": token, "PATH": f"{slow.parent}:{os.environ['PATH']}"}
    assert run_hook(work, HUB + "alice/model", **environment).stderr == ""
    tip = work.git("rev-parse", "HEAD").stdout.strip()
    terminal, stderr = pty.openpty()
    with os.fdopen(terminal, "rb", buffering=0) as shown:
        subprocess.run(
            ["git-credential-hf", "hook", "pre-push", "origin", HUB + "alice/model"],
            cwd=work.where,
            input=f"refs/heads/main {tip} refs/heads/main {'0' * 40}\n".encode(),
            env={**os.environ, **environment},
            stderr=stderr,
            check=True,
        )
        os.close(stderr)
        seen = b""
        with contextlib.suppress(OSError):  # the terminal's end is an error
            while more := shown.read(4096):
                seen += more
    lines = seen.decode().split("\r")
    assert any("scanning this push: " in line for line in lines)
    assert lines[-1] == ""
    assert not lines[-2].strip()
