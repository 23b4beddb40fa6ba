"""What a token may do: `check`, against a Hub that answers as the real one does."""

from __future__ import annotations

import stat
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from json import dumps, loads
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs
import platformdirs.windows
import pytest
from programs import Done, git, run
from reasons import ANOTHER, CREATE, LOW, MISSING, PULL, REASONS, SETTINGS, _acme, _alice, _gated
from whoami import MODEL, entry, fine_grained

from git_credential_hf.api.access import _is_cached, card_errors, check_access, explain_refusal, whoami
from git_credential_hf.api.client import Unreachable, try_hub_again
from git_credential_hf.api.contents import find_lfs_objects, find_upload_modes
from git_credential_hf.api.refusals import Answer, Refused, token_refusal, write_token_hint
from git_credential_hf.hub import PUBLIC_HUB, Repository, hub_name, parse_repository
from git_credential_hf.masking import mask_token
from git_credential_hf.state import cache_directory, read_state
from git_credential_hf.tokens import Token

if TYPE_CHECKING:
    from fake_hub import Hub

STATUS = {"yes": 0, "no": 1, "unknown": 3}


def check(*arguments: str, **environment: Any) -> tuple[dict[str, Any], Done]:
    """Run `check --json`; return the answer, which fits the exit status, and how the command ended."""
    done = run("git-credential-hf", "check", "--json", *arguments, check=False, **environment)
    assert "Traceback" not in done.stderr
    answer = loads(done.stdout)
    assert set(answer) == {"repo", "type", "access", "answer", "reason", "message", "fix"}
    assert done.returncode == STATUS[answer["answer"]], done.stderr
    return answer, done


def requested(hub: Hub) -> list[str]:
    return [request.path for request in hub.log.of("/api/")]


@pytest.mark.parametrize("name", REASONS)
def test_reasons(name: str, world: Hub) -> None:
    """Each reason has its code, message and fix, to the letter, after two requests at most; the token is not shown."""
    prepare, repository, reason, message, fix = REASONS[name]
    token = prepare(world)
    answer, done = check("--write", repository, **({"HF_TOKEN": token} if token else {}))
    assert (answer["answer"], answer["reason"], answer["access"]) == ("no", reason, "write")
    assert (answer["message"], answer["fix"]) == (message.format(token=mask_token(token or "")), fix)
    assert len(requested(world)) <= (4 if reason == "no-such-repo" else 2)  # it may be of another kind
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == ["error", "hint"]
    assert token is None or token not in done.stdout + done.stderr


def test_a_repository_of_another_kind(world: Hub) -> None:
    """Who leaves out `datasets/` is told where the dataset is; a private one of somebody else stays hidden."""
    token = _alice(world)
    world.repository("datasets/alice/data")
    world.user("bob")
    world.repository("datasets/bob/data", private=True)
    answer, _ = check("alice/data", HF_TOKEN=token)
    assert (answer["reason"], answer["fix"]) == ("no-such-repo", "use https://huggingface.co/datasets/alice/data")
    assert answer["message"] == f"{MISSING.format('alice/data')}; there is a dataset of this name"
    answer, _ = check("bob/data", HF_TOKEN=token)
    assert (answer["message"], answer["fix"]) == (MISSING.format("bob/data"), CREATE.format("bob/data", "new"))


MAY: dict[str, tuple[Callable[[Hub], str], str, str]] = {
    "the owner": (_alice, "alice/model", "--write"),
    "god": (lambda hub: _alice(hub, "god"), "alice/model", "--write"),
    "the owner reads": (lambda hub: _alice(hub, "read"), "alice/model", "--json"),
    "fine-grained, this repository": (
        lambda hub: _alice(hub, "fineGrained", scoped={"alice/model": ["repo.content.read", "repo.write"]}),
        *("alice/model", "--write"),
    ),
    "fine-grained, the account": (
        lambda hub: _alice(hub, "fineGrained", scoped={"alice": ["repo.content.read", "repo.write"]}),
        *("alice/model", "--write"),
    ),
    "fine-grained, the organisation": (
        lambda hub: _acme(hub, "write", "fineGrained", scoped={"acme": ["repo.content.read", "repo.write"]}),
        *("acme/model", "--write"),
    ),
    "a member who writes": (lambda hub: _acme(hub, "write"), "acme/model", "--write"),
    "an administrator": (lambda hub: _acme(hub, "admin", private=True), "acme/model", "--write"),
    "a reader reads": (lambda hub: _acme(hub, "read", "read", private=True), "acme/model", "--json"),
    "accepted at the gate": (lambda hub: _gated(hub, "accepted"), "bob/gated", "--json"),
}


@pytest.mark.parametrize("name", MAY)
def test_allowed(name: str, world: Hub) -> None:
    """A yes takes one request, each time; it is cached in a file that only its owner can read, without names."""
    prepare, repository, act = MAY[name]
    token = prepare(world)
    for _ in range(2):
        world.log.clear()
        answer, done = check(act, repository, HF_TOKEN=token)
        assert (answer["answer"], answer["reason"], answer["fix"]) == ("yes", None, None)
        assert (len(requested(world)), done.stderr) == (1, "")
    cache = Path.home() / ".cache/git-credential-hf"
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    for file in cache.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert token not in file.read_text()
        assert repository not in file.read_text()


