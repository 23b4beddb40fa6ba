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

import pytest

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[2]
STANDIN = HERE / "standin"

# What install.sh itself needs (a fresh Debian, Fedora, Alpine or macOS has it), and what pip and git call.
SYSTEM = [
    *("sh", "env", "cat", "chmod", "date", "grep", "id", "ln", "ls", "mkdir"),
    *("mv", "readlink", "rm", "rmdir", "sed", "sleep", "tail", "uname"),
]

# Where package registries are and how to reach them, for the tests that need them.
FOR_REGISTRIES = ("PIP_", "UV_", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "http_proxy", "https_proxy", "HTTPS_PROXY")

Tree = dict[str, tuple[int, "bytes | str | None"]]


def tree(*roots: Path) -> Tree:
    """All below these directories: type and permissions, and what is in it."""
    found: Tree = {}
    for root in roots:
        for path in [root, *root.rglob("*")]:
            status = path.lstat()
            content: bytes | str | None = None
            if stat.S_ISLNK(status.st_mode):
                content = str(path.readlink())
            elif stat.S_ISREG(status.st_mode):
                content = path.read_bytes()
            found[str(path)] = (status.st_mode, content)
    return found


class Account:
    """A user's account; `install` runs install.sh in it."""

    def __init__(self, root: Path) -> None:
        self.root, self.home, self.checkout = root, root / "home", root / "checkout"
        self.tools, self.runtime, self.tmp = root / "tools", root / "run", root / "tmp"
        for directory in (self.home, self.tools, self.runtime, self.tmp):
            directory.mkdir()
        self.runtime.chmod(0o700)
        self.tool = "venv"
        self.user: int | None = None  # who runs install.sh, where it is not whoever runs the tests
        self.started: list[subprocess.Popen[str]] = []
        for name in SYSTEM:
            self.has(name, shutil.which(name))
        self.has("git", shutil.which("git"))
        self.has("python3", sys._base_executable)  # type: ignore[attr-defined]
        self.environment = {
            "HOME": str(self.home),
            "PATH": f"{self.home}/.local/bin:{self.tools}",
            "TMPDIR": str(self.tmp),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "GIT_CONFIG_NOSYSTEM": "1",
            "LC_ALL": "C",
        }

    def has_only_busybox(self) -> None:
        """Let busybox be all the tools that there are, as on Alpine."""
        for name in SYSTEM:
            self.has(name, shutil.which("busybox"))

    def with_venv(self) -> None:
        """Take uv off PATH."""
        self.lacks("uv")
        self.tool = "venv"

    @property
    def command(self) -> Path:
        return self.home / ".local/bin/git-credential-hf"

    @property
    def hf(self) -> Path:
        return self.home / ".local/bin/hf"

    def environments(self) -> list[Path]:
        return list((self.home / ".local/share/git-credential-hf").glob("env-*"))

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

    def state(self) -> Tree:
        """All that an installation may change, or leave rubbish in."""
        return tree(self.home, self.runtime, self.tmp, *([self.checkout] if self.checkout.exists() else []))

    def start(self, step: str, shell: str | None = None) -> "subprocess.Popen[str]":
        """Start install.sh as a terminal would, the leader of a process group; returns while it hangs in this step."""
        ready = self.root / "ready"
        ready.unlink(missing_ok=True)
        process = subprocess.Popen(
            [*(shell or "").split(), str(self.checkout / "install.sh")],
            env=self.environment | {"STANDIN": f"{step}-hangs", "STANDIN_READY": str(ready)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            cwd=self.home,
        )
        self.started.append(process)
        for _ in range(600):
            if ready.exists() or process.poll() is not None:
                break
            time.sleep(0.05)
        assert ready.exists(), "it did not get there"
        return process

    def left_behind(self) -> set[int]:
        """The process groups of what still runs of what was started here (Linux)."""
        groups = set()
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if str(self.root).encode() in (process / "cmdline").read_bytes():
                    groups.add(os.getpgid(int(process.name)))
        return groups

    def kill(self) -> None:
        """Let nothing of it run any more, as a lost power supply would."""
        for process in self.started:
            process.kill()
        for group in self.left_behind():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        while self.started:
            self.started.pop().communicate()

    def install(
        self, *arguments: str, script: "str | None" = None, shell: "str | None" = None, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run install.sh from the checkout; or `script` through a pipe."""
        environment = self.environment | environment
        command = [*(shell or "").split(), str(self.checkout / "install.sh"), *arguments]
        if script is not None:
            command = [*(shell or "sh").split(), "-s", "--", *arguments]
        return subprocess.run(
            command,
            env={name: value for name, value in environment.items() if value is not None},
            input=script or "",
            capture_output=True,
            text=True,
            cwd=self.home,
            user=self.user,
            group=self.user,
            extra_groups=[] if self.user else None,
            timeout=300,
            check=False,
        )

    def installed(self, *arguments: str, **keywords: str) -> "subprocess.CompletedProcess[str]":
        """The same, where it has to succeed."""
        done = self.install(*arguments, **keywords)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def run(self, *command: str, stdin: str = "", **environment: str) -> str:
        """Run a program as this account; returns its stdout."""
        environment = self.environment | environment
        done = subprocess.run(
            command, env=environment, input=stdin, capture_output=True, text=True, cwd=self.home, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def empty_account() -> Iterator[Account]:
    """An account whose checkout a test makes itself."""
    # Not in pytest's directory: that one is closed to all other users, and some tests run as another.
    root = Path(tempfile.mkdtemp(prefix="install-")).resolve()
    root.chmod(0o755)
    account = Account(root)
    yield account
    account.kill()
    shutil.rmtree(root)


@pytest.fixture
def account(empty_account: Account) -> Account:
    """An account with a checkout of the stand-in, which installs without a registry and fails where it is told to."""
    shutil.copytree(STANDIN, empty_account.checkout, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "install.sh", empty_account.checkout)
    # uv where the tests have it: what is not about pip takes a tenth of the time with it.
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if uv:
        empty_account.has("uv", Path(uv).resolve())
        empty_account.tool = "uv"
    return empty_account


def copy_checkout(place: Path) -> None:
    """Copy what is published, and nothing that was made in it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT, capture_output=True, text=True, check=True, env={**os.environ, "HOME": "/"},
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (CHECKOUT / name).exists() and not name.startswith(("tests/", ".")):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, place / name)


@pytest.fixture
def real_account(empty_account: Account, caches: dict[str, str]) -> Account:
    """An account with a checkout of git-credential-hf, and the registries that this machine is set up for."""
    copy_checkout(empty_account.checkout)
    inherited = {name: value for name, value in os.environ.items() if name.startswith(FOR_REGISTRIES)}
    empty_account.environment |= inherited | caches
    return empty_account


@pytest.fixture(scope="session")
def caches(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One cache for all tests: each installs the same dozen packages."""
    return {f"{tool}_CACHE_DIR": str(tmp_path_factory.mktemp(f"cache-{tool}")) for tool in ("PIP", "UV")}


@pytest.fixture(scope="session")
def installers(tmp_path_factory: pytest.TempPathFactory, caches: dict[str, str]) -> Path:
    """A directory with real uv and pipx."""
    root = tmp_path_factory.mktemp("installers")
    subprocess.run([sys.executable, "-m", "venv", root], check=True)
    pip = [root / "bin/python", "-m", "pip", "install", "--quiet", "uv", "pipx"]
    subprocess.run(pip, check=True, env=os.environ | caches)
    return root / "bin"
