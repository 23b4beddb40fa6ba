"""What people do all day, with each source of a token: clone, fetch, pull, LFS, push, another login."""

import contextlib
import json
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from account import WEIGHTS, Account
from amount import IS_LONG

if TYPE_CHECKING:
    from fake_hub import Hub, OAuth


DAY = 24 * 3600


def environment_variable(hub: "Hub", account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", hub.token("alice"))


def token_file(hub: "Hub", account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    account.log_in(hub.token("alice"))


def trusted_publisher(hub: "Hub", account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.trust("https://ci.example", resource="alice/private-model", id_token="eyJ.id.token")
    monkeypatch.setenv("HF_OIDC_RESOURCE", "alice/private-model")
    monkeypatch.setenv("HF_OIDC_ID_TOKEN", "eyJ.id.token")
    of_job(account).mkdir(0o755, exist_ok=True)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("RUNNER_TEMP", str(of_job(account)))


def of_job(account: Account) -> Path:
    """The directory that ends with the job."""
    return account.home.with_name(f"{account.home.name}-job")


Login = Callable[["Hub", Account, pytest.MonkeyPatch], None]
SOURCES = [environment_variable, token_file, trusted_publisher]


@pytest.mark.parametrize(
    "log_in",
    [
        pytest.param(source, marks=pytest.mark.git_versions(each_run=1)) if source is token_file else source
        for source in SOURCES
    ],
    ids=lambda source: source.__name__,
)
def test_a_day_at_work(hub: "Hub", account: Account, monkeypatch: pytest.MonkeyPatch, log_in: Login) -> None:
    """Clone, fetch, pull, LFS and push of a private repository need a login and no more, whatever its source."""
    log_in(hub, account, monkeypatch)
    work(hub, account, *(("hf_jwt_", 1) if log_in is trusted_publisher else ("hf_", 0)))


@pytest.mark.git_versions
def test_a_day_with_a_browser_login(hub: "Hub", account: Account, browser_login: "Callable[[OAuth], None]") -> None:
    """The same with a browser login, whose token is renewed first, however the Hub takes it."""
    browser_login(hub.oauth("alice", expires_in=3600))
    work(hub, account, "hf_oauth_", int(hub.oauth_as_password))  # else it was renewed in the first command


def work(hub: "Hub", account: Account, kind: str, exchanges: int) -> None:
    hub.log.clear()
    clone = account.clone()
    assert (clone / "README.md").read_bytes() == b"hello\n"
    assert (clone / "model.bin").read_bytes() == WEIGHTS

    account.commit({"notes.md": b"more\n", "other.bin": b"\0" + WEIGHTS})
    assert "other.bin" in account.git("lfs", "ls-files").stdout
    account.git("push")
    account.git("fetch", "--all")
    account.git("pull")
    account.git("lfs", "pull")

    assert all(request.status not in (403, 404) for request in hub.log)
    given = {request.token for request in hub.log.with_token()}
    assert len(given) == 1, "the same token all day, for git and for git-lfs"
    assert (given.pop() or "").startswith(kind)
    assert len(hub.log.of("/oauth/token")) == exchanges, "one refresh, or one exchange for the whole job"


@pytest.mark.git_versions
def test_the_chain_without_configure(hub: "Hub", account: Account) -> None:
    """`git config credential.helper hf` alone is enough."""
    account.run("git-credential-hf", "unconfigure")
    account.git("config", "--global", "credential.helper", "hf")
    account.is_given(hub.token("alice"), "alice")
    assert (account.clone() / "model.bin").read_bytes() == WEIGHTS


def test_the_short_host(hub: "Hub", account: Account) -> None:
    """hf.co is the Hub too: git-lfs goes there for a remote `git@hf.co:...`."""
    account.is_given(hub.token("alice"), "alice")
    assert (account.clone("https://hf.co/alice/private-model") / "model.bin").read_bytes() == WEIGHTS


@pytest.mark.git_versions
def test_a_name_in_the_url(hub: "Hub", account: Account) -> None:
    """`https://alice@huggingface.co/...`, as many a README has it, works like the plain URL."""
    account.is_given(hub.token("alice"), "alice")
    assert (account.clone("https://alice@huggingface.co/alice/private-model") / "model.bin").read_bytes() == WEIGHTS


def test_another_login_is_used_at_once(hub: "Hub", account: Account) -> None:
    """After `hf auth login` and `hf auth switch`, the very next git command uses the other token."""
    first, second = hub.token("alice", name="first"), hub.token("alice", "read", name="second")
    account.is_given(first, "first")
    account.clone(GIT_LFS_SKIP_SMUDGE="1")
    for change, current in (
        (["hf", "auth", "login", "--token", second], second),
        (["hf", "auth", "switch", "--token-name", "first"], first),
    ):
        account.run(*change)
        hub.log.clear()
        account.git("fetch")
        assert {request.token for request in hub.log.with_token()} == {current}


@pytest.mark.git_versions
def test_logged_out(hub: "Hub", account: Account) -> None:
    """After `hf auth logout` git has nothing, and is told what to do; nobody is asked for a password."""
    account.is_given(hub.token("alice"), "alice")
    account.run("hf", "auth", "logout")
    done = account.git("clone", "https://huggingface.co/alice/private-model", check=False)
    assert done.returncode == 128
    assert "run `hf auth login`" in done.stderr


# --- many at once ---


def many(account: Account, count: int) -> set[str]:
    with ThreadPoolExecutor(count) as pool:
        return set(pool.map(lambda _: account.get(), range(count)))


def test_one_refresh_for_many(hub: "Hub", account: Account) -> None:
    """Many `get`s at once with an OAuth token that is due make one refresh, and all have the new token."""
    due = hub.oauth("alice", expires_in=DAY // 2)
    account.store_oauth(due)
    given = many(account, 50 if IS_LONG else 16)
    assert len(given) == 1
    assert due.access_token not in given
    assert "" not in given
    assert len(hub.log.of("/oauth/token")) == 1


def test_one_exchange_for_many(hub: "Hub", account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many `get`s at once in a CI job make one exchange, and so do those that come later."""
    trusted_publisher(hub, account, monkeypatch)
    assert len(many(account, 20 if IS_LONG else 10) | many(account, 2)) == 1
    assert len(hub.log.of("/oauth/token")) == 1


def test_the_exchange_belongs_to_its_job(hub: "Hub", account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job with another identity, or for another repository, on the same runner gets a token of its own."""
    trusted_publisher(hub, account, monkeypatch)
    first = account.get()
    hub.trust("https://ci.example", resource="alice/private-model", id_token="eyJ.another.job")
    monkeypatch.setenv("HF_OIDC_ID_TOKEN", "eyJ.another.job")
    assert account.get() not in ("", first)


def test_the_exchange_is_kept_until_it_expires(hub: "Hub", account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that is about to expire is exchanged anew, and what is kept is the user's alone."""
    trusted_publisher(hub, account, monkeypatch)
    first = account.get()
    kept = of_job(account) / "git-credential-hf"
    assert {oct(path.stat().st_mode & 0o777) for path in kept.iterdir()} == {"0o600"}
    assert kept.stat().st_mode & 0o777 == 0o700
    record = (kept / "oidc").read_text().split("\n")
    record[3] = "1"  # the time until which it is served
    (kept / "oidc").write_text("\n".join(record))
    assert account.get() not in ("", first)
    assert len(hub.log.of("/oauth/token")) == 2


# --- what goes wrong ---


def test_a_refresh_that_fails(hub: "Hub", account: Account) -> None:
    """When the Hub does not renew a token, the old one is served, and the reason stands in one line on stderr."""
    due = hub.oauth("alice", expires_in=3600)
    account.store_oauth(due)
    hub.faults.status("/oauth/token", 500)
    done = account.run("git-credential-hf", "get", stdin="protocol=https\nhost=huggingface.co\n\n")
    assert f"password={due.access_token}\n" in done.stdout
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("git-credential-hf: warning: Could not refresh")
    hub.faults.clear()
    assert account.get() not in ("", due.access_token), "and the next one tries again"


def test_an_exchange_that_fails(hub: "Hub", account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the Hub refuses an exchange, no other token takes its place, and the reason is told without the secret."""
    account.is_given(hub.token("alice"), "alice")
    trusted_publisher(hub, account, monkeypatch)
    monkeypatch.setenv("HF_OIDC_ID_TOKEN", "eyJ.not.trusted")
    done = account.run("git-credential-hf", "get", stdin="protocol=https\nhost=huggingface.co\n\n", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: no token for HF_OIDC_RESOURCE=alice/private-model: " in done.stderr
    assert "eyJ.not.trusted" not in done.stderr
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("source", [pytest.param("file", marks=pytest.mark.git_versions(each_run=1)), "environment"])
def test_a_token_revoked_after_the_clone(
    hub: "Hub", account: Account, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """`git lfs pull` with a revoked token ends by itself, with the reason; after a new login it works at once."""
    token = hub.token("alice")
    account.is_given(token, "alice")
    account.clone(GIT_LFS_SKIP_SMUDGE="1")
    if source == "environment":
        monkeypatch.setenv("HF_TOKEN", token)
    hub.revoke(token)
    hub.log.clear()
    done = account.git("lfs", "pull", check=False, timeout=20)
    assert done.returncode != 0
    assert f"token hf_****{token[-4:]} from the" in done.stderr
    assert "git-credential-hf login" in done.stderr or "unset HF_TOKEN" in done.stderr
    assert len(hub.log.with_token()) <= 4, "it did not ask for ever"

    monkeypatch.delenv("HF_TOKEN", raising=False)
    account.is_given(hub.token("alice"), "new")
    account.git("lfs", "pull")
    assert (account.where / "model.bin").read_bytes() == WEIGHTS


def test_the_storage_host_gets_nothing(hub: "Hub", account: Account) -> None:
    """When the host of the LFS storage asks for a password, it gets nothing from us."""
    token = hub.token("alice")
    account.is_given(token, "alice")
    hub.storage_401 = True
    with contextlib.suppress(subprocess.TimeoutExpired):  # git-lfs, which has no password for it, asks for ever
        account.git("clone", "https://huggingface.co/alice/private-model", check=False, timeout=5)
    storage = [request for request in hub.log if request.status == 401 and not request.path.startswith("/alice/")]
    assert storage, "it was asked for the file"
    assert not any(request.token for request in storage)


def test_status_on_the_hub(hub: "Hub", account: Account) -> None:
    """`status` names the account that git acts as."""
    account.is_given(hub.token("alice", "read", name="laptop"), "laptop")
    seen = json.loads(account.run("git-credential-hf", "status", "--json").stdout)
    assert seen["account"] == {"name": "alice", "role": "read"}
    assert seen["token"]["name"] == "laptop"
    assert seen["git"] == {"asks_us": True, "asked_first": []}


@pytest.mark.git_versions(each_run=1)
@pytest.mark.parametrize("password", ["revoked", "secret"])
def test_a_rejected_netrc_entry_stops_nothing(password: str, hub: "Hub", account: Account) -> None:
    """Git and git-lfs go on to the helper if the Hub rejects what is in `.netrc`: clone and push work, with LFS."""
    old = hub.token("alice", name="old") if password == "revoked" else password
    hub.revoke(old)
    netrc = account.home / ".netrc"
    netrc.write_text(f"machine huggingface.co login x password {old}\n")
    netrc.chmod(0o600)
    account.is_given(hub.token("alice"), "new")
    folder = account.clone()
    assert (folder / "model.bin").read_bytes() == WEIGHTS
    account.commit({"model.bin": WEIGHTS + b"more"})
    account.git("push")
    assert old in {request.token for request in hub.log}