def test_unconfigure_forgets_it(world: Hub) -> None:
    """`unconfigure` leaves nothing in the cache."""
    check("--write", "alice/model", HF_TOKEN=_alice(world))
    assert (Path.home() / ".cache/git-credential-hf").exists()
    run("git-credential-hf", "unconfigure")
    assert not (Path.home() / ".cache/git-credential-hf").exists()


UNKNOWN: dict[str, tuple[Callable[[Hub], None], str]] = {
    "401 of a proxy": (lambda hub: hub.faults.status("/auth-check", 401, b"log in first"), "unreachable"),
    "a page": (lambda hub: hub.faults.garbage("/api/"), "unreachable"),
    "reset": (lambda hub: hub.faults.reset("/api/"), "unreachable"),
    "slow": (lambda hub: hub.faults.delay("/api/", 30), "unreachable"),
    "too many requests": (lambda hub: hub.faults.rate_limit("/api/"), "rate-limited"),
    "a loop": (lambda hub: hub.faults.status("/api/", 302, headers={"Location": "/api/whoami-v2"}), "unreachable"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_no_answer(name: str, world: Hub) -> None:
    """Without a usable response the answer is unknown: a warning, and exit status 3."""
    fault, reason = UNKNOWN[name]
    token = _alice(world)
    fault(world)
    answer, done = check("--write", "alice/model", HF_TOKEN=token)
    assert (answer["answer"], answer["reason"]) == ("unknown", reason)
    assert done.stderr.startswith("git-credential-hf: warning: ")
    assert token not in done.stdout + done.stderr


def test_offline(world: Hub) -> None:
    """Without a Hub, or offline by HF_HUB_OFFLINE, the answer is unknown."""
    token = _alice(world)
    assert check("alice/model", HF_TOKEN=token, HF_HUB_OFFLINE="1")[0]["answer"] == "unknown"
    world.close()
    answer, _ = check("--write", "alice/model", HF_TOKEN=token)
    assert (answer["answer"], answer["reason"]) == ("unknown", "unreachable")


def test_a_renamed_repository(world: Hub) -> None:
    """The Hub's redirect to the new name is followed."""
    token = _alice(world)
    world.rename("alice/model", "alice/better-model")
    assert check("--write", "alice/model", HF_TOKEN=token)[0]["answer"] == "yes"


# --- answers by hand ---


TOKEN = "hf_" + "t" * 30 + "wxyz"
DATASET = Repository("datasets", "acme/data")


def test_answer_as_json() -> None:
    """An answer has the fields of the contract, and the type of a repository is singular."""
    answer = Answer(DATASET, True, "no", "no-token", "because", "do")
    assert answer.as_json() == {
        "repo": "acme/data",
        "type": "dataset",
        "access": "write",
        "answer": "no",
        "reason": "no-token",
        "message": "because",
        "fix": "do",
    }
    answer = Answer(MODEL, False, "yes", None, "so it is")
    assert (answer.as_json()["access"], answer.as_json()["type"], answer.as_json()["fix"]) == ("read", "model", None)


FROM_FORM = f"with the role 'write' from {SETTINGS}/new?tokenType=write"
AT_FORM = FROM_FORM.replace(" from ", " at ")


def test_another_token() -> None:
    """The hint says where to put another token: where this one came from."""
    create = f"create one {AT_FORM}"
    for kind, place, remedy in (
        ("env", "HF_TOKEN", f"{create}, and set HF_TOKEN to it"),
        ("file", "/t:u", f"{create}, and run `git-credential-hf login`"),
        ("oidc", "", create),
    ):
        assert write_token_hint(Token(TOKEN, kind, place)) == remedy


def test_another_token_is_the_login(home: Path) -> None:
    """If a variable overrides the login, the hint is to use that; if both are the same token, it is not."""
    file = home / ".cache/huggingface/token"
    file.parent.mkdir(parents=True)
    for login, remedy in (
        (TOKEN, f"create one {AT_FORM}, and set HF_TOKEN to it"),
        (
            "hf_" + "l" * 34,
            f"run `unset HF_TOKEN` to use your login, or set it to a token {FROM_FORM}",
        ),
    ):
        file.write_text(login)
        assert write_token_hint(Token(TOKEN, "env", "HF_TOKEN")) == remedy


def error(words: str, code: str | None = None) -> dict[str, str]:
    return {"X-Error-Message": words} | ({"X-Error-Code": code} if code else {})


SHOWN = "hf_****wxyz"
REJECTED = f"the Hub rejects the token {SHOWN} from the environment variable HF_TOKEN: it is invalid or was revoked"
UNREACHABLE = ("unknown", "unreachable")
DENIED = (403, error("You may not."))
WHOAMI = {"name": "alice", "auth": {"accessToken": {"role": "write"}}, "orgs": []}
OAUTH = {**WHOAMI, "auth": {"type": "oauth", "accessToken": {}}}


def member(role: object, name: str = "acme") -> dict[str, object]:
    return {**WHOAMI, "orgs": [{"name": name, "roleInOrg": role}]}


SCOPELESS = {"role": "fineGrained", "fineGrained": {"scoped": []}}
WRITE = entry("org", "acme", "repo.write")
REASON = (*UNREACHABLE, "the Hub answered 403 (You may not)", None)
# The repository, and whether to write; the responses of auth-check and whoami-v2; the answer.
ANSWERS: dict[str, tuple[str, bool, tuple[int, dict[str, str]], object, tuple[str | None, ...]]] = {
    "read": ("acme/model", False, (200, {}), {}, ("yes", None, f"{SHOWN} may read acme/model", None)),
    "write": ("acme/model", True, (200, {}), {}, ("yes", None, f"{SHOWN} may write to acme/model", None)),
    "500": ("acme/model", True, (500, {}), {}, (*UNREACHABLE, "the Hub answered 500", None)),
    "500 with a message": (
        "acme/model",
        True,
        (500, error("Oh X.")),
        {},
        (*UNREACHABLE, "the Hub answered 500 (Oh X)", None),
    ),
    "401": (
        *("acme/model", True, (401, {}), WHOAMI),
        (*UNREACHABLE, f"the Hub does not report what {SHOWN} may do", None),
    ),
    "no route": (
        *("kernels/acme/k", True, (404, error("No.", "RepoNotFound")), WHOAMI),
        (*UNREACHABLE, "the Hub does not report what a token may do to acme/k", None),
    ),
    "404 of a proxy": ("acme/model", True, (404, {}), WHOAMI, (*UNREACHABLE, "the Hub answered 404", None)),
    "404 of a proxy, to a token that reads": (
        *("acme/model", True, (404, {}), {"name": "alice", "auth": {"accessToken": {"role": "read"}}}),
        (
            *("no", "read-only-token", f"the token {SHOWN} from the environment variable HF_TOKEN can only read"),
            f"create one with the role 'write' at {SETTINGS}/new?tokenType=write, and set HF_TOKEN to it",
        ),
    ),
    "a contributor": (
        *("datasets/acme/model", True, DENIED, member("contributor")),
        ("no", "role-too-low", f"{LOW}its role in acme is 'contributor'", PULL.replace("acme", "datasets/acme")),
    ),
    "no access": (
        *("acme/model", True, DENIED, member("no_access")),
        ("no", "role-too-low", f"{LOW}its role in acme is 'no_access'", PULL),
    ),
    "a role of tomorrow": ("acme/model", True, DENIED, member("wizard"), REASON),
    "a writer": ("acme/model", True, DENIED, member("write"), REASON),
    "to read": ("acme/model", False, DENIED, member("read"), REASON),
    "its own repository": ("alice/model", True, DENIED, WHOAMI, REASON),
    "without a namespace": ("gpt2", True, DENIED, WHOAMI, REASON),
    "403 without a message": ("acme/model", True, (403, {}), WHOAMI, (*UNREACHABLE, "the Hub answered 403", None)),
    **{
        f"a login of {who}": (
            *(repository, True, DENIED, {**OAUTH, "orgs": orgs}),
            (
                *("no", "token-not-scoped", f"the token {SHOWN} of your browser login may not write to {repository}"),
                f"create one with the role 'write' at {SETTINGS}/new?tokenType=write, and set HF_TOKEN to it",
            ),
        )
        for who, repository, orgs in (
            ("the owner", "alice/model", []),
            ("an administrator", "acme/model", [{"name": "acme", "roleInOrg": "admin"}]),
            ("a writer", "acme/model", [{"name": "acme", "roleInOrg": "write"}]),
        )
    },
    "a login, to read": ("alice/model", False, DENIED, OAUTH, REASON),
    "fine-grained, to read": (
        *("acme/model", False, DENIED, {"name": "alice", "auth": {"accessToken": SCOPELESS}}),
        (
            *("no", "token-not-scoped", f"the fine-grained token {SHOWN} lacks `repo.content.read` for acme/model"),
            f"add 'Read access to contents' for acme/model or acme at {SETTINGS}",
        ),
    ),
    "fine-grained, with a scope of unknown meaning": (
        *("acme/model", True, DENIED),
        {**WHOAMI, "auth": {"accessToken": SCOPELESS | {"fineGrained": {"scoped": [entry("galaxy", "far away")]}}}},
        REASON,
    ),
    "an account of which little is known": ("acme/model", True, DENIED, {"name": "alice"}, REASON),
    "fine-grained, in its scope": (
        *("acme/model", True, DENIED),
        {**member("write"), "auth": {"accessToken": SCOPELESS | {"fineGrained": {"scoped": [WRITE]}}}},
        REASON,
    ),
    "a service account, in its scope": (
        *("acme/model", True, DENIED),
        {**WHOAMI, "auth": {"accessToken": SCOPELESS | {"fineGrained": {"scoped": [WRITE]}}}},
        REASON,
    ),
    "a missing space": (
        *("spaces/acme/model", True, (404, error("No.", "RepoNotFound")), WHOAMI),
        (
            *("no", "no-such-repo"),
            "https://huggingface.co/spaces/acme/model does not exist, or it is private and this token has no access",
            CREATE.format("acme/model", "new-space"),
        ),
    ),
    "the name of an account alone": (
        *("acme", False, (404, error("No.", "RepoNotFound")), WHOAMI),
        (
            *("no", "no-such-repo"),
            "https://huggingface.co/acme does not exist, or it is private and this token has no access",
            "use the full name with the owner, such as acme/model",
        ),
    ),
    "a missing data set": (
        *("datasets/acme/model", False, (404, error("No.", "RepoNotFound")), WHOAMI),
        (
            *("no", "no-such-repo"),
            "https://huggingface.co/datasets/acme/model does not exist, or it is private and this token has no access",
            CREATE.format("acme/model", "new-dataset"),
        ),
    ),
}


class Reply:
    """A response of the Hub, or with `raw` the bytes that are sent instead of one."""

    def __init__(
        self,
        status: int = 200,
        *,
        headers: dict[str, str] | None = None,
        json: object = None,
        text: str = "",
        html: str = "",
        raw: bytes | None = None,
    ) -> None:
        self.status = status
        self.headers = {"Content-Type": "text/html" if html else "application/json", **(headers or {})}
        self.text = html or text if json is None else dumps(json)
        self.raw = raw


class Api:
    """The Hub's API on a port of this machine: it sends `answers`, by the last part of the path, lists `requests`."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, str | None, object]] = []
        self.media_types: list[set[str | None]] = []
        self.answers: dict[str, Reply] = {}
        self.is_answering = threading.Event()
        self.is_answering.set()
        self.url = ""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("content-length", 0)))
        self.requests.append(
            (request.command, request.path, request.headers.get("authorization"), loads(body) if body else None)
        )
        self.media_types.append({request.headers.get(name) for name in ("accept", "content-type")})
        self.is_answering.wait(60)
        reply = self.answers[request.path.removesuffix("/write").rpartition("/")[2]]
        if reply.raw is not None:
            request.wfile.write(reply.raw)
            return
        request.send_response(reply.status)
        for name, value in reply.headers.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(reply.text.encode())


@pytest.fixture
def api() -> Iterator[Api]:
    """A Hub whose answers are those of the test."""
    api = Api()

    class Handler(BaseHTTPRequestHandler):
        do_GET = do_POST = lambda request: api.answer(request)  # noqa: N815 - http.server's names

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        api.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield api
        finally:
            api.is_answering.set()
            server.shutdown()
            thread.join()


def mine(api: Api, value: str = TOKEN) -> Token:
    return Token(value, "env", "HF_TOKEN", hub=api.url)


def at(api: Api, repository: Repository) -> Repository:
    return Repository(repository.kind, repository.name, api.url)


def described(answer: Answer) -> tuple[str | None, ...]:
    """The answer, in the words for the public Hub."""
    hub = answer.repository.hub
    message, fix = (text and text.replace(hub, PUBLIC_HUB) for text in (answer.message, answer.fix))
    return answer.answer, answer.reason, message, fix


@pytest.mark.parametrize("name", ANSWERS)
def test_answers(name: str, api: Api) -> None:
    """The answer follows from the response of auth-check and, if that has no reason, from that of whoami-v2."""
    repository, write, (status, headers), account, expected = ANSWERS[name]
    api.answers = {
        "auth-check": Reply(status, headers=headers),
        "whoami-v2": Reply(200, json=account),
    }
    asked = parse_repository(repository, api.url)
    assert asked is not None
    answer = check_access(mine(api), asked, write=write)
    assert (described(answer), answer.repository, answer.write) == (expected, asked, write)
    assert (answer.answer == "yes") is _is_cached(mine(api), asked, write)


def test_requests(api: Api) -> None:
    """Each question takes one request, with the token if there is one."""
    api.answers = {
        "auth-check": Reply(200),
        "whoami-v2": Reply(200, json=WHOAMI),
        "validate-yaml": Reply(200, json={}),
    }
    path, bearer = "/api/models/acme/model/auth-check", f"Bearer {TOKEN}"
    anyone = ("yes", None, "anyone may read acme/model", None)
    assert described(check_access(None, at(api, MODEL), write=False)) == anyone
    for write, words in ((False, "may read"), (True, "may write to")):
        for _ in range(2):  # the second answer is from the cache
            answer = check_access(mine(api), at(api, MODEL), write=write, use_cache=True)
            assert described(answer) == ("yes", None, f"{SHOWN} {words} acme/model", None)
    account = whoami(mine(api))
    assert (account.name, account.role) == ("alice", "write")
    assert card_errors("x: y", at(api, DATASET)) == []
    assert api.requests == [
        ("GET", path, None, None),
        ("GET", path, bearer, None),
        ("GET", f"{path}/write", bearer, None),
        ("GET", "/api/whoami-v2", bearer, None),
        ("POST", "/api/validate-yaml", None, {"repoType": "dataset", "content": "x: y"}),
    ]
    assert {line.split()[1] for line in read_state("may", cache_directory()).splitlines()} == {"600"}


def test_timeouts(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """All requests of one question may take three seconds, or as many as the caller allows; the test does not wait."""
    waits: list[tuple[threading.Thread, float | None]] = []
    join = threading.Thread.join
    timeouts = (3, 30, 0.5)
    api.answers = dict.fromkeys(("auth-check", "whoami-v2", "validate-yaml", "main"), Reply(200, json=WHOAMI))
    api.is_answering.clear()
    with monkeypatch.context() as clock:
        clock.setattr(
            *(threading.Thread, "join"),
            lambda thread, timeout=None: (
                waits.append((thread, timeout)) if timeout in timeouts else join(thread, timeout)
            ),
        )
        messages = []
        for seconds in timeouts:
            try_hub_again()
            messages.append(check_access(mine(api), at(api, MODEL), write=False, seconds=seconds).message)
        for call in (
            lambda: whoami(mine(api)),
            lambda: whoami(mine(api), seconds=30),
            lambda: card_errors("", at(api, MODEL)),
            lambda: find_upload_modes(mine(api), at(api, MODEL), "main", []),
        ):
            try_hub_again()
            with pytest.raises(Unreachable) as raised:
                call()
            messages.append(raised.value.message)
    assert [seconds for _, seconds in waits] == [*timeouts, 3, 30, 3, 3]
    assert messages == [f"the Hub did not answer within {seconds:g} seconds" for _, seconds in waits]
    api.is_answering.set()
    for thread, _ in waits:
        thread.join(60)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [(404, "RepoNotFound", "no"), (404, "Other", "unknown"), (410, "RepoNotFound", "unknown"), (403, None, "unknown")],
)
def test_missing_without_a_token(status: int, code: str | None, expected: str, api: Api) -> None:
    """Without a token a repository is missing only if the Hub says so, and writing takes no request to refuse."""
    api.answers = {"auth-check": Reply(status, headers=error("No.", code))}
    answer = check_access(None, at(api, MODEL), write=False)
    assert (answer.answer, answer.repository, answer.write) == (expected, at(api, MODEL), False)
    answer = check_access(None, at(api, MODEL), write=True)
    assert described(answer) == ("no", "no-token", "writing to acme/model requires a token", "run `hf auth login`")
    assert (answer.write, len(api.requests)) == (True, 1)


def test_where_a_yes_is_cached_on_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows the folder has the name of the program, without one of an author above it."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(platformdirs, "PlatformDirs", platformdirs.windows.Windows)
    monkeypatch.setattr(platformdirs.windows, "get_win_folder", platformdirs.windows.get_win_folder_from_env_vars)
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert Path(cache_directory() or "").relative_to(tmp_path).parts == ("git-credential-hf", "Cache")


def test_a_cached_yes_is_for_this_question_alone(api: Api) -> None:
    """A cached yes is for one token and one repository; a yes to writing is one to reading."""
    api.answers = {"auth-check": Reply(200)}
    other = mine(api, "hf_" + "o" * 34)
    for token, repository, write, requests in (
        (mine(api), at(api, MODEL), False, 1),
        (mine(api), at(api, MODEL), False, 0),
        (mine(api), at(api, MODEL), True, 1),
        (mine(api), at(api, DATASET), True, 1),
        (mine(api), at(api, DATASET), False, 0),
        (mine(api), at(api, Repository("models", "acme/data")), False, 1),
        (other, at(api, MODEL), False, 1),
    ):
        api.requests.clear()
        answer = check_access(token, repository, write=write, use_cache=True)
        assert (answer.answer, len(api.requests)) == ("yes", requests)


def test_a_person_gets_a_new_answer(api: Api) -> None:
    """Without the cache the Hub is asked whatever it said before, and a no ends what hooks believe."""
    api.answers = {"auth-check": Reply(200)}
    check_access(mine(api), at(api, MODEL), write=True)
    api.answers = {"auth-check": Reply(503)}
    assert check_access(mine(api), at(api, MODEL), write=True).answer == "unknown"
    assert check_access(mine(api), at(api, MODEL), write=True, use_cache=True).answer == "yes"
    api.answers = {"auth-check": Reply(404, headers={"X-Error-Code": "RepoNotFound"})}
    assert check_access(mine(api), at(api, MODEL), write=True).answer == "no"
    assert check_access(mine(api), at(api, MODEL), write=True, use_cache=True).answer == "no"


def test_a_yes_is_cached_for_ten_minutes(api: Api) -> None:
    """After that, or if the clock was put back, or the file is readable by others or damaged, a request is sent."""
    api.answers = {"auth-check": Reply(200)}
    check_access(mine(api), at(api, MODEL), write=True)
    cache = Path(cache_directory() or "", "may")
    line = cache.read_text()
    since, rest = line.split(" ", 1)
    assert int(since) <= time.time() < int(since) + 60
    for content, mode, requests in (
        (line, 0o600, 0),
        (f"{int(since) - 540} {rest}", 0o600, 0),
        (f"{int(since) - 601} {rest}", 0o600, 1),
        (f"{int(since) + 1000} {rest}", 0o600, 1),
        (line, 0o644, 1),
        ("rubbish\n", 0o600, 1),
        ("\0" * 100, 0o600, 1),
    ):
        cache.unlink(missing_ok=True)
        cache.write_text(content)
        cache.chmod(mode)
        api.requests.clear()
        check_access(mine(api), at(api, MODEL), write=True, use_cache=True)
        assert len(api.requests) == requests, (content[:40], oct(mode))


NO_ANSWERS: dict[str, tuple[Reply, str, str]] = {
    "no answer": (Reply(raw=b""), "unreachable", "cannot reach the Hub (the connection was closed)"),
    "another protocol": (Reply(raw=b"SSH-2.0-x\r\n"), "unreachable", "cannot reach the Hub (this is not HTTP)"),
    "a page": (
        Reply(200, html="<p>"),
        *("unreachable", "the Hub answered 200 with an HTML page"),
    ),
    "too many": (Reply(429), "rate-limited", "rate limited by the Hub: too many requests"),
    "503": (Reply(503, headers={"X-Error-Message": "Ow."}), "unreachable", "the Hub answered 503 (Ow)"),
}


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_unusable_responses(name: str, api: Api) -> None:
    """Without a usable response the answer is unknown, with the cause, and the next question sends a request again."""
    response, reason, message = NO_ANSWERS[name]
    api.answers = {"auth-check": response}
    for _ in range(2):
        assert described(check_access(mine(api), at(api, MODEL), write=True)) == ("unknown", reason, message, None)
    assert len(api.requests) == 2


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("17", "17"), (" 17 ", "17"), ("99999", "3600"), ("9" * 30, "3600"), ("0", None), ("soon", None), ("", None)],
)
def test_retry_after(retry_after: str, seconds: str | None, api: Api) -> None:
    """After a 429 that endpoint gets no request with that token for `Retry-After` seconds, an hour at most."""
    limited = Reply(429, headers={"Retry-After": retry_after})
    api.answers = {"auth-check": limited, "whoami-v2": Reply(200, json=WHOAMI)}
    check_access(mine(api), at(api, MODEL), write=True)
    again = check_access(mine(api), at(api, DATASET), write=False)
    stored = read_state("retry-after", cache_directory()).split()
    if seconds is None:
        assert (len(api.requests), [word for word in stored[1:2] if word != "0"]) == (2, [])
        return
    assert (len(api.requests), stored[1]) == (1, seconds)
    assert described(again) == ("unknown", "rate-limited", "rate limited by the Hub: too many requests", None)
    assert whoami(mine(api)).name == "alice"
    check_access(None, at(api, MODEL), write=False)
    check_access(mine(api, "hf_" + "o" * 34), at(api, MODEL), write=False)
    assert len(api.requests) == 4
    file = Path(cache_directory() or "", "retry-after")
    file.write_text(" ".join([str(int(stored[0]) - int(seconds)), *stored[1:]]) + "\n")  # as if that time had passed
    check_access(mine(api), at(api, MODEL), write=True)
    assert len(api.requests) == 5


def test_whoami_is_limited_by_itself(api: Api) -> None:
    """A `Retry-After` of whoami is for whoami alone."""
    api.answers = {"whoami-v2": Reply(429, headers={"Retry-After": "17"}), "auth-check": Reply(200)}
    for _ in range(2):
        with pytest.raises(Unreachable) as raised:
            whoami(mine(api))
        assert raised.value.code == "rate-limited"
    assert check_access(mine(api), at(api, MODEL), write=False).answer == "yes"
    assert len(api.requests) == 2


def test_a_token_is_for_its_hub_alone(api: Api) -> None:
    """A token is not sent to another Hub than its own, whoever asks for it."""
    elsewhere = Repository("models", "acme/model", "https://hub.example")
    answer = check_access(mine(api), elsewhere, write=False)
    assert (answer.answer, answer.reason) == ("unknown", "unreachable")
    assert answer.message == f"the token {SHOWN} is not for https://hub.example"
    assert api.requests == []


PUBLISHER = "hf_jwt_" + "j" * 30


def test_a_trusted_publisher(api: Api) -> None:
    """A Trusted Publisher's token may be refused although it is valid, so a no is unknown; a yes is a yes."""
    api.answers = {"whoami-v2": Reply(401)}
    with pytest.raises(Unreachable, match="does not report the account of a Trusted Publisher's token"):
        whoami(mine(api, PUBLISHER))
    with pytest.raises(Refused) as refused:
        whoami(mine(api))
    another = ANOTHER.replace(PUBLIC_HUB, api.url)
    rejected = REJECTED.replace("the Hub", hub_name(api.url))
    assert (refused.value.message, refused.value.code, refused.value.fix) == (rejected, "token-invalid", another)
    for status in (401, 403, 404):
        api.answers["auth-check"] = Reply(status, headers=error("No.", "RepoNotFound"))
        answer = check_access(mine(api, PUBLISHER), at(api, MODEL), write=True)
        assert (answer.answer, answer.fix, answer.write) == ("unknown", None, True)
    assert answer.message.replace(api.url, PUBLIC_HUB) == (
        "the Hub's answer for a Trusted Publisher's token is not reliable: "
        "https://huggingface.co/acme/model does not exist, or it is private and this token has no access"
    )
    api.answers["auth-check"] = Reply(200)
    assert check_access(mine(api, PUBLISHER), at(api, MODEL), write=True).answer == "yes"
    api.answers["whoami-v2"] = Reply(401, headers=error("Token x is expired."))
    with pytest.raises(Refused) as refused:
        whoami(mine(api, PUBLISHER))
    assert refused.value.code == "token-expired"


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (Reply(500), "the Hub answered 500"),
        *(
            (Reply(200, text=text), "the Hub sent an invalid response")
            for text in ("{", "null", "[]", "{}", '{"name": 1}', "[" * 200_000)
        ),
    ],
    ids=lambda value: value.text[:20] if isinstance(value, Reply) else "",
)
def test_no_account(response: Reply, message: str, api: Api) -> None:
    """Without a usable response of whoami there is no account, and a refusal without a reason is unknown."""
    api.answers = {"whoami-v2": response, "auth-check": Reply(DENIED[0], headers=DENIED[1])}
    with pytest.raises(Unreachable) as raised:
        whoami(mine(api))
    assert (raised.value.message, raised.value.code) == (message, "unreachable")
    assert check_access(mine(api), at(api, MODEL), write=True).answer == "unknown"


