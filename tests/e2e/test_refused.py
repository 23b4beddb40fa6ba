"""What happens after the Hub has refused the current token: what can be mended is, and the rest is explained."""

import os
import re
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from account import WEIGHTS, Account

if TYPE_CHECKING:
    from fake_hub import Hub, OAuth

DAY = 24 * 3600
MODEL = "https://huggingface.co/alice/private-model"
REFRESH = "POST /oauth/token"
PATIENCE = 8  # seconds that an `erase` may take whatever the Hub does; those who wait for 10 s ones take longer


def reject(account: Account, token: str, path: str = "") -> str:
    """What we say when git tells us that this token was refused, for this path if git has one to give."""
    attributes = {"protocol": "https", "host": "huggingface.co", "path": path, "username": "git", "password": token}
    done = account.run(
        *("git", *(["-c", "credential.useHttpPath=true"] if path else []), "credential", "reject"),
        stdin="".join(f"{name}={value}\n" for name, value in attributes.items() if value) + "\n",
    )
    assert done.stdout == ""
    return ours(done, token)


def ours(done: subprocess.CompletedProcess[str], *secrets: str) -> str:
    """Our own lines of what was said, each in our form, none with a secret in it."""
    for secret in secrets:
        assert secret not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("git-credential-hf: ")]
    for line in lines:
        assert re.match(r"git-credential-hf: (error|warning|hint): [^A-Z\s]", line)
    return "\n".join(lines)


def shown(token: str) -> str:
    """The end of the one form in which it may be seen; a JWT can end in what is not for a terminal."""
    return "****" + (token[-4:] if token[-4:].isalnum() else "")


@pytest.fixture
def pair(hub: "Hub", account: Account) -> "OAuth":
    """A login in the browser, far from its expiry, and revoked on the Hub after the clone."""
    pair = hub.oauth("alice", expires_in=20 * DAY)
    more = {"refresh_token": pair.refresh_token, "expires_at": int(pair.expires_at)}
    account.is_given(pair.access_token, "oauth-alice", **more)
    account.clone(GIT_LFS_SKIP_SMUDGE="1")
    hub.revoke(pair.access_token)
    hub.log.clear()
    return pair


def no_longer_granted(hub: "Hub") -> None:
    hub.accounts.refresh_tokens.clear()


def server_error(hub: "Hub") -> None:
    hub.faults.status("/oauth/token", 500)


def cut_off(hub: "Hub") -> None:
    hub.faults.reset("/oauth/token")


def senseless(hub: "Hub") -> None:
    hub.faults.garbage("/oauth/token")


FAILURES = [no_longer_granted, server_error, cut_off, senseless]
Failure = Callable[["Hub"], None]
failing = pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.__name__)


# --- OAuth: one forced refresh ---


@pytest.mark.git_versions
def test_git_works_again_by_itself(hub: "Hub", account: Account, pair: "OAuth") -> None:
    """The command that meets the revoked token fails, the next one has the new token; nobody logged in again."""
    first = account.git("fetch", check=False)
    assert first.returncode != 0
    assert len(hub.log.of(REFRESH)) == 1
    new = account.get()
    assert new not in ("", pair.access_token)
    said = ours(first, pair.access_token, pair.refresh_token, new)
    assert "hf auth login" not in said, "there is nothing left to do"
    assert shown(pair.access_token) in said or shown(new) in said

    hub.log.clear()
    account.git("fetch")
    account.git("lfs", "pull")
    assert (account.where / "model.bin").read_bytes() == WEIGHTS
    assert {request.token for request in hub.log.with_token()} == {new}
    assert hub.log.of(REFRESH) == []


@pytest.mark.git_versions
def test_lfs_works_within_the_command(hub: "Hub", account: Account, pair: "OAuth") -> None:
    """git-lfs asks again after a refusal, and so `git lfs pull` gets its files without anybody's help."""
    done = account.git("lfs", "pull", timeout=30)
    assert (account.where / "model.bin").read_bytes() == WEIGHTS
    assert len(hub.log.of(REFRESH)) == 1
    ours(done, pair.access_token, pair.refresh_token, account.get())


