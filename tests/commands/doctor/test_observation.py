"""What `doctor` sees git and git-lfs get from the Hub, and that to look changes nothing."""

import re
from collections.abc import Callable

import pytest
from account import WEIGHTS, knows_authtype
from amount import each_run
from executable import PROGRAM

from .conftest import MODEL, Machine, hours, new_token, shown

pytestmark = pytest.mark.git_versions

Act = Callable[[Machine], object]


def answers(machine: Machine, *arguments: str) -> str:
    """Return what `doctor` says the Hub answers."""
    line = machine.doctor(*arguments).stdout.partition("\n\n")[0].replace("\n", " ")
    found = re.search(r"(the Hub answers|not asked): .*", line)
    assert found
    return found[0]


BOTH = "the Hub answers: git 200, git-lfs 200; not tried: git-xet, huggingface_hub"


# --- to look changes nothing ---


def refused_in_store(machine: Machine) -> None:
    """A token that the Hub refuses, which git would have erased, in a helper without which it has none."""
    machine.run("git-credential-hf", "unconfigure")
    machine.git("config", "--global", "credential.helper", "store")
    machine.write(".git-credentials", f"https://alice:{new_token()}@huggingface.co\n")


def good_before_store(machine: Machine) -> None:
    """A token that git would have stored in a second helper."""
    machine.run("git-credential-hf", "unconfigure")
    machine.git("config", "--global", "credential.helper", PROGRAM)
    machine.git("config", "--global", "--add", "credential.helper", "store")


def refused_login(machine: Machine) -> None:
    assert machine.hub
    machine.hub.revoke(machine.token)


def refused_in_netrc(machine: Machine) -> None:
    machine.write(".netrc", f"machine huggingface.co login alice password {new_token()}\n")


@pytest.mark.parametrize(
    "act",
    each_run([refused_in_store, good_before_store, refused_login, refused_in_netrc], refused_in_store, refused_login),
)
def test_nothing_changes(act: Act, online: Machine) -> None:
    """No file of the home or of the repository is another one, and no token is held back after it."""
    online.git("clone", "--quiet", MODEL, str(online.home / "work"))
    online.where = online.home / "work"
    act(online)
    before = online.files()
    state = {path: path.read_bytes() for path in online.home.rglob(".cache/git-credential-hf/refused*")}
    online.examine()
    online.doctor()
    assert online.files() == before
    assert {path: path.read_bytes() for path in online.home.rglob(".cache/git-credential-hf/refused*")} == state


# --- what is observed ---


@pytest.mark.git_versions(each_run=1)
def test_both_are_asked(online: Machine) -> None:
    """Git lists a reference, and an object is asked about at the endpoint of git-lfs, with what they would send."""
    assert online.hub
    online.repository()
    online.hub.log.clear()
    assert answers(online) == BOTH
    lines = {request.line: request for request in online.hub.log}
    assert lines["POST /alice/private-model/git-upload-pack"].token == online.token
    assert lines["POST /alice/private-model.git/info/lfs/objects/batch"].token == online.token


def test_a_repository_that_is_named(online: Machine) -> None:
    """Git is asked about that, whatever the current directory is."""
    assert online.hub
    online.hub.repository("datasets/alice/data", private=True)
    assert answers(online, "datasets/alice/data") == BOTH


def somebodys_own(machine: Machine) -> None:
    for value in ("", "!true"):
        machine.git("config", "--add", "credential.helper", value)


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (
            lambda machine: machine.git("config", "http.proxy", "http://192.0.2.9:3128"),
            "this repository sets http.proxy",
        ),
        (lambda machine: machine.git("config", "http.sslVerify", "false"), "this repository sets http.sslverify"),
        (lambda machine: machine.git("config", "remote.origin.vcs", "other"), "this repository sets remote.origin.vcs"),
        (lambda machine: machine.set("HF_HUB_OFFLINE", "1"), "HF_HUB_OFFLINE is set"),
        (somebodys_own, "a credential helper might prompt"),
    ],
    ids=["proxy", "no TLS", "another program", "offline", "somebody's own helper"],
)
def test_not_asked(act: Act, why: str, online: Machine) -> None:
    """Git is not run where a repository leads it elsewhere, or where a person may have to act, and that is said."""
    assert online.hub
    online.repository()
    act(online)
    online.hub.log.clear()
    done = online.doctor().stdout
    assert f"git ({why})" in " ".join(done.split())
    assert "healthy: no problems found" not in done
    assert not [request for request in online.hub.log if "info/refs" in request.path]


@pytest.mark.git_versions
def test_each_source(online: Machine) -> None:
    """The row of git is what the Hub was sent: one in the URL, one that is refused in `.netrc`, and then the login."""
    online.repository(MODEL.replace("://", f"://alice:{online.secret()}@"))
    assert answers(online) == BOTH
    assert online.tokens()["git"] != shown(online.token)
    online.repository()
    refused_in_netrc(online)
    assert answers(online) == BOTH
    assert online.tokens()["git"] == shown(online.token)
    assert "✓ ok    repository" in online.doctor().stdout  # with the token that git gets its answer with


@pytest.mark.git_versions(each_run=1)
def test_a_public_repository(online: Machine) -> None:
    """A public repository is read without a token, whatever is wrong with it: that is said, as it proves nothing."""
    assert online.hub
    online.hub.repository("alice/public", files={"a.txt": b"a"})
    old = online.secret()
    online.hub.revoke(old)
    online.repository(f"https://alice:{old}@huggingface.co/alice/public")
    assert "the Hub answers: git 200 (without a token)" in online.doctor().stdout