CARDS: dict[str, tuple[Reply, list[str] | str]] = {
    "good": (Reply(200, json={"errors": []}), []),
    "bad": (Reply(400, json={"errors": [{"message": "x"}, {}]}), ["x", "unspecified error"]),
    "bad, with status 200": (Reply(200, json={"errors": [{"message": "x"}]}), ["x"]),
    "no JSON": (Reply(200, text="{"), []),
    "no JSON, with status 400": (Reply(400, text="{"), "the Hub answered 400"),
    "no errors": (Reply(500, json={}), "the Hub answered 500"),
}


@pytest.mark.parametrize("name", CARDS)
def test_card_errors(name: str, api: Api) -> None:
    """There is one message for each error; without errors and without status 200 it is unknown."""
    response, expected = CARDS[name]
    api.answers = {"validate-yaml": response}
    if isinstance(expected, list):
        assert card_errors("", at(api, MODEL)) == expected
        assert api.media_types == [{"application/json"}]
        return
    with pytest.raises(Unreachable) as raised:
        card_errors("", at(api, MODEL))
    assert raised.value.message == expected


LFS: dict[str, tuple[Reply, dict[str, bool]]] = {
    "one of two": (
        Reply(
            200,
            json={
                "objects": [
                    {"oid": "a" * 64, "size": 1, "actions": {"download": {"href": "https://cdn.example/a"}}},
                    {"oid": "b" * 64, "size": 2, "error": {"code": 404, "message": "Object does not exist"}},
                    {"oid": "c" * 64, "size": 3, "error": {"code": 500, "message": "Try again"}},
                    {"oid": "d" * 64, "size": 4},
                    "e",
                ]
            },
        ),
        {"a" * 64: True, "b" * 64: False},
    ),
    "nothing": (Reply(200, json={"objects": []}), {}),
    "no objects": (Reply(200, json={}), {}),
    "no JSON": (Reply(200, text="{"), {}),
    "a no": (Reply(403, json={"objects": []}), {}),
}


