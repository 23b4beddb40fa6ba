"""The picture in the README shows exactly what the program prints."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("pty", reason="no terminals as POSIX has them")
from executable import PROGRAM
from transcript import run_on_terminal, svg

if TYPE_CHECKING:
    from fake_hub import Hub

PICTURE = Path(__file__).parents[1] / "support/transcript/doctor.svg"
COMMANDS = ("git-credential-hf doctor", "git-credential-hf doctor --fix --yes", "git-credential-hf doctor")
LOGIN = "hf_LoginLoginLoginLoginLoginLogi7Kd2"
OLD = "hf_NetrcNetrcNetrcNetrcNetrcNetrxQ91"
OLDEST = "hf_StoreStoreStoreStoreStoreStorb3Lm"


def make_home(home: Path, hub: Hub) -> Path:
    """Make a home with three tokens: the login, an old one in `.netrc` that can only read, and one in a helper."""
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
        home / ".netrc": "machine example.org login alice password x\n\n"
        f"machine huggingface.co\n  login alice\n  password {OLD}\n",
        home / ".git-credentials": f"https://alice:{OLDEST}@huggingface.co\n",
        home / ".gitconfig": '[filter "lfs"]\n\tprocess = git-lfs filter-process\n'
        "[user]\n\tname = Alice\n[credential]\n\thelper = store\n",
    }.items():
        path.write_text(content)
        path.chmod(0o600)
        os.utime(path, (time.time() - 3600,) * 2)
    link = home / ".local/bin/git-credential-hf"
    link.parent.mkdir(parents=True)
    link.symlink_to(PROGRAM)
    return home / "model"


def test_picture(home: Path, world: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """doctor.svg is equal to a picture of what the program prints now."""
    directory = make_home(home, world)
    output = "\n".join(
        f"$ {command}\n{run_on_terminal(command.split(), directory, os.environ)[0]}" for command in COMMANDS
    ).replace(str(home), "/home/alice")
    output = re.sub(r"(?<=backup-)\d{8}-\d{6}", "20261129-120000", output)
    picture = svg("git-credential-hf doctor", output)
    for secret in (LOGIN, OLD, OLDEST, str(home), "/tmp"):
        assert secret not in picture
    assert "healthy: nothing is wrong" in output
    assert len(picture) < 30_000
    if os.environ.get("GIT_CREDENTIAL_HF_TESTS_RENEW"):
        PICTURE.write_text(picture)
    assert PICTURE.read_text() == picture, "the output has changed: run tests/support/transcript/make"
