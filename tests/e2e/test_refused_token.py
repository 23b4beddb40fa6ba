"""The Hub refuses the current token: what can be fixed is fixed, and the rest is explained."""

import os
import re
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from account import WEIGHTS, Account
from amount import IS_LONG
from login import log_in

if TYPE_CHECKING:
    from fake_hub import Hub, OAuth

AT_ONCE = 20 if IS_LONG else 8
DAY = 24 * 3600
MODEL = "https://huggingface.co/alice/private-model"
REFRESH = "POST /oauth/token"
ERASE_LIMIT = 8  # seconds for an `erase` whatever the Hub does, less than the delay of 10 s in these tests


def reject(account: Account, token: str, path: str = "") -> str:
    """Return what we print when git reports that this token was refused, perhaps for a path."""
    attributes = {"protocol": "https", "host": "huggingface.co", "path": path, "username": "git", "password": token}
    done = account.run(
        *("git", *(["-c", "credential.useHttpPath=true"] if path else []), "credential", "reject"),
        stdin="".join(f"{name}={value}\n" for name, value in attributes.items() if value) + "\n",
    )
    assert done.stdout == ""
    return ours(done, token)


def ours(done: subprocess.CompletedProcess[str], *secrets: str) -> str:
    """Return our own lines, each in our form, and none of these secrets in any line."""
    for secret in secrets:
        assert secret not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("git-credential-hf: ")]
    for line in lines:
        assert re.fullmatch(r"git-credential-hf: (error|warning|hint): [^A-Z\s].*[^.]", line)
    return "\n".join(lines)


def shown(token: str) -> str:
    """Return the end of the masked token; a JWT may end in characters that are not shown."""
    return "****" + (token[-4:] if token[-4:].isalnum() else "")


@pytest.fixture
def pair(hub: "Hub", account: Account, browser_login: "Callable[[OAuth], None]") -> "OAuth":
    """Log in with the browser, clone, and revoke the token on the Hub, long before its expiry."""
    pair = hub.oauth("alice", expires_in=20 * DAY)
    browser_login(pair)
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


@pytest.mark.git_versions(each_run=1)
def test_git_works_again_by_itself(hub: "Hub", account: Account, pair: "OAuth") -> None:
    """The command with the revoked token fails, the next one has a new token, without a login."""
    first = account.git("fetch", check=False)
    assert first.returncode != 0
    assert len(hub.log.of(REFRESH)) == 1
    new = account.get()
    assert new not in ("", pair.access_token)
    printed = ours(first, pair.access_token, pair.refresh_token, new)
    assert "git-credential-hf login" not in printed, "there is nothing left to do"
    assert shown(pair.access_token) in printed or shown(new) in printed

    hub.log.clear()
    account.git("fetch")
    account.git("lfs", "pull")
    assert (account.where / "model.bin").read_bytes() == WEIGHTS
    assert {request.token for request in hub.log.with_token()} == {new}
    assert hub.log.of(REFRESH) == []


@pytest.mark.git_versions(each_run=1)
def test_lfs_works_within_the_command(hub: "Hub", account: Account, pair: "OAuth") -> None:
    """git-lfs requests a credential again after a refusal, so `git lfs pull` succeeds."""
    done = account.git("lfs", "pull", timeout=30)
    assert (account.where / "model.bin").read_bytes() == WEIGHTS
    assert len(hub.log.of(REFRESH)) == 1
    ours(done, pair.access_token, pair.refresh_token, account.get())


def test_huggingface_hub_has_it_too(hub: "Hub", account: Account, pair: "OAuth") -> None:
    """The new pair is in huggingface_hub's files: `hf` works, and so does the next refresh."""
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
    """Many parallel `erase`s of the same token make one refresh, and later ones none."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        printed = list(pool.map(lambda _: reject(account, pair.access_token), range(AT_ONCE)))
    assert len(hub.log.of(REFRESH)) == 1
    new = account.get()
    assert new not in ("", pair.access_token)
    assert not any(new in text for text in printed)
    assert not any("git-credential-hf login" in text for text in printed)
    reject(account, pair.access_token)
    assert account.get() == new
    assert len(hub.log.of(REFRESH)) == 1


def test_many_commands_at_once(hub: "Hub", account: Account, pair: "OAuth") -> None:
    """Many parallel git commands with the revoked token make one refresh, and the next command succeeds."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda _: account.git("ls-remote", "origin", check=False), range(AT_ONCE)))
    assert len(hub.log.of(REFRESH)) == 1
    account.git("fetch")