@pytest.mark.parametrize("name", LFS)
def test_find_lfs_objects(name: str, api: Api) -> None:
    """The Hub has an object that can be downloaded, and lacks one that it says so of; all else is unknown."""
    response, expected = LFS[name]
    api.answers = {"batch": response}
    asked = [(f"{number:064x}", number) for number in range(250)]
    assert find_lfs_objects(mine(api), at(api, DATASET), asked) == expected
    path = "/datasets/acme/data.git/info/lfs/objects/batch"
    hundreds = (
        [asked[:100], asked[100:200], asked[200:]] if response.status == 200 and "objects" in response.text else []
    )
    assert api.requests == [
        (
            *("POST", path, f"Bearer {TOKEN}"),
            {
                "operation": "download",
                "transfers": ["basic"],
                "objects": [{"oid": oid, "size": size} for oid, size in hundred],
            },
        )
        for hundred in hundreds or [asked[:100]]
    ]
    assert {*map(frozenset, api.media_types)} == {frozenset({"application/vnd.git-lfs+json"})}


MODES: dict[str, tuple[Reply, dict[str, str] | str]] = {
    "both": (
        Reply(
            200,
            json={
                "files": [
                    {"path": "a.png", "uploadMode": "lfs", "shouldIgnore": False, "oid": None},
                    {"path": "b.txt", "uploadMode": "regular", "shouldIgnore": False},
                    {"path": "c.png", "uploadMode": "lfs", "shouldIgnore": True},
                    {"path": "d.png", "uploadMode": "other"},
                    "e",
                ]
            },
        ),
        {"a.png": "lfs", "b.txt": "regular"},
    ),
    "no files": (Reply(200, json={}), "the Hub sent an invalid response"),
    "no JSON": (Reply(200, text="{"), "the Hub sent an invalid response"),
    "no such revision": (Reply(404, json={"error": "x"}), "the Hub answered 404"),
}


