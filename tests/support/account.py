"""Somebody's account on a fresh machine: logged in with `hf auth login`, git configured with `configure`, no more."""

import configparser
import os
import shutil
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from executable import OWN_FILE, write_files
from programs import Argument, Done, run

if TYPE_CHECKING:
    from fake_hub import Hub, OAuth

WEIGHTS = bytes(range(256)) * 256  # a file in LFS


def needs_huggingface_hub(*least: int) -> None:
    """Skip the test if huggingface_hub is older."""
    if tuple(map(int, version("huggingface_hub").split(".")[:2])) < least:
        pytest.skip(f"huggingface_hub is older than {'.'.join(map(str, least))}")


class Account:
    """What somebody types into a shell whose current directory is `where`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.where = home
        self.watched_by: tuple[str, ...] = ()  # a command that runs what follows it, such as strace

    def run(
        self, *command: Argument, stdin: str = "", check: bool = True, timeout: float = 60, **environment: Any
    ) -> Done:
        """Run a command to its end."""
        return run(*self.watched_by, *command, cwd=self.where, stdin=stdin, check=check, timeout=timeout, **environment)

    def git(
        self, *arguments: Argument, stdin: str = "", check: bool = True, timeout: float = 60, **environment: Any
    ) -> Done:
        return self.run("git", *arguments, stdin=stdin, check=check, timeout=timeout, **environment)

    def log_in(self, token: str) -> None:
        self.run("hf", "auth", "login", "--token", token)

    def is_given(self, token: str, name: str, **more: object) -> None:
        """What `hf auth login` would have written an hour ago, without the second that it takes."""
        folder = self.home / ".cache/huggingface"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "token").write_text(token)
        stored = configparser.RawConfigParser()
        stored.read(folder / "stored_tokens")
        stored[name] = {"hf_token": token, **{key: str(value) for key, value in more.items()}}
        with (folder / "stored_tokens").open("w") as file:
            stored.write(file)
        for file_name in ("token", "stored_tokens"):
            os.utime(folder / file_name, (time.time() - 3600,) * 2)

    def store_oauth(self, pair: "OAuth", name: str = "oauth-alice") -> None:
        """Leave behind what a login in the browser leaves behind, through huggingface_hub's own functions."""
        needs_huggingface_hub(1, 20)
        from huggingface_hub import constants
        from huggingface_hub.utils import _auth

        assert "HF_HOME" not in os.environ
        folder = self.home / ".cache/huggingface"
        # Within this process: to start another that imports it is half of what such a test takes.
        with patch.object(constants, "HF_STORED_TOKENS_PATH", str(folder / "stored_tokens")):
            expires_at = int(pair.expires_at)
            _auth._save_token(pair.access_token, name, refresh_token=pair.refresh_token, expires_at=expires_at)
        _auth._write_secret(folder / "token", pair.access_token)

    def get(self, host: str = "huggingface.co") -> str:
        """The password that git would be given for the Hub; empty where there is none."""
        done = self.run("git", "credential", "fill", stdin=f"protocol=https\nhost={host}\n\n", check=False)
        return dict(line.split("=", 1) for line in done.stdout.splitlines()).get("password", "")

    def clone(self, url: str = "https://huggingface.co/alice/private-model", **environment: Any) -> Path:
        """Clone as everybody does, and go there."""
        self.git("clone", url, **environment)
        self.where = self.where / url.rpartition("/")[2]
        return self.where

    def commit(self, files: Mapping[str, bytes]) -> None:
        for name, content in files.items():
            (self.where / name).write_bytes(content)
        self.git("add", "--all")
        self.git("commit", "--message", "a change")


def watch(account: Account, tmp_path: Path) -> Path:
    """From now on the arguments and the environment of every process that `account` starts are noted in this file."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is missing: what other processes see cannot be watched")
    log = tmp_path / "strace"
    options = ("--follow-forks", "--seccomp-bpf", "--quiet=all", "--trace=execve", "-v", "-s", "100000", "-A", "-o")
    account.watched_by = (strace, *options, str(log))
    return log


def files_with(directory: Path, secret: bytes) -> set[str]:
    return {
        str(path.relative_to(directory))
        for path in directory.rglob("*")
        if path.is_file() and not path.is_symlink() and secret in path.read_bytes()
    }


@pytest.fixture
def hub(world: "Hub", monkeypatch: pytest.MonkeyPatch) -> "Hub":
    """The Hub, which clients find by its name and by nothing else, with alice's private model on it."""
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    world.user("alice")
    world.repository("alice/private-model", private=True, files={"README.md": b"hello\n"}, lfs={"model.bin": WEIGHTS})
    return world


@pytest.fixture
def account(home: Path, hub: "Hub", monkeypatch: pytest.MonkeyPatch) -> Account:
    """A home in which nothing was done but `git lfs install`, a name for commits, and `git-credential-hf configure`."""
    monkeypatch.setenv("HF_HUB_DISABLE_UPDATE_CHECK", "1")  # `hf` would look for a newer one, on a network that is not
    account = Account(home)
    path = os.environ["PATH"]
    if path not in CONFIGURED:  # half a second, in which the same comes of it each time
        account.git("lfs", "install", "--skip-repo")
        account.git("config", "--global", "user.name", "Alice")
        account.git("config", "--global", "user.email", "alice@example.org")
        account.run("git-credential-hf", "configure")
        CONFIGURED[path] = {name: (home / name).read_bytes() for name in (".gitconfig", OWN_FILE)}
    write_files(home, CONFIGURED[path])
    return account


def knows_authtype() -> bool:
    """Whether this git can send another header than that of a password: since 2.46."""
    return git_has(2, 46)


def git_has(*version: int) -> bool:
    """Whether git is of this version, or newer."""
    return tuple(map(int, run("git", "--version").stdout.split()[2].split(".")[:2])) >= version


@pytest.fixture(params=["as a password", "as a Bearer token"] if knows_authtype() else ["as a password"])
def browser_login(request: pytest.FixtureRequest, hub: "Hub", account: Account) -> Callable[["OAuth"], None]:
    """A browser login, as a function: the Hub takes its token as git's password, or as a Bearer token alone.

    What the real Hub does is not documented; the account has learned it in its first command.
    """
    hub.oauth_as_password = request.param == "as a password"

    def log_in(pair: "OAuth") -> None:
        account.store_oauth(pair)
        if not hub.oauth_as_password:
            account.git("ls-remote", "https://huggingface.co/alice/private-model", check=False)

    return log_in


CONFIGURED: dict[str, dict[str, bytes]] = {}  # the global configuration, by the PATH on which our executable was found
