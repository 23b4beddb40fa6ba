"""The Hub of the tests, as huggingface_hub and plain HTTPS see it."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fake_hub import Hub
from fake_hub.clients import Machine

GATED = "alice/gated"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with Hub(tmp_path) as hub:
        hub.user("alice")
        hub.user("bob")
        hub.user("carol")
        hub.org("acme", alice="admin", bob="contributor", carol="read")
        yield hub


@pytest.fixture
def machine(hub: Hub, tmp_path: Path) -> Machine:
    return Machine(hub, tmp_path / "machine")


class Answer:
    """One HTTPS answer."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    hub: Hub, target: str, token: str | None = None, *, method: str = "GET", body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:  # fmt: skip
    """One request, as a client writes it that knows nothing of the Hub."""
    host = urllib.parse.urlsplit(hub.url).netloc
    connection = http.client.HTTPSConnection(host, context=ssl.create_default_context(cafile=hub.ca), timeout=20)
    try:
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request(method, target, body, {**authorization, **(headers or {})})
        return Answer(connection.getresponse())
    finally:
        connection.close()


def answers(machine: Machine, code: str, cases: object, **environment: Any) -> Any:
    """Runs `code` once for all the cases in a process with the real huggingface_hub; it appends to `results`."""
    done = machine.python(
        "import json, sys\nfrom huggingface_hub import HfApi\nfrom huggingface_hub.errors import HfHubHTTPError\n"
        "from huggingface_hub.utils import get_token\napi, cases, results = HfApi(), json.loads(sys.argv[1]), []\n"
        f"{code}\njson.dump(results, sys.stdout)",
        json.dumps(cases),
        **environment,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


WHOAMI = """
for token in cases:
    try:
        results.append(api.whoami(token=token))
    except HfHubHTTPError as error:
        results.append([error.response.status_code, str(error).splitlines()[0]])
"""
AUTH_CHECK = """
for name, kind, token, write in cases:
    try:
        api.auth_check(name, repo_type=kind, token=token or False, write=write)
        results.append("ok")
    except HfHubHTTPError as error:
        answer = error.response
        results.append(f"{type(error).__name__} {answer.status_code} {answer.headers.get('X-Error-Message')}")
"""


# -- whoami


def test_whoami_knows_every_kind_of_token(hub: Hub, machine: Machine) -> None:
    """The account is shown, its organisations and what the token is, in the documented shape."""
    scoped = {"alice/private-model": ["repo.content.read"], "acme": ["repo.write"]}
    tokens = [
        hub.token("alice", role="read", name="reader"),
        hub.token("bob", role="write"),
        hub.token("alice", role="fineGrained", scoped=scoped, global_=["discussion.write"], gated=True),
        hub.oauth("alice").access_token,
    ]
    read, write, fine, oauth = answers(machine, WHOAMI, tokens)
    assert (read["type"], read["name"]) == ("user", "alice")
    assert read["auth"]["type"] == "access_token"
    assert {name: read["auth"]["accessToken"][name] for name in ("displayName", "role")} == {
        "displayName": "reader",
        "role": "read",
    }
    assert [(org["name"], org["roleInOrg"]) for org in write["orgs"]] == [("acme", "contributor")]
    granted = fine["auth"]["accessToken"]["fineGrained"]
    assert (granted["canReadGatedRepos"], granted["global"]) == (True, ["discussion.write"])
    assert [(s["entity"]["type"], s["entity"]["name"], s["permissions"]) for s in granted["scoped"]] == [
        ("model", "alice/private-model", ["repo.content.read"]),
        ("org", "acme", ["repo.write"]),
    ]
    assert all(len(s["entity"]["_id"]) == 24 for s in granted["scoped"])
    assert "email" in read
    assert "email" not in fine
    assert oauth["auth"]["type"] == "oauth"
    assert "accessToken" not in oauth["auth"]
    assert oauth["auth"]["expiresAt"].endswith("Z")


def test_whoami_refuses_what_is_no_token(hub: Hub, machine: Machine) -> None:
    """huggingface_hub calls unknown, revoked and expired tokens invalid."""
    revoked, expired, late = hub.token("alice"), hub.token("alice"), hub.token("alice", expires_at=time.time() - 1)
    hub.revoke(revoked)
    hub.expire(expired)
    results = answers(machine, WHOAMI, ["hf_" + "x" * 34, revoked, expired, late])
    assert results == [[401, "Invalid user token."]] * 4


def test_the_words_of_an_api_401(hub: Hub) -> None:
    """Status, challenge, body and headers are those that were recorded from the Hub."""
    expired = hub.token("alice", name="laptop")
    hub.expire(expired)
    for token, text in (
        (None, "Invalid username or password."),
        ("hf_nonsense", "Invalid username or password."),
        (expired, 'User Access Token "laptop" is expired'),
    ):
        answer = ask(hub, "/api/whoami-v2", token)
        assert answer.status == 401
        assert answer.json == {"error": text}
        assert answer.headers["X-Error-Message"] == text
        assert answer.headers["X-Error-Code"] is None
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="Authentication required", charset="UTF-8"'
        assert answer.headers["RateLimit"].startswith('"api";r=')
        assert answer.headers["RateLimit-Policy"] == '"fixed window";"api";q=500;w=300'


def test_whoami_is_limited_more_strictly(hub: Hub, machine: Machine) -> None:
    """With the switch on, the fourth call in a window is a 429 that huggingface_hub explains."""
    hub.whoami_limit = 3
    results = answers(machine, WHOAMI, [hub.token("alice")] * 4)
    assert [type(result) for result in results] == [dict] * 3 + [list]
    assert results[3][0] == 429
    assert results[3][1].startswith("You've hit the rate limit for the /whoami-v2 endpoint")


# -- auth-check


def test_auth_check(hub: Hub, machine: Machine) -> None:
    """Every row of the table of answers, through huggingface_hub."""
    hub.repository("alice/public")
    hub.repository("alice/private", private=True)
    hub.repository("datasets/acme/data", private=True)
    hub.repository("acme/own", type="space", private=True, creator="bob")
    hub.repository("alice/off", disabled=True)
    hub.repository(GATED, gated="manual")
    for user, state in (("bob", "pending"), ("carol", "rejected")):
        hub.request_access(GATED, user, state)
    hub.user("dave")
    hub.user("erin")
    hub.request_access(GATED, "erin", "accepted")
    a_write, a_read = hub.token("alice", "write"), hub.token("alice", "read")
    bob, carol, dave, erin = (hub.token(name) for name in ("bob", "carol", "dave", "erin"))
    expired = hub.token("alice", name="old")
    hub.expire(expired)

    def fine(**scoped: list[str]) -> str:
        return hub.token(
            "alice", "fineGrained", scoped={key.replace("__", "/"): value for key, value in scoped.items()}
        )

    missing = "RepositoryNotFoundError 404 Repository not found"
    anonymous = "RepositoryNotFoundError 401 Invalid username or password."
    read_only = "HfHubHTTPError 403 You have read access but not the required permissions for this operation"
    gate = f"Access to model {GATED} is restricted"
    table: list[tuple[str, str, str | None, bool, str]] = [
        ("alice/public", "model", None, False, "ok"),
        ("alice/public", "model", "hf_unknown", False, anonymous),
        ("alice/public", "model", expired, False, 'RepositoryNotFoundError 401 User Access Token "old" is expired'),
        ("alice/public", "model", None, True, anonymous),
        ("alice/public", "model", bob, True, read_only),
        ("alice/public", "dataset", bob, False, missing),
        ("alice/nothing", "model", None, False, anonymous),
        ("alice/nothing", "model", a_write, False, missing),
        ("alice/private", "model", None, False, anonymous),
        ("alice/private", "model", bob, False, missing),
        ("alice/private", "model", a_read, False, "ok"),
        ("alice/private", "model", a_read, True, read_only),
        ("alice/private", "model", a_write, True, "ok"),
        ("alice/private", "model", hub.token("alice", "god"), True, "ok"),
        ("alice/private", "model", fine(alice__private=["repo.content.read"]), False, "ok"),
        ("alice/private", "model", fine(alice__private=["repo.content.read"]), True, read_only),
        ("alice/private", "model", fine(alice=["repo.content.read", "repo.write"]), True, "ok"),
        ("alice/private", "model", fine(alice__public=["repo.write"]), False, missing),
        ("alice/private", "model", hub.oauth("alice").access_token, True, "ok"),
        ("alice/private", "model", hub.oauth("alice", role="gated").access_token, False, missing),
        ("acme/data", "dataset", a_write, True, "ok"),
        ("acme/data", "dataset", bob, False, "ok"),
        ("acme/data", "dataset", bob, True, read_only),
        ("acme/own", "space", bob, True, "ok"),
        ("acme/own", "space", carol, True, read_only),
        ("acme/own", "space", dave, False, missing),
        ("alice/off", "model", a_write, False, "DisabledRepoError 403 Access to this resource is disabled."),
        (GATED, "model", None, False, f"GatedRepoError 401 {gate}. You must have access to it and be authenticated "
         "to access it. Please log in."),
        (GATED, "model", dave, False, f"GatedRepoError 403 {gate} and you are not in the authorized list. Visit "
         f"https://huggingface.co/{GATED} to ask for access."),
        (GATED, "model", bob, False, f"GatedRepoError 403 Your request to access model {GATED} is awaiting a review "
         "from the repo authors."),
        (GATED, "model", carol, False, f"GatedRepoError 403 Your request to access model {GATED} has been rejected "
         "by the repo's authors."),
        (GATED, "model", erin, False, "ok"),
        (GATED, "model", hub.token("erin", "fineGrained"), False, "HfHubHTTPError 403 Please enable access to public "
         "gated repositories in your fine-grained token settings to view this repository."),
        (GATED, "model", hub.token("erin", "fineGrained", gated=True), False, "ok"),
        (GATED, "model", a_write, True, "ok"),
    ]  # fmt: skip
    results = answers(machine, AUTH_CHECK, [row[:4] for row in table])
    assert list(zip([row[:2] for row in table], results, strict=True)) == [(row[:2], row[4]) for row in table]


def test_auth_check_says_ok(hub: Hub) -> None:
    """A good answer is the text `OK`; a refusal has its code in a header."""
    hub.repository("alice/private", private=True)
    token = hub.token("alice", "read")
    answer = ask(hub, "/api/models/alice/private/auth-check", token)
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (200, b"OK", "text/plain; charset=utf-8")
    answer = ask(hub, "/api/models/alice/other/auth-check", token)
    assert (answer.status, answer.headers["X-Error-Code"], answer.json) == (
        404,
        "RepoNotFound",
        {"error": "Repository not found"},
    )


def test_an_organisation_judges_tokens(hub: Hub, machine: Machine) -> None:
    """A token that waits for approval, or was revoked by the organisation, is refused there and nowhere else."""
    hub.repository("acme/model", private=True)
    hub.repository("alice/private", private=True)
    token = hub.token("alice")
    for state, text in (
        ("pending", "Due to the organization token policy"),
        ("revoked", "Your token has been revoked by the organization administrator"),
    ):
        hub.policy("acme", token, state)
        answer = ask(hub, "/api/models/acme/model/auth-check", token)
        assert answer.status == 403
        assert answer.json["error"].startswith(text)
        assert ask(hub, "/api/models/alice/private/auth-check", token).status == 200
    hub.policy("acme", token, None)
    assert ask(hub, "/api/models/acme/model/auth-check/write", token).status == 200


def test_a_renamed_repository_redirects(hub: Hub, machine: Machine) -> None:
    """huggingface_hub follows the 307 to the new name, where access is judged as ever."""
    hub.repository("alice/old", private=True)
    hub.rename("alice/old", "alice/new")
    token = hub.token("alice")
    assert answers(machine, AUTH_CHECK, [["alice/old", "model", token, True]]) == ["ok"]
    assert [request.status for request in hub.log.of("/auth-check/write")] == [307, 200]
    assert answers(machine, AUTH_CHECK, [["alice/old", "model", hub.token("bob"), False]]) == [
        "RepositoryNotFoundError 404 Repository not found"
    ]
    assert ask(hub, "/api/models/alice/old/auth-check", "hf_wrong").status == 401


# -- OAuth


def log_in(machine: Machine, hub: Hub, *, expires_in: int = 3600) -> tuple[str, str]:
    """What `hf auth login` leaves on the disk."""
    pair = hub.oauth("alice", expires_in=expires_in)
    home = machine.home / "huggingface"
    home.mkdir(exist_ok=True)
    (home / "token").write_text(pair.access_token)
    store(machine, pair.access_token, pair.refresh_token, int(pair.expires_at))
    return pair.access_token, pair.refresh_token


def store(machine: Machine, access: str, refresh: str, expires_at: int) -> None:
    (machine.home / "huggingface" / "stored_tokens").write_text(
        f"[oauth-alice]\nhf_token = {access}\nrefresh_token = {refresh}\nexpires_at = {expires_at}\n"
    )


GET_TOKEN = "results = [get_token(), get_token()]"


def test_get_token_refreshes(hub: Hub, machine: Machine) -> None:
    """A token near its end is refreshed once; the pair rotates and the old access token stops working."""
    old, spent = log_in(machine, hub)
    first, second = answers(machine, GET_TOKEN, [])
    assert first == second != old
    assert first.startswith("hf_oauth_")
    assert len(hub.log.of("POST /oauth/token", status=200, account="alice")) == 1
    kept = (machine.home / "huggingface" / "stored_tokens").read_text()
    assert first in kept
    assert spent not in kept
    assert "refresh_token = hf_oauth__refresh_" in kept
    assert answers(machine, GET_TOKEN, []) == [first, first]
    assert len(hub.log.of("/oauth/token")) == 1
    assert ask(hub, "/api/whoami-v2", first).status == 200
    assert ask(hub, "/api/whoami-v2", old).status == 401


def test_a_spent_refresh_token_is_refused(hub: Hub, machine: Machine) -> None:
    """huggingface_hub then warns and goes on with the token it has."""
    old, spent = log_in(machine, hub)
    answers(machine, GET_TOKEN, [])
    store(machine, old, spent, int(time.time()) + 60)
    (machine.home / "huggingface" / "token").write_text(old)
    done = machine.python("from huggingface_hub import get_token; print(get_token())")
    assert done.stdout.strip() == old
    assert "could not be refreshed" in done.stderr
    assert hub.log.of("/oauth/token")[-1].status == 400


def test_a_hub_that_does_not_rotate(hub: Hub, machine: Machine) -> None:
    """With the switches off the refresh token works again, and so does the old access token."""
    hub.oauth_rotates = hub.oauth_revokes = False
    hub.oauth_lifetime = 60
    old, refresh = log_in(machine, hub)
    first = answers(machine, GET_TOKEN, [])[0]
    second = answers(machine, GET_TOKEN, [])[0]
    assert len({old, first, second}) == 3
    assert refresh in (machine.home / "huggingface" / "stored_tokens").read_text()
    assert [ask(hub, "/api/whoami-v2", token).status for token in (old, first, second)] == [200, 200, 200]


def test_trusted_publisher(hub: Hub, machine: Machine) -> None:
    """An id token is exchanged for a token of one repository, which may write there and nowhere else."""
    hub.repository("alice/private-model", private=True)
    hub.repository("alice/other", private=True)
    hub.trust("https://ci.example/id", resource="alice/private-model", id_token="an.id.token", expires_in=900)
    environment = {"HF_OIDC_RESOURCE": "alice/private-model", "HF_OIDC_ID_TOKEN": "an.id.token"}
    first, second = answers(machine, GET_TOKEN, [], **environment)
    assert first == second
    assert first.startswith("hf_jwt_")
    assert first.count(".") == 2
    assert len(hub.log.of("/oauth/token")) == 1
    cases = [["alice/private-model", "model", first, True], ["alice/other", "model", first, False]]
    assert answers(machine, AUTH_CHECK, cases) == ["ok", "RepositoryNotFoundError 404 Repository not found"]
    assert ask(hub, "/api/whoami-v2", first).json["auth"]["resource"] == {"sub": "alice/private-model"}
    hub.oidc_whoami = False
    assert ask(hub, "/api/whoami-v2", first).status == 401


def test_trusted_publisher_of_a_user(hub: Hub, machine: Machine) -> None:
    """For a user the token opens gates, and nothing else."""
    hub.repository("acme/gated", gated="auto")
    hub.repository("bob/private", private=True)
    hub.request_access("acme/gated", "bob", "accepted")
    hub.trust("https://ci.example/id", resource="bob", id_token="an.id.token")
    token = answers(machine, GET_TOKEN, [], HF_OIDC_RESOURCE="bob", HF_OIDC_ID_TOKEN="an.id.token")[0]
    assert token.startswith("hf_oauth_")
    cases = [["acme/gated", "model", token, write] for write in (False, True)] + [
        ["bob/private", "model", token, False]
    ]
    assert [result.split()[0] for result in answers(machine, AUTH_CHECK, cases)] == [
        "ok",
        "HfHubHTTPError",
        "RepositoryNotFoundError",
    ]


def test_a_refused_exchange_raises(hub: Hub, machine: Machine) -> None:
    """An id token that nobody trusts: invalid_grant, and huggingface_hub does not fall back to another token."""
    hub.trust("https://ci.example/id", resource="alice/private-model", id_token="an.id.token")
    for resource, id_token in (("alice/private-model", "another"), ("alice/other", "an.id.token")):
        done = machine.python(
            "from huggingface_hub import get_token; get_token()",
            HF_OIDC_RESOURCE=resource,
            HF_OIDC_ID_TOKEN=id_token,
            HF_TOKEN=hub.token("alice"),
        )
        assert done.returncode == 1
        assert "BadRequestError" in done.stderr
        assert "invalid_grant" in done.stderr


def test_device_login(hub: Hub, machine: Machine) -> None:
    """huggingface_hub's device flow ends with a pair that can be refreshed."""
    hub.device_login = "alice"
    code = (
        "from huggingface_hub.utils._oauth_device import poll_device_token, request_device_code\n"
        "results = poll_device_token(request_device_code())"
    )
    pair = answers(machine, code, [])
    assert ask(hub, "/api/whoami-v2", pair["access_token"]).json["name"] == "alice"
    assert pair["refresh_token"].startswith("hf_oauth__refresh_")
    assert pair["expires_in"] == 2592000


# -- the log, the faults, the edges


def test_the_log_remembers_and_hides(hub: Hub, machine: Machine) -> None:
    """Each request is there with its account, scheme and sizes; the token can be compared but is not shown."""
    token = hub.token("alice")
    answers(machine, WHOAMI, [token, "hf_wrong"])
    good, bad = hub.log.of("/api/whoami-v2")
    assert (good.method, good.status, good.account, good.scheme) == ("GET", 200, "alice", "bearer")
    assert (bad.status, bad.account) == (401, None)
    assert good.token == token
    assert good.token_shown == f"hf_****{token[-4:]}"
    assert token not in repr(list(hub.log)) + str(hub.log)
    assert good.bytes_out > 100
    assert good.host == urllib.parse.urlsplit(hub.url).netloc
    assert good.headers["user-agent"].startswith("unknown/None; hf_hub/")
    anonymous = hub.log.of("/api/agent-harnesses")
    assert [(request.status, request.token) for request in anonymous] == [(200, None)]
    assert hub.log.with_token() == [good, bad]
    hub.log.clear()
    assert len(hub.log) == 0


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        (lambda faults: faults.status("/api/whoami-v2", 500), "HfHubHTTPError 500"),
        (lambda faults: faults.rate_limit("/api/whoami-v2", retry_after=3), "HfHubHTTPError 429"),
        (lambda faults: faults.garbage("/api/whoami-v2"), "JSONDecodeError"),
        (lambda faults: faults.reset("/api/whoami-v2"), ("RemoteProtocolError", "ReadError")),
    ],
    ids=["500", "429", "garbage", "reset"],
)
def test_faults(hub: Hub, machine: Machine, fault: Any, seen: str | tuple[str, ...]) -> None:
    """What goes wrong reaches huggingface_hub as the error that it has for it, and stops when it is cleared."""
    fault(hub.faults)
    code = (
        "for token in cases:\n    try:\n        results.append(api.whoami(token=token)['name'])\n"
        "    except Exception as error:\n        response = getattr(error, 'response', None)\n"
        "        results.append(type(error).__name__ + (f' {response.status_code}' if response is not None else ''))\n"
    )
    token = hub.token("alice")
    (result,) = answers(machine, code, [token])
    assert result in ((seen,) if isinstance(seen, str) else seen)
    hub.faults.clear()
    assert ask(hub, "/api/whoami-v2", token).status == 200