@failing
def test_a_refresh_that_fails(hub: "Hub", account: Account, pair: "OAuth", failure: Failure) -> None:
    """A refresh that fails is tried once for this token, however often it is refused, with a hint."""
    failure(hub)
    printed = []
    for command in (["fetch"], ["ls-remote", "origin"], ["lfs", "pull"], ["fetch"]):
        done = account.git(*command, check=False, timeout=30)
        assert done.returncode != 0
        printed.append(ours(done, pair.access_token, pair.refresh_token))
    assert len(hub.log.of(REFRESH)) == 1
    assert shown(pair.access_token) in printed[0]
    assert "git-credential-hf login" in printed[0]
    assert len(hub.log.with_token()) < 30, "there is no endless retry"
    stored = (account.home / ".cache/huggingface/stored_tokens").read_text()
    assert pair.refresh_token in stored, "it may still be valid when the Hub works again"

    hub.faults.clear()
    account.is_given(hub.token("alice", name="new"), "new")
    account.git("fetch")


@pytest.mark.parametrize(
    "failure", [FAILURES[0], *(pytest.param(failure, marks=pytest.mark.long) for failure in FAILURES[1:])]
)
def test_many_refusals_and_no_refresh(hub: "Hub", account: Account, pair: "OAuth", failure: Failure) -> None:
    """Many parallel `erase`s share the one refresh that fails, and later ones try no other."""
    failure(hub)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        printed = list(pool.map(lambda _: reject(account, pair.access_token), range(AT_ONCE)))
    reject(account, pair.access_token)
    assert len(hub.log.of(REFRESH)) == 1
    assert all(shown(pair.access_token) in text for text in printed), "each command tells its user"


def test_other_tokens_and_hosts(hub: "Hub", account: Account, pair: "OAuth") -> None:
    """The refusal of a token that is not the current one, or by another host, causes no request and no message."""
    assert reject(account, "hf_" + "x" * 34) == ""
    for protocol, host in (("https", "evil.example"), ("http", "huggingface.co"), ("https", "sub.huggingface.co")):
        text = f"protocol={protocol}\nhost={host}\nusername=git\npassword={pair.access_token}\n\n"
        done = account.run("git-credential-hf", "erase", stdin=text)
        assert (done.stdout, done.stderr) == ("", "")
    assert len(hub.log) == 0


