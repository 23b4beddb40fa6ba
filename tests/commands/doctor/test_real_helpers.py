"""The helpers that people have beside this one, the real ones: to ask them changes nothing, and a copy is found."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from amount import IS_LONG, each_run
from other_helpers import REAL, Entry, Holder, build_libsecret

from .conftest import Machine

if TYPE_CHECKING:
    from fake_hub import Hub

OTHER = Entry("example.org", "bob", "the-password-of-bob")
HOLD = ("store", "cache", "keyring", "manager", "pass", "wincred")


def rows(names: Iterable[str]) -> list[object]:
    """Return a row for each helper; in the long run alone that of Wine, and awscli's, which takes a second to start."""
    return [pytest.param(name, marks=pytest.mark.long if name in ("wincred", "aws") else ()) for name in names]


@pytest.fixture(scope="session", autouse=True)
def libsecret() -> None:
    build_libsecret()


@pytest.fixture
def holder(request: pytest.FixtureRequest, online: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Holder]:
    with REAL[request.param](online.home, monkeypatch) as holder:
        holder.keep(OTHER) if request.param in HOLD else None
        yield holder


def add(online: Machine, holder: Holder) -> None:
    """Let git ask the helper after this program: it is not behind a reset."""
    with (online.home / ".gitconfig").open("a") as file:
        file.write(f'[credential]\n\thelper = "{holder.helper}"\n')


def files(home: Path) -> dict[Path, bytes]:
    """Return the settings, and what helpers hold; an agent or a daemon has files of its own."""
    ours = (home / ".cache/git-credential-hf", home / ".cache/git", home / ".gnupg", home / ".local/share/keyrings")
    paths = (path for path in home.rglob("*") if path.is_file() and not any(map(path.is_relative_to, ours)))
    return {path: path.read_bytes() for path in paths}


@pytest.mark.parametrize("holder", rows(REAL), indirect=True)
def test_asking_changes_nothing(holder: Holder, online: Machine, hub: "Hub") -> None:
    """No settings are written, no host is probed, and nobody hears of it, whatever the helper is."""
    online.repository()
    add(online, holder)
    before = files(online.home)
    hub.log.clear()
    offline = [("doctor", "--offline", "--json")] if IS_LONG else []  # doctor asks no helper more than online
    for command in (("doctor",), *offline, ("purge", "--dry-run")):
        done = online.run("git-credential-hf", *command, check=False)
        assert done.stderr == "", command
    assert files(online.home) == before
    assert {request.path.split("?")[0] for request in hub.log} <= {
        "/api/whoami-v2",
        "/api/models/alice/private-model/auth-check/write",
        *(f"/alice/private-model/{name}" for name in ("info/refs", "git-upload-pack")),
        "/alice/private-model.git/info/lfs/objects/batch",
    }
    assert online.ids() == ["helper-behind"]


# `test_every_holder` of test_purge.py finds and removes the copies of the others.
@pytest.mark.parametrize("holder", each_run(HOLD, "keyring", "pass"), indirect=True)
def test_a_copy_is_found(holder: Holder, online: Machine) -> None:
    """A copy of the login is found and removed by the fix; if the helper cannot, it says that it is still there."""
    online.repository()
    add(online, holder)
    online.secrets.add(OTHER.password)
    holder.keep(Entry("huggingface.co", "git", online.token))
    assert "stale-copy" in online.ids()
    done = online.doctor("--fix", "--yes")
    can_erase = type(holder).__name__ != "Pass"
    assert done.returncode == (0 if can_erase else 1), done.stdout + done.stderr
    assert bool(holder.held()) != can_erase
    assert set(holder.entries("example.org")) == {OTHER}
    if not can_erase:
        assert "'!pass-git-helper …' still holds a Hub token: it did not erase it" in done.stderr
        assert "hint: run `pass rm` with the entry" in done.stderr


def test_what_the_manager_is_spared(online: Machine, hub: "Hub", monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its provider, Git Credential Manager asks the host what it is, and sets that in ~/.gitconfig."""
    with REAL["manager"](online.home, monkeypatch):
        hub.log.clear()
        request = "protocol=https\nhost=huggingface.co\n\n"
        online.git("credential-manager", "get", stdin=request, check=False, GCM_INTERACTIVE="never")
    assert [request.line for request in hub.log] == ["HEAD /"]
    assert "provider = generic" in (online.home / ".gitconfig").read_text()
