"""What a token may do: yes, no or unknown, as the Hub has answered."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import platformdirs.windows
import pytest
from hub_api import DATASET, SHOWN, TOKEN, WHOAMI, Api, Reply, at, described, error, mine
from reasons import ANOTHER, CREATE, LOW, MISSING, PULL, SETTINGS, _acme, _alice
from whoami import MODEL, entry, fine_grained

from git_credential_hf.api.access import card_errors, check_access, explain_refusal, whoami
from git_credential_hf.api.access_cache import is_yes_cached
from git_credential_hf.api.client import Unreachable, is_out_of_reach
from git_credential_hf.api.refusals import Refused
from git_credential_hf.hub import PUBLIC_HUB, hub_name
from git_credential_hf.repository import Repository, parse_repository
from git_credential_hf.state import read_state
from git_credential_hf.state_directory import cache_directory
from git_credential_hf.tokens import Token

if TYPE_CHECKING:
    from fake_hub import Hub


REJECTED = f"the Hub rejects the token {SHOWN} from the environment variable HF_TOKEN: it is invalid or was revoked"
UNREACHABLE = ("unknown", "unreachable")
DENIED = (403, error("You may not."))
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
        ("no", "role-too-low", f"{LOW}the role in acme is 'contributor'", PULL.replace("acme", "datasets/acme")),
    ),
    "no access": (
        *("acme/model", True, DENIED, member("no_access")),
        ("no", "role-too-low", f"{LOW}the role in acme is 'no_access'", PULL),
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
    assert (answer.answer == "yes") is is_yes_cached(mine(api), asked, write=write)


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


def test_a_slow_answer_about_other_kinds(world: Hub) -> None:
    """That a repository is missing is certain before the other kinds are asked about, and the Hub is within reach."""
    token = Token(_alice(world), "env", "HF_TOKEN")
    world.faults.delay("/api/datasets/alice/none/auth-check", 60)
    answer = check_access(token, Repository("models", "alice/none"), write=True)
    assert (answer.answer, answer.reason, answer.message) == ("no", "no-such-repo", MISSING.format("alice/none"))
    assert not is_out_of_reach(PUBLIC_HUB)


def test_without_a_token(world: Hub) -> None:
    """Reading what is public needs no token; anything else does."""
    _acme(world, None)
    world.repository("acme/secret", private=True, files={})
    assert described(check_access(None, MODEL, write=False, seconds=30))[0] == "yes"
    for repository, write in (("acme/secret", False), ("acme/model", True)):
        answer = check_access(None, Repository("models", repository), write=write, seconds=30)
        assert (answer.answer, answer.reason, answer.fix) == ("no", "no-token", "run `hf auth login`")
