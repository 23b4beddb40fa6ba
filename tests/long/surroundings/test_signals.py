"""Ctrl-C, a closed terminal, a shutdown: at any moment a program ends at once, in a line at most, with whole files."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from amount import IS_LONG

from . import COMMANDS, PATIENCE, Person, damage, write
from .test_surroundings import BUGS, OURS

if TYPE_CHECKING:
    from fake_hub import Hub

MOMENTS = 12 if IS_LONG else 2
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Ctrl-C while Python itself starts: it says so, before the first line of ours, and in the middle of the first. So does
# `python -c pass`, in a word alone in one of a thousand.
STARTING = re.compile(
    r"\AKeyboardInterrupt\n\Z|Fatal Python error: init_|Failed checking if argv|failed to set __main__"
    r"|Exception ignored in: <function _get_module_lock|git-credential-hf\", line [0-8],"
)


class Ended(NamedTuple):
    status: int
    stdout: str
    stderr: str
    seconds: float


def ended(person: Person, name: str, after: float | None, number: signal.Signals, serial: int = 0) -> Ended:
    """Run a command, and send the signal to it and to all that it has started, as a terminal does."""
    command = COMMANDS[name]
    words = [word.format(root=person.root, number=f"s{serial}") for word in command.words]
    pipe = subprocess.PIPE
    began = time.monotonic()
    process = subprocess.Popen(
        words, stdin=pipe, stdout=pipe, stderr=pipe, cwd=person.work, env=person.environment, start_new_session=True
    )
    if after is not None:
        time.sleep(after)
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            pass  # it was faster
    try:
        stdout, stderr = process.communicate(command.stdin.format(token=person.token).encode(), PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    seconds = time.monotonic() - began
    return Ended(process.returncode, stdout.decode(errors="replace"), stderr.decode(errors="replace"), seconds)


@pytest.fixture(autouse=True)
def not_ignored() -> Iterator[None]:
    """A shell starts what runs in the background with Ctrl-C ignored, and so would be all that is started here."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def note(record: dict[str, list[int]], title: str, number: int, wrong: int) -> None:
    commands, failures = record.get(title, [0, 0])
    record[title] = [commands + number, failures + wrong]


@pytest.fixture(scope="module")
def elsewhere(person: Person) -> dict[str, tuple[float, Mapping[str, bytes], int]]:
    """How long each command takes when nothing disturbs it, what it leaves, and its status."""
    return {}


CASES = [(name, number) for name in COMMANDS for number in SIGNALS]


@pytest.mark.parametrize(
    ("name", "number"), CASES if IS_LONG else CASES[::13], ids=lambda value: getattr(value, "name", value)
)
def test_signals(
    hub: Hub,
    person: Person,
    name: str,
    number: signal.Signals,
    elsewhere: dict[str, tuple[float, Mapping[str, bytes], int]],
    record: dict[str, list[int]],
) -> None:
    """It ends by the signal, or as it would have; each file is old or new; no lock, half file or traceback is left."""
    command = COMMANDS[name]

    def make() -> None:
        person.make(is_sick=command.is_sick, is_hooked=command.is_gits)

    if name not in elsewhere:
        make()
        done = ended(person, name, None, number, 1000 + CASES.index((name, number)))
        elsewhere[name] = done.seconds, person.files(), done.status
    seconds, new, status = elsewhere[name]
    wrong = []
    for moment in range(MOMENTS):
        make()
        before = person.files()
        done = ended(
            person, name, seconds * (moment + 0.5) / MOMENTS, number, CASES.index((name, number)) * 100 + moment
        )
        found = damage(before, person.files(), new)
        # git removes its own; what a helper was killed in, is that helper's.
        found += [
            f"{path} is left" for path in person.locks() if "/work/.git/" not in path and ".git-credentials" not in path
        ]
        if done.status not in (status, 128 + number, -number) and not STARTING.search(done.stderr):
            found.append("the status is another")
        if person.token in done.stderr or (name != "get" and person.token in done.stdout):
            found.append("a token is shown")
        if name == "get" and done.stdout not in ("", f"username=git\npassword={person.token}\n"):
            found.append("half an answer")
        if BUGS.search(done.stderr) and not STARTING.search(done.stderr):
            found.append("a traceback")
        if not command.is_gits and not BUGS.search(done.stderr) and not STARTING.search(done.stderr):
            found += [line for line in done.stderr.splitlines() if line and not re.fullmatch(OURS, line)]
        wrong += [f"{name}, at {moment} of {MOMENTS}: {what}\n  {done}" for what in found]
    note(record, f"{number.name}, at {MOMENTS} moments of each command", MOMENTS, len(wrong))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("number", SIGNALS if IS_LONG else SIGNALS[:1], ids=lambda number: number.name)