def test_faults_count_down_and_add_up(hub: Hub) -> None:
    """`times` limits a fault; a delay comes on top of the answer; a 429 carries Retry-After."""
    hub.faults.delay("/api/whoami-v2", 0.3, times=1)
    hub.faults.rate_limit("GET /api/whoami-v2", retry_after=7, times=1)
    start = time.monotonic()
    answer = ask(hub, "/api/whoami-v2")
    assert time.monotonic() - start >= 0.3
    assert (answer.status, answer.headers["Retry-After"], answer.headers["RateLimit"]) == (429, "7", '"api";r=0;t=7')
    assert ask(hub, "/api/whoami-v2").status == 401


def test_nothing_outside_the_repositories_is_served(hub: Hub, tmp_path: Path) -> None:
    """Paths with `..`, plain or encoded, name no repository."""
    (tmp_path / "outside").write_text("secret")
    hub.repository("alice/public")
    token = hub.token("alice")
    for target in (
        "/../outside", "/alice/public/../../../outside", "/alice/..%2f..%2foutside/info/refs?service=git-upload-pack",
        "/%2e%2e/%2e%2e/info/refs?service=git-upload-pack", "/alice/public/objects/info/packs", "/alice/public/config",
        "/alice/public.git/HEAD", "/datasets/../hub/info/refs?service=git-upload-pack", "//etc/passwd",
        "/api/models/../../outside/auth-check", "/alice/public/info/refs", "/alice/public/info/lfs/objects/../x",
    ):  # fmt: skip
        for shown in (None, token):
            answer = ask(hub, target, shown)
            assert answer.status in (401, 403, 404), target
            assert b"secret" not in answer.body


