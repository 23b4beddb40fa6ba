"""What docs/ci.md has can be copied: its blocks are run here as they stand, each as its CI runs it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from documents import DOCUMENTS, blocks
from programs import git

from git_credential_hf import __version__

from . import ACTION, Job
from .conftest import ID_TOKEN, log_in, outside

if TYPE_CHECKING:
    from fake_hub import Hub

SHELL, GITHUB, GITLAB = blocks(r"\w+", DOCUMENTS["docs/ci.md"])


@pytest.fixture
def token(hub: "Hub") -> str:
    """A token of alice's, who may write to acme/model."""
    hub.org("acme", alice="write")
    hub.repository("acme/model", private=True, files={"README.md": b"hello\n"})
    return hub.token("alice")


PUSH = """
cd model
echo more >> README.md
git -c user.name=Bot -c user.email=bot@example.org commit --all --message 'from a job'
git push
"""


def pushed(hub: "Hub") -> bool:
    """Whether the commit of `PUSH` has arrived."""
    return git("log", "-1", "--format=%s", "main", cwd=hub.repositories.named("acme/model").path) == "from a job\n"


def hostile(job: Job) -> str:
    """Put modules into the checkout that must not be run; return the PYTHONPATH of a job that finds them."""
    for module in ("venv", "pip", "ensurepip", "logging", "re"):
        (job.workspace / f"{module}.py").write_text(f"raise SystemExit('the {module}.py of the checkout was run')\n")
    return "."


def gitlab() -> tuple[dict[str, str], list[str]]:
    """The variables, and the lines for the one shell that GitLab's runner starts, of the job in docs/ci.md."""
    (job,) = yaml.safe_load(GITLAB).values()
    assert job["id_tokens"] == {"HF_OIDC_ID_TOKEN": {"aud": "https://huggingface.co"}}
    return job["variables"] | {"HF_OIDC_ID_TOKEN": ID_TOKEN, "GITLAB_CI": "true"}, job["before_script"] + job["script"]


def test_any_ci(job: Job, hub: "Hub", token: str, home: Path) -> None:
    """After these lines git clones and pushes with HF_TOKEN, which no file has."""
    assert f" git-credential-hf=={__version__}\n" in SHELL
    assert job.shell(f"{SHELL}{PUSH}", "-e", HF_TOKEN=token, PYTHONPATH=hostile(job)) == 0, job.log
    assert pushed(hub)
    assert job.holding(token, *outside(home)) == []


def test_github(job: Job, hub: "Hub", token: str, github: dict[str, str]) -> None:
    """The steps for GitHub use an input that the action has, with the permission that it needs, and clone."""
    hub.trust("https://token.actions.githubusercontent.com", resource="acme/model", id_token=ID_TOKEN)
    workflow: dict[str, Any] = yaml.safe_load(GITHUB)
    action, clone = workflow["steps"]
    assert workflow["permissions"]["id-token"] == "write"
    assert action["uses"] == "<owner>/git-credential-hf@<commit>", "which nobody's account can be called"
    assert set(action["with"]) <= set(ACTION["inputs"])
    job.environment |= github
    assert log_in(job, **action["with"]) == 0, job.log
    job.run(clone["run"])
    job.run(PUSH)
    assert pushed(hub)


def test_gitlab(job: Job, hub: "Hub", token: str, home: Path) -> None:
    """The job for GitLab clones and pushes; no file has an exchanged token, as GitLab has no place for it."""
    hub.trust("https://gitlab.com", resource="acme/model", id_token=ID_TOKEN)
    variables, lines = gitlab()
    variables["PYTHONPATH"] = hostile(job)
    assert job.shell("\n".join([*lines, PUSH]), "-eo", "pipefail", **variables) == 0, job.log
    assert pushed(hub)
    exchanged = [value for value in hub.accounts.tokens if value.startswith("hf_jwt_")]
    assert exchanged
    assert [job.holding(value, *outside(home)) for value in exchanged] == [[] for _ in exchanged]
    assert job.holding(ID_TOKEN, *outside(home)) == []