def test_a_refresh_is_not_cut_off(
    hub: Hub, person: Person, number: signal.Signals, record: dict[str, list[int]]
) -> None:
    """Whenever git is stopped, a login in the browser is kept: the Hub renews a token once, and what it has said to
    somebody who did not listen is lost.
    """
    wrong = []
    hub.faults.delay("/oauth/token", 0.2)
    for moment in range(30 if IS_LONG else 2):
        person.make()
        pair = hub.oauth("alice", expires_in=3600)
        for name, text in {
            "token": pair.access_token,
            "stored_tokens": f"[oauth]\nhf_token = {pair.access_token}\nrefresh_token = {pair.refresh_token}\n"
            f"expires_at = {int(pair.expires_at)}\n\n",
        }.items():
            write(person.home / ".cache/huggingface" / name, text)
        hub.log.clear()
        words = COMMANDS["get"].words
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            words, stdin=pipe, stdout=pipe, stderr=pipe, env=person.environment, start_new_session=True
        )
        assert process.stdin
        process.stdin.write(COMMANDS["get"].stdin.encode())
        process.stdin.close()
        deadline = time.monotonic() + PATIENCE
        while not hub.log.of("/oauth/token") and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(0.016 * moment if IS_LONG else 0.12 * moment)
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            pass
        process.stdin = None
        _, stderr = process.communicate(timeout=PATIENCE)
        asked = subprocess.run(
            words, input=COMMANDS["get"].stdin, capture_output=True, text=True, env=person.environment, timeout=PATIENCE
        )
        token = asked.stdout.partition("password=")[2].partition("\n")[0]
        if token not in hub.accounts.tokens:
            wrong.append(f"at {moment}: {asked} {(person.home / '.cache/huggingface/token').read_text()[:30]!r}")
        if BUGS.search(stderr.decode()):
            wrong.append(f"at {moment}: {stderr.decode()}")
    hub.faults.clear()
    note(record, f"{number.name}, at moments of a refresh of a browser login", moment + 1, len(wrong))
    assert not wrong, "\n".join(wrong)


# Runs in the Python that is started below, before anything of ours: Ctrl-C comes as this module is imported.
INTERRUPTED = """
import os, signal, sys
class Finder:
    def find_spec(self, name, *_):
        if name == "git_credential_hf.__main__":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize("ignored", [False, True])
def test_ctrl_c_among_the_imports(ignored: bool, tmp_path: Path) -> None:
    """Ctrl-C before the program has begun shows no traceback, and nothing where it is ignored (`nohup`)."""
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTED)
    shell = ("trap '' INT; " if ignored else "") + "exec git-credential-hf --version"
    done = subprocess.run(
        ["bash", "-c", shell], env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, timeout=PATIENCE
    )
    assert (done.returncode, done.stderr) == (0 if ignored else -signal.SIGINT, b"")


def test_ctrl_c_where_nothing_can_be_raised() -> None:
    """Ctrl-C in a destructor is not lost, and no traceback."""
    program = """
from git_credential_hf import __main__ as program
class Dying:
    def __del__(self):
        raise KeyboardInterrupt
program._catch_interrupts(True)
Dying()
print("lost")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")
