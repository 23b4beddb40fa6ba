"""The Hub of the tests, as git sees it."""

from __future__ import annotations

import base64
import os
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_hub import Hub, Repository
from fake_hub.clients import Machine

DASHES = "remote: " + "-" * 73
UNAUTHORIZED = [
    DASHES,
    "remote: You are not authorized to push to this repo.",
    "remote: Make sure that you are properly logged in.",
    DASHES,
]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with Hub(tmp_path) as hub:
        hub.user("alice")
        hub.user("bob")
        yield hub


@pytest.fixture
def private(hub: Hub) -> Repository:
    return hub.repository("alice/private", private=True, files={"README.md": b"hello\n"})


@pytest.fixture
def alice(hub: Hub, tmp_path: Path) -> Machine:
    """Alice's computer, with a token that may write."""
    return Machine(hub, tmp_path / "alice", hub.token("alice"))


def remote_lines(stderr: str) -> list[str]:
    """What the Hub said, as git shows it."""
    return [line.rstrip() for line in stderr.splitlines() if line.startswith(("remote: ", "fatal: ", " ! "))]


def operations(machine: Machine) -> list[str]:
    return [call.operation for call in machine.asked]


# -- reading


def test_clone_public(hub: Hub, tmp_path: Path) -> None:
    """Nobody needs a token for a public repository, whatever its kind and however its URL is written."""
    machine = Machine(hub, tmp_path / "machine", hub.token("bob"))
    for name in ("alice/model", "datasets/alice/data", "spaces/alice/app", "kernels/alice/kernel", "gpt2"):
        repository = hub.repository(name, files={"README.md": name.encode()})
        for url in (repository.url, f"{repository.url}.git"):
            assert machine.git("ls-remote", url, "refs/heads/main").split()[0] == repository.head()
    assert (machine.clone(repository.url) / "README.md").read_text() == "gpt2"
    assert machine.git("ls-remote", f"{hub.url}/models/alice/model", "refs/heads/main")
    assert operations(machine) == []
    assert hub.log.with_token() == []


def test_clone_private(hub: Hub, private: Repository, alice: Machine) -> None:
    """First git asks anonymously, then its helper, then again; the helper is told of the success."""
    clone = alice.clone(private.url)
    assert (clone / "README.md").read_text() == "hello\n"
    assert operations(alice) == ["get", "store"]
    assert [(request.status, request.account, request.scheme) for request in hub.log] == [
        (401, None, None),
        (200, "alice", "basic"),
        (200, "alice", "basic"),
        (200, "alice", "basic"),
    ]
    assert {request.username for request in hub.log.with_token()} == {"hf_user"}


def test_fetch(hub: Hub, private: Repository, alice: Machine) -> None:
    """A fetch with nothing new costs three requests; with something new it brings it."""
    clone = alice.clone(private.url)
    hub.log.clear()
    alice.git("fetch", cwd=clone)
    assert [request.status for request in hub.log] == [401, 200, 200]
    commit = private.commit({"new.txt": b"new\n"})
    alice.git("pull", "--quiet", cwd=clone)
    assert alice.git("rev-parse", "HEAD", cwd=clone) == commit


def test_shallow_and_partial_clones_by_protocol_2(hub: Hub, private: Repository, alice: Machine) -> None:
    """Protocol v2 is spoken, also for --depth and --filter; v0 works too."""
    for number in range(3):
        private.commit({"README.md": b"%d\n" % number})
    shallow = alice.clone(private.url, "--depth=1", GIT_TRACE_PACKET=str(alice.home / "packets"))
    assert alice.git("rev-list", "--count", "HEAD", cwd=shallow) == "1"
    assert "< version 2" in (alice.home / "packets").read_text()
    assert {request.headers["git-protocol"] for request in hub.log} == {"version=2"}
    alice.git("clone", "--quiet", "--bare", "--filter=blob:none", private.url, "partial")
    assert "?" in alice.git("--git-dir=partial", "rev-list", "--objects", "--missing=print", "--all", cwd=alice.home)
    alice.git("-c", "protocol.version=0", "clone", "--quiet", private.url, "old")
    assert alice.git("rev-list", "--count", "HEAD", cwd=alice.home / "old") == "4"


