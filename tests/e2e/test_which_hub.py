"""Which Hub gets which token: the one in git's request decides, whatever `HF_ENDPOINT` says."""

from __future__ import annotations

import base64
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from account import Account
from amount import each_run
from login import log_in, store_token
from programs import Done
from servers import Server, http

from git_credential_hf.protocol import format_message

if TYPE_CHECKING:
    from fake_hub import Hub

LOGIN = "hf_" + "Login" * 6 + "wxyz"
NAMED = "hf_" + "Named" * 6 + "wxyz"
IN_ENVIRONMENT = "hf_" + "Environment" * 3 + "wxyz"
OF_A_COMPANY = "eyJhbGciOiJ.OfACompany.OfACompany"
IDENTITY = "id-token-of-this-job"
DUE = 3600  # seconds; a day before its expiry it is due


class World:
    """Three servers, and an account whose git is configured for the second and the third with `--hub`, or not."""

    def __init__(self, public: Hub, other: Hub, plain: Server, account: Account) -> None:
        self.public = public
        self.other = other
        self.plain = plain
        self.account = account
        self.urls = {
            "huggingface.co": "https://huggingface.co",
            "hf.co": "https://hf.co",
            "another Hub": other.url,
            "plain http": f"http://localhost:{plain.port}",
        }

    def configure(self, *hubs: str) -> None:
        for hub in hubs:
            self.account.run("git-credential-hf", "configure", "--hub", self.urls[hub])

    def start_again(self) -> None:
        """Forget who was logged in, and what was refused, exchanged or asked."""
        for folder in (".cache/huggingface", ".cache/git-credential-hf"):
            shutil.rmtree(self.account.home / folder, ignore_errors=True)
        shutil.rmtree(Path(os.environ["XDG_RUNTIME_DIR"], "git-credential-hf"), ignore_errors=True)
        for hub in (self.public, self.other):
            hub.log.clear()
        self.plain.heard.clear()

    def fill(self, asked: str, **environment: Any) -> Done:
        protocol, _, host = self.urls[asked].partition("://")
        message = format_message([("protocol", protocol), ("host", host)]).decode()
        return self.account.run("git", "credential", "fill", stdin=message + "\n", check=False, **environment)

    def asked(self) -> dict[str, list[str]]:
        """What each server was asked; an OAuth request contains a refresh token, or the identity of a job."""
        return {
            "huggingface.co": [request.path for request in self.public.log],
            "another Hub": [request.path for request in self.other.log],
            "plain http": [head.partition(b"\r\n")[0].decode() for head in self.plain.heard],
        }


