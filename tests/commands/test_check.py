"""`check`, against a Hub that answers as the real one does."""

from __future__ import annotations

import stat
from collections.abc import Callable
from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from programs import Done, git, run
from reasons import CREATE, MISSING, REASONS, _acme, _alice, _gated

from git_credential_hf.masking import mask_token

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