@pytest.mark.parametrize("name", MODES)
def test_find_upload_modes(name: str, api: Api) -> None:
    """The Hub gets path, size and 512 bytes of each file; what is ignored there has no mode."""
    response, expected = MODES[name]
    api.answers = {"refs%2Fpr%2F1": response, "main?create_pr=1": response}
    for revision, last in (("refs/pr/1", "refs%2Fpr%2F1"), ("", "main?create_pr=1")):
        api.requests.clear()
        if isinstance(expected, dict):
            assert find_upload_modes(mine(api), at(api, DATASET), revision, [("a.png", 600, b"\0" * 600)]) == expected
        else:
            with pytest.raises(Unreachable) as raised:
                find_upload_modes(mine(api), at(api, DATASET), revision, [("a.png", 600, b"\0" * 600)])
            assert raised.value.message == expected
        sample = b64encode(b"\0" * 512).decode()
        body = {"files": [{"path": "a.png", "sample": sample, "size": 600}]}
        assert api.requests == [("POST", f"/api/datasets/acme/data/preupload/{last}", f"Bearer {TOKEN}", body)]


GOOD = "the token is valid and belongs to alice, but has no access to this repository"
NOBODY = (401, error("Invalid."))
# The path, the responses of auth-check and whoami-v2, and the explanation.
EXPLAINED: dict[str, tuple[bytes | None, tuple[int, dict[str, str]], Reply, tuple[str, str | None] | None]] = {
    "no path": (
        *(None, (200, {}), Reply(200, json=WHOAMI)),
        (GOOD, "open the page of the repository as alice to see whether it exists"),
    ),
    "no repository": (
        *(b"\xff", (200, {}), Reply(500)),
        None,
    ),
    "bad": (
        *(None, (200, {}), Reply(401)),
        (REJECTED, ANOTHER),
    ),
    "bad, with a path": (
        *(b"acme/model", NOBODY, Reply(401)),
        (REJECTED, ANOTHER),
    ),
    "good": (
        *(b"acme/model", (200, {}), Reply(200, json=WHOAMI)),
        ("the token is valid and may read acme/model", "run the command again"),
    ),
    "unknown": (b"acme/model", (500, {}), Reply(500), None),
    "missing": (
        *(b"datasets/acme/model", (404, error("No.", "RepoNotFound")), Reply(200, json=WHOAMI)),
        (
            "the token is valid, but https://huggingface.co/datasets/acme/model does not exist, "
            "or it is private and this token has no access",
            CREATE.format("acme/model", "new-dataset"),
        ),
    ),
    "not scoped": (
        *(b"acme/model", DENIED, Reply(200, json=fine_grained() | {"auth": {"accessToken": SCOPELESS}})),
        (
            f"the token is valid, but the fine-grained token {SHOWN} lacks `repo.content.read` for acme/model",
            f"add 'Read access to contents' for acme/model or acme at {SETTINGS}",
        ),
    ),
    "not approved": (
        *(
            b"acme/model",
            (403, error("It needs to be approved by the organization.")),
            Reply(200, json=WHOAMI),
        ),
        (
            f"the token is valid, but the token {SHOWN} needs the approval of acme",
            "ask an administrator of acme to approve it",
        ),
    ),
}


