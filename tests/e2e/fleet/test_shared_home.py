"""A directory for everybody's models, `HF_HOME`, in which somebody has logged in: git is not them unnoticed."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from account import needs_huggingface_hub
from programs import Done

from . import Machine

if TYPE_CHECKING:
    from fake_hub import Hub, OAuth

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
        machine.configure()
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


def test_stored_tokens_of_another_user(shared: Shared) -> None:
    """Beside a token of one's own, what another user has stored is selected by no name in a URL; doctor tells."""
    (shared.folder / "token").write_text(mine := shared.hub.token("alice"))
    os.chown(shared.folder / "token", ALICE, ALICE)
    (shared.folder / "stored_tokens").write_text(f"[work]\nhf_token = {shared.token}\n")
    os.chown(shared.folder / "stored_tokens", BOB, BOB)
    for user in ("work", "bob"):
        asked = f"{ASK.rstrip()}\nusername={user}\n\n"
        assert f"password={mine}" in shared.run("git", "credential", "fill", stdin=asked).stdout
    found = next(finding for finding in shared.doctor()["findings"] if finding["id"] == "token-file-foreign")
    assert found["title"] == "the file of stored tokens belongs to bob"
    assert {request.token for request in shared.hub.log if request.token} <= {mine}


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


# --- a browser login that is due ---


def write_login(folder: Path, pair: OAuth, owner: int, *, mode: int = 0o600) -> None:
    """Write the login of a browser, an hour ago, for a folder of its owner's."""
    lines = {"hf_token": pair.access_token, "refresh_token": pair.refresh_token, "expires_at": int(pair.expires_at)}
    text = "[laptop]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items()) + "\n"
    for name, content in (("token", pair.access_token), ("stored_tokens", text)):
        (folder / name).write_text(content)
        (folder / name).chmod(mode)
        os.utime(folder / name, (time.time() - 3600,) * 2)
    for path in (folder, *folder.iterdir()):
        os.chown(path, owner, owner)


def owners(home: Path) -> set[int]:
    return {path.lstat().st_uid for path in (home, *home.rglob("*"))}


@pytest.mark.parametrize("chosen", [False, True])
def test_the_login_of_somebody_else_is_not_renewed(chosen: bool, shared: Shared, hub: Hub) -> None:
    """Git gets bob's token as it is, due or expired or refused, and bob stays logged in: alice cannot store another."""
    needs_huggingface_hub(1, 20)
    shared.folder.chmod(0o2777)
    more = {"HF_TOKEN_PATH": "/tmp/models/token"} if chosen else {}
    for expires_in in (3600, -60):
        pair = hub.oauth("bob", expires_in=expires_in)
        write_login(shared.folder, pair, BOB, mode=0o644)
        shared.folder.chmod(0o2777)
        done = shared.run("git", "credential", "fill", stdin=ASK, **more)
        assert f"password={pair.access_token}" in done.stdout
        assert done.stderr == ""
        hub.revoke(pair.access_token)
        refused = shared.run("git-credential-hf", "erase", stdin=f"{ASK[:-1]}password={pair.access_token}\n", **more)
        assert "error: " in refused.stderr
        assert "renewed" not in refused.stderr
        assert hub.log.of("/oauth/token") == []
        assert {path.name for path in shared.folder.iterdir()} == {"token", "stored_tokens"}


