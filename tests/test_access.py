"""What may this token do: `check`, against a Hub that answers as the real one does."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reasons import REASONS, _acme, _alice, _gated

from git_credential_hf import access
from git_credential_hf import hub as the_hub

if TYPE_CHECKING:
    from hub import Hub

STATUS = {"yes": 0, "no": 1, "unknown": 3}


def check(*arguments: str, **environment: str) -> tuple[dict[str, Any], subprocess.CompletedProcess[str]]:
    """`check --json`: the answer, which fits the exit status, and how it ran."""
    command = ["git-credential-hf", "check", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    assert "Traceback" not in done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) == {"repo", "type", "access", "answer", "reason", "message", "fix"}
    assert done.returncode == STATUS[answer["answer"]], done.stderr
    return answer, done


def asked(hub: Hub) -> list[str]:
    return [request.path for request in hub.log.of("/api/")]


@pytest.mark.parametrize("name", REASONS)
def test_reasons(name: str, world: Hub) -> None:
    """Each reason has its code, its words and its remedy; a second question finds the same; the token is not shown."""
    prepare, repository, reason, words, remedy = REASONS[name]
    token = prepare(world)
    environment = {"HF_TOKEN": token} if token else {}
    for _ in range(2):
        world.log.clear()
        answer, done = check("--write", repository, **environment)
        assert (answer["answer"], answer["reason"], answer["access"]) == ("no", reason, "write")
        assert words in answer["message"]
        if "HF_TOKEN" not in environment or "hf auth login" not in remedy:
            assert remedy in answer["fix"]
        assert len(asked(world)) <= 2, "two requests at most, and a no is never kept"
        assert token is None or world.log.of("/api/"), "a no is never kept"
        errors = done.stderr.splitlines()
        assert [line.split(": ")[1] for line in errors] == ["error", "hint"]
        assert token is None or token not in done.stdout + done.stderr


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
    """Who may is told so; the first time with one request, and then with none, in a file that nobody else can read."""
    prepare, repository, act = MAY[name]
    token = prepare(world)
    for requests in (1, 0):
        world.log.clear()
        answer, done = check(act, repository, HF_TOKEN=token)
        assert (answer["answer"], answer["reason"], answer["fix"]) == ("yes", None, None)
        assert (len(asked(world)), done.stderr) == (requests, "")
    cache = Path.home() / ".cache/git-credential-hf"
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    for file in cache.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert token not in file.read_text()
        assert repository not in file.read_text()


def test_a_kept_yes_is_for_this_question_alone(world: Hub) -> None:
    """Another token, another repository, writing instead of reading: asked; reading what may be written: not."""
    token = _alice(world)
    world.repository("alice/other", files={})
    check("alice/model", HF_TOKEN=token)
    for arguments, given_token, requests in (
        (["alice/model"], token, 0),
        (["--write", "alice/model"], token, 1),
        (["alice/other"], token, 1),
        (["datasets/alice/model"], token, 1),
        (["alice/model"], world.token("alice"), 1),
        (["--write", "alice/other"], token, 1),
        (["alice/other"], token, 0),
    ):
        world.log.clear()
        check(*arguments, HF_TOKEN=given_token)
        assert len(asked(world)) == requests, arguments


def test_a_yes_is_kept_for_ten_minutes(world: Hub) -> None:
    """After ten minutes the Hub is asked again, and so it is where the clock was put back, or the file is not ours."""
    token = _alice(world)
    check("--write", "alice/model", HF_TOKEN=token)
    kept = Path.home() / ".cache/git-credential-hf/may"
    line = kept.read_text()
    since, rest = line.split(" ", 1)
    assert int(since) <= time.time() < int(since) + 60
    for content, mode, requests in (
        (line, 0o600, 0),
        (f"{int(since) - 590} {rest}", 0o600, 0),
        (f"{int(since) - 601} {rest}", 0o600, 1),
        (f"{int(since) + 1000} {rest}", 0o600, 1),
        (line, 0o644, 1),
        ("rubbish\n", 0o600, 1),
        ("\0" * 100, 0o600, 1),
    ):
        kept.unlink(missing_ok=True)
        kept.write_text(content)
        kept.chmod(mode)
        world.log.clear()
        check("--write", "alice/model", HF_TOKEN=token)
        assert len(asked(world)) == requests, (content[:40], oct(mode))


def test_unconfigure_forgets_it(world: Hub) -> None:
    """`unconfigure` leaves nothing in the cache."""
    check("--write", "alice/model", HF_TOKEN=_alice(world))
    assert (Path.home() / ".cache/git-credential-hf").exists()
    subprocess.run(["git-credential-hf", "unconfigure"], check=True, capture_output=True)
    assert not (Path.home() / ".cache/git-credential-hf").exists()


UNKNOWN: dict[str, tuple[Callable[[Hub], None], str]] = {
    "500": (lambda hub: hub.faults.status("/api/", 500), "unreachable"),
    "502 of a proxy": (lambda hub: hub.faults.status("/api/", 502, b"<html>bad gateway"), "unreachable"),
    "403 of a proxy": (lambda hub: hub.faults.status("/auth-check", 403, b"forbidden by policy"), "unreachable"),
    "401 of a proxy": (lambda hub: hub.faults.status("/auth-check", 401, b"log in first"), "unreachable"),
    "404 of a mirror": (lambda hub: hub.faults.status("/auth-check", 404, b"not found"), "unreachable"),
    "a page": (lambda hub: hub.faults.garbage("/api/"), "unreachable"),
    "reset": (lambda hub: hub.faults.reset("/api/"), "unreachable"),
    "slow": (lambda hub: hub.faults.delay("/api/", 30), "unreachable"),
    "too many requests": (lambda hub: hub.faults.rate_limit("/api/"), "rate-limited"),
    "a loop": (lambda hub: hub.faults.status("/api/", 302, headers={"Location": "/api/whoami-v2"}), "unreachable"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_no_answer(name: str, world: Hub) -> None:
    """Where the Hub gives no sensible answer there is none: a warning, and exit status 3."""
    fault, reason = UNKNOWN[name]
    token = _alice(world)
    fault(world)
    answer, done = check("--write", "alice/model", HF_TOKEN=token)
    assert (answer["answer"], answer["reason"]) == ("unknown", reason)
    assert done.stderr.startswith("git-credential-hf: warning: ")
    assert token not in done.stdout + done.stderr


def test_offline(world: Hub) -> None:
    """Without a Hub, or told to stay offline, there is no answer."""
    token = _alice(world)
    assert check("alice/model", HF_TOKEN=token, HF_HUB_OFFLINE="1")[0]["answer"] == "unknown"
    world.close()
    answer, _ = check("--write", "alice/model", HF_TOKEN=token)
    assert (answer["answer"], answer["reason"]) == ("unknown", "unreachable")


@pytest.mark.parametrize("path", ["/auth-check", "/whoami-v2"])
def test_retry_after_is_honoured(path: str, world: Hub) -> None:
    """After a 429 with `Retry-After` that question is not asked again until then, and then it is."""
    token = _alice(world, "read")
    world.faults.rate_limit(path, retry_after=3, times=1)
    answer, _ = check("--write", "alice/model", HF_TOKEN=token)
    assert (answer["answer"], answer["reason"]) == ("unknown", "rate-limited")
    world.log.clear()
    answer, _ = check("--write", "alice/model", HF_TOKEN=token)
    assert (answer["answer"], answer["reason"]) == ("unknown", "rate-limited")
    assert not world.log.of(path)
    time.sleep(3)
    assert check("--write", "alice/model", HF_TOKEN=token)[0]["reason"] == "read-only-token"


UNCERTAIN = [
    [{"entity": {"_id": "0" * 24, "type": "model", "name": "alice/model"}, "permissions": ["repo.something.new"]}],
    [{"entity": {"_id": "0" * 24, "type": "resource-group"}, "permissions": ["repo.write"]}],
    [{"entity": {"_id": "0" * 24, "type": "model"}, "permissions": ["repo.content.read"]}],
    [{"entity": {"_id": "0" * 24, "type": "galaxy", "name": "far away"}, "permissions": ["repo.write"]}],
]


@pytest.mark.parametrize("scoped", UNCERTAIN, ids=["permission", "resource group", "no name", "entity"])
def test_scopes_of_tomorrow(scoped: list[dict[str, Any]], world: Hub) -> None:
    """A scope whose meaning is not known is never a no."""
    token = _alice(world, "fineGrained", scoped=scoped)
    world.faults.status(
        "/auth-check/write",
        403,
        headers={"X-Error-Message": "You have read access but not the required permissions for this operation"},
    )
    assert check("--write", "alice/model", HF_TOKEN=token)[0]["answer"] == "unknown"


def test_a_trusted_publisher_is_never_refused(world: Hub) -> None:
    """For an `hf_jwt_` token a no of the Hub's is not conclusive."""
    world.user("alice")
    world.repository("alice/model", files={})
    for status in (401, 403, 404):
        world.faults.clear()
        world.faults.status("/auth-check", status, headers={"X-Error-Message": "no", "X-Error-Code": "RepoNotFound"})
        answer, _ = check("--write", "alice/model", HF_TOKEN="hf_jwt_aaaaaaaaaaaa.bbbbbbbbbbbbbb.cccccccccccccc")
        assert answer["answer"] == "unknown"