@pytest.mark.parametrize("is_copy", [False, True])
def test_the_token_of_the_environment(
    is_copy: bool, hub: "Hub", account: Account, pair: "OAuth", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refused token in HF_TOKEN is not renewed, and the hint is to unset it, even if it is a copy of the login."""
    token = pair.access_token if is_copy else hub.token("alice")
    monkeypatch.setenv("HF_TOKEN", token)
    hub.revoke(token)
    assert "unset HF_TOKEN" in reject(account, token)
    assert is_copy or hub.log.of(REFRESH) == []


# --- other tokens: why ---


@pytest.fixture
def token(hub: "Hub", account: Account) -> str:
    """Return alice's token `laptop`, which is active, on a Hub with repositories of bob's."""
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
    printed = reject(account, token)
    assert "invalid" in printed.lower()
    assert f"hf_{shown(token)}" in printed
    assert ".cache/huggingface/token" in printed
    assert "git-credential-hf login" in printed
    assert hub.log.of(REFRESH) == []
    assert (account.home / ".cache/huggingface/token").read_text() == token


def test_what_git_shows_of_it(hub: "Hub", account: Account, token: str) -> None:
    """The reason is in the output of git and of git-lfs."""
    account.clone(GIT_LFS_SKIP_SMUDGE="1")
    hub.expire(token)
    for command in (["lfs", "pull"], ["fetch"]):
        done = account.git(*command, check=False, timeout=30)
        assert done.returncode != 0
        printed = ours(done, token)
        assert f"hf_{shown(token)}" in printed
        assert "is expired" in printed or command == ["fetch"], "the second within seconds may be shorter"


@pytest.mark.parametrize("path", ["bob/secret", "datasets/bob/secret", "datasets/bob/secret.git", "bob/nothing"])
def test_fine_but_not_for_this_repository(hub: "Hub", account: Account, token: str, path: str) -> None:
    """A token that is valid, but not for this repository, is not called invalid; the repository is named."""
    printed = reject(account, token, path)
    assert path.removesuffix(".git") in printed
    assert "invalid" not in printed.lower()
    assert "expired" not in printed
    assert "run `git-credential-hf login`" not in printed or "another account" in printed
    assert len(printed.splitlines()) <= 3


@pytest.mark.parametrize(
    ("path", "state", "words"),
    [
        ("bob/gated", None, "not requested"),
        ("datasets/bob/gated", "pending", "awaiting review"),
        ("bob/gated.git", "rejected", "rejected"),
        ("bob/gated", "reset", "was reset"),
    ],
)
def test_gated(hub: "Hub", account: Account, token: str, path: str, state: str | None, words: str) -> None:
    """For a gated repository the page to open is named, and the state of the request."""
    name = path.removesuffix(".git")
    if state:
        hub.request_access(name, "alice", state)
    printed = reject(account, token, path)
    assert f"https://huggingface.co/{name}" in printed
    assert words in printed
    assert "invalid" not in printed.lower()


@pytest.mark.parametrize("path", ["", "alice/private-model"], ids=["no path", "path"])
def test_valid(path: str, hub: "Hub", account: Account, token: str) -> None:
    """A token that the Hub accepts, as far as it is known for what, is not called invalid."""
    printed = reject(account, token, path)
    assert f"hf_{shown(token)}" in printed
    assert not re.search("invalid|expired", printed, re.IGNORECASE)


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
    """Whatever path git sends, we report on the token, and no request leaves the API."""
    # Not through git, which does not pass on some of these.
    lines = f"protocol=https\nhost=huggingface.co\npath={path}\nusername=git\npassword={token}\n\n"
    printed = ours(account.run("git-credential-hf", "erase", stdin=lines), token)
    assert f"hf_{shown(token)}" in printed
    asked = [request.path for request in hub.log.with_token()]
    assert all(re.fullmatch(r"/api/(whoami-v2|(models|datasets|spaces)/.*/auth-check)", path) for path in asked)
    assert not any(".." in path or request.query for path, request in zip(asked, hub.log.with_token(), strict=True))


def test_the_token_goes_to_the_hub_alone(
    hub: "Hub", account: Account, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A redirect to another host is not followed with the token."""
    hub.faults.status("/api/", 307, headers={"Location": "https://evil.example/api/whoami-v2"})
    reject(account, token, "bob/secret")
    assert not [request for request in hub.log.with_token() if request.host.startswith("evil")]


# --- the Hub does not answer ---


def unreachable(hub: "Hub", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # the port of `discard`, on which nothing listens


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
TROUBLES = [unreachable, slow, failed, limited, captive, hung_up, offline]


@pytest.mark.parametrize(
    ("trouble", "path"),
    [*((trouble, "") for trouble in TROUBLES), (slow, "bob/secret")],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_without_an_answer(
    hub: "Hub", account: Account, token: str, monkeypatch: pytest.MonkeyPatch, trouble: Trouble, path: str
) -> None:
    """If the Hub does not answer, the source of the token is named without a reason, within the time limit."""
    hub.revoke(token)
    trouble(hub, monkeypatch)
    began = time.monotonic()
    printed = reject(account, token, path)
    assert time.monotonic() - began < ERASE_LIMIT
    assert f"hf_{shown(token)}" in printed
    assert ".cache/huggingface/token" in printed
    assert "git-credential-hf login" in printed
    assert "no access" not in printed
    assert "expired" not in printed


def test_slow_for_many(hub: "Hub", account: Account, token: str) -> None:
    """Many refusals at once do not wait for each other."""
    hub.revoke(token)
    hub.faults.delay("/api/", 10)
    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda _: reject(account, token), range(AT_ONCE)))
    assert time.monotonic() - began < 2 * ERASE_LIMIT


def test_all_is_slow(hub: "Hub", account: Account, pair: "OAuth") -> None:
    """A refresh without an answer delays git for seconds, not for minutes."""
    hub.faults.delay("/", 10)
    began = time.monotonic()
    reject(account, pair.access_token)
    assert time.monotonic() - began < 3 * ERASE_LIMIT
    assert len(hub.log.of(REFRESH)) == 1


@pytest.mark.parametrize("trouble", [failed, captive, slow], ids=lambda trouble: trouble.__name__)
def test_lfs_without_an_answer(
    hub: "Hub", account: Account, token: str, monkeypatch: pytest.MonkeyPatch, trouble: Trouble
) -> None:
    """`git lfs pull` with a revoked token ends while the API does not work, after three requests at most."""
    account.clone(GIT_LFS_SKIP_SMUDGE="1")
    hub.revoke(token)
    trouble(hub, monkeypatch)
    hub.log.clear()
    done = account.git("lfs", "pull", check=False, timeout=30)
    assert done.returncode != 0
    assert f"hf_{shown(token)}" in ours(done, token)
    assert len(hub.log.of("/api/")) <= 3


def test_nothing_is_left_behind(hub: "Hub", account: Account, token: str) -> None:
    """What is recorded of a refusal contains no token."""
    hub.revoke(token)
    reject(account, token, "bob/secret")
    runtime = os.environ["XDG_RUNTIME_DIR"]
    for directory, _, files in os.walk(runtime):
        for name in files:
            with open(os.path.join(directory, name), "rb") as file:
                assert token.encode() not in file.read()


def test_a_route_that_refuses_a_good_token(hub: "Hub", account: Account) -> None:
    """git-lfs, which asks again after each refusal, comes to an end where one route of the Hub refuses a good token."""
    log_in(account.home, hub.token("alice"), "laptop")
    account.clone("https://huggingface.co/alice/private-model", GIT_LFS_SKIP_SMUDGE="1")
    hub.faults.status("/info/lfs", 401)
    done = account.git("lfs", "pull", check=False, timeout=45)
    assert done.returncode != 0
    assert len(hub.log.of("/info/lfs")) <= 12


def test_many_refusals_of_a_good_token_at_one_time(hub: "Hub", account: Account) -> None:
    """What the Hub refuses by mistake in eight transfers at one time is one mistake: the good token is served."""
    token = hub.token("alice")
    log_in(account.home, token, "laptop")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: reject(account, token), range(8)))
    assert account.get() == token


def test_mistakes_where_the_hub_may_not_be_asked(hub: "Hub", account: Account) -> None:
    """In offline mode, a command that fails and the same one again do not hold back a token, which may be good."""
    log_in(account.home, hub.token("alice"), "laptop")
    hub.faults.status("/info/refs", 401)
    for _ in range(2):
        assert account.git("ls-remote", MODEL, check=False, HF_HUB_OFFLINE="1").returncode != 0
    hub.faults.clear()
    account.git("ls-remote", MODEL, HF_HUB_OFFLINE="1")


def test_another_helper_is_asked_instead(hub: "Hub", account: Account) -> None:
    """A token that is held back does not keep git from a helper after this one, whose token works, without a word."""
    revoked = hub.token("alice")
    log_in(account.home, revoked, "laptop")
    hub.revoke(revoked)
    (account.home / ".gitconfig").write_text("[credential]\n\thelper = hf\n\thelper = store\n")
    assert account.git("ls-remote", MODEL, check=False).returncode != 0
    (account.home / ".git-credentials").write_text(f"https://alice:{hub.token('alice')}@huggingface.co\n")
    assert account.git("ls-remote", MODEL).stderr == ""
