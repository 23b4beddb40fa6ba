"""The pictures in the README show exactly what the programs print."""

from __future__ import annotations

import os
import re
import time
from io import StringIO
from pathlib import Path

import pexpect
from account import Account, needs_huggingface_hub
from executable import PROGRAM
from fake_hub import Hub
from fake_hub.accounts import Token
from programs import run
from transcript import run_on_terminal, screen_text, svg

PICTURES = Path(__file__).parents[2] / "docs/pictures"
COMMANDS = ("git-credential-hf doctor", "git-credential-hf doctor --fix --yes")
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


def is_of(name: str, text: str) -> None:
    """The picture of this name is equal to one of what was printed now; or it is renewed."""
    picture = svg(text.partition("\n")[0].removeprefix("$ "), text)
    assert not re.search(r"hf_[A-Za-z]|hf_oauth_[A-Za-z]", picture), "a token"
    assert "/tmp" not in picture
    assert len(picture) < 30_000
    if os.environ.get("GIT_CREDENTIAL_HF_TESTS_RENEW"):
        (PICTURES / name).write_text(picture)
    assert (PICTURES / name).read_text() == picture, "the output has changed: run tests/support/transcript/make"


def test_doctor(home: Path, world: Hub) -> None:
    """doctor.svg: an old token is found, and removed."""
    directory = make_home(home, world)
    output = "\n".join(
        f"$ {command}\n{run_on_terminal(command.split(), directory, os.environ)[0]}" for command in COMMANDS
    ).replace(str(home), "/home/alice")
    assert "healthy: nothing is wrong" in output
    is_of("doctor.svg", output)


def test_login(hub: Hub, account: Account) -> None:
    """login.svg: a clone asks somebody who is not logged in, and goes on."""
    needs_huggingface_hub(2, 4)  # the questions are its own
    hub.device_interval, hub.device_login = 1, "alice"
    command = "git clone https://huggingface.co/alice/private-model"
    environment = {name: value for name, value in os.environ.items() if name != "GIT_TERMINAL_PROMPT"}
    child = pexpect.spawn(
        command, cwd=str(account.where), env={**environment, "TERM": "xterm"}, encoding="utf-8", dimensions=(24, 80)
    )
    child.logfile_read = shown = StringIO()
    child.expect_exact("[Use arrows, Enter to confirm]")
    time.sleep(0.3)  # until it has changed the modes of the terminal
    child.send("1")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0, shown.getvalue()
    screen = screen_text(shown.getvalue().replace("\r\n", "\n"))
    screen = re.sub(r"(?<=enter the code: )[0-9A-F]{4}-[0-9A-F]{4}", "7QK4-M2XH", screen)
    screen = re.sub(r"^remote: .*\n", "", screen, flags=re.MULTILINE)  # which each git's server words differently
    screen = re.sub(r", [\d.]+ \w+ \| [\d.]+ \w+/s", "", screen)  # which is there if it took long enough
    is_of("login.svg", f"$ {command}\n{screen}".replace(str(account.home), "/home/alice"))


def test_push(hub: Hub, account: Account) -> None:
    """push.svg: a push that the Hub would refuse is refused before anything is uploaded."""
    hub.org("acme", alice="read")
    hub.repository("acme/model", files={"README.md": b"hello\n"}, lfs={"model.bin": b"x"})
    account.is_given(hub.token("alice"), "laptop")
    account.clone("https://huggingface.co/acme/model")
    account.commit({"model.bin": os.urandom(1 << 20)})
    account.run("git-credential-hf", "hooks", "install")
    output, status = run_on_terminal(["git", "push"], account.where, os.environ)
    assert status == 1
    is_of("push.svg", f"$ git push\n{screen_text(output)}")
