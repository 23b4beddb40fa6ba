"""The casts in the README show exactly what the programs print."""

from __future__ import annotations

import os
import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

import pexpect
from account import Account, needs_huggingface_hub
from executable import PROGRAM
from fake_hub import Hub
from fake_hub.accounts import Token
from programs import run
from transcript.cast import Cast

PICTURES = Path(__file__).parents[2] / "docs/pictures"
LOGIN = "hf_LoginLoginLoginLoginLoginLogi7Kd2"
OLD = "hf_NetrcNetrcNetrcNetrcNetrcNetrxQ91"


def make_home(home: Path, hub: Hub) -> Path:
    """Make a home with two tokens: the login, and an old one in `.netrc` that can only read."""
    hub.user("alice")
    hub.repository("alice/model", files={"README.md": b"hello\n"})
    hub.accounts.add(Token(LOGIN, "alice", "write", name="laptop"))
    hub.accounts.add(Token(OLD, "alice", "read", name="old"))
    git = home / "model/.git"
    for folder in (git / "objects", git / "refs", home / ".cache/huggingface"):
        folder.mkdir(parents=True)
    for path, content in {
        git / "HEAD": "ref: refs/heads/main\n",
        git / "config": '[core]\n\tbare = false\n[remote "origin"]\n\turl = https://huggingface.co/alice/model\n',
        home / ".cache/huggingface/token": LOGIN,
        home / ".cache/huggingface/stored_tokens": f"[laptop]\nhf_token = {LOGIN}\n",
        home / ".netrc": "machine example.org login alice password x\n\n"
        f"machine huggingface.co\n  login alice\n  password {OLD}\n",
        home / ".gitconfig": '[filter "lfs"]\n\tprocess = git-lfs filter-process\n[user]\n\tname = Alice\n',
    }.items():
        path.write_text(content)
        path.chmod(0o600)
        os.utime(path, (time.time() - 3600,) * 2)
    link = home / ".local/bin/git-credential-hf"
    link.parent.mkdir(parents=True)
    link.symlink_to(PROGRAM)
    run("git-credential-hf", "configure")
    return home / "model"


def play(
    cast: Cast, command: str, where: Path, questions: Mapping[str, tuple[float, str]] | None = None, status: int = 0
) -> None:
    """Run a command on a terminal, and add it to the cast.

    `questions`: the words to wait for; for each, the seconds that the cast stops there, and what is typed then.
    """
    questions = questions or {}
    environment = {name: value for name, value in os.environ.items() if name != "GIT_TERMINAL_PROMPT"}
    child = pexpect.spawn(
        command, cwd=str(where), env={**environment, "TERM": "xterm"}, encoding="utf-8", dimensions=(24, 80)
    )
    child.logfile_read = shown = StringIO()
    for question, (_, answer) in questions.items():
        child.expect_exact(question)
        time.sleep(0.3 if answer else 0)  # until it has changed the modes of the terminal
        child.send(answer)
    child.expect(pexpect.EOF)
    child.close()
    output = shown.getvalue().replace(os.environ["HOME"], "/home/alice")
    assert child.exitstatus == status, output
    output = re.sub(r"(?<=enter the code: )[0-9A-F]{4}-[0-9A-F]{4}", "7QK4-M2XH", output)
    output = re.sub(r"remote: .*\n", "", output)  # which each git's server words differently
    output = re.sub(r", [\d.]+ \w+ \| [\d.]+ \w+/s", "", output)  # which is there if it took long enough
    cast.type(command)
    cast.show(output, {question: seconds for question, (seconds, _) in questions.items()})


def is_of(name: str, cast: Cast) -> None:
    """The file of this name is equal to a cast of what was printed now; or it is renewed."""
    picture = cast.svg()
    assert not re.search(r"hf_[A-Za-z]|hf_oauth_[A-Za-z]", picture), "a token"
    assert "/tmp" not in picture
    assert len(picture) < 30_000
    assert not re.search(r"<script|href|url\(|@import|@font-face|\bon\w+=", picture), (
        "needs something outside of the file"
    )
    assert text_at(99.99, picture) == text_at(None, picture) == "".join(cast.text.split())
    for percent in range(100):
        text_at(percent, picture)
    if os.environ.get("GIT_CREDENTIAL_HF_TESTS_RENEW"):
        (PICTURES / name).write_text(picture)
    assert (PICTURES / name).read_text() == picture, "the output has changed: run tests/support/transcript/make"


def text_at(percent: float | None, picture: str) -> str:
    """Return what is visible, without blanks, at a time of the animation, or without animation."""
    rows: dict[int, str] = {}
    for text in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text"):
        if text.get("text-anchor"):
            continue  # the title
        visible = text.get("class") != "h"
        if percent is not None:
            _, name = text.get("style", "").split(":")
            (rule,) = re.findall(rf"@keyframes {name}{{(.*)}}", picture)
            for at, visibility in re.findall(r"([\d.]+)%{visibility:(\w+)}", rule):
                visible = visibility == "visible" if float(at) <= percent else visible
        if visible:
            row = int(text.get("y", ""))
            assert row not in rows, "two texts in one row"
            rows[row] = "".join("".join(text.itertext()).split())
    return "".join(rows[row] for row in sorted(rows))


def test_doctor(home: Path, world: Hub) -> None:
    """doctor.svg: an old token is found, and removed."""
    directory, cast = make_home(home, world), Cast()
    play(cast, "git-credential-hf doctor", directory, status=1)
    play(cast, "git-credential-hf doctor --fix", directory, {"Fix it? [Y/n]: ": (2, "y\n")})
    assert "healthy: no problems found" in cast.text
    is_of("doctor.svg", cast)


def test_login(hub: Hub, account: Account) -> None:
    """login.svg: a clone asks somebody who is not logged in, and goes on."""
    needs_huggingface_hub(2, 4)  # the questions are its own
    hub.device_interval, hub.device_login = 1, "alice"
    cast = Cast()
    questions = {"Paste an access token\r\n": (3.0, "1"), "Waiting for authorization\r\n": (3.0, "")}
    play(cast, "git clone https://huggingface.co/alice/private-model", account.where, questions)
    assert cast.text.endswith("done.\n")
    is_of("login.svg", cast)


def test_push(hub: Hub, account: Account) -> None:
    """push.svg: a push that the Hub would refuse is refused before anything is uploaded."""
    hub.org("acme", alice="read")
    hub.repository("acme/model", files={"README.md": b"hello\n"}, lfs={"model.bin": b"x"})
    account.is_given(hub.token("alice"), "laptop")
    account.clone("https://huggingface.co/acme/model")
    account.commit({"model.bin": os.urandom(1 << 20)})
    account.run("git-credential-hf", "hooks", "install")
    cast = Cast()
    play(cast, "git push", account.where, status=1)
    assert "push refused before any upload" in cast.text
    is_of("push.svg", cast)
