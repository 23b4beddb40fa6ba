"""Real installations of the program, each in a home of its own: by uv, pipx, pip and install.sh, without a network.

What they install is in two directories: the wheel, and what `tests/run` has downloaded for it.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from programs import Done, run

CHECKOUT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(sysconfig.get_path("scripts"))  # uv and pipx are in it; the program under test, too
PYTHON: str = sys._base_executable  # type: ignore[attr-defined]
GIT = os.path.dirname(os.path.realpath(shutil.which("git") or "/usr/bin/git"))
OF_CRON = os.pathsep.join(dict.fromkeys((GIT, "/usr/bin", "/bin")))  # cron's PATH, and git's directory
CACHES = {name: value for name, value in os.environ.items() if name in ("UV_CACHE_DIR", "PIP_CACHE_DIR")}


def downloaded() -> Path:
    """Return the directory with what the wheel needs, and old packages; skip the test if there is none."""
    folder = os.environ.get("GIT_CREDENTIAL_HF_TESTS_PACKAGES")
    if folder is None:
        pytest.skip("no downloaded packages: type ./tests/run")
    return Path(folder)


def our_wheel() -> Path:
    """Return the wheel that is tested."""
    return Path(os.environ["GIT_CREDENTIAL_HF_TESTS_WHEEL"])


def unpack(wheel: Path, into: Path) -> None:
    """Unpack a wheel as `pip install --target` does."""
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(into)


@functools.cache
def another_python() -> str:
    """Return another Python than that of the tests, if there is one that the program runs with."""
    code = "import sys, venv; print(sys._base_executable, sys.version, sep='\\n'); sys.exit(sys.version_info < (3, 10))"
    for folder in (*os.environ["PATH"].split(os.pathsep), "/usr/bin"):
        for name in ("python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python3"):
            path = os.path.join(folder, name)
            if os.access(path, os.X_OK):
                done = run(path, "-I", "-c", code, check=False)
                real, _, version = done.stdout.partition("\n")
                if not done.returncode and version != f"{sys.version}\n":
                    return real
    return PYTHON


def offline(places: list[str]) -> dict[str, str]:
    """Return what lets uv, pip and pipx find packages in these directories, by name, and nowhere else."""
    return {
        "UV_OFFLINE": "1",
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": ",".join(places),
        "UV_PYTHON": PYTHON,
        "UV_PYTHON_DOWNLOADS": "never",
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": " ".join(places),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_COMPILE": "0",  # what is imported is compiled then
        "PIPX_DEFAULT_PYTHON": PYTHON,
        **CACHES,
    }


class Installation:
    """A home in which the program is installed; `program` is what its owner types, or finds on PATH."""

    def __init__(self, home: Path, packages: Path, *more: Path) -> None:
        home.mkdir()
        self.home = home
        self.program = home / ".local/bin/git-credential-hf"
        self.tools = home / ".tools"  # what is on PATH beside the system's programs
        self.tools.mkdir()
        for name in ("uv", "uvx", "pipx"):
            (self.tools / name).symlink_to(SCRIPTS / name)
        (self.tools / "python3").symlink_to(PYTHON)
        places = [str(folder) for folder in (packages, our_wheel().parent, *more)]
        self.environment = {
            "HOME": str(home),
            "PATH": os.pathsep.join([str(self.program.parent), str(self.tools), OF_CRON]),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            **offline(places),
        }

    def run(self, *command: str | Path, stdin: str = "", check: bool = True, cwd: Path | None = None) -> Done:
        """Run a command in the home, or in another directory."""
        return run(*command, base=self.environment, stdin=stdin, check=check, cwd=cwd or self.home, timeout=120)

    def empty(self) -> None:
        """Remove all but the installation."""
        for path in self.home.iterdir():
            if path.name not in (".local", ".tools", "opt"):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


class Project:
    """Somebody's project: an environment with transformers 4, which wants a huggingface_hub below 1.0."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, **offline([str(downloaded())])}
        wanted = ("transformers==4.57.6", "--python", folder / "bin/python")
        run(SCRIPTS / "uv", "venv", "--quiet", folder, base=self.environment)
        run(SCRIPTS / "uv", "pip", "install", "--quiet", *wanted, base=self.environment)

    def works(self) -> None:
        """Import transformers, which looks at the versions of what it needs."""
        run(self.folder / "bin/python", "-c", "import transformers")

    def state(self) -> tuple[str, dict[str, tuple[int, int]]]:
        """Return what is installed, and the size and the time of each file."""
        frozen = run(SCRIPTS / "uv", "pip", "freeze", "--python", self.folder / "bin/python", base=self.environment)
        files = {}
        for folder, _, names in os.walk(self.folder):
            for name in names:
                status = os.lstat(os.path.join(folder, name))
                files[os.path.join(folder, name)] = status.st_size, status.st_mtime_ns
        assert "transformers==4.57.6\n" in frozen.stdout
        return frozen.stdout, files


