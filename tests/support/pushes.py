"""Pushes to the Hub from a repository with our hooks, and what the hooks said."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from account import WEIGHTS, Account
from dulwich.index import Index, IndexEntry, index_entry_from_stat

if TYPE_CHECKING:
    from fake_hub import Hub, Request

HUB = "https://huggingface.co/"
SECRET = b"hf_vQ7mKd2RzXe9TnBwLc4YsPfJ6hGaUoEfGh"  # a valid token of somebody else
BIG = b"x" * (11 << 20)


MADE: dict[str, Path] = {}  # a copy of what `work` makes, by the PATH on which our executable was found


@pytest.fixture
def work(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Account:
    """Create a repository with an LFS file in its one commit, and our hooks, without a remote."""
    account.where = account.home / "my work"
    path = os.environ["PATH"]
    if path not in MADE:  # sixty processes, of which the same comes each time
        account.where.mkdir()
        account.git("init", "--quiet", "--initial-branch", "main")
        account.git("lfs", "track", "*.bin")
        add(account, {"model.bin": b"\1" + WEIGHTS, "notes.md": b"notes\n"})
        account.run("git-credential-hf", "hooks", "install")
        MADE[path] = shutil.copytree(account.where, tmp_path_factory.mktemp("made") / "my work", symlinks=True)
    else:
        shutil.copytree(MADE[path], account.where, symlinks=True)
        refresh_index(account.where)
    return account


def refresh_index(where: Path) -> None:
    """Write down that no file has changed, as `git update-index --really-refresh`, which would start git-lfs."""
    index = Index(str(where / ".git/index"))
    for name, entry in [*index.items()]:
        assert isinstance(entry, IndexEntry)
        index[name] = index_entry_from_stat((where / os.fsdecode(name)).lstat(), entry.sha)
    index.write()


def add(work: Account, files: dict[str, bytes]) -> None:
    """Commit files without running the hooks, ours or git-lfs's."""
    for name, content in files.items():
        (work.where / name).write_bytes(content)
    work.git("add", "--all")
    work.git("-c", f"core.hooksPath={os.devnull}", "commit", "--quiet", "--message", "a change")


def push(work: Account, repository: str, *arguments: str, **environment: Any) -> subprocess.CompletedProcess[str]:
    """Run `git push --force origin main`, or what `arguments` say, to a repository of the Hub."""
    work.git("remote", "remove", "origin", check=False)
    work.git("remote", "add", "origin", repository if "://" in repository else HUB + repository)
    return work.git("push", *(arguments or ("--force", "origin", "main")), check=False, **environment)


def uploads(hub: "Hub") -> "list[Request]":
    """Return the requests of git-lfs, and those with which git and git-lfs upload."""
    return [
        request
        for request in hub.log
        # (git-lfs authenticates with Basic; the hook, which asks what the Hub has, with Bearer.)
        if ("/info/lfs/" in request.path and request.scheme != "bearer")
        or request.method == "PUT"
        or request.path.endswith("/git-receive-pack")
    ]


def messages(done: subprocess.CompletedProcess[str], level: str) -> list[str]:
    start = f"git-credential-hf: {level}: "
    return [line.removeprefix(start) for line in done.stderr.splitlines() if line.startswith(start)]


def run_hook(
    work: Account, url: str, *, ref: str = "refs/heads/main", old: str = "0" * 40, **environment: Any
) -> subprocess.CompletedProcess[str]:
    """Run the hook as git does, for a new branch unless `old` is what the Hub has."""
    tip = work.git("rev-parse", "HEAD").stdout.strip()
    return work.run(
        *("git-credential-hf", "hook", "pre-push", "origin", url),
        stdin=f"refs/heads/main {tip} {ref} {old}\n",
        check=False,
        **environment,
    )


def remedy(done: subprocess.CompletedProcess[str]) -> str:
    """Return the command in the first hint."""
    return messages(done, "hint")[0].split("`")[1]


def in_trees(rows: Iterable[Any], *chosen: object) -> list[Any]:
    """Return all rows; the chosen ones run with other gits as well."""
    return [pytest.param(row, marks=pytest.mark.git_versions) if row in chosen else row for row in rows]


def commit(work: Account, files: dict[str, bytes]) -> subprocess.CompletedProcess[str]:
    for name, content in files.items():
        (work.where / name).write_bytes(content)
    work.git("add", "--all")
    return work.git("commit", "--message", "a change", check=False)


def in_the_url(work: Account, token: str) -> str:
    return f"https://alice:{token}@huggingface.co/alice/model"


def large(work: Account) -> None:
    add(work, {"big.txt": b"x" * (10 << 20) + b"x"})