def test_bodies_in_gzip(hub: Hub, private: Repository, alice: Machine) -> None:
    """A long list of wanted commits is sent as gzip, and understood."""
    commits = (f"commit refs/heads/b{n}\ncommitter Hub <hub@example.org> {n} +0000\ndata 0\n" for n in range(40))
    private.git("fast-import", "--quiet", input="".join(commits).encode())
    clone = alice.clone(private.url)
    assert len(alice.git("branch", "--remotes", "--list", "origin/b*", cwd=clone).splitlines()) == 40
    assert "gzip" in [request.headers.get("content-encoding") for request in hub.log.of("POST", status=200)]


def test_any_user_name_and_bearer(hub: Hub, private: Repository, tmp_path: Path) -> None:
    """The user name does not matter, the token is the password; Bearer is accepted as well."""
    machine = Machine(hub, tmp_path / "machine")
    token = hub.token("alice", "read")
    for name in ("hf_user", "git", "oauth2", "alice%40example.org"):
        machine.git("ls-remote", private.url.replace("https://", f"https://{name}:{token}@"))
    for header in (f"Bearer {token}", "Basic " + base64.b64encode(f"x:{token}".encode()).decode()):
        machine.git("-c", f"http.extraHeader=Authorization: {header}", "ls-remote", private.url)
    assert {request.username for request in hub.log.with_token()} == {
        *("hf_user", "git", "oauth2", "alice@example.org", None, "x")
    }


def test_user_name_in_the_url(hub: Hub, private: Repository, alice: Machine) -> None:
    """With `https://alice@…` git first shows an empty password, and is answered with a 401 more."""
    alice.git("ls-remote", private.url.replace("https://", "https://alice@"))
    assert [(request.status, request.username, request.token) for request in hub.log][:2] == [
        (401, None, None),
        (401, "alice", ""),
    ]
    assert hub.log.of(status=200, account="alice")


# -- refusals


def refused(machine: Machine, url: str) -> list[str]:
    """The last lines of a `git ls-remote` that must fail."""
    status, stderr = machine.attempt("ls-remote", url)
    assert status == 128
    return remote_lines(stderr)


def test_a_401_is_as_the_hub_writes_it(hub: Hub, private: Repository, alice: Machine) -> None:
    """Basic is offered, the text is 29 bytes of text/plain, without an error code."""
    alice.git("ls-remote", private.url, GIT_TRACE_CURL=str(alice.home / "trace"))
    trace = (alice.home / "trace").read_text().lower()
    assert 'www-authenticate: basic realm="authentication required", charset="utf-8"' in trace
    assert "content-length: 29" in trace
    assert "content-type: text/plain; charset=utf-8" in trace
    assert "x-error-message: invalid username or password." in trace
    assert "x-error-code" not in trace


def test_bad_credentials(hub: Hub, private: Repository, tmp_path: Path) -> None:
    """Unknown, revoked and expired tokens and passwords: each in the Hub's words, and git forgets them."""
    expired, revoked = hub.token("alice", name="laptop"), hub.token("alice")
    hub.expire(expired)
    hub.revoke(revoked)
    invalid = "remote: Invalid username or password."
    for number, (secret, text) in enumerate((
        ("hf_" + "x" * 34, invalid),
        (revoked, invalid),
        (expired, 'remote: User Access Token "laptop" is expired'),
        (hub.oauth("alice", expires_in=-1).access_token, invalid),
        ("correct-horse", "remote: Password authentication in git is no longer supported. You must use a user access "
         "token or an SSH key instead. See https://huggingface.co/blog/password-git-deprecation"),
    )):  # fmt: skip
        machine = Machine(hub, tmp_path / str(number), secret)
        assert refused(machine, private.url) == [text, f"fatal: Authentication failed for '{private.url}/'"]
        assert operations(machine) == ["get", "erase"]


def test_a_bad_token_is_refused_for_public_repositories_too(hub: Hub, tmp_path: Path) -> None:
    """A credential that is shown must be good, even where none is needed."""
    url = hub.repository("alice/public").url
    machine = Machine(hub, tmp_path / "machine")
    assert machine.attempt("-c", "http.extraHeader=Authorization: Bearer hf_wrong", "ls-remote", url)[0] == 128
    assert [(request.status, request.token) for request in hub.log] == [(401, "hf_wrong")]


