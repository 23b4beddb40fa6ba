"""An account on a machine that has what a test says: its own HOME, and a PATH of nothing but chosen programs."""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from programs import run

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[2]
INSTALLERS = Path(sys.executable).parent  # uv, uvx and pipx
# All that install.sh needs; a fresh Debian, Fedora, Alpine or macOS has it.
SYSTEM = ["sh", "env", "cat", "chmod", "dirname", "find", "grep", "id", "ln", "mkdir", "readlink", "rm", "rmdir", "sed"]
# How to reach the package registries that this machine is set up for.
FOR_REGISTRIES = ("PIP_", "UV_", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "http_proxy", "https_proxy", "HTTPS_PROXY")


class Account:
    """A user's account; `install` runs install.sh in it."""

    def __init__(self, root: Path) -> None:
        self.root, self.tools = root, root / "tools"
        self.home, self.checkout = root / "account/home", root / "account/checkout"
        self.command, self.hf = self.home / ".local/bin/git-credential-hf", self.home / ".local/bin/hf"
        self.user: int | None = None  # who runs install.sh, if it is not whoever runs the tests
        self.script = (CHECKOUT / "install.sh").read_text()  # for a pipe
        self.started: list[subprocess.Popen[str]] = []
        for directory in (self.tools, self.home, root / "account/tmp", root / "account/run"):
            directory.mkdir(parents=True)
        for name in SYSTEM:
            self.has(name, shutil.which(name))
        self.has("git", shutil.which("git"))
        self.has("python3", sys._base_executable)  # type: ignore[attr-defined]
        self.environment = {
            "HOME": str(self.home),
            "PATH": f"{self.command.parent}:{self.tools}",
            "TMPDIR": str(root / "account/tmp"),
            "XDG_RUNTIME_DIR": str(root / "account/run"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "LC_ALL": "C",
        }

    def has(self, name: str, program: str | os.PathLike[str] | None) -> None:
        """Put a program on PATH."""
        assert program is not None, f"these tests need {name}"
        self.lacks(name)
        (self.tools / name).symlink_to(program)

    def has_script(self, name: str, *lines: str) -> None:
        """Put a script on PATH, for a program that cannot run here."""
        self.lacks(name)
        (self.tools / name).write_text("\n".join(("#!/bin/sh", *lines, "")))
        (self.tools / name).chmod(0o755)

    def lacks(self, *names: str) -> None:
        """Take programs off PATH."""
        for name in names:
            (self.tools / name).unlink(missing_ok=True)

    def environments(self) -> list[Path]:
        return list((self.home / ".local/share/git-credential-hf").glob("env-*"))

    def state(self) -> dict[Path, tuple[int, "bytes | Path | None"]]:
        """Everything in the account: type and permissions, and what is in it."""
        found: dict[Path, tuple[int, bytes | Path | None]] = {}
        for path in (self.root / "account").rglob("*"):
            mode = path.lstat().st_mode
            found[path] = mode, path.readlink() if stat.S_ISLNK(mode) else None
            if stat.S_ISREG(mode):
                found[path] = mode, path.read_bytes()
        return found

    def start(self, step: str, shell: str = "sh") -> "subprocess.Popen[str]":
        """Start install.sh as a terminal would, the leader of a process group; returns while it hangs in this step."""
        ready = self.root / "ready"
        ready.unlink(missing_ok=True)
        process = subprocess.Popen(
            [*shell.split(), str(self.checkout / "install.sh")],
            env=self.environment | {"STANDIN": f"{step}-hangs", "STANDIN_READY": str(ready)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=self.home,
        )  # fmt: skip
        self.started.append(process)
        deadline = time.monotonic() + 30
        while not ready.exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "it did not get there"
            time.sleep(0.05)
        return process

    def install(
        self, *arguments: str, script: "str | None" = None, shell: str = "sh", **environment: Any
    ) -> "subprocess.CompletedProcess[str]":
        """Run install.sh from the checkout; or `script` through a pipe."""
        program = [str(self.checkout / "install.sh")] if script is None else ["-s", "--"]
        return subprocess.run(
            [*shell.split(), *program, *arguments],
            env=self.environment | environment, cwd=self.home, input=script or "", capture_output=True, text=True,
            user=self.user, group=self.user, extra_groups=[] if self.user else None, timeout=300,
        )  # fmt: skip

    def installed(self, *arguments: str, **keywords: str) -> "subprocess.CompletedProcess[str]":
        """Run it, and expect it to succeed."""
        done = self.install(*arguments, **keywords)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def run(self, *command: str, stdin: str = "", **environment: Any) -> str:
        """Run a program as this account; returns its stdout."""
        return run(*command, base=self.environment, stdin=stdin, cwd=self.home, **environment).stdout


def copy_checkout(folder: Path) -> Path:
    """Copy what a release is built from."""
    return Path(shutil.copytree(CHECKOUT, folder, ignore=shutil.ignore_patterns(".*", "tests", "__pycache__")))


@pytest.fixture
def empty_account() -> Iterator[Account]:
    """An account whose checkout a test makes itself."""
    # Not in pytest's directory: that one is closed to all other users, and some tests run as another.
    root = Path(tempfile.mkdtemp(prefix="install-")).resolve()
    root.chmod(0o755)
    account = Account(root)
    yield account
    for process in account.started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    shutil.rmtree(root)


@pytest.fixture
def account(empty_account: Account, quick_python: Path) -> Account:
    """An account with a checkout of the stand-in, which installs without a registry; and uv, which takes less time."""
    empty_account.has("python3", quick_python)
    shutil.copytree(HERE / "standin", empty_account.checkout, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "install.sh", empty_account.checkout)
    empty_account.has("uv", INSTALLERS / "uv")
    return empty_account


@pytest.fixture
def real_account(empty_account: Account) -> Account:
    """An account with a checkout of git-credential-hf, and the registries that this machine is set up for."""
    copy_checkout(empty_account.checkout)
    empty_account.environment |= {name: os.environ[name] for name in os.environ if name.startswith(FOR_REGISTRIES)}
    return empty_account


def build(source: Path, into: Path, *what: str, **environment: Any) -> Path:
    """Build a package, as an installer does, but with the hatchling that `tests/run` has built the wheel with."""
    python = os.environ.get("GIT_CREDENTIAL_HF_TESTS_TOOLS")
    tools = ("--no-build-isolation", "--python", python) if python else ()
    subprocess.run(
        [INSTALLERS / "uv", "build", "--quiet", *tools, *what, "--out-dir", into, source],
        check=True, env={**os.environ, **environment}, timeout=300,
    )  # fmt: skip
    [made] = [*into.glob("*.whl"), *(into.glob("*.tar.gz") if "--sdist" in what else [])]
    return made


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist of this checkout."""
    folder = tmp_path_factory.mktemp("sdist")
    return build(copy_checkout(folder / "checkout"), folder / "made", "--sdist", HOME=str(folder))


@pytest.fixture(scope="session")
def wheel(sdist: Path) -> Path:
    """The wheel that is built from the sdist, as an installer does if no wheel fits."""
    return build(sdist, sdist.parent / "wheel", "--wheel", HOME=str(sdist.parents[1]))