def _replaced(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize("name", EXPLAINED)
def test_explain_refusal(name: str, api: Api) -> None:
    """Whether a refused token is good, and the reason, as the Hub says; without a response there is neither."""
    path, (status, headers), account, expected = EXPLAINED[name]
    api.answers = {"auth-check": Reply(status, headers=headers), "whoami-v2": account}
    refusal = explain_refusal(mine(api), path)
    found = refusal.problem and (refusal.problem.message, refusal.problem.fix)
    names = ((api.url, PUBLIC_HUB), (f"{hub_name(api.url)} rejects", "the Hub rejects"))
    said = found and tuple(text and _replaced(text, *names) for text in found)
    assert said == expected
    assert refusal.is_good is (None if expected is None else "bad" not in name)


def test_without_a_token(world: Hub) -> None:
    """Reading what is public needs no token; anything else does."""
    _acme(world, None)
    world.repository("acme/secret", private=True, files={})
    assert described(check_access(None, MODEL, write=False, seconds=30))[0] == "yes"
    for repository, write in (("acme/secret", False), ("acme/model", True)):
        answer = check_access(None, Repository("models", repository), write=write, seconds=30)
        assert (answer.answer, answer.reason, answer.fix) == ("no", "no-token", "run `hf auth login`")


def test_the_push_remote_is_the_default(world: Hub, tmp_path: Path) -> None:
    """Without a name it is the repository that `git push` would go to, whose password is not shown."""
    token = _alice(world)

    def here(**environment: Any) -> Done:
        given = {"HF_TOKEN": token, **environment}
        return run("git-credential-hf", "check", "--write", "--json", cwd=tmp_path, check=False, **given)

    assert here().returncode == 1
    assert "no remote to push to" in loads(here().stdout)["message"]
    git("init", "-q", "-b", "main", cwd=tmp_path)
    git("remote", "add", "hub", "https://huggingface.co/alice/alone", cwd=tmp_path)
    assert loads(here().stdout)["repo"] == "alice/alone"
    git("config", "branch.main.remote", "git@hf.co:alice/model", cwd=tmp_path)  # `git push -u URL`
    assert loads(here().stdout)["repo"] == "alice/model"
    git("config", "--unset", "branch.main.remote", cwd=tmp_path)
    git("remote", "add", "origin", "https://huggingface.co/alice/model", cwd=tmp_path)
    assert loads(here().stdout)["repo"] == "alice/model"
    git("remote", "add", "fork", "https://huggingface.co/datasets/alice/fork", cwd=tmp_path)
    git("config", "remote.pushDefault", "fork", cwd=tmp_path)
    assert loads(here().stdout)["repo"] == "alice/fork"
    git("config", "branch.main.pushRemote", "origin", cwd=tmp_path)
    git("remote", "set-url", "--push", "origin", "https://git:hf_secretsecret@github.com/alice/model", cwd=tmp_path)
    refused = here()
    assert refused.returncode == 1
    assert "'https://github.com/alice/model' is not a Hub repository" in loads(refused.stdout)["message"]
    assert "hf_secretsecret" not in refused.stdout + refused.stderr
    git("remote", "set-url", "--add", "--push", "origin", "https://huggingface.co/alice/model", cwd=tmp_path)
    assert loads(here().stdout)["repo"] == "alice/model"


def test_a_refusal_names_another_hub() -> None:
    """What a Hub beside huggingface.co says of a token is not said of the Hub."""
    for hub, name in ((PUBLIC_HUB, "the Hub"), ("https://hub.corp.example:8443", "hub.corp.example:8443")):
        refused = token_refusal(Token("hf_x", "env", "HF_TOKEN", hub=hub), "")
        assert refused.message.startswith(f"{name} rejects the token hf_****")
