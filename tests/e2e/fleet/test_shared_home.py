"""A directory for everybody's models, `HF_HOME`, in which somebody has logged in: git is not them unnoticed."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from programs import Done

from . import Machine

if TYPE_CHECKING:
    from fake_hub import Hub

ALICE, BOB = 21001, 21002
MODEL = "https://huggingface.co/alice/private-model"
ASK = "protocol=https\nhost=huggingface.co\n\n"
OWN = f"/home/u{ALICE}/.cache/huggingface/token"


class Shared:
    """Alice's shell, with `HF_HOME` a directory of bob's; and his token in it, if there is one."""

    def __init__(self, machine: Machine, hub: Hub) -> None:
        self.machine, self.hub = machine, hub
        self.token = hub.token("bob")
        self.folder = machine.root / "tmp/models"
        self.folder.mkdir()
        self.write(0o644, BOB)
        machine.user(ALICE)
        machine.run("git-credential-hf", "configure", "--system")
        passwd = machine.root / "etc/passwd"
        passwd.write_text(
            passwd.read_text()
            + "".join(f"{name}:x:{n}:{n}::/home/u{n}:/bin/sh\n" for name, n in (("alice", ALICE), ("bob", BOB)))
        )

    def write(self, mode: int, owner: int) -> None:
        file = self.folder / "token"
        file.write_text(self.token)
        file.chmod(mode)
        for path in (self.folder, file):
            os.chown(path, owner, owner)
        self.folder.chmod(0o755)
        os.utime(file, (1_700_000_000,) * 2)

    def run(self, *command: str, **more: Any) -> Done:
        variables = {"HOME": f"/home/u{ALICE}", "HF_HOME": "/tmp/models", "GIT_TERMINAL_PROMPT": "0", **more}
        return self.machine.run(*command, user=ALICE, check=False, where=variables["HOME"], **variables)

    def doctor(self, **more: Any) -> dict[str, Any]:
        done = self.run("git-credential-hf", "doctor", "--json", **more)
        assert self.token not in done.stdout + done.stderr
        seen: dict[str, Any] = json.loads(done.stdout)
        seen["findings"] = [finding for finding in seen["findings"] if not finding["id"].startswith("lfs-")]
        return seen


@pytest.fixture
def shared(machine: Machine, hub: Hub) -> Shared:
    hub.user("bob")
    return Shared(machine, hub)


def test_readable(shared: Shared) -> None:
    """Git gets the token that huggingface_hub would use; doctor and status name its owner; the printed line ends it."""
    assert f"password={shared.token}" in shared.run("git", "credential", "fill", stdin=ASK).stdout
    seen = shared.doctor()
    (found,) = seen["findings"]
    assert (found["id"], found["title"]) == ("token-file-foreign", "the token file belongs to bob")
    assert "from the file /tmp/models/token" in found["detail"]
    assert not seen["healthy"]
    assert found["fix"] == f"run `export HF_TOKEN_PATH={OWN} && hf auth login`"
    status = shared.run("git-credential-hf", "status")
    assert status.returncode == 0
    assert "warning: the token file belongs to bob\n" in status.stderr
    shared.machine.user(ALICE, token := shared.hub.token("alice"))
    fix = shared.doctor()["findings"][0]["fix"]
    assert fix == f"run `export HF_TOKEN_PATH={OWN}`"
    ask = f"{fix.removeprefix('run ').strip('`')}; exec git credential fill"
    assert f"password={token}" in shared.run("sh", "-c", ask, stdin=ASK).stdout
    assert shared.doctor(HF_TOKEN_PATH=OWN)["findings"] == []


@pytest.mark.parametrize("folder", [0o755, 0o700])
def test_unreadable(folder: int, shared: Shared) -> None:
    """A login would fail on the same file, so git's error has the line that avoids it, and so has doctor."""
    shared.write(0o600, BOB)
    shared.folder.chmod(folder)
    done = shared.run("git", "ls-remote", MODEL)
    fix = f"run `export HF_TOKEN_PATH={OWN} && hf auth login`"
    assert "error: cannot read the token file /tmp/models/token: Permission denied\n" in done.stderr
    assert f"hint: {fix}\n" in done.stderr
    (found,) = shared.doctor()["findings"]
    assert (found["id"], found["title"], found["fix"]) == ("token-file-foreign", "the token file belongs to bob", fix)
    assert "Permission denied" in found["detail"]


def test_no_token(shared: Shared) -> None:
    """In a directory of another user, a login cannot write a token: it gets a place of its own."""
    (shared.folder / "token").unlink()
    done = shared.run("git", "ls-remote", MODEL)
    assert f"hint: run `export HF_TOKEN_PATH={OWN} && hf auth login`\n" in done.stderr


@pytest.mark.parametrize("owner", [0, ALICE, 65534])
def test_whose_token_is_no_finding(owner: int, shared: Shared) -> None:
    """Root's file is a mounted secret, and a network disk may not tell whose a file is."""
    shared.write(0o444 if owner != ALICE else 0o600, owner)
    assert shared.doctor()["findings"] == []
    assert "warning" not in shared.run("git-credential-hf", "status").stderr


def test_a_chosen_file_is_no_finding(shared: Shared) -> None:
    """Whoever sets `HF_TOKEN_PATH` or `HF_TOKEN` has chosen; so has who has a login of another number at home."""
    for chosen in ({"HF_TOKEN_PATH": "/tmp/models/token"}, {"HF_TOKEN": shared.hub.token("alice")}):
        assert shared.doctor(**chosen)["findings"] == []
    shared.machine.user(ALICE, shared.token)
    file = shared.machine.root / f"home/u{ALICE}/.cache/huggingface/token"
    os.chown(file, 501, 501)
    file.chmod(0o644)
    assert shared.doctor(HF_HOME=None)["findings"] == []