def test_no_credential(hub: Hub, private: Repository, tmp_path: Path) -> None:
    """Private and missing repositories ask an anonymous git for a password, without telling which it is."""
    machine = Machine(hub, tmp_path / "machine")
    host = f"https://{urllib.parse.urlsplit(hub.url).netloc}"
    for url in (private.url, f"{hub.url}/alice/nothing"):
        assert refused(machine, url) == [f"fatal: could not read Username for '{host}': terminal prompts disabled"]


def test_not_found(hub: Hub, private: Repository, alice: Machine, tmp_path: Path) -> None:
    """With a good token, missing and private repositories are both 404; the helper hears neither store nor erase."""
    bob = Machine(hub, tmp_path / "bob", hub.token("bob"))
    for machine, url in (
        (bob, private.url),
        (alice, f"{hub.url}/alice/nothing"),
        (alice, f"{hub.url}/datasets/alice/private"),
    ):
        assert refused(machine, url) == ["remote: Repository not found", f"fatal: repository '{url}/' not found"]
        assert set(operations(machine)) == {"get"}
    assert len(hub.log.of("alice/private/", status=404)) == 2


def test_gated(hub: Hub, tmp_path: Path) -> None:
    """A closed gate is a 403 with the page to visit; an accepted request opens it."""
    url = hub.repository("alice/gated", gated="manual").url
    bob = Machine(hub, tmp_path / "bob", hub.token("bob"))
    assert refused(bob, url) == [
        "remote: Access to model alice/gated is restricted and you are not in the authorized list. "
        "Visit https://huggingface.co/alice/gated to ask for access.",
        f"fatal: unable to access '{url}/': The requested URL returned error: 403",
    ]
    assert operations(bob) == ["get"]
    hub.request_access("alice/gated", "bob", "accepted")
    bob.git("ls-remote", url)
    anonymous = Machine(hub, tmp_path / "anonymous")
    assert "could not read Username" in refused(anonymous, url)[0]


def test_disabled(hub: Hub, alice: Machine) -> None:
    """A disabled repository is a 403."""
    url = hub.repository("alice/off", disabled=True).url
    assert "The requested URL returned error: 403" in alice.attempt("ls-remote", url)[1]


def test_renamed(hub: Hub, alice: Machine) -> None:
    """A clone and a push follow a renamed repository, and git says so."""
    old = hub.repository("alice/old", private=True).url
    hub.rename("alice/old", "alice/new")
    status, stderr = alice.attempt("ls-remote", old)
    assert status == 0
    assert f"warning: redirecting to {hub.url}/alice/new/" in stderr
    assert [request.status for request in hub.log.of("/info/refs")] == [307, 401, 200]
    clone = alice.clone(old)
    commit = alice.commit(clone, {"a.txt": b"a"})
    alice.git("push", "--quiet", cwd=clone)
    assert hub.repositories.named("alice/new").head() == commit


def test_faults_reach_git(hub: Hub, private: Repository, alice: Machine) -> None:
    """429, 500 and a cut connection, as git reports them; it retries nothing."""
    hub.faults.rate_limit("/info/refs", retry_after=3)
    assert "The requested URL returned error: 429" in alice.attempt("ls-remote", private.url)[1]
    hub.faults.clear()
    hub.faults.status("/info/refs", 500)
    assert "The requested URL returned error: 500" in alice.attempt("ls-remote", private.url)[1]
    hub.faults.clear()
    hub.log.clear()
    hub.faults.reset("/info/refs")
    assert alice.attempt("ls-remote", private.url)[0] == 128
    assert [request.status for request in hub.log] == [None]


# -- pushing


def pushed(machine: Machine, clone: Path, *arguments: str) -> list[str]:
    """The Hub's words about a push that must be refused in pre-receive."""
    status, stderr = machine.attempt("push", *(arguments or ("origin", "main")), cwd=clone)
    assert status == 1, stderr
    return remote_lines(stderr)


