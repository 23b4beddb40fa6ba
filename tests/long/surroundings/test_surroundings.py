"""Every command in every surrounding does what it does anywhere, or says that it cannot, and harms nothing."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from amount import IS_LONG

from . import COMMANDS, OLD, OPERATIONS, Done, Person, damage
from .table import SURROUNDINGS, Surrounding

OURS = r"git-credential-hf: (error|warning|hint|trace): .+"
BUGS = re.compile(
    "Traceback|internal error|Exception ignored|most recent call|[A-Z][a-z]+Warning: |Segmentation|core dumped"
)
PUBLIC = COMMANDS["git clone"]._replace(line=COMMANDS["git clone"].line.replace("private", "public"))

Files = Mapping[str, bytes]


class Seen(NamedTuple):
    done: Done
    before: Files
    after: Files
    locks: list[str]


def see(person: Person, name: str, surrounding: Surrounding, number: int) -> Seen:
    """What a command does there."""
    command = COMMANDS[name]
    person.make(is_sick=command.is_sick, is_hooked=command.is_gits)
    more = {**surrounding.environment, **(person.homeless if surrounding.is_homeless else {})}
    with surrounding.around(person) if surrounding.around else contextlib.nullcontext():
        before = person.files()
        done = person.run(command, surrounding.shell, more, surrounding.terminal, number=number)
        if name == "git clone" and done.status and name in surrounding.fails and not surrounding.says:
            public = person.run(PUBLIC, surrounding.shell, more, surrounding.terminal, number=number)
            assert public.status, "git itself can clone there"
        return Seen(done, before, person.files(), person.locks())


def complaints(person: Person, name: str, surrounding: Surrounding, seen: Seen, elsewhere: Seen) -> list[str]:
    """What was not promised."""
    (status, stdout, stderr), before, after, locks = seen
    wrong = []
    if status == 999:
        wrong.append("it hangs")
    said = [line for line in (stdout if "1" in surrounding.terminal else "").splitlines() + stderr.splitlines() if line]
    text = "\n".join(line for line in said if not (surrounding.says and re.match(surrounding.says, line)))
    if found := BUGS.search(text):
        wrong.append(f"{found[0]!r} is said")
    answer = f"username=git\npassword={person.token}\n"
    if (
        person.token in stderr
        or (person.token in stdout and (name, stdout) != ("get", answer))
        or OLD in stdout + stderr
    ):
        wrong.append("a token is shown")
    if name == "get" and stdout not in ("", answer):
        wrong.append("half an answer")
    is_hidden = surrounding.is_unheard or "1" in surrounding.terminal
    if not COMMANDS[name].is_gits and not is_hidden:
        wrong += [f"not in our form: {line!r}" for line in text.splitlines() if not re.fullmatch(OURS, line)]
    is_as_ever = status == elsewhere.done.status and (
        surrounding.looks_other
        or surrounding.is_unheard
        or name == "doctor --fix"
        or plain(stdout) == plain(elsewhere.done.stdout)
    )
    if not is_as_ever and name not in surrounding.fails:
        wrong.append(f"status {status} instead of {elsewhere.done.status}, or another answer")
    if (
        status
        and not is_as_ever
        and name not in OPERATIONS
        and not is_hidden
        and not (said or stdout or COMMANDS[name].is_gits)
    ):
        wrong.append("it fails without a word")
    wrong += [f"{path} is left" for path in locks if not (surrounding.leaves and re.search(surrounding.leaves, path))]
    wrong += damage(before, after, elsewhere.after)
    if (
        status == 0
        and not surrounding.is_homeless
        and name in ("configure", "unconfigure", "hooks install", "purge", "doctor --fix")
    ):
        wrong += [
            f"{path} was not changed"
            for path in elsewhere.after
            if elsewhere.after[path] != elsewhere.before.get(path)
            and "backup" not in path
            and "git-credential-hf/" not in path
            and elsewhere.after[path] != after.get(path)
        ]
    return [f"{name}: {what}\n   {status} {stdout[-300:]!r} {stderr[-600:]!r}" for what in wrong]


def plain(text: str) -> str:
    return re.sub(r"number-\d+|\x1b\[\d+m|[^ -~\n]|\?", "", text)


@pytest.fixture(scope="module")
def elsewhere(person: Person) -> dict[str, Seen]:
    return {}


# The long run does a part of the rows in each of some processes: "0/2", "1/2".
PART, _, PARTS = os.environ.get("GIT_CREDENTIAL_HF_TESTS_PART", "0/1").partition("/")


@pytest.mark.parametrize("name", [*SURROUNDINGS][int(PART) :: int(PARTS)])
def test_surroundings(person: Person, name: str, elsewhere: dict[str, Seen], record: dict[str, list[int]]) -> None:
    """Nothing is lost, half-written, or shown; nothing hangs; what cannot be done is said in a line of ours; and a
    private repository can be cloned wherever git can clone a public one.
    """
    if "faketime" in SURROUNDINGS[name].shell and not shutil.which("faketime"):
        pytest.skip("faketime is not installed")
    at = [*SURROUNDINGS].index(name)
    commands = list(COMMANDS) if IS_LONG else ["get", *[[*COMMANDS][1 + at // 3 % (len(COMMANDS) - 1)]][: at % 3 == 0]]
    wrong = []
    for number, command in enumerate(commands, at * len(COMMANDS)):
        if command not in elsewhere:
            elsewhere[command] = see(person, command, Surrounding(), 100_000 + len(elsewhere))
        seen = see(person, command, SURROUNDINGS[name], number)
        wrong += complaints(person, command, SURROUNDINGS[name], seen, elsewhere[command])
    record[name] = [len(commands), len(wrong)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("limit", ["-n 6", "-n 8"])
def test_what_the_system_refuses(limit: str, home: Path) -> None:
    """Without a file descriptor left, that is said, and not that it is a mistake of ours, or of stdout."""
    shell = f"ulimit {limit}; exec git-credential-hf status"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, env={**os.environ, "HF_TOKEN": OLD})
    assert "internal error" not in done.stderr and "cannot write the output" not in done.stderr
    assert "Too many open files" in done.stderr


@pytest.mark.parametrize("operation", ["store", "erase"])
def test_parents_that_ignore_their_children(operation: str, home: Path) -> None:
    """A parent that has SIGCHLD ignored leaves that to us, and every child would have no status."""
    done = subprocess.run(
        ["env", "--ignore-signal=CHLD", "git-credential-hf", operation],
        input="protocol=https\nhost=huggingface.co\nusername=x\npassword=y\n\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