def test_huggingface_hub_has_it_too(hub: "Hub", account: Account, pair: "OAuth") -> None:
    """The new pair stands where huggingface_hub keeps it: `hf` works, and the next refresh does."""
    reject(account, pair.access_token)
    new = account.get()
    assert account.run("hf", "auth", "whoami").stdout.count("alice") == 1
    files = [account.home / ".cache/huggingface" / name for name in ("token", "stored_tokens")]
    assert all(new in file.read_text() for file in files)
    assert not any(secret in file.read_text() for file in files for secret in (pair.access_token, pair.refresh_token))
    hub.revoke(new)
    reject(account, new)
    assert account.get() not in ("", pair.access_token, new)
    account.git("fetch")
    assert len(hub.log.of(REFRESH)) == 2, "one for each of the refused tokens"


def test_many_refusals_at_once(hub: "Hub", account: Account, pair: "OAuth") -> None:
    """Twenty parallel `erase`s of the same token make one refresh, and later ones none."""
    with ThreadPoolExecutor(20) as pool:
        said = list(pool.map(lambda _: reject(account, pair.access_token), range(20)))
    assert len(hub.log.of(REFRESH)) == 1
    new = account.get()
    assert new not in ("", pair.access_token)
    assert not any(new in text for text in said)
    assert not any("hf auth login" in text for text in said)
    reject(account, pair.access_token)
    assert account.get() == new
    assert len(hub.log.of(REFRESH)) == 1


def test_many_commands_at_once(hub: "Hub", account: Account, pair: "OAuth") -> None:
    """Twenty parallel git commands with the revoked token make one refresh; after them all is well."""
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: account.git("ls-remote", "origin", check=False), range(20)))
    assert len(hub.log.of(REFRESH)) == 1
    account.git("fetch")


@failing
def test_a_refresh_that_fails(hub: "Hub", account: Account, pair: "OAuth", failure: Failure) -> None:
    """A refresh that fails is tried once for this token, however often git asks and refuses, and says what to do."""
    failure(hub)
    said = []
    for command in (["fetch"], ["ls-remote", "origin"], ["lfs", "pull"], ["fetch"]):
        done = account.git(*command, check=False, timeout=30)
        assert done.returncode != 0
        said.append(ours(done, pair.access_token, pair.refresh_token))
    assert len(hub.log.of(REFRESH)) == 1
    assert shown(pair.access_token) in said[0]
    assert "hf auth login" in said[0]
    assert len(hub.log.with_token()) < 30, "nothing runs in circles"
    stored = (account.home / ".cache/huggingface/stored_tokens").read_text()
    assert pair.refresh_token in stored, "it may still be good, when the Hub is well again"

    hub.faults.clear()
    account.log_in(hub.token("alice", name="new"))
    account.git("fetch")


@pytest.mark.parametrize(
    "failure", [FAILURES[0], *(pytest.param(failure, marks=pytest.mark.long) for failure in FAILURES[1:])]
)
def test_many_refusals_and_no_refresh(hub: "Hub", account: Account, pair: "OAuth", failure: Failure) -> None:
    """Twenty parallel `erase`s share the one refresh that fails, and those that come later try no other."""
    failure(hub)
    with ThreadPoolExecutor(20) as pool:
        said = list(pool.map(lambda _: reject(account, pair.access_token), range(20)))
    reject(account, pair.access_token)
    assert len(hub.log.of(REFRESH)) == 1
    assert all(shown(pair.access_token) in text for text in said), "each command tells its user"