def test_without_a_token(world: Hub) -> None:
    """Reading what is public needs no token; anything else does."""
    _acme(world, None)
    world.repository("acme/secret", private=True, files={})
    assert check("acme/model")[0]["answer"] == "yes"
    for arguments in (["acme/secret"], ["--write", "acme/model"]):
        answer, done = check(*arguments)
        assert (answer["answer"], answer["reason"]) == ("no", "no-token")
        assert "hf auth login" in done.stderr


def test_a_kernel_is_never_missed(world: Hub) -> None:
    """For kernels a 404 of auth-check is no answer: the API may not have it for them."""
    token = _alice(world)
    answer, _ = check("--write", "kernels/alice/none", HF_TOKEN=token)
    assert answer["answer"] == "unknown"
    world.repository("kernels/alice/fast", files={})
    assert check("--write", "kernels/alice/fast", HF_TOKEN=token)[0]["answer"] == "yes"


def test_a_renamed_repository(world: Hub) -> None:
    """The Hub's redirect to the new name is followed."""
    token = _alice(world)
    world.rename("alice/model", "alice/better-model")
    assert check("--write", "alice/model", HF_TOKEN=token)[0]["answer"] == "yes"


# --- which repository ---


REPOSITORIES = {
    "acme/model": ("models", "acme/model"),
    "models/acme/model": ("models", "acme/model"),
    "datasets/acme/data": ("datasets", "acme/data"),
    "spaces/acme/app": ("spaces", "acme/app"),
    "kernels/acme/k": ("kernels", "acme/k"),
    "datasets/squad": ("datasets", "squad"),
    "gpt2": ("models", "gpt2"),
    "acme/model.v2": ("models", "acme/model.v2"),
    "hf://acme/model": ("models", "acme/model"),
    "hf://datasets/acme/data": ("datasets", "acme/data"),
    "hf://datasets/acme/data@main/train.csv": ("datasets", "acme/data"),
    "hf://acme/model/config.json": ("models", "acme/model"),
    "hf://acme/model@refs%2Fpr%2F1": ("models", "acme/model"),
    "https://huggingface.co/acme/model": ("models", "acme/model"),
    "https://huggingface.co/acme/model.git": ("models", "acme/model"),
    "https://huggingface.co/acme/model/": ("models", "acme/model"),
    "https://huggingface.co/gpt2": ("models", "gpt2"),
    "https://huggingface.co/gpt2/tree/main": ("models", "gpt2"),
    "https://huggingface.co/acme/model/blob/main/README.md": ("models", "acme/model"),
    "https://huggingface.co/datasets/acme/data/tree/main?not=this": ("datasets", "acme/data"),
    "https://git:hf_x@huggingface.co/acme/model": ("models", "acme/model"),
    "https://HF.co:443/acme/model": ("models", "acme/model"),
    "git@hf.co:acme/model": ("models", "acme/model"),
    "git@hf.co:datasets/acme/data.git": ("datasets", "acme/data"),
    "ssh://git@hf.co/acme/model": ("models", "acme/model"),
    "ssh://git@hf.co:22/acme/model": ("models", "acme/model"),
    # None of the Hub's.
    "": None,
    "/": None,
    "https://github.com/acme/model": None,
    "https://huggingface.co.evil.example/acme/model": None,
    "https://huggingface.co@evil.example/acme/model": None,
    "http://huggingface.co/acme/model": None,
    "https://huggingface.co:8443/acme/model": None,
    "https://huggingface.co": None,
    "git@github.com:acme/model": None,
    "./acme:model": None,
    "acme/../model": None,
    "../model": None,
    "a/b/c": None,
    "buckets/acme/x": None,
    "hf://buckets/acme/x/y": None,
    "acme/mo del": None,
    "acme/model?x": None,
}


