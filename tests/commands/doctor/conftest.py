"""A healthy machine, what is done to it, and what `doctor` reports about it."""

import json
import os
import secrets
import shutil
import string
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from account import Account, hub  # noqa: F401 - a fixture
from executable import OWN_FILE, write_files

if TYPE_CHECKING:
    from fake_hub import Hub

MODEL = "https://huggingface.co/alice/private-model"


def new_token() -> str:
    """Return a token that no Hub knows."""
    return "hf_" + "".join(secrets.choice(string.ascii_letters) for _ in range(34))


def shown(token: str) -> str:
    return f"hf_****{token[-4:]}"


class Machine(Account):
    """A user's machine; without a `hub`, doctor runs with `--offline`."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(home)
        self.monkeypatch = monkeypatch
        self.hub: Hub | None = None
        self.token = new_token()  # of the login
        self.secrets: set[str] = {self.token}  # no output may contain these

    # --- what is done to it ---

    def secret(self, role: str = "write") -> str:
        """Return another token, of alice's if there is a Hub."""
        token = self.hub.token("alice", role) if self.hub else new_token()
        self.secrets.add(token)
        return token

    def set(self, name: str, value: str | None) -> None:
        """Set or remove an environment variable."""
        if value is None:
            self.monkeypatch.delenv(name, raising=False)
        else:
            self.monkeypatch.setenv(name, value)

    def write(self, path: str, text: str, mode: int = 0o600) -> Path:
        """Write a file below the home directory."""
        file = self.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    def log_out(self) -> None:
        shutil.rmtree(self.home / ".cache/huggingface", ignore_errors=True)

    def log_in_again(self, token: str | None = None, **more: object) -> None:
        """Log in an hour ago, with more fields of a stored token."""
        self.log_out()
        self.token = token or self.secret()
        self.secrets.add(self.token)
        self.is_given(self.token, "mine", **more)
        for name in ("token", "stored_tokens"):
            (self.home / ".cache/huggingface" / name).chmod(0o600)

    def repository(self, url: str = MODEL) -> Path:
        """Create a repository with this remote, if there is none yet, and enter it."""
        self.where = self.home / "work"
        if self.where.exists():
            self.git("remote", "set-url", "origin", url)
            return self.where
        self.where.mkdir()
        self.git("init", "--quiet", "--initial-branch", "main")
        self.git("remote", "add", "origin", url)
        return self.where

    def path_without(self, *programs: str) -> str:
        """Return a PATH with all programs that are needed but these."""
        folder = self.home.parent / f"{self.home.name}-bin"
        folder.mkdir(exist_ok=True)
        for program in {"git", "git-lfs", "git-credential-hf", "python", "sh"} - set(programs):
            found = shutil.which(program)
            if found and not (folder / program).exists():
                (folder / program).symlink_to(found)
        return str(folder)

    # --- what doctor reports ---

    def doctor(self, *arguments: str, **environment: Any) -> subprocess.CompletedProcess[str]:
        """Run `doctor`; its output must not contain a secret."""
        options = arguments if self.hub or "--offline" in arguments else ("--offline", *arguments)
        done = self.run("git-credential-hf", "doctor", *options, check=False, **environment)
        for secret in self.secrets:
            assert secret not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert "internal error" not in done.stderr
        return done

    def examine(self, *arguments: str, **environment: Any) -> dict[str, Any]:
        """Return the JSON; its form and the exit status are checked."""
        done = self.doctor("--json", *arguments, **environment)
        seen: dict[str, Any] = json.loads(done.stdout)
        assert list(seen) == ["resolvers", "findings", "healthy"]
        assert [row["program"] for row in seen["resolvers"]] == ["git", "git-lfs", "git-xet", "huggingface_hub"]
        for row in seen["resolvers"]:
            assert list(row) == ["program", "source", "shown", "account"]
        for finding in seen["findings"]:
            assert list(finding) == ["id", "severity", "title", "detail", "fix", "fixable", "fixed"]
            assert finding["severity"] in ("error", "warning")
            assert finding["title"] and finding["fix"]
            assert isinstance(finding["fixable"], bool) and isinstance(finding["fixed"], bool)
        errors = [f for f in seen["findings"] if f["severity"] == "error" and not f["fixed"]]
        assert seen["healthy"] == (not errors)
        assert done.returncode == (1 if errors else 0), done.stderr
        return seen

    def ids(self, *arguments: str) -> list[str]:
        return [finding["id"] for finding in self.examine(*arguments)["findings"]]

    def tokens(self, *arguments: str) -> dict[str, str | None]:
        """Return what each program would send, masked."""
        return {row["program"]: row["shown"] for row in self.examine(*arguments)["resolvers"]}

    def files(self) -> dict[str, object]:
        """Return modes and contents of all files below the home directory but our state."""
        found: dict[str, object] = {}
        for path in sorted(self.home.rglob("*")):
            if path.is_relative_to(self.home / ".cache/git-credential-hf") or path.is_socket():
                continue
            what = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
            found[str(path)] = (path.lstat().st_mode, what)
        return found


_configuration: dict[str, bytes] = {}  # what `git lfs install` and `configure` write; cached


@pytest.fixture
def machine(home: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A healthy machine: logged in, git-lfs installed, git configured; without a Hub."""
    machine = Machine(home, monkeypatch)
    monkeypatch.setenv("HF_HUB_DISABLE_UPDATE_CHECK", "1")
    if not _configuration:
        machine.git("lfs", "install", "--skip-repo")
        machine.git("config", "--global", "user.name", "Alice")
        machine.git("config", "--global", "user.email", "alice@example.org")
        machine.run("git-credential-hf", "configure")
        _configuration.update({name: (home / name).read_bytes() for name in (".gitconfig", OWN_FILE)})
    write_files(home, _configuration)
    machine.log_in_again(machine.token)
    return machine


@pytest.fixture
def online(machine: Machine, hub: "Hub") -> Machine:  # noqa: F811
    """A healthy machine with a Hub, which knows alice's write token."""
    machine.hub = hub
    machine.log_in_again(hub.token("alice"))
    return machine


def hours(number: float) -> int:
    """Return the time in this many hours, in POSIX seconds."""
    return int(time.time() + number * 3600)