def test_push(hub: Hub, private: Repository, alice: Machine) -> None:
    """A push arrives; new and deleted branches and tags too."""
    clone = alice.clone(private.url)
    commit = alice.commit(clone, {"new.txt": b"new\n"})
    alice.git("push", "--quiet", "origin", "main", cwd=clone)
    assert private.head() == commit
    assert private.read("new.txt") == "new"
    alice.git("tag", "v1", cwd=clone)
    alice.git("push", "--quiet", "origin", "main:refs/heads/side", "v1", cwd=clone)
    assert private.head("refs/heads/side") == private.head("refs/tags/v1") == commit
    alice.git("push", "--quiet", "origin", ":side", cwd=clone)
    assert private.head("refs/heads/side") is None


def test_push_in_chunks(hub: Hub, private: Repository, alice: Machine) -> None:
    """A pack larger than http.postBuffer comes chunked, behind a probe, and arrives whole."""
    clone = alice.clone(private.url)
    noise = base64.b64encode(os.urandom(3_000_000))
    commit = alice.commit(clone, {"noise.txt": noise})
    hub.log.clear()
    alice.git("-c", "http.postBuffer=1k", "push", "--quiet", "origin", "main", cwd=clone)
    assert private.head() == commit
    probe, pack = hub.log.of("POST /alice/private/git-receive-pack")
    assert (probe.bytes_in, pack.headers.get("transfer-encoding")) == (4, "chunked")
    assert pack.bytes_in > 2_000_000


def test_push_needs_an_account(hub: Hub, tmp_path: Path) -> None:
    """To push to a public repository one must log in."""
    url = hub.repository("alice/public").url
    machine = Machine(hub, tmp_path / "machine")
    clone = machine.clone(url)
    machine.commit(clone, {"a.txt": b"a"})
    assert "could not read Username" in machine.attempt("push", cwd=clone)[1]


def test_push_by_readers_is_refused_in_pre_receive(hub: Hub, private: Repository, tmp_path: Path) -> None:
    """The pack is taken and then refused, with the banner; the read token was good enough for git to keep it."""
    hub.org("acme", bob="contributor")
    public = hub.repository("alice/public", files={"README.md": b"x"})
    theirs = hub.repository("acme/model", private=True)
    fine = hub.token("alice", "fineGrained", scoped={"alice/private": ["repo.content.read"]})
    for number, (token, repository) in enumerate((
        (hub.token("alice", "read"), private),
        (fine, private),
        (hub.token("bob"), public),
        (hub.token("bob"), theirs),
    )):  # fmt: skip
        machine = Machine(hub, tmp_path / str(number), token)
        clone, before = machine.clone(repository.url), repository.head()
        machine.commit(clone, {"a.txt": b"a"})
        assert pushed(machine, clone) == [
            *UNAUTHORIZED,
            " ! [remote rejected] main -> main (pre-receive hook declined)",
        ]
        assert repository.head() == before
        assert operations(machine)[-2:] == ["get", "store"]


def test_push_denial_at_once(hub: Hub, private: Repository, tmp_path: Path) -> None:
    """With the switch on, who may not write does not even get the advertisement."""
    hub.push_denial = 403
    machine = Machine(hub, tmp_path / "machine", hub.token("alice", "read"))
    clone = machine.clone(private.url)
    machine.commit(clone, {"a.txt": b"a"})
    status, stderr = machine.attempt("push", cwd=clone)
    assert status == 128
    assert "remote: You are not authorized to push to this repo." in stderr
    assert "error: 403" in stderr


def test_fine_grained_and_contributor_pushes(hub: Hub, private: Repository, tmp_path: Path) -> None:
    """A fine-grained token may write where its scope says, a contributor to what they created."""
    hub.org("acme", bob="contributor")
    own = hub.repository("acme/own", private=True, creator="bob")
    fine = hub.token("alice", "fineGrained", scoped={"alice/private": ["repo.content.read", "repo.write"]})
    for number, (token, repository) in enumerate(((fine, private), (hub.token("bob"), own))):
        machine = Machine(hub, tmp_path / str(number), token)
        clone = machine.clone(repository.url)
        commit = machine.commit(clone, {"a.txt": b"a"})
        machine.git("push", "--quiet", cwd=clone)
        assert repository.head() == commit


