"""Each way of installing, in each place that git is started from: it clones and pushes, or is as without us.

The installers are real, and install from two directories (`installed.py`). Each is run once: its cells share a home.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from account import Account
from amount import each_run
from installed import CHECKOUT, OF_CRON, WAYS, Installation, another_python, downloaded, install, newer_wheel, unpack
from programs import IS_ROOT, Done, run
from terminal import run_on_terminal

if TYPE_CHECKING:
    from fake_hub import Hub

URL = "https://huggingface.co/alice/model"
ASK = "protocol=https\nhost=huggingface.co\n\n"
BEFORE = "[user]\n\tname = Alice\n\temail = alice@example.org\n"
CLONED = "Cloning into 'model'...\n"
PUSHED = re.compile(rf"To {URL}\n   \w+\.\.\w+  main -> main\n")

# Names of Python's modules and of packages, which a repository has in its top directory, or in another.
PACKAGES = ("click", "huggingface_hub", "dulwich", "urllib3", "platformdirs", "git_credential_hf")
NAMES = ("logging", "venv", "re", "json", *PACKAGES, *(f"packages/{name}" for name in PACKAGES))
HOSTILE = {f"{name}.py": b"open('was-run', 'w').close(); raise SystemExit('owned')\n" for name in NAMES}


class Cell:
    """Somebody logged in, for whom `configure` was run after an installation; and how git is started."""

    def __init__(self, there: Installation, hub: Hub, folder: Path) -> None:
        there.empty()
        self.there, self.hub, self.home, self.where = there, hub, there.home, there.home
        self.around: tuple[str, ...] = ()
        hub.user("alice")
        hub.repository("alice/model", private=True, files={"README.md": b"hello\n", **HOSTILE})
        self.token = hub.token("alice")
        Account(self.home).is_given(self.token, "laptop")
        (self.home / ".gitconfig").write_text(BEFORE)
        trusted = {name: value for name, value in hub.environment.items() if name != "HF_ENDPOINT"}
        self.environment = {
            **{name: value for name, value in there.environment.items() if not name.startswith(("UV_", "PIP"))},
            **trusted,
            "PATH": os.pathsep.join([str(there.program.parent), OF_CRON]),
            "TMPDIR": str(folder),
        }
        self.scope = ()
        if there.program.parent.parent.name == "git-credential-hf":  # it was installed for all
            self.scope = ("--system",)
            self.environment["GIT_CONFIG_SYSTEM"] = str(self.home / "etc/gitconfig")
            del self.environment["GIT_CONFIG_NOSYSTEM"]
            (self.home / "etc").mkdir()
        self.run(there.program, "configure", *self.scope, "--no-purge")

    scope: tuple[str, ...]

    def run(self, *command: str | Path, stdin: str = "", check: bool = True, **environment: Any) -> Done:
        whole = {**self.environment, **environment}
        return run(*self.around, *command, base=whole, cwd=self.where, stdin=stdin, check=check)

    def clone(self) -> None:
        """Clone, with our hooks."""
        assert self.run("git", "clone", URL).stderr == CLONED
        self.where = self.where / "model"
        self.run(self.there.program, "hooks", "install")

    def push(self, is_checked: bool = True, **environment: Any) -> None:
        """Push a commit, of which git says nothing but that it has arrived."""
        self.run("git", "commit", "--quiet", "--allow-empty", "--message", "from a cell", **environment)
        begun = len(self.hub.log.of("auth-check"))
        done = self.run("git", "push", **environment)
        assert PUSHED.fullmatch(done.stderr), done.stderr
        there = self.hub.repositories.named("alice/model").git("log", "--format=%s", "-1", "main")
        assert there == "from a cell"
        assert (len(self.hub.log.of("auth-check")) > begun) == is_checked


# --- where git is started from ---


def from_a_login_shell(cell: Cell) -> None:
    """With the PATH of `~/.profile`, as Debian's."""
    cell.around = ("sh", "-lc", 'exec "$@"', "sh")
    (cell.home / ".profile").write_text(f'PATH="$HOME/.local/bin:$PATH:{OF_CRON}"\n')
    cell.clone()
    cell.push()