def test_a_bearer_token(online: Machine) -> None:
    """What git sends in another way, since 2.46, is observed as it sends it."""
    assert online.hub
    if not knows_authtype():
        pytest.skip("this git sends passwords alone")
    online.repository()
    pair = online.hub.oauth("alice", expires_in=3600 * 24 * 8)
    online.log_in_again(pair.access_token, refresh_token=pair.refresh_token, expires_at=hours(24 * 8))
    online.hub.oauth_as_password = False
    assert online.git("ls-remote", "origin", check=False).returncode  # by which the helper learns it
    assert answers(online) == BOTH


# --- what nothing else would have told ---


def broken(pattern: str, status: int) -> Act:
    def act(machine: Machine) -> None:
        assert machine.hub
        machine.hub.faults.status(pattern, status)

    return act


def not_allowed(machine: Machine) -> None:
    machine.git("config", "--global", "protocol.https.allow", "never")


def lfs_of_somebody_else(machine: Machine) -> None:
    assert machine.hub
    machine.hub.user("bob")
    machine.hub.repository("bob/private", private=True)
    machine.git("config", "lfs.url", "https://huggingface.co/bob/private.git/info/lfs")


FAILURES: list[tuple[Act, str, str, tuple[str, ...]]] = [
    (broken("info/refs", 503), "hub-unreachable", "git cannot read this repository: .*503", ("ls-remote", "origin")),
    (broken("info/refs", 403), "repo-no-access", "git cannot read this repository: .*403", ("ls-remote", "origin")),
    (broken("objects/batch", 500), "hub-unreachable", "git-lfs cannot download .*500", ("lfs", "fetch", "origin")),
    (broken("objects/batch", 403), "repo-no-access", "git-lfs cannot download .*403", ("lfs", "fetch", "origin")),
    (not_allowed, "git-broken", "git cannot read .*transport 'https' not allowed", ("ls-remote", "origin")),
    (lfs_of_somebody_else, "lfs-url-elsewhere", "files of this repository to another", ("lfs", "fetch", "origin")),
]


@pytest.mark.parametrize("row", FAILURES, ids=lambda row: f"{row[1]}, {row[0].__qualname__.split('.')[0]}")
def test_a_failure(row: tuple[Act, str, str, tuple[str, ...]], online: Machine) -> None:
    """What git or git-lfs fails with is an error, although everything on this machine is as it should be."""
    act, id, title, command = row
    online.git("clone", "--quiet", MODEL, str(online.home / "work"), GIT_LFS_SKIP_SMUDGE="1")
    online.where = online.home / "work"
    act(online)
    seen = online.examine()
    (found,) = [finding for finding in seen["findings"] if finding["severity"] == "error"]
    assert found["id"] == id
    assert re.search(title, found["title"])
    assert online.git(*command, check=False).returncode


# --- git-lfs at an endpoint of its own (P12) ---


@pytest.mark.parametrize("where", [".git/config", ".lfsconfig"])
def test_a_revoked_token_in_the_endpoint(where: str, online: Machine) -> None:
    """Code on a forge, LFS on the Hub, with a token in `lfs.url` that was revoked: found, fixed, and then it works."""
    assert online.hub
    old = online.secret()
    online.git("clone", "--quiet", MODEL, str(online.home / "work"), GIT_LFS_SKIP_SMUDGE="1")
    online.where = online.home / "work"
    online.git("remote", "set-url", "origin", "https://forge.example.org/team/code")
    url = f"https://alice:{old}@huggingface.co/alice/private-model.git/info/lfs"
    online.git("config", "--file", where, "lfs.url", url)
    online.hub.revoke(old)
    assert online.git("lfs", "fetch", "origin", "main", check=False).returncode

    seen = online.examine()
    assert not seen["healthy"]
    assert "token-in-git-config" in [finding["id"] for finding in seen["findings"]]
    assert {row["program"]: row["shown"] for row in seen["resolvers"]} == {
        **dict.fromkeys(("git", "git-xet", "huggingface_hub"), shown(online.token)),
        "git-lfs": shown(old),
    }
    assert "git-lfs 401" in answers(online)
    online.doctor("--fix", "--yes")
    assert old not in (online.where / where).read_text()
    assert online.examine()["healthy"]
    online.git("lfs", "pull", "origin")
    assert (online.where / "model.bin").read_bytes() == WEIGHTS
    online.doctor("--undo")
    assert old in (online.where / where).read_text()


# --- the brake (T5) ---


def test_a_token_that_is_held_back(online: Machine) -> None:
    """The Hub takes it again, but this program holds it back for a moment: git fails, and doctor says why."""
    assert online.hub
    online.repository()
    online.hub.faults.status("", 401)
    assert online.git("ls-remote", "origin", check=False).returncode
    online.hub.faults.clear()
    assert online.git("ls-remote", "origin", check=False).returncode
    seen = online.examine()
    (found,) = seen["findings"]
    assert (found["id"], found["severity"]) == ("repo-no-access", "error")
    assert f"the Hub has just refused the token {shown(online.token)}" in found["title"]
    assert online.git("ls-remote", "origin", check=False).returncode