def test_pull_requests_by_readers(hub: Hub, private: Repository, tmp_path: Path) -> None:
    """A read token may push to refs/pr/N, a fine-grained one needs discussion.write; the branch stays closed."""
    read = Machine(hub, tmp_path / "read", hub.token("alice", "read"))
    clone = read.clone(private.url)
    commit = read.commit(clone, {"a.txt": b"a"})
    read.git("push", "--quiet", "origin", "HEAD:refs/pr/1", cwd=clone)
    assert private.head("refs/pr/1") == commit
    read.git("fetch", "--quiet", "origin", "refs/pr/1:pr/1", cwd=clone)
    assert pushed(read, clone, "origin", "main", "HEAD:refs/pr/2")[:4] == UNAUTHORIZED
    assert private.head("refs/pr/2") is None
    scope = ["repo.content.read"]
    for number, (granted, allowed) in enumerate(((scope, False), ([*scope, "discussion.write"], True))):
        token = hub.token("alice", "fineGrained", scoped={"alice/private": granted})
        read.give(token)
        status, _ = read.attempt("push", "origin", f"HEAD:refs/pr/{number + 3}", cwd=clone)
        assert (status == 0) is allowed


def test_large_files(hub: Hub, private: Repository, alice: Machine) -> None:
    """More than 10 MiB outside LFS is refused, anywhere in the pushed history; 10 MiB are not."""
    clone = alice.clone(private.url)
    alice.commit(clone, {"fits.txt": b"x" * (10 << 20)})
    alice.git("push", "--quiet", "origin", "main", cwd=clone)
    alice.commit(clone, {"deep/big.txt": b"x" * ((10 << 20) + 1)})
    (clone / "deep" / "big.txt").unlink()
    alice.git("commit", "--quiet", "--all", "--message", "gone", cwd=clone)
    assert pushed(alice, clone) == [
        DASHES,
        "remote: Your push was rejected because it contains files larger than 10 MiB.",
        "remote: Please use https://git-lfs.github.com/ to store large files.",
        "remote: See also: https://hf.co/docs/hub/repositories-getting-started#terminal",
        "remote:",
        "remote: Offending files:",
        "remote:   - deep/big.txt (ref: refs/heads/main)",
        DASHES,
        " ! [remote rejected] main -> main (pre-receive hook declined)",
    ]


def test_binary_files(hub: Hub, private: Repository, alice: Machine) -> None:
    """Binary files outside LFS are refused, and are named."""
    clone = alice.clone(private.url)
    alice.commit(clone, {"a.png": b"\x89PNG\0\0", "b c.bin": b"\0", "text.txt": "grün\n".encode()})
    assert pushed(alice, clone) == [
        DASHES,
        "remote: Your push was rejected because it contains binary files.",
        "remote: Please use https://huggingface.co/docs/hub/xet to store binary files.",
        "remote: See also: https://huggingface.co/docs/hub/xet/using-xet-storage#git",
        "remote:",
        "remote: Offending files:",
        "remote:   - a.png (ref: refs/heads/main)",
        "remote:   - b c.bin (ref: refs/heads/main)",
        DASHES,
        " ! [remote rejected] main -> main (pre-receive hook declined)",
    ]


def test_too_many_files(hub: Hub, private: Repository, alice: Machine) -> None:
    """A directory holds only so many files."""
    hub.files_per_directory = 20
    clone = alice.clone(private.url)
    alice.commit(clone, {f"deep/down/{number}": b"x" for number in range(21)})
    lines = pushed(alice, clone)
    assert "remote: Your push was rejected because it contains too many files per directory." in lines
    assert "remote: Each directory in your git repo can only contain up to 20 files." in lines
    assert "remote: /deep/down/" in lines


def test_nothing_of_the_caller_reaches_the_hub(
    hub: Hub, private: Repository, alice: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Hub's own git sees neither GIT_* nor the home of whoever runs the tests."""
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'http.receivepack=false'")
    clone = alice.clone(private.url)
    commit = alice.commit(clone, {"a.txt": b"a"})
    alice.git("push", "--quiet", cwd=clone)
    assert private.head() == commit


def test_two_hubs_at_once(hub: Hub, private: Repository, alice: Machine, tmp_path: Path) -> None:
    """Hubs do not know of each other's tokens."""
    with Hub(tmp_path / "second") as second:
        second.user("alice")
        url = second.repository("alice/private", private=True).url
        stranger = Machine(second, tmp_path / "stranger", alice.token.read_text())
        assert refused(stranger, url)[0] == "remote: Invalid username or password."
    alice.git("ls-remote", private.url)