def from_cron(cell: Cell) -> None:
    """With a PATH that the program is not on, and next to no environment."""
    kept = ("HOME", "GIT_SSL_CAINFO", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")
    cell.environment = {name: cell.environment[name] for name in kept if name in cell.environment}
    cell.environment |= {"PATH": OF_CRON, "SHELL": "/bin/sh"}
    cell.clone()
    cell.push()


def in_a_container(cell: Cell) -> None:
    """With a copy of the configuration, and without the program: the helper that was there before is asked."""
    configuration = cell.home / ".gitconfig"
    if cell.scope:
        configuration = cell.home / "etc/gitconfig"
    text = configuration.read_text()
    shutil.rmtree(cell.home / "container", ignore_errors=True)
    cell.home = cell.where = cell.home / "container"
    cell.home.mkdir()
    helper = f"[credential]\n\thelper = \"!printf 'username=git\\\\npassword={cell.token}\\\\n' && :\"\n"
    if cell.scope:
        cell.environment["GIT_CONFIG_SYSTEM"] = str(cell.home / "etc-gitconfig")
        Path(cell.environment["GIT_CONFIG_SYSTEM"]).write_text(text)
        text = BEFORE
    assert text.startswith(BEFORE)
    (cell.home / ".gitconfig").write_text(helper + text)
    cell.environment |= {"HOME": str(cell.home), "PATH": OF_CRON}
    assert cell.run("git", "clone", URL).stderr == CLONED
    cell.where = cell.home / "model"
    cell.push(is_checked=False)


def in_another_users_clone(cell: Cell) -> None:
    """The clone is refused in the same words as without us; after git's own remedy, it works."""
    if os.geteuid() != 0 or Path("/proc/self/uid_map").read_text().split()[2] == "1":
        pytest.skip("only root can give a clone to somebody else")
    cell.clone()
    for folder, names, files in os.walk(cell.where):
        for name in (".", *names, *files):
            os.chown(Path(folder, name), 12345, 12345, follow_symlinks=False)
    (cell.home / "without-us").write_text(BEFORE)
    without = {"GIT_CONFIG_GLOBAL": str(cell.home / "without-us"), "GIT_CONFIG_SYSTEM": "/dev/null"}
    refused = [cell.run("git", "push", check=False, **environment) for environment in ({}, without)]
    assert refused[0].returncode == refused[1].returncode == 128
    assert refused[0].stderr == refused[1].stderr and "dubious ownership" in refused[0].stderr
    cell.run("git", "config", "--global", "--add", "safe.directory", str(cell.where))
    cell.push()


def in_a_hostile_checkout(cell: Cell) -> None:
    """No module of the repository is run, nor of a relative directory in PYTHONPATH.

    There, what Python reads before a line of ours is out of reach (SECURITY.md): so it has no modules of Python's.
    """
    cell.clone()
    cell.push()
    cell.push(is_checked=False, PYTHONPATH="packages:/nowhere")  # the Hub's yes is ten minutes old at most
    assert not (cell.where / "was-run").exists()


def beside_old_packages(cell: Cell) -> None:
    """With a huggingface_hub and a click in PYTHONPATH which this program could not work with."""
    old = cell.home / "old"
    for wheel in (downloaded() / "old").iterdir():
        unpack(wheel, old)
    cell.environment["PYTHONPATH"] = str(old)
    cell.clone()
    cell.push()
    assert "alice, write token" in cell.run(cell.there.program, "status").stdout


PLACES = (
    from_a_login_shell,
    from_cron,
    in_a_container,
    in_another_users_clone,
    in_a_hostile_checkout,
    beside_old_packages,
)
# What differs from way to way is the Python, and what it imports; the others are about git, for which one account's and
# one that is for all are enough. An environment is one, with conda's layout or without.
BY_PYTHON = (in_a_hostile_checkout,)
ROWS = ("--system",)
OF_AN_ACCOUNT = ("uv tool", (from_cron, in_a_container))
LONG = ("conda",)


def cells() -> Iterator[object]:
    for way in WAYS:
        for place in PLACES:
            is_short = way in ROWS or (place in BY_PYTHON and way not in LONG)
            is_short = is_short or (way == OF_AN_ACCOUNT[0] and place in OF_AN_ACCOUNT[1])
            name = f"{way}, {place.__name__.replace('_', ' ')}"
            yield pytest.param(way, place, id=name, marks=() if is_short else pytest.mark.long)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Installation]:
    """Each way of installing, gone once."""
    gone: dict[str, Installation] = {}

    def once(way: str) -> Installation:
        if way not in gone:
            gone[way] = install(way, tmp_path_factory.mktemp("installed") / "home")
        return gone[way]

    return once


@pytest.mark.parametrize(("way", "place"), [*cells()])
def test_cells(
    way: str, place: Callable[[Cell], None], installed: Callable[[str], Installation], world: Hub, tmp_path: Path
) -> None:
    """Clones and pushes are without a word of ours, a question or somebody else's module; or as they are without us."""
    if way == "--system" and os.geteuid() != 0:
        pytest.skip("only root installs for all")
    place(Cell(installed(way), world, tmp_path))