def test_connections_are_kept_and_bodies_are_skipped(hub: Hub) -> None:
    """A refused request with a chunked body leaves its connection usable for the next one."""
    host = urllib.parse.urlsplit(hub.url).netloc
    connection = http.client.HTTPSConnection(host, context=ssl.create_default_context(cafile=hub.ca), timeout=20)
    try:
        for _ in range(3):
            connection.request("POST", "/nobody/nothing/git-receive-pack", iter([b"x" * 70_000] * 3))
            response = connection.getresponse()
            assert (response.status, response.read()) == (401, b"Invalid username or password.")
            first = connection.sock
            connection.request("HEAD", "/")
            response = connection.getresponse()
            assert (response.status, response.read()) == (200, b"")
            assert connection.sock is first
        assert [request.bytes_in for request in hub.log.of("POST")] == [210_000] * 3
    finally:
        connection.close()


def test_only_this_ca_is_trusted_and_only_through_the_environment(hub: Hub, machine: Machine) -> None:
    """huggingface_hub reads SSL_CERT_FILE; without it the Hub of the tests is a stranger."""
    code = "from huggingface_hub import HfApi; HfApi().whoami(token='hf_x')"
    assert "Invalid user token" in machine.python(code).stderr
    del machine.environment["SSL_CERT_FILE"]
    assert "CERTIFICATE_VERIFY_FAILED" in machine.python(code).stderr


