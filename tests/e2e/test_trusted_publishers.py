"""A CI job that is the Trusted Publisher of two repositories: git names the one it wants, with `useHttpPath`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from account import WEIGHTS, Account
from amount import each_run

if TYPE_CHECKING:
    from fake_hub import Hub

HUB = "https://huggingface.co/"
SETTING = ["config", "--global", "credential.https://huggingface.co.useHttpPath", "true"]
MODEL, DATA, OTHER = "alice/private-model", "datasets/alice/private-data", "alice/other"


PLACES = ["a directory of the job's", "no place to keep a token"]


@pytest.fixture(params=PLACES)
def job(hub: Hub, account: Account, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Account:
    """A job that publishes a model and a dataset, and is told of the model alone."""
    hub.repository(DATA, private=True, files={"README.md": b"hello\n"}, lfs={"data.bin": WEIGHTS})
    hub.repository(OTHER, private=True, files={"README.md": b"hello\n"})
    for resource in (MODEL, DATA):
        hub.trust("https://ci.example", resource=resource, id_token="eyJ.id.token")
    monkeypatch.setenv("HF_OIDC_RESOURCE", MODEL)
    monkeypatch.setenv("HF_OIDC_ID_TOKEN", "eyJ.id.token")
    if request.param.startswith("a directory"):
        directory = account.home.with_name(f"{account.home.name}-job")
        directory.mkdir()
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("RUNNER_TEMP", str(directory))
    return account


def clone_and_push(account: Account, path: str) -> None:
    account.where = account.home
    account.clone(HUB + path)
    account.run("git-credential-hf", "hooks", "install")
    account.commit({"notes.md": b"more\n", "other.bin": os.urandom(9) + b"\0" + WEIGHTS})
    account.git("push")
    account.run("git-credential-hf", "check", "--write", path)


def test_each_repository_by_its_own_token(hub: Hub, job: Account) -> None:
    """Both are cloned and pushed to, with LFS and the hooks, each with a token of its own, whatever the order."""
    job.git(*SETTING)
    for path in (DATA, MODEL, DATA) if "RUNNER_TEMP" in os.environ else (DATA, MODEL):
        clone_and_push(job, path)
        (job.home / path.rpartition("/")[2]).rename(job.home / f"done-{len(list(job.home.iterdir()))}")
    if "RUNNER_TEMP" in os.environ:
        assert len(hub.log.of("/oauth/token")) == 2


def test_a_repository_without_a_publisher(hub: Hub, job: Account) -> None:
    """The token of HF_OIDC_RESOURCE is served, as without the path; another is asked for once in ten minutes."""
    job.git(*SETTING)
    for _ in range(2):
        done = job.git("clone", HUB + OTHER, check=False)
        assert done.returncode == 128
        assert "Repository not found" in done.stderr, "the Hub's word for a token that may not see it"
    refused = [exchange for exchange in hub.log.of("/oauth/token") if exchange.status == 400]
    assert len(refused) == 1
    job.git("ls-remote", HUB + MODEL)


@pytest.mark.parametrize("job", each_run(PLACES, PLACES[0]), indirect=True)  # each exchange of the other is the same
def test_without_the_path_nothing_is_guessed(hub: Hub, job: Account) -> None:
    """A job without the setting gets the token of HF_OIDC_RESOURCE for all."""
    clone_and_push(job, MODEL)
    job.where = job.home
    assert job.git("clone", HUB + DATA, check=False).returncode == 128
    assert all(exchange.status == 200 for exchange in hub.log.of("/oauth/token"))


def test_an_outage_at_the_exchange(hub: Hub, job: Account) -> None:
    """If the Hub does not answer for another repository, the token that the job has already is served."""
    job.git(*SETTING)
    request = "protocol=https\nhost=huggingface.co\npath={}\n\n"
    first = job.run("git", "credential", "fill", stdin=request.format(MODEL)).stdout
    hub.faults.status("/oauth/token", 503)
    done = job.run("git", "credential", "fill", stdin=request.format(OTHER), check=False)
    if "RUNNER_TEMP" in os.environ:
        passwords = [[line for line in text.splitlines() if "password=" in line] for text in (first, done.stdout)]
        assert passwords[0] == passwords[1] != []
    else:
        assert "503" in done.stderr, "nothing is kept, so nothing can be served"
