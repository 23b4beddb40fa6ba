"""Jobs one after the other on a machine of one's own: the next one is another repository's, and finds no token."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from . import Job
from .conftest import ID_TOKEN, outside

if TYPE_CHECKING:
    from fake_hub import Hub

CLONE = 'eval "$(git-credential-hf configure --env)" && git clone https://huggingface.co/alice/private-model'
ASK = r"""
eval "$(git-credential-hf configure --env)"
git credential fill <<< $'protocol=https\nhost=huggingface.co\n' 2>&1
"""


@pytest.fixture(autouse=True)
def with_program(job: Job) -> None:
    """The program is on PATH, as an image of one's own may have it."""
    job.environment["PATH"] = os.environ["PATH"]


@pytest.fixture
def publisher(hub: "Hub") -> dict[str, str]:
    """What the first job has in its environment, and the second one has not."""
    hub.trust("https://ci.example", resource="alice/private-model", id_token=ID_TOKEN)
    return {"HF_OIDC_RESOURCE": "alice/private-model", "HF_OIDC_ID_TOKEN": ID_TOKEN}


def exchanged(hub: "Hub") -> list[str]:
    return [value for value in hub.accounts.tokens if value.startswith("hf_jwt_")]


def end(job: Job) -> None:
    """What GitHub's runner does after a job, and GitLab's not."""
    shutil.rmtree(job.temporary)
    job.temporary.mkdir()


@pytest.mark.parametrize("temporary", ["its own", "shared"])
def test_the_next_job_finds_no_token(
    temporary: str, job: Job, hub: "Hub", publisher: dict[str, str], home: Path
) -> None:
    """In GitHub's jobs, the token of the one before is in nothing that is left: neither in the home nor in /run."""
    job.temporary.chmod(0o755 if temporary == "its own" else 0o1777)
    job.run(CLONE, **publisher)
    assert len(exchanged(hub)) == 1 if temporary == "its own" else exchanged(hub)
    assert job.step("git-credential-hf get <<< $'protocol=https\nhost=huggingface.co\n'", **publisher) == 0
    if temporary == "its own":
        end(job)
    for token in exchanged(hub):
        found = [path for path in job.holding(token, *outside(home)) if path.name not in ("log", "config")]
        assert found == []
    job.log = ""
    job.step(ASK)
    job.step(ASK, HF_OIDC_RESOURCE="alice/private-model", HF_OIDC_ID_TOKEN="eyJ.another.job")
    assert [token for token in exchanged(hub) if token in job.log] == []


def test_the_next_job_of_gitlab_finds_no_token(job: Job, hub: "Hub", publisher: dict[str, str], home: Path) -> None:
    """GitLab's runner empties nothing, so nothing is stored; each process makes an exchange, and git works."""
    gitlab = {"GITLAB_CI": "true", "CI_PROJECT_DIR": str(job.workspace), "CI_BUILDS_DIR": str(job.folder)}
    assert job.shell(CLONE, **gitlab, **publisher) == 0, job.log
    assert (job.workspace / "private-model/README.md").exists()
    assert exchanged(hub)
    assert [path for token in exchanged(hub) for path in job.holding(token, *outside(home))] == []
    job.log = ""
    job.shell(ASK, **gitlab)
    assert [token for token in exchanged(hub) if token in job.log] == []


def test_a_refused_token_that_is_not_stored(job: Job, hub: "Hub", publisher: dict[str, str]) -> None:
    """Where nothing is stored, too, a refused token ends the exchanges for a while: git-lfs does not ask for ever."""
    hub.oidc_whoami = False  # so that the Hub does not say that they are good
    hub.repository("alice/other-model", private=True, files={"README.md": b"hello\n"})
    hub.org("acme")
    hub.repository("acme/not-for-this-job", private=True, files={"README.md": b"hello\n"})
    ask = r"""
        for i in 1 2 3 4 5; do
            given=$(git-credential-hf get <<< $'protocol=https\nhost=huggingface.co\n') || continue
            printf 'protocol=https\nhost=huggingface.co\n%s\n\n' "$given" | git-credential-hf erase
        done
    """
    assert job.shell(ask, **publisher) == 0, job.log
    assert len(exchanged(hub)) == 3  # two may have been refused by mistake
    assert "the Hub has just refused the token of this job" in job.log
    assert job.shell("git-credential-hf unconfigure", **publisher) == 0
    job.log = ""
    assert job.shell("git-credential-hf get <<< $'protocol=https\nhost=huggingface.co\n'", **publisher) == 0, job.log
