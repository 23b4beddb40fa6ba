"""`git-credential-hf status`: the current token, its account, and whether git uses this helper."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from executable import PROGRAM, REFRESH_TOKEN, SCRIPTS, SHOWN, TOKEN, messages, run, run_on_terminal, succeed
from operations import serve_hub
from programs import Done, git

if TYPE_CHECKING:
    from fake_hub import Hub

WHOAMI = "/api/whoami-v2"


OTHER = "hf_" + "zYxWvUtSrQpOnMlKjIhGfEdCbA9876EfGh"


def show(**environment: Any) -> Done:
    return run("status", **{"HF_TOKEN": None, **environment})


def status(around: tuple[str, ...] = (), **environment: Any) -> tuple[dict[str, Any], Done]:
    """Return what `status --json` prints, and how it ended."""
    done = run("status", "--json", around=around, **{"HF_TOKEN": None, **environment})
    return json.loads(done.stdout), done


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Let git use this helper for a Hub that is a port of this machine which refuses connections."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # without listening
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("HF_ENDPOINT", url)
        succeed("configure", "--hub", url)
        yield url


def expected(endpoint: str, token: dict[str, Any] | None) -> dict[str, Any]:
    git = {"asks_us": True, "asked_first": []}
    return {"token": token, "account": None, "endpoint": endpoint, "git": git, "mapped": []}


def log_in(home: Path, expires_at: str, token: str = TOKEN) -> None:
    directory = home / ".cache/huggingface"
    directory.mkdir(parents=True)
    (directory / "token").write_text(token)
    (directory / "stored_tokens").write_text(
        f"[work]\nhf_token = {token}\nrefresh_token = {REFRESH_TOKEN}\nexpires_at = {expires_at}\n"
    )
    for file in directory.iterdir():
        os.utime(file, (0, 0))


# --- the token ---


def test_not_logged_in(configured: str) -> None:
    """Without a token that is the problem, with its hint, and the Hub gets no request."""
    seen, done = status()
    assert seen == expected(configured, None)
    assert done.returncode == 1
    assert messages(done, "error") == ["not logged in to Hugging Face"]
    assert "hint: run `hf auth login`\n" in done.stderr
    assert "cannot reach the Hub" not in done.stderr
    shown = show()
    assert shown.returncode == 1
    assert re.search(r"^token +none$", shown.stdout, re.MULTILINE)


@pytest.mark.parametrize("value", ["", " \n"])
@pytest.mark.parametrize("name", ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"])
def test_an_empty_variable(name: str, value: str, configured: str) -> None:
    """A variable that is empty, as a CI job's without the secret, is named as the reason, to git as well."""
    empty: dict[str, Any] = {"HF_TOKEN": None, name: value}
    done = show(**empty)
    assert messages(done, "error") == [f"not logged in to Hugging Face: {name} is empty"]
    assert messages(done, "hint") == [f"set {name} to a token, or run `hf auth login`"]
    done = run("get", stdin="protocol=https\nhost=huggingface.co\n\n", **empty)
    assert messages(done, "error") == [f"not logged in to Hugging Face: {name} is empty"]


@pytest.mark.parametrize("place", ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "file", "stored", "due"])
def test_which_token(place: str, home: Path, configured: str) -> None:
    """Source, name, expiry and the masked token are shown; if the Hub cannot be reached, the account is unknown."""
    environment: dict[str, Any] = {}
    file = home / ".cache/huggingface/token"
    token: dict[str, Any] = {"source": f"file:{file}", "name": None, "shown": SHOWN, "expires_at": None}
    if place.startswith("H"):
        environment = {place: TOKEN}
        token["source"] = f"env:{place}"
    elif place == "file":
        file.parent.mkdir(parents=True)
        file.write_text(TOKEN + "\n")
    else:
        token |= {"name": "work", "expires_at": int(time.time()) + (10**6 if place == "stored" else 60)}
        log_in(home, str(token["expires_at"]))
    start = time.monotonic()
    seen, done = status(**environment)
    assert time.monotonic() - start < 15
    assert seen == expected(configured, token)
    assert done.returncode == 0, done.stderr
    assert "git-credential-hf: warning: cannot reach the Hub" in done.stderr
    shown = show(**environment)
    assert shown.returncode == 0
    assert re.search(rf"^token +{re.escape(SHOWN)} from the .*{'work' if token['name'] else ''}", shown.stdout)
    assert re.search(r"^account +unknown", shown.stdout, re.MULTILINE)
    assert re.search(r"^git +uses this helper$", shown.stdout, re.MULTILINE)


