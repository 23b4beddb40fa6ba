"""A machine that many share, set up as docs/clusters.md says: one system-wide configuration, everybody's own token.

Users are numbers without names, as many as there are; homes and /tmp are the machine's. No network disk is here: what
`get` asks of the home is counted by strace, and each of these calls is made to take 50 ms.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from amount import tenth
from documents import block

from . import Machine

USERS = tenth(1000)
FIRST = 20001  # their numbers begin here
ASK = "protocol=https\nhost=huggingface.co\n\n"
SHARED = ("tmp", "var/tmp", "run", "dev", "root")
CHECKOUT = Path(__file__).resolve().parents[3]
STANDIN = CHECKOUT / "tests/packaging/install/standin"


def token_of(number: int) -> str:
    return f"hf_{number:034}"


@pytest.fixture
def node(machine: Machine) -> Machine:
    """A login node after `configure --system`, by a root whose umask is strict; there is no XDG_RUNTIME_DIR."""
    (machine.root / "opt/bin").mkdir()
    program = machine.root / "opt/bin/git-credential-hf"
    shutil.copy(Path(sys.prefix, "bin/git-credential-hf"), program)
    machine.environment["PATH"] = "/usr/local/bin:/usr/bin:/bin"
    machine.run("sh", "-c", "umask 077; exec /opt/bin/git-credential-hf configure --system")
    return machine


def get(node: Machine, number: int, *, stdin: str = ASK, operation: str = "fill", **environment: Any) -> str:
    """What git is told, or says, in this user's shell."""
    home = f"/home/u{number}"
    command = ("git", "credential", operation)
    done = node.run(*command, user=number, where=home, stdin=stdin, check=False, HOME=home, **environment)
    return done.stdout + done.stderr


def shared(node: Machine) -> set[str]:
    """What lies in the directories that belong to everybody."""
    fresh = node.place / "fresh"
    return {str(path.relative_to(fresh)) for name in SHARED for path in (fresh / name).rglob("*")}


def test_system_configuration(node: Machine) -> None:
    """Whatever root's umask, everybody may read the system's configuration: without it, no git would run at all."""
    file, own = node.root / "etc/gitconfig", node.root / "etc/git-credential-hf/gitconfig"
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (file, own, own.parent)]
    assert modes == [0o644, 0o644, 0o755]
    node.user(FIRST, token_of(FIRST))
    assert "helper = /opt/bin/git-credential-hf\n" in own.read_text()
    assert f"password={token_of(FIRST)}\n" in get(node, FIRST)
    node.run("/opt/bin/git-credential-hf", "unconfigure", "--system")
    assert not file.exists() and not own.parent.exists()