def test_root_in_the_home_of_a_user(machine: Machine, hub: Hub) -> None:
    """`sudo git` renews nothing there, and leaves no file of root's: the user's own git renews the login afterwards."""
    needs_huggingface_hub(1, 20)
    home = machine.user(ALICE, "hf_unused")
    inside = machine.root / str(home).lstrip("/")
    pair = hub.oauth("alice", expires_in=3600)
    write_login(inside / ".cache/huggingface", pair, ALICE)
    configure = machine.run("git-credential-hf", "configure", user=ALICE, HOME=str(home))
    assert configure.returncode == 0
    done = machine.run("git", "ls-remote", MODEL, HOME=str(home), GIT_TERMINAL_PROMPT="0")
    assert (done.stderr, owners(inside), hub.log.of("/oauth/token")) == ("", {ALICE}, [])
    done = machine.run("git", "ls-remote", MODEL, user=ALICE, HOME=str(home), GIT_TERMINAL_PROMPT="0")
    assert (done.stderr, [request.status for request in hub.log.of("/oauth/token")]) == ("", [200])
    pair = hub.oauth("alice", expires_in=-60)
    write_login(inside / ".cache/huggingface", pair, ALICE)
    done = machine.run("git", "ls-remote", MODEL, HOME=str(home), check=False, GIT_TERMINAL_PROMPT="0")
    assert f"is not renewed: {home}/.cache/huggingface/stored_tokens belongs to " in done.stderr
    assert f"hint: run the command as the user {ALICE}, not as root\n" in done.stderr
    assert (owners(inside), len(hub.log.of("/oauth/token"))) == ({ALICE}, 1)


def test_a_lock_of_root(machine: Machine, hub: Hub) -> None:
    """What root has left beside a login is named, with the command that removes it, once; the login is then renewed."""
    needs_huggingface_hub(1, 20)
    home = machine.user(ALICE, "hf_unused")
    inside = machine.root / str(home).lstrip("/")
    write_login(inside / ".cache/huggingface", hub.oauth("alice", expires_in=3600), ALICE)
    lock = inside / ".cache/huggingface/stored_tokens.lock"
    lock.touch(0o644)

    def get() -> str:
        done = machine.run("git-credential-hf", "get", user=ALICE, stdin=ASK, HOME=str(home))
        assert "password=" in done.stdout
        return done.stderr

    warned = get()
    assert f"is not renewed: cannot write {home}/.cache/huggingface/stored_tokens.lock\n" in warned
    assert (get(), hub.log.of("/oauth/token")) == ("", [])
    (hint,) = [line for line in warned.splitlines() if "hint: run `" in line]
    doctor = machine.run("git-credential-hf", "doctor", "--json", user=ALICE, HOME=str(home), check=False)
    (found,) = [one for one in json.loads(doctor.stdout)["findings"] if one["id"] == "login-not-renewable"]
    assert (found["title"], f"hint: {found['fix']}") == ("the login cannot be renewed", hint.partition("hf: ")[2])
    machine.run("sh", "-c", hint.partition("`")[2].rstrip("`"), user=ALICE)
    assert (get(), len(hub.log.of("/oauth/token"))) == ("", 1)
    doctor = machine.run("git-credential-hf", "doctor", "--json", user=ALICE, HOME=str(home), check=False)
    assert "login-not-renewable" not in doctor.stdout


def test_a_full_disk(machine: Machine, hub: Hub) -> None:
    """A login that is due is not renewed if there is no space for the new token, and stays whole."""
    needs_huggingface_hub(1, 20)
    home = machine.user(ALICE, "hf_unused")
    folder = machine.root / str(home).lstrip("/") / ".cache/huggingface"
    machine.mount("-t", "tmpfs", "-o", "size=64k", "none", folder)
    pair = hub.oauth("alice", expires_in=3600)
    write_login(folder, pair, ALICE)
    (folder / "stored_tokens.lock").touch(0o666)
    os.chown(folder / "stored_tokens.lock", ALICE, ALICE)
    with pytest.raises(OSError, match="No space"), open(folder / "model.bin", "wb", buffering=0) as file:
        while True:
            file.write(b"x" * 512)
    done = machine.run("git-credential-hf", "get", user=ALICE, stdin=ASK, HOME=str(home))
    assert f"password={pair.access_token}" in done.stdout
    assert f"is not renewed: cannot write to {home}/.cache/huggingface: No space left on device\n" in done.stderr
    assert (hub.log.of("/oauth/token"), pair.refresh_token in (folder / "stored_tokens").read_text()) == ([], True)