@pytest.mark.parametrize("content", ["directory", "not text", "unreadable"])
def test_broken_token_file(content: str, home: Path, configured: str) -> None:
    """A token file that cannot be read is not "not logged in": it is named, with the reason."""
    file = home / ".cache/huggingface/token"
    file.parent.mkdir(parents=True)
    if content == "directory":
        file.mkdir()
    else:
        file.write_bytes(b"\xff\xfe" if content == "not text" else TOKEN.encode())
    if content == "unreadable":
        file.chmod(0)
    # root can read every file, unless it gives up that capability.
    seen, done = status(("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ())
    assert seen["token"] is None
    assert done.returncode == 1
    (error,) = messages(done, "error")
    assert error.startswith(f"cannot read the token file {file}: ")
    fix = f"run `chmod 600 {file}`" if content == "unreadable" else "run `git-credential-hf login`"
    assert messages(done, "hint") == [fix]


def test_token_file_that_is_out_of_reach(home: Path, configured: str) -> None:
    """A directory that this user cannot enter has no file to log in with: the hint is another place."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory to another user")
    folder = home / ".cache"
    folder.mkdir(exist_ok=True, mode=0o700)
    os.chown(folder, 65534, 65534)
    _, done = status(("setpriv", "--bounding-set=-all", "--inh-caps=-all"))
    os.chown(folder, 0, 0)
    assert messages(done, "error") == [f"cannot read the token file {folder}/huggingface/token: Permission denied"]
    assert messages(done, "hint") == ["set HF_TOKEN_PATH to a file that you can read"]


@pytest.mark.parametrize("expires_at", ["0", "-1", "99999999999999", "100000000000000000000", "nonsense"])
def test_strange_expiry(expires_at: str, home: Path, configured: str) -> None:
    """Whatever the expiry in the stored tokens is, `status` works."""
    log_in(home, expires_at)
    assert re.search(rf"^token +{re.escape(SHOWN)}", show(HF_HUB_OFFLINE="1").stdout)
    status(HF_HUB_OFFLINE="1")


def test_no_home(tmp_path: Path) -> None:
    """Without HOME `status` still shows the token."""
    seen, done = status(HOME=None, XDG_CACHE_HOME=str(tmp_path), HF_TOKEN=TOKEN, HF_HUB_OFFLINE="1")
    assert seen["token"]["shown"] == SHOWN
    assert done.returncode == 1


# --- git ---


@pytest.mark.parametrize(
    ("helpers", "asks_us", "asked_first"),
    [
        ([], False, []),
        (["hf"], True, []),
        (["store", "cache", "hf"], True, ["store", "cache"]),
        (["hf", "store"], True, []),
        (["store"], False, ["store"]),
        ([PROGRAM], True, []),
        (["git-credential-hf"], False, ["git-credential-hf"]),
    ],
)
def test_helpers(helpers: list[str], asks_us: bool, asked_first: list[str], home: Path) -> None:
    """`asks_us` is whether git asks this helper for every host of the Hub, `asked_first` what comes before it."""
    (home / ".gitconfig").write_text("[credential]\n" + "".join(f"\thelper = {helper}\n" for helper in helpers))
    seen, done = status(HF_TOKEN=TOKEN, HF_HUB_OFFLINE="1")
    assert seen["git"] == {"asks_us": asks_us, "asked_first": asked_first}
    is_healthy = asks_us and not asked_first
    assert done.returncode == (0 if is_healthy else 1)
    assert ("git-credential-hf: error: git " in done.stderr) == (not is_healthy)
    assert ("warning: git also passes each token to 'store'" in done.stderr) == (helpers == ["hf", "store"])


def test_one_of_two_hosts(home: Path) -> None:
    """A host of the Hub for which git does not ask this helper is named."""
    (home / ".gitconfig").write_text('[credential "https://huggingface.co"]\n\thelper =\n\thelper = hf\n')
    done = show(HF_TOKEN=TOKEN, HF_HUB_OFFLINE="1")
    assert done.returncode == 1
    assert "does not use this helper for https://hf.co" in done.stderr


def test_no_git(home: Path) -> None:
    """Without git, there is an error, and nothing is changed."""
    assert shutil.which("git", path=SCRIPTS) is None
    for command in ("status", "configure"):
        done = run(command, PATH=SCRIPTS, HF_TOKEN=TOKEN, HF_HUB_OFFLINE="1")
        assert done.returncode == 1
        assert "git is not on PATH" in messages(done, "error")
    assert not (home / ".gitconfig").exists()


def test_broken_git_configuration(home: Path) -> None:
    """A configuration that git cannot read is a problem, with git's message."""
    (home / ".gitconfig").write_text("[broken\n")
    seen, done = status(HF_TOKEN=TOKEN, HF_HUB_OFFLINE="1")
    assert done.returncode == 1
    assert seen["git"]["asks_us"] is False
    assert "bad config line 1" in done.stderr


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_secrets_of_others_are_masked(options: list[str], home: Path) -> None:
    """Another helper's command is shown as far as it cannot be a secret; a token in HF_ENDPOINT is not shown."""
    secret = "hf_SeCrEtSeCrEtSeCrEtSeCrEtSeCrEt5678"
    (home / ".gitconfig").write_text(
        f'[credential]\n\thelper = "!f() {{ echo password={secret}; }}; f"\n\thelper = hf\n'
    )
    endpoint = f"https://me:{secret}@127.0.0.1:1"
    done = run("status", *options, HF_TOKEN=TOKEN, HF_HUB_OFFLINE="1", HF_ENDPOINT=endpoint)
    assert secret not in done.stdout + done.stderr
    assert ("!…" in done.stdout or r"!\u2026" in done.stdout) and "echo" not in done.stdout + done.stderr


# --- the Hub ---


@pytest.mark.parametrize(
    "endpoint",
    [
        "nonsense",
        "https://",
        "://",
        "https://[::1",
        "ftp://huggingface.co",
        "https://a b",
        "https://h:port",
        "",
        "\x1b[",
    ],
)
def test_malformed_endpoint(endpoint: str) -> None:
    """A malformed endpoint is not a Hub, and changes nothing for the public one, which is asked."""
    alone: dict[str, Any] = {"HF_TOKEN": TOKEN, "https_proxy": "http://127.0.0.1:9"}
    seen, done = status(HF_ENDPOINT=endpoint, **alone)
    _, without = status(**alone)
    assert seen["endpoint"] == "https://huggingface.co"
    assert (done.returncode, done.stdout) == (1, without.stdout)  # git is not configured
    # With some of them, importing huggingface_hub fails, which is the reason then.
    reason = r"(?<=cannot reach the Hub) \(.*\)"
    assert re.sub(reason, "", done.stderr) == re.sub(reason, "", without.stderr)
    shown = show(HF_ENDPOINT=endpoint, **alone)
    assert "\x1b" not in shown.stdout + shown.stderr


@pytest.mark.parametrize(
    ("name", "is_configured", "is_allowed"),
    [("127.0.0.1", True, True), ("127.0.0.1", False, False), ("0.0.0.0", True, False)],
)
def test_plain_http_gets_no_token(name: str, is_configured: bool, is_allowed: bool, home: Path) -> None:
    """Over plain http, the token is sent to this machine only, and only if git is configured for that Hub."""
    received = b""
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = f"http://{name}:{server.getsockname()[1]}"
        if is_configured:
            serve_hub(home, endpoint)
        run("status", HF_ENDPOINT=endpoint)
        server.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            connection, _ = server.accept()
            with connection:
                connection.settimeout(5)
                received = connection.recv(65536)
    assert (TOKEN.encode() in received) == bool(received) == is_allowed


def test_variables_that_huggingface_hub_rejects(configured: str) -> None:
    """A variable that keeps huggingface_hub from being imported is a warning of one line."""
    done = show(HF_TOKEN=TOKEN, HF_HUB_DOWNLOAD_TIMEOUT="nonsense", HF_HUB_ETAG_TIMEOUT="nonsense")
    assert done.returncode == 0
    assert len(done.stderr.splitlines()) == 1


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The stand-in Hub at a port of its own, with git configured for it."""
    from fake_hub import Hub

    with Hub(tmp_path / "hub") as hub:
        for name, value in hub.environment.items():
            monkeypatch.setenv(name, value)
        succeed("configure", "--hub", hub.url)
        yield hub


def test_check_is_about_what_git_sends(hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token in the URL is checked, and not the login; and if git does not ask this helper, that is a warning."""
    hub.user("alice")
    hub.repository("alice/model")
    token = hub.token("alice", "write")
    monkeypatch.chdir(home)
    git("init", "--quiet")
    git("remote", "add", "origin", f"{hub.url}/alice/model")
    done = run("check", "--write", HF_TOKEN=token)
    assert (done.returncode, done.stderr) == (0, "")
    git("remote", "set-url", "origin", f"https://alice:{hub.token('alice', 'read')}@{hub.url[8:]}/alice/model")
    done = run("check", "--write", HF_TOKEN=token)
    assert (done.returncode, done.stdout) == (1, "")
    assert "can only read" in done.stderr
    git("remote", "set-url", "origin", f"{hub.url}/alice/model")
    (home / ".netrc").write_text("machine 127.0.0.1 login alice password 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\n")
    assert run("check", "--write", HF_TOKEN=token).returncode == 0  # git passes over what the Hub rejects
    git("config", "--add", f"credential.{hub.url}.helper", "")
    done = run("check", "--write", HF_TOKEN=token)
    assert done.returncode == 0
    assert f"warning: git does not use this helper for {hub.url}" in done.stderr


def test_another_token_goes_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What git sends before it asks any helper is named, by `status` and by `check`: in `.netrc`, or in the URL."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(home)
    succeed("configure", "--no-purge")
    (home / ".netrc").write_text(f"machine huggingface.co login alice password {OTHER}\n")
    (home / ".netrc").chmod(0o600)
    place = f"{home / '.netrc'} (line 1)"
    for done in (run("status"), run("check", "acme/model")):
        assert f"warning: git sends the token hf_****EfGh from {place} first" in done.stderr
    assert "first" not in run("check", "git@hf.co:acme/model").stderr
    (home / ".netrc").unlink()
    assert "first" not in run("status").stderr
    git("init", "--quiet")
    git("remote", "add", "origin", f"https://alice:{OTHER}@huggingface.co/acme/model")
    for done in (run("status"), run("check")):
        assert "warning: git sends the token hf_****EfGh from the URL of the remote first" in done.stderr
        assert OTHER not in done.stdout + done.stderr


def test_each_git_runs_once(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What git is asked for, it is asked for once, although several parts of `status` need it."""
    succeed("configure", "--no-purge")
    git("init", "--quiet", str(home / "work"))
    git("remote", "add", "origin", "https://huggingface.co/acme/model", cwd=home / "work")
    program, log = tmp_path / "bin/git", tmp_path / "log"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$*" >> {log}\nexec {shutil.which("git")} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    run("status", cwd=home / "work", HF_HUB_OFFLINE="1")
    started = log.read_text().splitlines()
    assert len(started) == len(set(started)) > 3


@pytest.mark.parametrize("where", ["url", "header", "netrc"])
def test_tokens_for_other_hosts(where: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a repository of another host, `status` says nothing of what git sends there, but what it sends to the Hub."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(home)
    succeed("configure", "--no-purge")
    git("init", "--quiet")
    login = f"alice:{OTHER}@" if where == "url" else ""
    git("remote", "add", "origin", f"https://{login}example.org/acme/model")
    netrc = home / ".netrc"
    netrc.write_text("")
    if where == "header":
        git("config", "http.https://example.org/.extraHeader", f"Authorization: Bearer {OTHER}")
    elif where == "netrc":
        netrc.write_text(f"machine example.org login alice password {OTHER}\n")
    assert "first" not in run("status").stderr
    with netrc.open("a") as file:
        file.write(f"machine huggingface.co login alice password {OTHER}\n")
    assert "warning: git sends the token hf_****EfGh from" in run("status").stderr


@pytest.mark.parametrize("role", ["read", "write", "fineGrained"])
def test_account(role: str, hub: Hub) -> None:
    """The token's account and its role are shown, as the Hub answers."""
    token = hub.token(hub.user("alice"), role)
    seen, done = status(HF_TOKEN=token)
    assert (done.returncode, done.stderr) == (0, "")
    assert seen["account"] == {"name": "alice", "role": role}
    assert seen["endpoint"] == hub.url
    assert token not in done.stdout
    shown = {"fineGrained": "fine-grained"}.get(role, role)
    assert f"account   alice, {shown} token\n" in show(HF_TOKEN=token).stdout


def test_account_of_an_oauth_login(home: Path, hub: Hub) -> None:
    """An OAuth token has an account without a role; its name and expiry come from the stored tokens."""
    login = hub.oauth(hub.user("alice"), expires_in=30 * 24 * 3600)
    expires_at = int(time.time()) + 30 * 24 * 3600
    token = next(value for value in vars(login).values() if isinstance(value, str) and value.startswith("hf_oauth_e"))
    log_in(home, str(expires_at), token)
    seen, done = status()
    assert done.returncode == 0, done.stderr
    assert seen["account"] == {"name": "alice", "role": None}
    assert (seen["token"]["name"], seen["token"]["expires_at"]) == ("work", expires_at)
    assert token not in done.stdout + done.stderr


def test_revoked_token(hub: Hub) -> None:
    """A token that the Hub refuses is a problem, with one hint."""
    token = hub.token(hub.user("alice"))
    hub.revoke(token)
    seen, done = status(HF_TOKEN=token)
    assert done.returncode == 1
    assert seen["account"] is None
    (error,) = messages(done, "error")
    assert "is invalid or was revoked" in error
    shown = show(HF_TOKEN=token)
    assert "account   unknown, the Hub refuses the token\n" in shown.stdout
    assert "hint: " in shown.stderr


JSON = {"Content-Type": "application/json"}
FAULTS: dict[str, Any] = {
    "429": lambda hub: hub.faults.rate_limit(WHOAMI),
    "500": lambda hub: hub.faults.status(WHOAMI, 500),
    "403": lambda hub: hub.faults.status(WHOAMI, 403),
    "garbage": lambda hub: hub.faults.garbage(WHOAMI),
    "empty": lambda hub: hub.faults.status(WHOAMI, 200),
    "reset": lambda hub: hub.faults.reset(WHOAMI),
    "redirect": lambda hub: hub.faults.status(WHOAMI, 302, headers={"Location": hub.url + WHOAMI}),
    "not an object": lambda hub: hub.faults.status(WHOAMI, 200, b"[1]", headers=JSON),
    "no name": lambda hub: hub.faults.status(WHOAMI, 200, b'{"name": 1}', headers=JSON),
    "slow": lambda hub: hub.faults.delay(WHOAMI, 20),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_the_hub(fault: str, hub: Hub) -> None:
    """A Hub that gives no valid answer in time is a warning, not a problem."""
    token = hub.token(hub.user("alice"))
    FAULTS[fault](hub)
    start = time.monotonic()
    seen, done = status(HF_TOKEN=token)
    assert time.monotonic() - start < 10
    assert done.returncode == 0, done.stderr
    assert seen["account"] is None
    assert re.fullmatch(r"git-credential-hf: warning: .*the Hub.*\n", done.stderr)
    assert token not in done.stderr


def test_names_that_a_server_has_chosen(hub: Hub) -> None:
    """No control character of a server's choice reaches the terminal."""
    token = hub.token(hub.user("alice"))
    name = "al\x1b[31mice\ngit       uses this helper"
    body = json.dumps({"name": name, "auth": {"accessToken": {"role": "\x1b]0;x\x07"}}})
    hub.faults.status(WHOAMI, 200, body.encode(), headers=JSON)
    done = show(HF_TOKEN=token)
    assert not set("\x1b\x07") & set(done.stdout + done.stderr)
    assert len(re.findall(r"^git +uses", done.stdout, re.MULTILINE)) == 1
    hub.faults.clear()
    hub.faults.status(WHOAMI, 401, headers={"X-Error-Message": "no\x1b[31m"})
    assert "\x1b" not in show(HF_TOKEN=token).stderr


def test_token_does_not_follow_a_redirect(hub: Hub) -> None:
    """A redirect to another host does not take the token there."""
    token = hub.token(hub.user("alice"))
    hub.faults.status(WHOAMI, 302, headers={"Location": hub.storage_url + "/elsewhere"})
    show(HF_TOKEN=token)
    assert not [request for request in hub.log.of("/elsewhere") if request.token]


def test_the_hubs_that_are_served(home: Path) -> None:
    """The Hubs that git is configured for beside huggingface.co are shown."""
    run("configure", "--hub", "https://hub.corp.example")
    shown = show(HF_HUB_OFFLINE="1").stdout
    assert "hub       https://hub.corp.example is also served\n" in shown


def test_a_mapped_token_that_is_gone(home: Path) -> None:
    """`status` and git report a missing token of a namespace alike; the hint of `status` names the namespace."""
    (home / ".gitconfig").write_text('[credential "https://huggingface.co/acme"]\n\thelper = hf --token gone\n')
    ask = "protocol=https\nhost=huggingface.co\npath=acme/x\n\n"
    again = "run `git-credential-hf configure --token gone --for acme`"
    for text, fix in (
        (show(HF_HUB_OFFLINE="1").stderr, again),
        (run("--token", "gone", "get", stdin=ask).stderr, "run `git-credential-hf login`"),
    ):
        assert f"no stored token is named 'gone'; there are none\ngit-credential-hf: hint: {fix}\n" in text


# --- without a command ---


def test_first_impression(home: Path) -> None:
    """On a fresh machine, what is missing is printed, with the two commands that change it, in 80 columns."""
    done = run(HF_TOKEN=None)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == (
        "✗ FAIL  not logged in to Hugging Face\n"
        "        fix: run `hf auth login`\n"
        "✗ FAIL  git does not use this helper for https://huggingface.co and\n"
        "            https://hf.co\n"
        "        fix: run `git-credential-hf configure`\n"
        "more:   `git-credential-hf doctor`, `git-credential-hf --help`\n"
    )
    assert list(home.iterdir()) == []


def test_five_lines_if_all_is_well(hub: Hub) -> None:
    """Somebody who is logged in reads who they are to git, and what they may type."""
    done = run(HF_TOKEN=hub.token(hub.user("alice"), "write"))
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "✓ ok    logged in to Hugging Face as alice (write token)"
    assert re.fullmatch(r" {8}hf_\*{4}.{4} from the environment variable HF_TOKEN", lines[1])
    assert lines[2] == f"✓ ok    git uses this helper for Hugging Face, and for {hub.url}"
    assert [line[:8] for line in lines[3:]] == ["next:   ", "more:   "]
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("fault", ["500", "revoked"])
def test_a_hub_that_does_not_know_the_token(fault: str, hub: Hub) -> None:
    """Without an answer, nobody is said to be logged in; `status` ends in the same way."""
    token = hub.token(hub.user("alice"))
    if fault == "revoked":
        hub.revoke(token)
    else:
        FAULTS[fault](hub)
    done = run(HF_TOKEN=token)
    assert (done.returncode, done.stderr) == (show(HF_TOKEN=token).returncode, "")
    assert "logged in" not in done.stdout
    assert re.match("- skip" if fault == "500" else "✓ ok    git uses this helper", done.stdout)
    assert ("! warn  " if fault == "500" else "✗ FAIL  ") in done.stdout
    assert token not in done.stdout


@pytest.mark.parametrize(
    ("environment", "is_colored"),
    [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colors_are_for_people(
    environment: dict[str, str], is_colored: bool, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal gets colors, unless its user wants none; nothing else does."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name, value in ({"TERM": "xterm"} | environment).items():
        monkeypatch.setenv(name, value)
    for command in ([], ["doctor"]):
        assert ("\x1b[" in run_on_terminal("", *command)[1]) == is_colored
        assert "\x1b[" not in run(*command).stdout
