"""The picture in the README shows what the program prints, letter by letter."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from transcript import at_terminal, svg

if TYPE_CHECKING:
    from fake_hub import Hub

PICTURE = Path(__file__).parents[1] / "support/transcript/doctor.svg"
COMMANDS = ("git-credential-hf doctor", "git-credential-hf doctor --fix --yes", "git-credential-hf doctor")
LOGIN = "hf_LoginLoginLoginLoginLoginLogi7Kd2"
OLD = "hf_NetrcNetrcNetrcNetrcNetrcNetrxQ91"
OLDEST = "hf_StoreStoreStoreStoreStoreStorb3Lm"


def a_home(home: Path, hub: Hub) -> Path:
    """Somebody's home with three logins in it: today's, one in `.netrc` that can only read, and one in a helper."""
    from fake_hub.accounts import Token

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
        home / ".netrc": f"machine example.org login alice password x\n\nmachine huggingface.co\n"
        f"  login alice\n  password {OLD}\n",
        home / ".git-credentials": f"https://alice:{OLDEST}@huggingface.co\n",
        home
        / ".gitconfig": '[filter "lfs"]\n\tprocess = git-lfs filter-process\n[user]\n\tname = Alice\n[credential]\n'
        "\thelper = store\n",
    }.items():
        path.write_text(content)
        path.chmod(0o600)
        os.utime(path, (time.time() - 3600,) * 2)
    return home / "model"


def test_picture(home: Path, world: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """doctor.svg is made anew from what the program prints today, and is what is in the repository."""
    where = a_home(home, world)
    said = "\n".join(f"$ {command}\n{at_terminal(command, where)}" for command in COMMANDS)
    said = said.replace(str(home), "/home/alice")
    made = svg("git-credential-hf doctor", said)
    for secret in (LOGIN, OLD, OLDEST, str(home), "/tmp"):
        assert secret not in made
    assert "healthy: nothing is wrong" in said
    assert len(made) < 30_000
    if os.environ.get("GIT_CREDENTIAL_HF_TESTS_RENEW"):
        PICTURE.write_text(made)
    assert PICTURE.read_text() == made, "the program prints something else now: tests/support/transcript/make"
