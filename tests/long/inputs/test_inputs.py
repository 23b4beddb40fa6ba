"""Thousands of generated inputs of each kind, and those that were once hard: each is judged by what it has to be."""

import json
import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from amount import some
from operations import serve_hub

import inputs
from git_credential_hf.api.access import check_access
from git_credential_hf.git.netrc import parse_netrc, used_entry, without_machines
from git_credential_hf.hooks.verdict import CHECKS
from git_credential_hf.problem import Problem
from git_credential_hf.protocol import parse_request
from git_credential_hf.repository import Repository
from git_credential_hf.tokens import Token
from inputs import accounts, configurations, histories, messages, netrcs, targets, urls

if TYPE_CHECKING:
    from fake_hub import Hub


@pytest.fixture
def program(tmp_path: Path) -> Iterator[messages.Program]:
    (tmp_path / "logins").mkdir()
    program = messages.Program(tmp_path / "logins")
    yield program
    program.close()


def test_messages(program: messages.Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever comes in, in whichever circumstances: a refusal, silence, or the one right credential, whole."""
    for name in program.variables(messages.generated(0)):
        monkeypatch.setenv(name, "")  # to be put back
    seen = inputs.run("messages", lambda number: messages.judge(messages.generated(number), program), 4_000, 1_000_000)
    if not inputs.ONE:
        kinds = {"refused", "not ours", "answered", "nobody", "no such token", "store", "erase", "capability"}
        kinds.add("no such Hub")
        assert set(seen) == kinds, seen
        assert min(seen["answered"], seen["refused"], seen["not ours"]) > sum(seen.values()) / 12, seen


@pytest.mark.parametrize("line", [b"state[]=x\n", b"unknown=1\n", b"x=\n", b"wwwauth[]=\n", b"state[]=x\nstate[]=\n"])
def test_huge_messages(line: bytes) -> None:
    """The longest message is read in no time to speak of, whatever its lines are; a list of values once was not."""
    began = time.process_time()
    parse_request(b"protocol=https\nhost=hf.co\n" + line * (1_000_000 // len(line)))
    assert time.process_time() - began < 1


def test_messages_through_the_executable(program: messages.Program) -> None:
    """The executable does what was judged within this process."""

    def judge(number: int) -> str:
        asked = messages.generated(number)
        kind, status, stdout, _ = messages.expected(asked)
        variables = {name: value for name, value in program.variables(asked).items() if value is not None}
        command = [*messages.arguments_of(asked)]
        done = subprocess.run(command, input=asked.message, capture_output=True, env={**os.environ, **variables})
        program.forget()
        assert (done.returncode, done.stdout) == (status, stdout), (asked, kind, done)
        assert not any(value.encode() in done.stderr for value in messages.TOKENS), asked
        assert (done.stderr == b"") == (kind in ("answered", "not ours", "store", "capability")) or kind == "erase", (
            done
        )
        return kind

    inputs.run("messages, executable", judge, 60, 1_000)


def test_urls() -> None:
    """Of any URL it is certain whether it leads to the Hub, and by which transport; none of its lookalikes does."""
    seen = inputs.run("URLs", lambda number: urls.judge(urls.generated(number)), 6_000, 100_000)
    if not inputs.ONE:
        assert min(seen.values()) > sum(seen.values()) / 100, seen


def test_names() -> None:
    """A repository has the name that huggingface_hub reads, but for the differences that each have their rule."""
    seen = inputs.run("URLs, huggingface_hub", lambda number: urls.judge_name(urls.generated(number)), 12_000, 100_000)
    if not inputs.ONE:
        assert inputs.LONG or not (unused := {*urls.RULES} - {*seen}), unused
        assert seen["the same"] > sum(seen.values()) / 10, seen


def test_urls_by_git() -> None:
    """Where git goes with a URL, and whom it asks about it, is what was judged."""
    subprocess.run(["git", "init", "--quiet", "--bare", "."], check=True)  # to be told what it makes of ssh's URLs
    seen = inputs.run("URLs, git", lambda number: urls.judge_by_git(urls.generated(number)), 300, 5_000)
    assert inputs.ONE or min(seen["the Hub's, by https"], seen["the Hub's, by ssh"]) > 10, seen


def test_netrc_files() -> None:
    """Of any netrc file: an answer or a problem with its line, and nothing of another machine's is ever changed."""
    seen = inputs.run("netrc", lambda number: netrcs.judge(netrcs.generated(number)), 1_000, 100_000)
    assert inputs.ONE or min(seen[kind] for kind in ("refused", "without the Hub", "changed")) > sum(seen.values()) / 10


@pytest.mark.parametrize("name", some([*netrcs.GROWING], 5))
def test_huge_netrc_files(name: str) -> None:
    """The longest file that is read, and one of 1 MB, take no time to speak of, however they are made."""
    for head in (b"", b"machine a.example login b password y\n", b"macdef x\n") if inputs.LONG else (b"",):
        for size in (1 << 16, 1 << 20):
            content = (head + netrcs.GROWING[name] * (size // len(netrcs.GROWING[name])))[:size]
            began = time.process_time()
            for ask in (
                parse_netrc,
                lambda content: without_machines(content, ["hf.co"]),
                lambda content: used_entry(content, "hf.co"),
            ):
                try:
                    ask(content)
                except Problem:
                    pass
            assert time.process_time() - began < 10, (name, head, size)


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl")
def test_netrc_files_by_curl(tmp_path: Path) -> None:
    """The installed curl itself sends what is said to be used, with the Hub's machines and without them."""
    number = random.SystemRandom().randrange(1 << 40) if inputs.LONG else 0
    files: list[bytes] = []
    while len(files) < (int(4_000 * inputs.LONG) or 200):
        content = netrcs.generated(number)
        number += 1
        try:
            files += {content, without_machines(content, netrcs.HUB)}
        except Problem:
            continue
    for part in range(0, len(files), 400):
        some = files[part : part + 400]
        for content, sent in zip(some, netrcs.by_curl(some, tmp_path / str(part)), strict=True):
            netrcs.judge_by_curl(content, sent)
    inputs.figures("netrc, curl", inputs=len(files), failures=0)


@pytest.fixture
def place(home: Path, monkeypatch: pytest.MonkeyPatch) -> configurations.Place:
    for name in ("PATH", "HELPERS_LOG"):
        monkeypatch.setenv(name, os.environ.get(name, ""))  # to be put back
    return configurations.Place(home)


def test_configurations(place: configurations.Place) -> None:
    """What is read of git's configuration is what git reads, down to the helpers that it starts."""

    def judge(number: int) -> str:
        url = configurations.URLS[number // 8 % len(configurations.URLS)] if number % 8 == 0 else None
        return configurations.judge(configurations.generated(number), place, url)

    seen = inputs.run("git configuration", judge, 150, 20_000)
    assert inputs.ONE or min(seen["read, and git asked"], seen["git cannot read it"]) > sum(seen.values()) / 20, seen


@pytest.mark.parametrize("name", configurations.ONCE_WRONG)
def test_configurations_that_were_hard(name: str, place: configurations.Place) -> None:
    """What no program would write, and a person did, is read as git reads it."""
    content = configurations.ONCE_WRONG[name]
    assert configurations.judge({".gitconfig": content}, place, configurations.URLS[0]) == "read, and git asked"


def test_configure_restores_any_configuration(place: configurations.Place) -> None:
    """Whatever stands in the file: configured twice is configured once, and unconfigured it has the same bytes."""

    def judge(number: int) -> str:
        return configurations.judge_configure(configurations.generated(number)[".gitconfig"], place)

    seen = inputs.run("git configuration, configure", judge, 20, 1_000)
    assert inputs.ONE or seen["restored"] > sum(seen.values()) / 3, seen


@pytest.mark.parametrize("name", accounts.once_wrong())
def test_accounts_that_say_nothing(name: str) -> None:
    """An answer that lacks what a "no" would be about, or has something else there, is none."""
    with accounts.Server() as server:
        server.answer = json.dumps(accounts.once_wrong()[name]).encode()
        token = Token("hf_" + "w" * 34, "env", "HF_TOKEN", hub=server.url)
        assert check_access(token, Repository("models", "acme/model", server.url), write=True).answer == "unknown"
        server.shutdown()


def test_accounts(home: Path) -> None:
    """Whatever whoami-v2 answers: yes, no or unknown, in `check` as in a push, and no "no" that it does not say."""
    with accounts.Server() as server:
        serve_hub(home, server.url)
        subprocess.run(["git", "init", "--quiet", "."], check=True)
        for check in CHECKS:
            if check != "writeCheck":
                subprocess.run(["git", "config", f"hf.{check}", "off"], check=True)
        seen = inputs.run("whoami", lambda number: accounts.judge(number, server), 250, 20_000)
        server.shutdown()
    if not inputs.ONE:
        assert seen.pop("late", 0) < 20, seen
        assert set(seen) == {"unreachable", "read-only-token", "token-not-scoped", "role-too-low"}, seen
        assert min(seen.values()) > sum(seen.values()) / 100, seen


def test_pushes(world: "Hub", home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is pushed from whichever repository: no "no" for what the Hub takes, a word about what it refuses."""
    (tmp_path / "pushes").mkdir()
    pushes = histories.Pushes(world, tmp_path / "pushes")
    monkeypatch.setenv("HF_TOKEN", pushes.token)
    monkeypatch.setenv("GIT_DIR", ".")  # as git sets it for the hook of a bare repository
    netrc = home / ".netrc"
    netrc.write_text(f"machine huggingface.co login alice password {pushes.token}\n")
    netrc.chmod(0o600)
    seen = inputs.run("pushes", pushes.judge, 40, 5_000)
    if not inputs.ONE:
        assert sum(number for said, number in seen.items() if said.startswith("taken, ")) > sum(seen.values()) / 2, seen
        assert min(seen[f"taken, {kind}"] for kind in ("shallow", "partial", "replaced", "grafted", "a leak")) > 0, seen
        assert sum(number for said, number in seen.items() if said.startswith("refused, ")) > 2, seen


def test_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What atheris has found, and what once was hard, is judged as it has to be; each target has some of it."""
    for name in ("HF_HOME", "HF_ENDPOINT", "HF_TOKEN", "HF_HUB_OFFLINE", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, "")  # to be put back
        monkeypatch.delenv(name)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", "")
    monkeypatch.setattr("huggingface_hub.constants.HF_STORED_TOKENS_PATH", "")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # what Targets set, it leaves
    files = sorted(inputs.CORPUS.glob("*/*"))
    for name, target in targets.Targets(tmp_path).named.items():
        mine = [file for file in files if file.parent.name == name]
        assert mine, name
        for file in mine:
            target(file.read_bytes())
    inputs.figures("corpus", inputs=len(files), failures=0)
    assert len(files) < 60
    assert sum(file.stat().st_size for file in files) < 50_000
