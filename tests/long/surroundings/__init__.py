"""What somebody has, and types, whose surroundings are odd; and whether what then happens was promised."""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import subprocess
import sysconfig
import termios
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from executable import HEADER, HUB_SECTIONS, INCLUDE, OWN_FILE

PATIENCE = 60  # seconds after which a command hangs
HUB = "protocol=https\nhost=huggingface.co\n"
URL = "https://huggingface.co/alice/private-model"
OLD = "hf_" + "OldCanary" * 3 + "stale"  # a copy that other helpers hold
OTHERS = "https://alice:secret@example.org\nhttps://bob:other@example.net/path\n"
NETRC = "machine example.org login alice password secret\n"
CONFIG = """[user]
	name = Alice
	email = alice@example.org
[credential]
	helper = store
[filter "lfs"]
	smudge = git-lfs smudge -- %f
	process = git-lfs filter-process
	clean = git-lfs clean -- %f
	required = true
"""


class Command(NamedTuple):
    """What somebody types, or git does; `is_sick`: where there is something to mend."""

    line: str
    stdin: str = ""
    is_sick: bool = False

    @property
    def words(self) -> list[str]:
        return self.line.split(" ")

    @property
    def is_gits(self) -> bool:
        return self.line.startswith("git ")


COMMANDS = {
    "get": Command("git-credential-hf get", HUB + "\n"),
    "store": Command("git-credential-hf store", HUB + "username=git\npassword={token}\n\n"),
    "erase": Command("git-credential-hf erase", HUB + "username=git\npassword={token}\n\n"),
    "status": Command("git-credential-hf status"),
    "status --json": Command("git-credential-hf status --json"),
    "check": Command("git-credential-hf check --write alice/private-model"),
    "purge": Command("git-credential-hf purge", is_sick=True),
    "configure": Command("git-credential-hf configure --purge", is_sick=True),
    "unconfigure": Command("git-credential-hf unconfigure"),
    "doctor": Command("git-credential-hf doctor", is_sick=True),
    "doctor --fix": Command("git-credential-hf doctor --fix --yes", is_sick=True),
    "hooks install": Command("git-credential-hf hooks install"),
    "git push": Command("git push --quiet origin HEAD:refs/heads/number-{number}"),
    "git commit": Command("git commit --quiet --message more"),
    "git clone": Command(
        f"git clone --quiet {URL} {{root}}/cloned-{{number}}"
    ),  # what is cut off may be seen for a moment
    "--version": Command("git-credential-hf --version"),
    "--help": Command("git-credential-hf --help"),
}
OPERATIONS = frozenset({"get", "store", "erase"})
GITS = frozenset(name for name, command in COMMANDS.items() if command.is_gits)
PRINTING = frozenset(COMMANDS) - OPERATIONS - GITS
CHANGING = frozenset({"purge", "configure", "unconfigure", "doctor --fix"})  # something in the home
ASKING = frozenset({"status", "status --json", "check", "doctor", "doctor --fix"})  # the Hub


class Done(NamedTuple):
    status: int  # as a shell has it: 128 and the signal's number
    stdout: str
    stderr: str