@pytest.mark.parametrize("way", ["--system" if IS_ROOT else "install.sh", "uv tool", "pipx"])
def test_a_package_that_is_missing(way: str, installed: Callable[[str], Installation]) -> None:
    """What a SOCKS proxy needs is installed by the command in the hint, as it stands."""
    there = installed(way)
    there.empty()
    there.run("git", "config", "--global", "http.proxy", "socks5h://127.0.0.1:9")
    there.environment["HF_TOKEN"] = "hf_canary"
    done = there.run(there.program, "check", "acme/model", check=False)
    assert "a SOCKS proxy needs the Python package PySocks" in done.stderr
    (command,) = re.findall("hint: run `(.*PySocks.*)`", done.stderr)
    there.run("sh", "-c", command)
    done = there.run(there.program, "check", "acme/model", check=False)
    assert done.returncode == 3 and "PySocks" not in done.stderr


# --- upgrades ---

UPGRADES = {
    "uv tool": ["uv tool upgrade git-credential-hf", "uv tool install --reinstall --python {python} git-credential-hf"],
    "pipx": ["pipx upgrade git-credential-hf", "pipx reinstall --python {python} git-credential-hf"],
}


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the wheel of a version to come."""
    return newer_wheel(tmp_path_factory.mktemp("newer"))


@pytest.mark.parametrize("way", each_run(UPGRADES, "uv tool"))
def test_upgrades(way: str, newer: Path, tmp_path: Path) -> None:
    """The path that `configure` and `hooks install` write leads to the program after each upgrade, with any Python."""
    coming = tmp_path / "coming"
    coming.mkdir()
    there = install(way, tmp_path / "home", coming)
    there.run("git", "init", "--quiet", "work")
    there.run("git-credential-hf", "configure", "--no-purge")
    there.run("git-credential-hf", "hooks", "install", cwd=there.home / "work")
    written = [there.home / ".config/git-credential-hf/gitconfig", there.home / "work/.git/hooks/pre-push"]
    before = [file.read_bytes() for file in written]
    assert all(str(there.program).encode() in text for text in before)
    for wheel in newer.iterdir():
        shutil.copy(wheel, coming)
    python = another_python()
    for number, command in enumerate(UPGRADES[way]):
        there.run(*command.format(python=python).split())
        assert [file.read_bytes() for file in written] == before
        assert there.program.is_symlink()
        cron = {"HOME": str(there.home), "PATH": OF_CRON, "HF_TOKEN": "hf_canary", "GIT_CONFIG_NOSYSTEM": "1"}
        done = run("git", "credential", "fill", base=cron, stdin=ASK, cwd=there.home)
        assert "password=hf_canary\n" in done.stdout and done.stderr == ""
        assert run(there.program, "--version", base=cron).stdout == "git-credential-hf 99.1\n"
        first = there.program.read_text().splitlines()[0].removeprefix("#!").split()[0]  # pipx adds -E
        used = run(first, "-I", "-c", "import sys; print(sys._base_executable)").stdout.strip()
        assert number == 0 or os.path.realpath(used) == os.path.realpath(python)
        assert there.run("git-credential-hf", "configure", "--no-purge").stdout == "", "nothing is left to do"


SITTINGS = {"from a checkout": "sh {}", "through a pipe": "cat {} | sh -s -- --prefix ~/.local"}


# "--system" is from a checkout, too.
@pytest.mark.parametrize("how", each_run(SITTINGS, "through a pipe"))
def test_one_sitting(how: str, world: Hub, tmp_path: Path) -> None:
    """From `install.sh` to a clone of a private repository at one terminal: the one question leads to the login."""
    world.user("alice")
    world.repository("alice/model", private=True, files={"README.md": b"hello\n"})
    there = Installation(tmp_path / "somebody", downloaded())
    trusted = {name: value for name, value in world.environment.items() if name != "HF_ENDPOINT"}
    (tmp_path / "runtime").mkdir(0o700)
    environment: dict[str, Any] = {**there.environment, **trusted, "XDG_RUNTIME_DIR": tmp_path / "runtime"}
    environment |= {"GIT_TERMINAL_PROMPT": None, "TERM": "xterm"}
    line = f"cd && {SITTINGS[how].format(shlex.quote(str(CHECKOUT / 'install.sh')))} && git clone {URL}"
    # What is downloaded for these tests is so old that its login asks for a token.
    steps = [("Log in to Hugging Face now? [Y/n]", "\r"), ("Token (it is not shown)", f"{world.token('alice')}\r")]
    done = run_on_terminal("/bin/sh", "-c", line, typed=steps, timeout=120, **environment)
    assert done.returncode == 0, done.stdout
    assert (there.home / "model/README.md").read_text() == "hello\n"
    assert "log in now" not in done.stdout and "use git clone, pull and push" in done.stdout
