"""Hundreds of helpers at once, while the token is renewed, switched or refused, or other helpers are purged."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from amount import IS_LONG

from . import COMMANDS, HUB, OLD, OTHERS, Person, write

if TYPE_CHECKING:
    from fake_hub import Hub

MANY = 500 if IS_LONG else 60
LIMIT = 600  # seconds for all of them, on a machine that has other things to do
REFRESH = "POST /oauth/token"
SWITCH = """
import itertools, sys, time
from huggingface_hub import auth_switch
for name in itertools.cycle(("two", "one")):
    auth_switch(name)
    print(name, flush=True)
    time.sleep(0.05)
"""


class Crowd:
    """Processes that were started one right after the other; each has files for its stdin, stdout and stderr."""

    def __init__(self, person: Person, folder: Path) -> None:
        self.person, self.folder = person, folder
        self.processes: list[tuple[str, subprocess.Popen[bytes]]] = []

    def start(self, name: str, stdin: str) -> None:
        number = len(self.processes)
        (self.folder / f"{number}.in").write_text(stdin)
        with (
            (self.folder / f"{number}.in").open("rb") as given,
            (self.folder / f"{number}.out").open("wb") as stdout,
            (self.folder / f"{number}.err").open("wb") as stderr,
        ):
            words, where, environment = COMMANDS[name].words, self.person.work, self.person.environment
            process = subprocess.Popen(words, stdin=given, stdout=stdout, stderr=stderr, cwd=where, env=environment)
        self.processes.append((name, process))

    def ended(self) -> Iterator[tuple[str, int, str, str]]:
        """The name, status, stdout and stderr of each."""
        for number, (name, process) in enumerate(self.processes):
            status = process.wait(LIMIT)
            stdout, stderr = ((self.folder / f"{number}.{which}").read_text() for which in ("out", "err"))
            assert "Traceback" not in stderr and "internal error" not in stderr, stderr
            yield name, status, stdout, stderr


@pytest.fixture
def crowd(hub: Hub, person: Person, tmp_path: Path) -> Iterator[Crowd]:
    hub.log.clear()
    hub.faults.clear()
    person.make()
    crowd = Crowd(person, tmp_path)
    yield crowd
    for _, process in crowd.processes:
        process.kill()
        process.wait()


def answers(crowd: Crowd, known: dict[str, str], secrets: list[str]) -> Counter[str]:
    """How many processes gave which answer: one of those known, a `quit`, none; anything else is torn."""
    kinds: Counter[str] = Counter()
    for name, _, stdout, stderr in crowd.ended():
        if name == "get":
            password = stdout.removeprefix("username=git\npassword=").partition("\n")[0]
            is_whole = stdout.startswith("username=git\npassword=") and stdout.endswith("\n")
            no = "quit" if stdout == "quit=1\n" else "a clear no" if not stdout and stderr else "torn"
            kinds[known.get(password, "torn") if is_whole else no] += 1
        else:
            kinds[name] += 1
            kinds["torn"] += stdout != "" and name != "purge"
        assert not [secret for secret in secrets if secret in stderr]
    return kinds


def note(crowds: list[list[object]], meanwhile: str, kinds: Counter[str], refreshes: int, wrong: int = 0) -> None:
    said = ", ".join(f"{number} {kind}" for kind, number in kinds.most_common() if kind != "torn" and number)
    crowds.append([meanwhile, sum(kinds.values()) - kinds["torn"], said, refreshes, kinds["torn"] + wrong])


def test_a_refresh(hub: Hub, crowd: Crowd, crowds: list[list[object]]) -> None:
    """The Hub is asked for one refresh, which takes a while; everybody is given the new token, and nobody the old."""
    pair = hub.oauth("alice", expires_in=3600)
    folder = crowd.person.home / ".cache/huggingface"
    write(folder / "token", pair.access_token)
    fields = f"refresh_token = {pair.refresh_token}\nexpires_at = {int(pair.expires_at)}\n"
    write(folder / "stored_tokens", f"[oauth]\nhf_token = {pair.access_token}\n{fields}\n")
    hub.faults.delay("/oauth/token", 2)
    for _ in range(MANY):
        crowd.start("get", HUB + "\n")
    processes = [process for _, process in crowd.processes]
    for process in processes:
        process.wait(LIMIT)
    new = (folder / "token").read_text()
    kinds = answers(
        crowd, {new: "the new token", pair.access_token: "the old token"}, [new, pair.access_token, pair.refresh_token]
    )
    refreshes = len(hub.log.of(REFRESH))
    note(crowds, "a refresh of a browser login", kinds, refreshes)
    assert new != pair.access_token
    assert hub.accounts.tokens[new]
    assert (kinds, refreshes) == ({"the new token": MANY}, 1)


def test_a_switch(hub: Hub, crowd: Crowd, crowds: list[list[object]]) -> None:
    """Each is given one of the two tokens, whole, while `hf auth switch` goes back and forth."""
    tokens = {name: hub.token("alice", name=name) for name in ("one", "two")}
    folder = crowd.person.home / ".cache/huggingface"
    write(folder / "token", tokens["one"])
    write(folder / "stored_tokens", "".join(f"[{name}]\nhf_token = {token}\n\n" for name, token in tokens.items()))
    command = ["python", "-c", SWITCH]
    with subprocess.Popen(command, env=crowd.person.environment, stdout=subprocess.PIPE) as switch:
        assert switch.stdout
        switch.stdout.readline()
        for _ in range(MANY):
            crowd.start("get", HUB + "\n")
        kinds = answers(crowd, {token: f"token {name}" for name, token in tokens.items()}, [*tokens.values()])
        switch.kill()
    note(crowds, "a switch of accounts, over and over", kinds, len(hub.log.of(REFRESH)))
    assert set(kinds) == {"token one", "token two"}


def test_a_purge(hub: Hub, crowd: Crowd, crowds: list[list[object]]) -> None:
    """The file of `credential.helper store` loses no entry of another host, and has none for the Hub in the end."""
    person, token = crowd.person, crowd.person.token
    person.make(is_sick=True)
    others = OTHERS + "".join(f"https://user{number}:secret@host{number}.example\n" for number in range(200))
    file = person.home / ".git-credentials"
    write(file, f"https://git:{OLD}@huggingface.co\n{others}https://hf_user:{OLD}@huggingface.co\n")
    for number in range(MANY if IS_LONG else MANY // 2):
        operation = ("get", "get", "get", "get", "get", "get", "get", "get", "store", "purge")[number % 10]
        if operation == "purge" and number % 50 != 49:
            operation = "erase"
        password = token if operation == "store" else OLD
        crowd.start(operation, HUB + ("" if operation == "get" else f"username=git\npassword={password}\n") + "\n")
    kinds = answers(crowd, {token: "the token"}, [token, OLD])
    left = file.read_text()
    lost = len(set(others.splitlines()) - set(left.splitlines()))
    note(crowds, "a purge of git's store, which has 202 entries of others", kinds, len(hub.log.of(REFRESH)), lost)
    assert lost == kinds["torn"] == 0
    assert "huggingface" not in left
    assert not [path for path in person.locks() if "git-credentials" in path]


@pytest.mark.long
def test_a_refusal(hub: Hub, crowd: Crowd, crowds: list[list[object]]) -> None:
    """Each is given the token, or `quit` once the Hub has refused it; who erases it is told which it was."""
    token = hub.token("alice", name="laptop")
    write(crowd.person.home / ".cache/huggingface/token", token)
    hub.revoke(token)
    for number in range(MANY):
        crowd.start(
            *(("erase", HUB + f"username=git\npassword={token}\n\n") if number % 10 == 0 else ("get", HUB + "\n"))
        )
    kinds = answers(crowd, {token: "the token"}, [token])
    note(crowds, "refusals of a token that was revoked", kinds, len(hub.log.of(REFRESH)))
    assert kinds["torn"] == kinds["a clear no"] == 0
    said = [stderr for name, _, _, stderr in crowd.ended() if name == "erase"]
    assert all(f"hf_****{token[-4:]}" in text for text in said)
    assert len(hub.log.of("whoami")) <= len(said)