def test_everybody_at_once(node: Machine) -> None:
    """Of 1,000 `get` that run at one moment each answers with its own user's token, and leaves nothing behind.

    They wait for their question with Python started; where memory does not do for all, in as few parts as it does.
    """
    free = int(re.findall(r"MemAvailable: +(\d+)", Path("/proc/meminfo").read_text())[0]) // 1024
    at_once = max(min(USERS, free // 16), 1)  # 16 MB are the limit for one (test_fast_path.py)
    numbers = range(FIRST, FIRST + USERS)
    for number in numbers:
        node.user(number, token_of(number))
    before = shared(node)
    answers = {}
    for first in range(0, USERS, at_once):
        waiting = {}
        for number in numbers[first : first + at_once]:
            command = node.command("/opt/bin/git-credential-hf", "get", user=number)
            waiting[number] = subprocess.Popen(
                command,
                env={**node.environment, "HOME": f"/home/u{number}"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        for process in waiting.values():
            assert process.stdin
            process.stdin.write(ASK)
            process.stdin.close()
        for number, process in waiting.items():
            assert process.stdout
            answers[number] = process.stdout.read()
            process.stdout.close()
            process.wait()
    assert answers == {number: f"username=git\npassword={token_of(number)}\n" for number in numbers}
    assert shared(node) == before


def test_nobody_reads_what_is_anothers(node: Machine) -> None:
    """Of all that is in the homes and in the shared directories, a user can read a token in the own home alone."""
    for number in range(FIRST, FIRST + 20):
        node.user(number, token_of(number))
    for number in (FIRST, FIRST + 19):
        assert f"password={token_of(number)}\n" in get(node, number)
        look = "grep -rlE 'hf_[0-9]{34}' /home /tmp /var/tmp /run /etc 2>/dev/null"
        found = node.run("sh", "-c", look, user=number, check=False).stdout.splitlines()
        assert {Path(path).parts[2] for path in found} == {f"u{number}"}


def test_without_a_login(node: Machine) -> None:
    """Who has not logged in gets nobody's token, and is told."""
    node.user(FIRST, token_of(FIRST))
    node.user(FIRST + 1)
    said = get(node, FIRST + 1, GIT_TERMINAL_PROMPT="0")
    assert "not logged in to Hugging Face" in said
    assert token_of(FIRST) not in said


def test_what_is_kept_for_a_while(node: Machine) -> None:
    """What is remembered of refused tokens is each user's own in /tmp, or in the home if somebody was there first."""
    thief, users = FIRST - 1, range(FIRST, FIRST + 7)
    node.user(thief)
    (node.root / "tmp/loot").mkdir(mode=0o777)
    (node.root / "tmp/loot").chmod(0o777)
    traps = [
        "mkdir -m 777 /tmp/runtime-{0}",
        "mkdir -m 777 /tmp/runtime-{0} /tmp/runtime-{0}/git-credential-hf",
        "ln -s /tmp/loot /tmp/runtime-{0}",
        "touch /tmp/runtime-{0}",
        "mkdir -m 777 /tmp/runtime-{0} && mkfifo -m 666 /tmp/runtime-{0}/git-credential-hf",
    ]
    trapped = dict(zip(users, traps, strict=False))
    for number, trap in trapped.items():
        node.run("sh", "-c", trap.format(number), user=thief)
    before = shared(node)
    for number in users:
        node.user(number, token_of(number))

    def refused(number: int) -> str:
        return get(node, number, stdin=f"{ASK[:-1]}username=git\npassword={token_of(number)}\n\n", operation="reject")

    with ThreadPoolExecutor(8) as pool:  # some three times at once: these make the same directory
        said = list(pool.map(refused, [*users, *users[-2:], *users[-2:]]))
    assert all(re.search("the Hub (refused|rejects) the token", words) for words in said), said
    for number in users:
        assert "the Hub has just refused the token" in get(node, number, GIT_TERMINAL_PROMPT="0"), trapped.get(number)
    theirs = shared(node) - before
    for path in theirs:
        match = re.match(r"tmp/runtime-(\d+)", path)
        assert match, path
        number = int(match[1])
        status = (node.root / path).lstat()
        assert number not in trapped
        assert (status.st_uid, status.st_mode & 0o077) == (number, 0)
        if stat.S_ISREG(status.st_mode):
            assert token_of(number) not in (node.root / path).read_text()
    assert theirs


# --- homes on a slow disk ---


@pytest.fixture
def strace(node: Machine) -> str:
    path = shutil.which("strace")
    if path is None:
        pytest.skip("no strace")
    tried = subprocess.run([path, "-o", os.devnull, "true"], capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"nothing can be traced here: {tried.stderr.strip()}")
    return path


def calls(text: str, home: str) -> Iterator[tuple[str, str]]:
    """The system calls with a path or a descriptor below the home, and its path there."""
    for line in text.splitlines():
        if match := re.search(rf"(\w+)\(.*?{re.escape(home)}/([^\">]*)", line):
            yield match[1], match[2]


@pytest.mark.parametrize("login", ["hf auth login", "the token file alone", "nobody"])
def test_slow_home(login: str, node: Machine, strace: str) -> None:
    """`get` opens the token, once, looks at nothing else in the home, and does not write there.

    If each of these calls takes 50 ms, the answer is the same.
    """
    home = str(node.user(FIRST, None if login == "nobody" else token_of(FIRST)))
    folder = node.root / home.lstrip("/") / ".cache/huggingface"
    if login == "the token file alone":
        (folder / "stored_tokens").unlink()
    expected = [".cache/huggingface/token"]  # for a token of the settings page, whose name and expiry do not matter

    def traced(*options: str) -> str:
        report = node.root / "tmp/report"
        command = [strace, "-f", "-y", "-o", "/tmp/report", *options, "/opt/bin/git-credential-hf", "get"]
        done = node.run(*command, user=FIRST, where="/", stdin=ASK, HOME=home)
        assert done.stdout == ("" if login == "nobody" else f"username=git\npassword={token_of(FIRST)}\n")
        text = report.read_text()
        report.unlink()
        return text

    seen = list(calls(traced(), home))
    opened = [path for call, path in seen if call in ("open", "openat")]
    assert opened == expected
    # Of an open file: its status twice, whether it is a terminal, two reads. Without a login, git's configuration tells
    # whether another helper is asked after this one, and git looks for its files.
    assert len([path for _, path in seen if login != "nobody" or path.startswith(".cache/")]) <= 9 * len(expected)
    assert not [call for call, _ in seen if call in ("write", "mkdir", "rename", "unlink", "chmod")]

    slow = [f"-P{home}/{path}" for path in {*expected}]
    slowed = list(calls(traced(*slow, "-e", "trace=all", "-e", "inject=all:delay_enter=50000"), home))
    assert [path for call, path in slowed if call in ("open", "openat")] == expected


# --- installed for all ---


def test_installed_for_all(machine: Machine) -> None:
    """What a root with umask 077 installs below /opt is everybody's to run; it is removed without a trace.

    Installed is the stand-in of the installer's tests, which needs no registry; docs/clusters.md has the commands.
    """
    checkout = machine.root / "opt/checkout"
    shutil.copytree(STANDIN, checkout, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "install.sh", checkout)
    machine.user(FIRST)
    before = set((machine.root / "opt").rglob("*"))
    install, configure = block("On a shared machine", "sh").splitlines()
    assert configure == "sudo /opt/git-credential-hf/bin/git-credential-hf configure --system"
    script = f"umask 077; cd /opt/checkout; export PYTHONDONTWRITEBYTECODE=1; {install[5:]}"
    machine.run("sh", "-c", script)
    machine.run("/opt/git-credential-hf/bin/git-credential-hf", "--version", user=FIRST, HOME=f"/home/u{FIRST}")
    machine.run("sh", "-c", f"cd /opt/checkout; {install[5:].replace('--no-configure', '--uninstall')}")
    assert set((machine.root / "opt").rglob("*")) == before


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that every user can reach, as pytest's is not."""
    place = Path(tempfile.mkdtemp(prefix="fleet-")).resolve()
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


@pytest.mark.registries
@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs for all")
@pytest.mark.long  # test_ways.py has what root installs for all, and test_install.py a checkout
def test_really_installed_for_all(place: Path) -> None:
    """The program itself, with the system's Python: another user's git asks it, be root's umask 077."""
    good = "import venv, ensurepip, sys; assert sys.version_info >= (3, 10)"
    if subprocess.run(["/usr/bin/python3", "-c", good], capture_output=True).returncode:
        pytest.skip("the system has no Python 3.10 with venv")
    shutil.copytree(CHECKOUT, place / "checkout", ignore=shutil.ignore_patterns(".git", "tests", "__pycache__"))
    prefix, home = place / "opt", place / "home"
    for folder in (place / "root", home):
        folder.mkdir(mode=0o700)
    path = "/usr/bin:/bin:/usr/sbin:/sbin"
    environment = {
        **os.environ,
        "PATH": path,
        "HOME": str(place / "root"),
        "GIT_CONFIG_SYSTEM": str(place / "gitconfig"),
    }
    del environment["GIT_CONFIG_NOSYSTEM"]
    script = (
        'umask 077; checkout/install.sh --prefix "$1" --no-configure && "$1/bin/git-credential-hf" configure --system'
    )
    done = subprocess.run(
        ["sh", "-c", script, "sh", prefix], env=environment, cwd=place, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (home / "token").write_text(token_of(FIRST))
    for file in (home / "token", home):
        os.chown(file, FIRST, FIRST)
    theirs = {name: environment[name] for name in ("PATH", "GIT_CONFIG_SYSTEM")}
    answer = subprocess.run(
        ["git", "credential", "fill"],
        env={**theirs, "HOME": str(home), "HF_TOKEN_PATH": str(home / "token")},
        input=ASK,
        capture_output=True,
        text=True,
        cwd=home,
        user=FIRST,
        group=FIRST,
        extra_groups=[],
    )
    assert answer.stdout.endswith(f"username=git\npassword={token_of(FIRST)}\n"), answer.stderr
