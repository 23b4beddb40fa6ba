"""Other helpers gone wrong: what they say is not believed, not shown, and not passed on."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from operations import serve_hub
from servers import Server

from git_credential_hf.tokens import SECRET_VARIABLES

from . import ended, is_clean, new_token, start

MANY_THREADS = 1 << 35  # bytes of address space
SECRET = new_token()
HELPERS = {
    "a token for a user name": f"echo username={SECRET}; echo password={SECRET}",
    "control bytes": f"printf 'username=\\033]0;owned\\007\\npassword={SECRET}\\n'; printf '\\033[2J{SECRET}\\n' >&2",
    "for another host": f"echo protocol=https; echo host=evil.example; echo path=x; echo password={SECRET}",
    "quits": f"echo quit=1; echo password={SECRET}",
    "a NUL and no UTF-8": f"printf 'username=a\\000b\\377\\npassword={SECRET}\\377\\n'",
    "asks at the terminal": f"(echo owned; read line) > /dev/tty < /dev/tty; echo password={SECRET}",
    "no protocol": f"echo {SECRET}",
}


@pytest.fixture
def helpers(home: Path) -> Path:
    """All of them in git's configuration, each with a log of what it was told."""
    lines = []
    for number, script in enumerate(HELPERS.values()):
        program = home / f"git-credential-odd{number}"
        program.write_text(
            f'#!/bin/sh\necho "$1" >> {home}/told\ncat >> {home}/told\n[ "$1" = get ] || exit 0\n{script}\n'
        )
        program.chmod(0o755)
        lines.append(f"[credential]\n\thelper = {program}\n")
    (home / ".gitconfig").write_text("".join(lines) + "[credential]\n\thelper = hf\n")
    serve_hub(home, "http://127.0.0.1:9")
    return home


def test_what_helpers_say_is_not_shown(helpers: Path) -> None:
    """A secret in a helper's answer, wherever it stands there, and bytes for the terminal, are masked in all forms."""
    token = new_token()
    commands = ["purge", "purge --json", "doctor --offline --json", "status"]
    started = {
        c: start(*c.split(), HF_TOKEN=token, HF_ENDPOINT="http://127.0.0.1:9", memory=MANY_THREADS) for c in commands
    }
    for command, process in started.items():
        _, answer, said = ended(process)
        assert is_clean(answer + said, [SECRET, token]), (command, answer + said)
        if command == "purge --json":
            states = {entry["helper"][-1]: entry["state"] for entry in json.loads(answer)["helpers"]}
            assert set(states.values()) <= {"held", "unknown"}
    told = (helpers / "told").read_text(errors="surrogateescape")
    assert token not in told
    assert "evil.example" not in told


def test_helpers_are_told_nothing_new(helpers: Path) -> None:
    """After git's `store` they hear the secret that they gave themselves, and never the one that we gave."""
    token = new_token()
    message = f"protocol=https\nhost=huggingface.co\nusername=git\npassword={token}\n\n".encode()
    for operation in ("store", "erase"):
        process = start(operation, stdin=message, HF_TOKEN=token, HF_ENDPOINT="http://127.0.0.1:9", memory=MANY_THREADS)
        _, answer, said = ended(process)
        assert answer == ""
        assert is_clean(said, [SECRET, token]), said
    told = (helpers / "told").read_text(errors="surrogateescape")
    assert "get\n" in told
    assert token not in told
    assert not os.path.exists("owned")


INJECTED = "git%0aprotocol%3dhttps%0ahost%3dgithub.com"
GITHUB = "https://me:a-password-for-github@github.com"


def test_a_user_name_is_a_line(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with a line break, in a remote's URL or from the Hub, asks no helper about another host."""
    (home / ".git-credentials").write_text(f"{GITHUB}\n")
    (home / ".gitconfig").write_text(
        f'[credential]\n\thelper = store\n\thelper = hf\n[remote "origin"]\n\turl = https://{INJECTED}@huggingface.co/a/b\n'
    )
    answer = json.dumps({"name": "git\nprotocol=https\nhost=github.com", "auth": {}}).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
    with Server(head.encode() + answer) as server:
        with (home / ".gitconfig").open("a") as file:
            file.write(f'[credential "{server.url}"]\n\thelper = hf --hub {server.url}\n')
        for command in (["purge", "--json"], ["doctor", "--json"], ["doctor", "--fix", "--yes"]):
            process = start(*command, HF_TOKEN=new_token(), HF_ENDPOINT=server.url)
            _, stdout, said = ended(process)
            assert "github" not in stdout + said.replace("github.com in the user name", ""), command
        assert server.heard
    assert (home / ".git-credentials").read_text() == f"{GITHUB}\n"


def test_helpers_have_none_of_our_secrets(home: Path, tmp_path: Path) -> None:
    """Another helper that `purge` starts finds no token, and no identity of a CI job, in its environment."""
    seen = tmp_path / "seen"
    (home / ".gitconfig").write_text(f"[credential]\n\thelper = \"!f() {{ env > '{seen}'; }}; f\"\n\thelper = hf\n")
    secrets: dict[str, Any] = {name: f"secret-{new_token()}" for name in SECRET_VARIABLES}
    ended(start("purge", **secrets))
    environment = seen.read_text()
    assert "PATH=" in environment
    assert not any(name in environment or secret in environment for name, secret in secrets.items())