@pytest.fixture
def servers(hub: Hub, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    from fake_hub import Hub

    (tmp_path / "other").mkdir()
    with Hub(tmp_path / "other") as other, Server(http("401 Unauthorized")) as plain:
        bundle = tmp_path / "both.pem"
        bundle.write_bytes(hub.ca.read_bytes() + other.ca.read_bytes())
        for name in ("GIT_SSL_CAINFO", "SSL_CERT_FILE"):
            monkeypatch.setenv(name, str(bundle))
        for each in (hub, other):
            each.user("alice")
            each.trust("https://ci.example", resource="alice/private-model", id_token=IDENTITY)
        yield World(hub, other, plain, account)


# HF_ENDPOINT, by name; the last part of one with a path is a proxy's way to the Hub, which is not a host for git.
ENDPOINTS = ("", "huggingface.co", "another Hub", "another Hub, with a path", "plain http")

# What somebody has, and what git gets if it asks for huggingface.co (or hf.co), for another Hub, and for plain http on
# this machine, both configured with `--hub`. "its own": only if HF_ENDPOINT is that Hub, or nothing for huggingface.co.
TOKENS: dict[str, tuple[str | None, str | None, str | None]] = {
    "login": (LOGIN, LOGIN, LOGIN),
    "HF_TOKEN": (IN_ENVIRONMENT, IN_ENVIRONMENT, IN_ENVIRONMENT),
    "HF_TOKEN of a company": ("its own", "its own", "its own"),
    "login at a company": ("its own", OF_A_COMPANY, OF_A_COMPANY),
    "named": (NAMED, LOGIN, LOGIN),  # a name could come from a redirect of another Hub
    "browser login that is due": ("renewed there", "renewed there", "as it is"),
    "CI identity": ("exchanged there", "exchanged there", None),
}


# Each token without HF_ENDPOINT and with that of another Hub; with the others what depends on it.
ROWS = [(endpoint, token) for endpoint in ENDPOINTS for token in TOKENS]
DEPENDING = ("HF_TOKEN of a company", "browser login that is due", "CI identity")
EACH_RUN = [(endpoint, token) for endpoint, token in ROWS if endpoint in ("", "another Hub") or token in DEPENDING]


@pytest.mark.parametrize(("endpoint", "token"), each_run(ROWS, *EACH_RUN))
def test_who_gets_what(token: str, endpoint: str, servers: World) -> None:
    """Whatever HF_ENDPOINT is, the Hub that git asks about alone gets the token, renews it, exchanges the identity."""
    servers.configure("another Hub", "plain http")
    environment: dict[str, Any] = {}
    if endpoint:
        environment["HF_ENDPOINT"] = servers.urls[endpoint.removesuffix(", with a path")]
        environment["HF_ENDPOINT"] += "/api/huggingfaceml/r" if endpoint.endswith("path") else ""
    for asked, expected in zip((*servers.urls,), (TOKENS[token][0], *TOKENS[token]), strict=True):
        servers.start_again()
        where = "huggingface.co" if asked == "hf.co" else asked
        at = {"huggingface.co": servers.public, "another Hub": servers.other}.get(where)
        pair = (at or servers.public).oauth("alice", expires_in=DUE)
        given = prepare(servers, token, pair) | environment
        done = servers.fill(asked, **given)
        fields = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
        password = fields.get("password")

        requests = servers.asked()
        exchanges = requests.pop(where)
        assert not any(requests.values()), (asked, requests)  # not a byte to the others
        if expected == "its own":
            expected = OF_A_COMPANY if (endpoint or "huggingface.co") == where else None
        if expected == "renewed there":
            assert password not in (None, pair.access_token) and exchanges == ["/oauth/token"], asked
        elif expected == "exchanged there":
            assert password and password.startswith("hf_jwt_") and exchanges == ["/oauth/token"], asked
        else:
            assert password == (pair.access_token if expected == "as it is" else expected), (asked, done.stderr)
            assert exchanges == [], asked


def prepare(servers: World, token: str, pair: Any) -> dict[str, Any]:
    """Leave behind what somebody has; return the variables of the environment that belong to it."""
    home = servers.account.home
    store_token(home, "work", NAMED)
    if token == "named":
        servers.account.git("config", "--global", "--replace-all", "credential.https://huggingface.co.username", "work")
        for url in servers.urls.values():
            servers.account.git("config", "--global", f"credential.{url}.username", "work")
        log_in(home, LOGIN)
    elif token.startswith("login"):
        log_in(home, LOGIN if token == "login" else OF_A_COMPANY)
    elif token == "browser login that is due":
        more = {"refresh_token": pair.refresh_token, "expires_at": int(pair.expires_at)}
        log_in(home, pair.access_token, "laptop", **more)
    return {
        "HF_TOKEN": {"HF_TOKEN": IN_ENVIRONMENT},
        "HF_TOKEN of a company": {"HF_TOKEN": OF_A_COMPANY},
        "CI identity": {"HF_OIDC_RESOURCE": "alice/private-model", "HF_OIDC_ID_TOKEN": IDENTITY},
    }.get(token, {})


@pytest.mark.parametrize("endpoint", ["another Hub", "another Hub, with a path", "plain http"])
def test_nobody_has_agreed_to_another_hub(endpoint: str, servers: World) -> None:
    """What HF_ENDPOINT alone names is served nothing, and is not asked: not by git, nor by any command."""
    account = servers.account
    servers.start_again()
    log_in(account.home, LOGIN)
    url = servers.urls[endpoint.removesuffix(", with a path")]
    variables: dict[str, Any] = {
        "HF_ENDPOINT": url + ("/r" if endpoint.endswith("path") else ""),
        "HF_TOKEN": OF_A_COMPANY,
    }
    name = "plain http" if endpoint == "plain http" else "another Hub"
    assert "password=" not in servers.fill(name, **variables).stdout
    account.git("init", "--quiet", "repository")
    account.where = account.home / "repository"
    account.git("remote", "add", "origin", f"{url}/alice/private-model")
    account.git("commit", "--quiet", "--allow-empty", "--message", "first")
    for command in (
        *(["status"], ["doctor"], ["check", "alice/private-model"], ["check"], ["purge"], ["configure"]),
        ["hook", "pre-push", "origin", f"{url}/alice/private-model"],
    ):
        line = f"refs/heads/main {'1' * 40} refs/heads/main {'0' * 40}\n" if command[0] == "hook" else ""
        account.run("git-credential-hf", *command, stdin=line, check=False, **variables)
    requests = servers.asked()
    assert requests["plain http"] == requests["another Hub"] == []
    assert OF_A_COMPANY not in {request.token for request in servers.public.log}


@pytest.mark.parametrize("user", ["zed", "corp"])
def test_a_stored_token_of_a_company(user: str, servers: World) -> None:
    """Whatever user name a repository's URL has, huggingface.co is not shown a token that is for HF_ENDPOINT."""
    account = servers.account
    mine = servers.public.token("alice")
    log_in(account.home, mine, "personal")
    store_token(account.home, "corp", OF_A_COMPANY)
    endpoint = f"{servers.other.url}/artifactory/api/huggingfaceml/r"
    url = f"https://{user}@huggingface.co/alice/private-model"
    account.git("ls-remote", url, HF_ENDPOINT=endpoint)
    for command in (["status"], ["doctor"], ["check"]):
        account.run("git-credential-hf", *command, check=False, HF_ENDPOINT=endpoint)
    assert {request.token for request in servers.public.log} <= {mine, None, ""}
    assert servers.asked()["another Hub"] == []


def test_a_push_beside_a_mirror(servers: World) -> None:
    """A mirror in HF_ENDPOINT changes nothing for a push to huggingface.co: it is checked there, silently."""
    account, hub = servers.account, servers.public
    servers.start_again()
    log_in(account.home, hub.token("alice"), "write")
    account.clone()
    account.run("git-credential-hf", "hooks", "install")
    account.commit({"notes.md": b"more\n"})
    hub.log.clear()
    done = account.git("push", HF_ENDPOINT=servers.other.url)
    assert "git-credential-hf" not in done.stderr
    assert hub.log.of("/auth-check/write", status=200)
    read_only = hub.token("alice", role="read")
    account.commit({"notes.md": b"even more\n"})
    done = account.git("push", check=False, HF_ENDPOINT=servers.other.url, HF_TOKEN=read_only)
    assert "can only read" in done.stderr and done.returncode != 0
    assert servers.asked()["another Hub"] == []


def test_a_good_token_that_was_refused_by_mistake(servers: World) -> None:
    """One 401 for a good token, of the Hub's or a proxy's, does not stop the next command; a bad token is held back."""
    account, hub = servers.account, servers.public
    token = hub.token("alice")
    log_in(account.home, token, "write")
    hub.faults.status("/info/refs", 401, times=2)
    first = account.git("ls-remote", "https://huggingface.co/alice/private-model", check=False)
    assert first.returncode != 0 and "the token is valid" in first.stderr
    account.git("ls-remote", "https://huggingface.co/alice/private-model")
    hub.revoke(token)
    assert account.git("ls-remote", "https://huggingface.co/alice/private-model", check=False).returncode != 0
    hub.log.clear()
    held = account.git("ls-remote", "https://huggingface.co/alice/private-model", check=False)
    assert "the Hub has just refused the token" in held.stderr
    assert hub.log.with_token() == []


def test_a_redirect_names_no_other_token(servers: World) -> None:
    """Another Hub, which can put a user name into a redirect, gets the login, and no other stored token.

    That is so whether the name is a token's or an account's, also for what it refuses, and for what renews a token.
    """
    servers.configure("another Hub")
    servers.start_again()
    account, other = servers.account, servers.other
    log_in(account.home, LOGIN, "personal")
    store_token(account.home, "work", NAMED)
    fields = {"refresh_token": "hf_oauth__refresh_of-bob", "expires_at": int(time.time()) + DUE}
    store_token(account.home, "oauth-bob", "hf_oauth_" + NAMED[3:], **fields)
    for name in ("someone", "bob", "work", "oauth-bob"):
        url = other.url.replace("://", f"://{name}@")
        account.git("ls-remote", f"{url}/alice/model", check=False, HF_ENDPOINT=other.url)
    for value in (NAMED, "hf_oauth_" + NAMED[3:]):  # as if git had it from elsewhere
        message = format_message([("url", other.url), ("username", "work"), ("password", value)])
        account.run("git", "credential", "reject", stdin=message.decode() + "\n", HF_ENDPOINT=other.url)
    assert {request.token for request in other.log if request.token} == {LOGIN}
    assert not other.log.of("/oauth")
    assert servers.asked()["huggingface.co"] == []


def test_an_id_token_is_for_its_audience(servers: World) -> None:
    """An id token that names huggingface.co is not exchanged at another Hub, which could use it there."""
    servers.configure("another Hub")
    servers.start_again()
    claims = base64.urlsafe_b64encode(json.dumps({"aud": "https://huggingface.co"}).encode()).decode().rstrip("=")
    identity = {"HF_OIDC_RESOURCE": "alice/private-model", "HF_OIDC_ID_TOKEN": f"eyJ.{claims}.sig"}
    done = servers.fill("another Hub", **identity)
    assert "HF_OIDC_ID_TOKEN is for https://huggingface.co, and is not sent to" in done.stderr
    assert servers.asked()["another Hub"] == []


def test_a_copy_for_another_hub_is_not_shown_to_this_one(servers: World) -> None:
    """What git has elsewhere for one Hub, in a helper or a URL, is asked about at that Hub alone."""
    servers.configure("another Hub")
    account = servers.account
    mine = servers.public.token("alice")
    log_in(account.home, mine)
    place = servers.other.url.partition("://")[2]
    kept = [f"https://alice:{name * 8}wxyz@{place}" for name in ("Helper", "Remote", "Inserted")]
    (account.home / ".git-credentials").write_text(kept[0].replace(place, place.replace(":", "%3a")) + "\n")
    account.git("config", "--global", "credential.helper", "store")
    account.git("config", "--global", f"url.{kept[2]}/.insteadOf", "company:")
    account.git("init", "--quiet", "work")
    account.git("-C", "work", "remote", "add", "origin", "https://huggingface.co/alice/private-model")
    account.git("-C", "work", "remote", "add", "company", f"{kept[1]}/alice/private-model")
    account.where = account.home / "work"
    done = account.run("git-credential-hf", "doctor", "--json", check=False)
    assert {"stale-copy", "token-in-remote-url", "token-in-git-config"} <= {
        finding["id"] for finding in json.loads(done.stdout)["findings"]
    }
    assert {request.token for request in servers.public.log} <= {mine, None}


def test_a_named_token_of_another_hub_is_ours(servers: World) -> None:
    """The token that the configuration names for a namespace of another Hub is this helper's, wherever it comes up."""
    account, other = servers.account, servers.other
    other.user("bob")
    other.repository("bob/model", private=True, files={"README.md": b"bob's\n"})
    log_in(account.home, other.token("alice"), "personal")
    store_token(account.home, "work", other.token("bob"))
    account.run("git-credential-hf", "configure", "--hub", other.url, "--token", "work", "--for", "bob")
    account.git("ls-remote", f"{other.url}/bob/model")
    done = account.run("git-credential-hf", "doctor", "--json", f"{other.url}/bob/model", check=False)
    found = {row["program"]: row["source"] for row in json.loads(done.stdout)["resolvers"]}
    assert found["git"] == f"the file {account.home}/.cache/huggingface/stored_tokens"