def test_the_names_in_the_certificate(hub: Hub) -> None:
    """The Hub can stand in for its public names."""
    address = urllib.parse.urlsplit(hub.url)
    context = ssl.create_default_context(cafile=hub.ca)
    for name in ("127.0.0.1", "localhost", "::1", "huggingface.co", "hf.co", "hub-ci.huggingface.co"):
        with (
            socket.create_connection((address.hostname, address.port or 443), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname=name),
        ):
            pass


def test_it_ends_at_once_and_completely(tmp_path: Path) -> None:
    """Closing cuts idle connections and delayed answers, and leaves no thread behind."""
    before = set(threading.enumerate())
    with Hub(tmp_path) as hub:
        hub.faults.delay("/slow", 60)
        idle = socket.create_connection(("127.0.0.1", urllib.parse.urlsplit(hub.url).port or 443))
        failed: list[BaseException] = []

        def wait() -> None:
            try:
                ask(hub, "/slow")
            except (OSError, http.client.HTTPException) as error:
                failed.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        while not hub.log.of("/slow"):
            time.sleep(0.01)
        start = time.monotonic()
    assert time.monotonic() - start < 3
    waiting.join(5)
    idle.close()
    assert failed
    assert set(threading.enumerate()) <= before


def test_a_bug_of_the_hub_is_not_passed_over(tmp_path: Path) -> None:
    """An unexpected error answers 500 and is raised when the Hub closes."""
    with pytest.raises(RuntimeError, match="AttributeError"), Hub(tmp_path) as hub:
        hub.accounts = None  # type: ignore[assignment]
        assert ask(hub, "/api/whoami-v2").status == 500


def test_the_command_line(tmp_path: Path) -> None:
    """`python -m fake_hub` prints shell variables and serves until it is told to stop."""
    process = subprocess.Popen(
        [sys.executable, "-m", "fake_hub", "--directory", tmp_path],
        cwd=Path(__file__).parent,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        variables: dict[str, str] = {}
        while "BOB_WRITE" not in variables:
            name, _, value = process.stdout.readline().removeprefix("export ").strip().partition("=")
            variables[name] = value
        address = urllib.parse.urlsplit(variables["HUB_URL"])
        context = ssl.create_default_context(cafile=variables["SSL_CERT_FILE"])
        connection = http.client.HTTPSConnection(address.netloc, context=context, timeout=20)
        connection.request("GET", "/api/whoami-v2", headers={"Authorization": f"Bearer {variables['BOB_WRITE']}"})
        assert json.loads(connection.getresponse().read())["name"] == "bob"
        connection.close()
    finally:
        process.terminate()
        assert process.wait(10) == 0
        if process.stdout:
            process.stdout.close()