class Person:
    """Somebody's home, runtime and temporary directory, and a clone with something to push and to commit."""

    def __init__(self, root: Path, token: str, clones: Mapping[bool, Path], environment: Mapping[str, str]) -> None:
        """`clones`: what their clone is a copy of, without our hooks and with them."""
        self.root, self.token, self.clones = root, token, clones
        self.home, self.runtime, self.temporary, self.work = (root / name for name in ("home", "run", "tmp", "work"))
        self.environment = {
            "PATH": f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "TMPDIR": str(self.temporary),
            "TERM": "xterm",
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            **environment,
        }
        # For those who have no home: a token, and what `configure --env` prints.
        self.homeless = {"HF_TOKEN": token, "GIT_CONFIG_COUNT": "4"}
        for number, (name, value) in enumerate(
            [
                ("credential.helper", ""),
                ("credential.helper", _program()),
                ("user.name", "Alice"),
                ("user.email", "a@b.c"),
            ]
        ):
            self.homeless |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}

    def make(self, *, is_sick: bool = False, is_hooked: bool = False) -> None:
        """Everything anew; `is_sick`: with old tokens in other places, and git not configured."""
        while self.root.exists():  # what a signal did not reach may still write there for a moment
            shutil.rmtree(self.root, ignore_errors=True)
        for folder in (self.home, self.runtime, self.temporary):
            folder.mkdir(mode=0o700, parents=True)
        shutil.copytree(self.clones[is_hooked], self.work, symlinks=True)
        write(self.home / ".cache/huggingface/token", self.token)
        write(self.home / ".cache/huggingface/stored_tokens", f"[laptop]\nhf_token = {self.token}\n\n")
        write(self.home / ".gitconfig", CONFIG + ("" if is_sick else INCLUDE))
        if not is_sick:
            write(self.home / OWN_FILE, HEADER + HUB_SECTIONS)
        write(self.home / ".git-credentials", OTHERS + (f"https://git:{OLD}@huggingface.co\n" if is_sick else ""))
        write(self.home / ".netrc", NETRC + (f"machine huggingface.co login x password {OLD}\n" if is_sick else ""))

    def files(self) -> dict[str, bytes]:
        """What may not be lost, or written by halves; of our caches, the names alone."""
        tops = [*(self.home / name for name in (".config", ".cache", ".huggingface")), self.runtime]
        found = [*self.home.glob(".*"), *(self.work / ".git").glob("config*"), *(self.work / ".git/hooks").glob("*")]
        for top in tops:
            found += top.rglob("*")
        return {
            os.path.relpath(path, self.home if path.is_relative_to(self.home) else self.root): b""
            if path.parent.name == "git-credential-hf"
            # The program by its name, or by its path where it is not on PATH.
            else re.sub(rb"(?m)(^hf=|helper = )(\S*/)?(git-credential-)?hf$", rb"\1hf", path.read_bytes())
            for path in found
            if path.is_file() and not path.is_symlink() and not path.name.endswith(".lock")
        }

    def locks(self) -> list[str]:
        """What a program leaves that was cut off: locks, and halves of our own files."""
        tops = [self.home / ".config", self.home / ".cache", self.runtime]
        found = [
            *self.home.glob(".*"),
            *(self.work / ".git").glob("*"),
            *(path for top in tops for path in top.rglob("*")),
        ]
        held = ("refresh.lock", "oidc.lock", "owners.lock")  # these stay: who locks them has them open
        return [
            str(path)
            for path in found
            if re.search(r"\.lock$|/git-credential-hf/.*\.\d+$", str(path)) and path.name not in held
        ]

    def run(
        self,
        command: Command,
        shell: str = 'exec "$@"',
        environment: Mapping[str, str | None] | None = None,
        terminal: str = "",
        **names: object,
    ) -> Done:
        """Let bash run it, as `"$@"` of `shell`; `terminal`: the descriptors that are one, such as `"02"`."""
        known = {"token": self.token, "root": self.root, **names}
        changed = {name: value and value.format(**known) for name, value in (environment or {}).items()}
        words = [word.format(**known) for word in command.words]
        words[0] = shutil.which(words[0], path=self.environment["PATH"]) or words[0]
        return _run(
            ["bash", "-c", shell, "bash", *words],
            command.stdin.format(**known).encode(),
            self.work,
            {name: value for name, value in {**self.environment, **changed}.items() if value is not None},
            terminal,
        )


def damage(before: Mapping[str, bytes], after: Mapping[str, bytes], elsewhere: Mapping[str, bytes]) -> list[str]:
    """The files that are neither as they were nor as the command leaves them `elsewhere`; copies of old ones may be."""
    found = []
    for path in before.keys() | after.keys():
        is_now, original = after.get(path), re.sub(r"\.backup-[\d-]+$", "", path)
        is_a_cache = "git-credential-hf/" in path or path.startswith(".cache/git")
        is_a_copy = original != path and is_now == before.get(original)
        if is_now not in (before.get(path), elsewhere.get(path)) and not (is_a_cache or is_a_copy):
            found.append(f"{path} is neither old nor new: {is_now!r}"[:300])
    return found


def _program() -> str:
    return os.path.join(sysconfig.get_path("scripts"), "git-credential-hf")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    os.utime(path, (path.stat().st_mtime - 3600,) * 2)  # nobody is rewriting it right now


def _run(words: list[str], stdin: bytes, where: Path, environment: dict[str, str], terminal: str) -> Done:
    heard: dict[int, bytes] = {}
    ours, theirs, threads = {}, {}, []
    master = slave = -1
    if terminal:
        master, slave = pty.openpty()
        settings = termios.tcgetattr(slave)
        settings[1] &= ~termios.OPOST
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, settings)
    for number in (0, 1, 2):
        if str(number) in terminal:
            ours[number], theirs[number] = master, slave
        else:
            reading, writing = os.pipe()
            ours[number], theirs[number] = (writing, reading) if number == 0 else (reading, writing)
    process = subprocess.Popen(
        [*(["setsid", "--ctty", "--wait"] if "0" in terminal else []), *words],
        stdin=theirs[0], stdout=theirs[1], stderr=theirs[2], cwd=where, env=environment, start_new_session=True,
    )  # fmt: skip
    for descriptor in {*theirs.values()}:
        os.close(descriptor)

    def give() -> None:
        try:
            os.write(ours[0], stdin + (b"\x04" if ours[0] == master else b""))
        except OSError:
            pass  # nobody reads
        if ours[0] != master:
            os.close(ours[0])

    def read(descriptor: int) -> None:
        heard[descriptor] = b""
        try:
            while chunk := os.read(descriptor, 65536):
                heard[descriptor] += chunk
        except OSError:
            pass  # so ends a terminal
        os.close(descriptor)

    threads = [threading.Thread(target=give)]
    threads += [
        threading.Thread(target=read, args=(number,)) for number in {ours[1], ours[2], *([master] * bool(terminal))}
    ]
    for thread in threads:
        thread.start()
    try:
        status = process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        status = 999
    for thread in threads:
        thread.join(10)
    stdout, stderr = (heard.get(ours[number], b"").decode("utf-8", "replace") for number in (1, 2))
    return Done(status if status >= 0 else 128 - status, stdout, stderr if ours[1] != ours[2] else "")