def test_a_refusal_of_a_token_of_yesterday(hub: "Hub", account: Account, pair: "OAuth") -> None:
    """An `erase` of a token that is not the current one makes no request and says nothing."""
    reject(account, pair.access_token)
    new = account.get()
    hub.log.clear()
    assert reject(account, "hf_" + "x" * 34) == ""
    assert len(hub.log) == 0
    assert account.get() == new


def test_a_refusal_of_another_host(hub: "Hub", account: Account, pair: "OAuth") -> None:
    """What another host says of our token, or of any, is no reason to renew it."""
    for protocol, host in (("https", "evil.example"), ("http", "huggingface.co"), ("https", "sub.huggingface.co")):
        text = f"protocol={protocol}\nhost={host}\nusername=git\npassword={pair.access_token}\n\n"
        done = account.run("git-credential-hf", "erase", stdin=text)
        assert (done.stdout, done.stderr) == ("", "")
    assert len(hub.log) == 0


def test_a_token_of_the_environment_beside_it(
    hub: "Hub", account: Account, pair: "OAuth", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refused token of HF_TOKEN is not renewed, and the stored login beside it is left alone."""
    token = hub.token("alice")
    monkeypatch.setenv("HF_TOKEN", token)
    hub.revoke(token)
    said = reject(account, token)
    assert "HF_TOKEN" in said
    assert "unset HF_TOKEN" in said
    assert hub.log.of(REFRESH) == []


def test_the_token_of_the_environment_is_the_stored_one(
    hub: "Hub", account: Account, pair: "OAuth", monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of the OAuth token in HF_TOKEN is not mended by a refresh, and users are told where it stands."""
    monkeypatch.setenv("HF_TOKEN", pair.access_token)
    assert "unset HF_TOKEN" in reject(account, pair.access_token)


# --- other tokens: why ---


@pytest.fixture
def token(hub: "Hub", account: Account) -> str:
    """A plain token of alice's, `laptop`, the active one, on a Hub with some of bob's repositories."""
    hub.user("bob")
    for name in ("bob/secret", "datasets/bob/secret"):
        hub.repository(name, private=True)
    for name in ("bob/gated", "datasets/bob/gated"):
        hub.repository(name, gated="manual")
    token = hub.token("alice", name="laptop")
    account.is_given(token, "laptop")
    hub.log.clear()
    return token


def test_an_invalid_token(hub: "Hub", account: Account, token: str) -> None:
    """A revoked token is called invalid, with its source and what to do; nothing is renewed or deleted."""
    hub.revoke(token)
    said = reject(account, token)
    assert "invalid" in said.lower()
    assert f"hf_{shown(token)}" in said
    assert ".cache/huggingface/token" in said
    assert "hf auth login" in said
    assert hub.log.of(REFRESH) == []
    assert (account.home / ".cache/huggingface/token").read_text() == token


def test_an_expired_token(hub: "Hub", account: Account, token: str) -> None:
    """An expired token is called so, in the Hub's own words."""
    hub.expire(token)
    said = reject(account, token)
    assert 'User Access Token "laptop" is expired' in said
    assert "hf auth login" in said
    assert hub.log.of(REFRESH) == []


@pytest.mark.git_versions
def test_what_git_shows_of_it(hub: "Hub", account: Account, token: str) -> None:
    """The reason stands in the middle of git's own output, for git and for git-lfs."""
    account.clone(GIT_LFS_SKIP_SMUDGE="1")
    hub.expire(token)
    for command in (["lfs", "pull"], ["fetch"]):
        done = account.git(*command, check=False, timeout=30)
        assert done.returncode != 0
        said = ours(done, token)
        assert f"hf_{shown(token)}" in said
        assert "is expired" in said or command == ["fetch"], "the second within seconds may be shorter"


def test_the_remedy_is_of_the_source(hub: "Hub", account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a token of the environment the variable is named, and no login advised that would not help."""
    token = hub.token("alice", name="laptop")
    monkeypatch.setenv("HF_TOKEN", token)
    hub.expire(token)
    said = reject(account, token)
    assert "HF_TOKEN" in said
    assert "is expired" in said
    assert "run `hf auth login`" not in said


@pytest.mark.parametrize("path", ["bob/secret", "datasets/bob/secret", "datasets/bob/secret.git", "bob/nothing"])
def test_fine_but_not_for_this_repository(hub: "Hub", account: Account, token: str, path: str) -> None:
    """A token that the Hub takes, but not for this repository, is not called bad; the repository is named."""
    said = reject(account, token, path)
    assert path.removesuffix(".git") in said
    assert "invalid" not in said.lower()
    assert "expired" not in said
    assert "run `hf auth login`" not in said or "another account" in said
    assert len(said.splitlines()) <= 3


@pytest.mark.parametrize("path", ["bob/gated", "datasets/bob/gated", "bob/gated.git"])
@pytest.mark.parametrize("state", [None, "pending", "rejected", "reset"])
def test_at_a_gate(hub: "Hub", account: Account, token: str, path: str, state: str | None) -> None:
    """Before a gate the page to open is named, and whether a request is waiting."""
    name = path.removesuffix(".git")
    if state:
        hub.request_access(name, "alice", state)
    said = reject(account, token, path)
    assert f"https://huggingface.co/{name}" in said
    assert "invalid" not in said.lower()
    if state == "pending":
        assert re.search(r"await|wait|pending", said)
    if state == "rejected":
        assert "rejected" in said


def test_fine_as_far_as_is_known(hub: "Hub", account: Account, token: str) -> None:
    """Without a path nothing is said of a repository, and a token that the Hub takes is not called invalid."""
    said = reject(account, token)
    assert f"hf_{shown(token)}" in said
    assert "invalid" not in said.lower()
    assert "expired" not in said


def test_fine_and_allowed(hub: "Hub", account: Account, token: str) -> None:
    """A token that may read the repository after all is not called invalid, nor without access."""
    said = reject(account, token, "alice/private-model")
    assert "invalid" not in said.lower()
    assert "no access" not in said


@pytest.mark.parametrize(
    "path",
    [
        *(
            "../../api/whoami-v2",
            "../whoami-v2",
            "bob/..",
            "datasets/../..",
            "bob/%2e%2e",
            "%2e%2e/x",
            "a/b/c/d",
            "bob",
        ),
        *("bob/secret?x=1", "bob/secret#x", "bob/secret x", "bob/a\\b", "ü/ü", "bob/" + "x" * 5000, ".git", "//"),
    ],
    ids=lambda path: path[:20],
)
def test_strange_paths(hub: "Hub", account: Account, token: str, path: str) -> None:
    """Whatever path git hands on, the answer is one about the token, and no request leads out of the API."""
    # Not through git, which keeps some of these to itself.
    lines = f"protocol=https\nhost=huggingface.co\npath={path}\nusername=git\npassword={token}\n\n"
    said = ours(account.run("git-credential-hf", "erase", stdin=lines), token)
    assert f"hf_{shown(token)}" in said
    asked = [request.path for request in hub.log.with_token()]
    assert all(re.fullmatch(r"/api/(whoami-v2|models/.*/auth-check|datasets/.*/auth-check)", path) for path in asked)
    assert not any(".." in path or request.query for path, request in zip(asked, hub.log.with_token(), strict=True))


def test_the_token_goes_to_the_hub_alone(
    hub: "Hub", account: Account, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that leads to another host is not followed with the token."""
    hub.faults.status("/api/", 307, headers={"Location": "https://evil.example/api/whoami-v2"})
    reject(account, token, "bob/secret")
    assert not [request for request in hub.log.with_token() if request.host.startswith("evil")]


@pytest.mark.parametrize("why", ["revoked", "gated", "missing"])
def test_the_form_of_what_is_said(hub: "Hub", account: Account, token: str, why: str) -> None:
    """The Hub ends its sentences with a full stop; our lines end without one all the same."""
    if why == "revoked":
        hub.revoke(token)
    said = reject(account, token, "bob/gated" if why == "gated" else "bob/nothing")
    assert not [line for line in said.splitlines() if line.endswith(".")]


# --- the Hub does not answer ---


def nobody_listens(hub: "Hub", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # the port of `discard`, where nobody is


def slow(hub: "Hub", monkeypatch: pytest.MonkeyPatch) -> None:
    hub.faults.delay("/api/", 10)


def failed(hub: "Hub", monkeypatch: pytest.MonkeyPatch) -> None:
    hub.faults.status("/api/", 500)


def limited(hub: "Hub", monkeypatch: pytest.MonkeyPatch) -> None:
    hub.faults.rate_limit("/api/", retry_after=30)


def captive(hub: "Hub", monkeypatch: pytest.MonkeyPatch) -> None:
    hub.faults.garbage("/api/")


def hung_up(hub: "Hub", monkeypatch: pytest.MonkeyPatch) -> None:
    hub.faults.reset("/api/")


def offline(hub: "Hub", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


Trouble = Callable[["Hub", pytest.MonkeyPatch], None]
TROUBLES = [nobody_listens, slow, failed, limited, captive, hung_up, offline]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
@pytest.mark.parametrize("path", ["", "bob/secret"], ids=["no path", "path"])
def test_without_an_answer(
    hub: "Hub", account: Account, token: str, monkeypatch: pytest.MonkeyPatch, trouble: Trouble, path: str
) -> None:
    """When the Hub cannot be asked, the source is named, no reason is made up, and nobody waits for long."""
    hub.revoke(token)
    trouble(hub, monkeypatch)
    began = time.monotonic()
    said = reject(account, token, path)
    assert time.monotonic() - began < PATIENCE
    assert f"hf_{shown(token)}" in said
    assert ".cache/huggingface/token" in said
    assert "hf auth login" in said
    assert "no access" not in said
    assert "expired" not in said


def test_slow_for_many(hub: "Hub", account: Account, token: str) -> None:
    """Twenty refusals at once do not wait one after the other."""
    hub.revoke(token)
    hub.faults.delay("/api/", 10)
    began = time.monotonic()
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: reject(account, token), range(20)))
    assert time.monotonic() - began < 2 * PATIENCE


def test_all_is_slow(hub: "Hub", account: Account, pair: "OAuth") -> None:
    """A refresh that gets no answer in time keeps git waiting for seconds, not for minutes."""
    hub.faults.delay("/", 10)
    began = time.monotonic()
    reject(account, pair.access_token)
    assert time.monotonic() - began < 3 * PATIENCE
    assert len(hub.log.of(REFRESH)) == 1


@pytest.mark.parametrize("trouble", [failed, captive, slow], ids=lambda trouble: trouble.__name__)
def test_lfs_without_an_answer(
    hub: "Hub", account: Account, token: str, monkeypatch: pytest.MonkeyPatch, trouble: Trouble
) -> None:
    """`git lfs pull` with a revoked token comes to its end while the API is in trouble, and asks it once."""
    account.clone(GIT_LFS_SKIP_SMUDGE="1")
    hub.revoke(token)
    trouble(hub, monkeypatch)
    hub.log.clear()
    done = account.git("lfs", "pull", check=False, timeout=30)
    assert done.returncode != 0
    assert f"hf_{shown(token)}" in ours(done, token)
    assert len(hub.log.of("/api/")) <= 2


def test_nothing_is_left_behind(hub: "Hub", account: Account, token: str) -> None:
    """What is remembered of a refusal has no token in it."""
    hub.revoke(token)
    reject(account, token, "bob/secret")
    runtime = os.environ["XDG_RUNTIME_DIR"]
    for directory, _, files in os.walk(runtime):
        for name in files:
            with open(os.path.join(directory, name), "rb") as file:
                assert token.encode() not in file.read()