def by_install_sh(there: Installation) -> None:
    there.run("sh", "-s", "--", "--no-configure", stdin=(CHECKOUT / "install.sh").read_text())


def by_uv(there: Installation) -> None:
    there.run("uv", "tool", "install", "--quiet", "git-credential-hf")


def by_pipx(there: Installation) -> None:
    there.run("pipx", "install", "git-credential-hf")


def by_pip(there: Installation) -> None:
    there.run(PYTHON, "-m", "venv", "--without-pip", "opt/env")
    pip_into(there, there.home / "opt/env")


def by_pip_user(there: Installation) -> None:
    options = ("--user", "--ignore-installed", "--break-system-packages")
    there.run(sys.executable, "-m", "pip", "--python", PYTHON, "install", "--quiet", *options, "git-credential-hf")


def by_conda(there: Installation) -> None:
    """No conda can be had from a package index: this is its layout, a Python with a prefix that is no environment."""
    prefix, library = there.home / "opt/conda", Path(sysconfig.get_path("stdlib"))
    (prefix / "bin").mkdir(parents=True)
    shutil.copy2(os.path.realpath(PYTHON), prefix / "bin/python3")
    (prefix / "bin/python").symlink_to("python3")
    inside = prefix / "lib" / library.name
    (inside / "site-packages").mkdir(parents=True)
    for path in library.iterdir():
        if path.name not in ("site-packages", "dist-packages"):
            (inside / path.name).symlink_to(path)
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    done = there.run(prefix / "bin/python", "-I", "-c", code, check=False)
    if done.stdout.strip() != str(inside / "site-packages"):
        pytest.skip("this Python cannot be moved")
    pip_into(there, prefix)


def pip_into(there: Installation, prefix: Path) -> None:
    python = prefix / "bin/python"
    there.run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "git-credential-hf")
    there.program = prefix / "bin/git-credential-hf"
    there.environment["PATH"] = os.pathsep.join([str(there.program.parent), there.environment["PATH"]])


def for_all(there: Installation) -> None:
    """What root does on a shared machine."""
    prefix = there.home / "opt/git-credential-hf"
    there.run(CHECKOUT / "install.sh", "--prefix", prefix, "--no-configure")
    there.program = prefix / "bin/git-credential-hf"


WAYS: dict[str, Callable[[Installation], None]] = {
    "install.sh": by_install_sh,
    "uv tool": by_uv,
    "pipx": by_pipx,
    "pip in an environment": by_pip,
    "pip --user": by_pip_user,
    "conda": by_conda,
    "--system": for_all,
}


def install(way: str, home: Path, *more: Path) -> Installation:
    """Install the program in this way; `more` are directories with other versions of it."""
    there = Installation(home, downloaded(), *more)
    WAYS[way](there)
    return there


def newer_wheel(folder: Path, version: str = "99.1") -> Path:
    """Build the wheel of a version to come; return the directory with it."""
    sources = folder / "sources"
    shutil.copytree(CHECKOUT, sources, ignore=shutil.ignore_patterns(".*", "tests", "__pycache__"))
    file = sources / "git_credential_hf/__init__.py"
    file.write_text(re.sub(r'__version__ = ".*"', f'__version__ = "{version}"', file.read_text()))
    there = Installation(folder / "home", downloaded())
    there.run("uv", "build", "--quiet", "--wheel", "--out-dir", folder / "newer", sources)
    return folder / "newer"