@pytest.mark.parametrize("text", REPOSITORIES)
def test_names_of_repositories(text: str) -> None:
    """What people call a repository, and what is none."""
    assert the_hub.named(text) == REPOSITORIES[text]


@given(st.text(max_size=60) | st.from_regex(r"(https|ssh|hf)://[a-z@.:/%?#]{0,40}", fullmatch=True))
@settings(max_examples=2000)
def test_any_text_for_a_repository(text: str) -> None:
    """Any text is a repository or none; what is one leads to no other place of the API."""
    found = the_hub.named(text)
    assert found is None or (found[0] in the_hub.KINDS and all(map(the_hub.is_name, found[1].split("/"))))


def test_the_push_remote_is_the_default(world: Hub, tmp_path: Path) -> None:
    """Without a name it is the repository that `git push` would go to, whose password is not shown."""
    token = _alice(world)

    def git(*arguments: str) -> None:
        subprocess.run(["git", "-C", tmp_path, *arguments], check=True, capture_output=True)

    def here(**environment: str) -> subprocess.CompletedProcess[str]:
        command = ["git-credential-hf", "check", "--write", "--json"]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "HF_TOKEN": token, **environment}
        )

    assert here().returncode == 1
    assert "no repository here with a remote" in here().stderr
    git("init", "-q", "-b", "main")
    git("remote", "add", "origin", "https://huggingface.co/alice/model")
    assert json.loads(here().stdout)["repo"] == "alice/model"
    git("remote", "add", "fork", "https://huggingface.co/datasets/alice/fork")
    git("config", "remote.pushDefault", "fork")
    assert json.loads(here().stdout)["repo"] == "alice/fork"
    git("config", "branch.main.pushRemote", "origin")
    git("remote", "set-url", "--push", "origin", "https://git:hf_secretsecret@github.com/alice/model")
    refused = here()
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "'https://github.com/alice/model' is no repository of the Hub" in refused.stderr
    assert "hf_secretsecret" not in refused.stderr


@pytest.mark.parametrize(
    "answer",
    [None, [], {}, {"name": 1}, {"name": "alice", "auth": []}, {"name": "alice", "orgs": {}}, {"name": "alice"}],
    ids=str,
)
def test_senseless_whoami(answer: object, world: Hub) -> None:
    """An answer of the wrong shape is no reason for a no."""
    token = _alice(world, "read")
    world.faults.status("/whoami-v2", 200, json.dumps(answer).encode(), headers={"Content-Type": "application/json"})
    assert check("--write", "alice/model", HF_TOKEN=token)[0]["answer"] == "unknown"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["repo.write", "alice/model", "alice"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "name",
                    "auth",
                    "accessToken",
                    "role",
                    "fineGrained",
                    "scoped",
                    "entity",
                    "permissions",
                    "type",
                    "orgs",
                    "_id",
                    "id",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON)
@settings(max_examples=2000)
def test_any_whoami(answer: object) -> None:
    """Whatever whoami-v2 answers: an account or a `ValueError`, and scopes that are yes, no or not certain."""
    try:
        account = access.Account(answer)
    except ValueError:
        return
    assert account.permits("repo.write", ("models", "alice/model")) in (True, False, None)
