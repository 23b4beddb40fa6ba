"""action.yml: a job of GitHub's that uses it can clone and push, and no token is in any file."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from git_credential_hf import __version__

from . import ACTION, CHECKOUT, Job
from .conftest import ID_TOKEN, REQUEST_TOKEN, WEIGHTS, outside, released

if TYPE_CHECKING:
    from fake_hub import Hub

CLONE_AND_PUSH = """
git lfs install
git clone https://huggingface.co/alice/private-model
cd private-model
head -c 100000 /dev/zero > more.bin
git add more.bin
git -c user.name=Bot -c user.email=bot@example.org commit --message 'from a job'
git push
"""
STEPS = ACTION["runs"]["steps"]
WORKFLOWS = sorted((CHECKOUT / ".github/workflows").glob("*.yml"))


def log_in(job: Job, **inputs: str) -> int:
    """Use the action, of the release that pip finds installed."""
    return job.uses(CHECKOUT, version=__version__, **inputs)


def pushed(job: Job, hub: "Hub") -> None:
    """The clone is whole, and what was pushed has arrived, its LFS object included."""
    clone = job.workspace / "private-model"
    assert (clone / "model.bin").read_bytes() == WEIGHTS
    head = subprocess.run(["git", "-C", clone, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout
    listed = subprocess.run(
        ["git", "ls-remote", hub.repositories.named("alice/private-model").path, "main"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout.split()[0] == head.strip()


def test_with_a_secret(job: Job, hub: "Hub", home: Path) -> None:
    """With HF_TOKEN in the environment of the job, git logs in with it; it is in no file and not in the log."""
    token = hub.token("alice")
    job.environment["HF_TOKEN"] = token
    assert log_in(job) == 0, job.log
    assert "account   alice, write token\n" in job.log
    job.run(CLONE_AND_PUSH)
    pushed(job, hub)
    assert job.holding(token, *outside(home)) == []


def test_as_a_trusted_publisher(job: Job, hub: "Hub", home: Path, kept: Path, github: dict[str, str]) -> None:
    """With `resource`, the job's identity is exchanged, once; the token is in the job's own directory alone, 0600."""
    hub.oidc_whoami = False
    hub.trust("https://token.actions.githubusercontent.com", resource="alice/private-model", id_token=ID_TOKEN)
    job.environment |= github
    assert log_in(job, resource="alice/private-model") == 0, job.log
    assert "token     hf_jwt_****" in job.log
    assert "refuses" not in job.log, "whoami does not know it, which means nothing"
    job.run(CLONE_AND_PUSH)
    pushed(job, hub)
    assert len(hub.log.of("/oauth/token")) == 1

    (token,) = (value for value in hub.accounts.tokens if value.startswith("hf_jwt_"))
    assert job.holding(token, *outside(home)) == [kept / "oidc"]
    assert (kept.stat().st_mode & 0o777, (kept / "oidc").stat().st_mode & 0o777) == (0o700, 0o600)
    for secret in (ID_TOKEN, REQUEST_TOKEN):
        assert job.holding(secret, *outside(home)) == []


def test_what_doctor_says(job: Job, hub: "Hub", github: dict[str, str]) -> None:
    """`doctor` warns of a long-lived token in a job, and not of a Trusted Publisher's."""
    hub.trust("https://token.actions.githubusercontent.com", resource="alice/private-model", id_token=ID_TOKEN)
    job.environment |= github
    assert log_in(job) == 0
    ask = "git-credential-hf doctor --offline --json || true"
    job.run(ask, HF_TOKEN=hub.token("alice"))
    assert job.log.count('"id": "ci-long-lived-token"') == 1
    job.run(ask, HF_OIDC_RESOURCE="alice/private-model")
    assert job.log.count('"id": "ci-long-lived-token"') == 1


def test_beside_settings_of_the_job(job: Job, hub: "Hub", tmp_path: Path) -> None:
    """GIT_CONFIG_* of the job go on to count, are not copied into a file, and a second use adds nothing."""
    job.environment["HF_TOKEN"] = hub.token("alice")
    job.environment |= {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "http.https://git.example.extraHeader",
        "GIT_CONFIG_VALUE_0": "X-Token: secret-of-another-host",
        "GIT_CONFIG_KEY_1": "credential.helper",
        "GIT_CONFIG_VALUE_1": f"store --file={tmp_path}/stored",
    }
    assert log_in(job) == 0, job.log
    once = dict(job.environment)
    assert once["GIT_CONFIG_COUNT"] == "6"
    assert log_in(job) == 0, job.log
    assert {name: value for name, value in job.environment.items() if name != "PATH"} == {
        name: value for name, value in once.items() if name != "PATH"
    }
    assert job.holding("secret-of-another-host") == []

    job.run("test \"$(git config http.https://git.example.extraHeader)\" = 'X-Token: secret-of-another-host'")
    job.run(CLONE_AND_PUSH)
    pushed(job, hub)
    assert not (tmp_path / "stored").exists()


def test_without_a_token(job: Job) -> None:
    """A job without any token goes on: perhaps a later step brings it."""
    assert log_in(job) == 0
    assert "token     none\n" in job.log
    assert "::error" not in job.log
    assert "HF_OIDC_RESOURCE" not in job.environment


@pytest.mark.parametrize(
    ("permitted", "reason"), [(False, "`permissions: id-token: write`"), (True, "No trusted publisher matches")]
)
def test_an_exchange_that_fails(
    job: Job, hub: "Hub", github: dict[str, str], home: Path, permitted: bool, reason: str
) -> None:
    """Where `resource` gives no token the step fails, with the reason in its annotation, HF_TOKEN or not."""
    token = hub.token("alice")
    job.environment |= {"HF_TOKEN": token, **(github if permitted else {})}
    assert log_in(job, resource="alice/private-model") == 1
    (annotation,) = (line for line in job.log.splitlines() if line.startswith("::"))
    assert annotation.startswith("::error::git-credential-hf: error: no token for HF_OIDC_RESOURCE=alice/private-model")
    assert reason in annotation
    assert "%0Agit-credential-hf: hint: " in annotation
    for secret in (token, ID_TOKEN, REQUEST_TOKEN):
        assert job.holding(secret, *outside(home)) == []


def test_inputs_are_no_code(job: Job) -> None:
    """What stands in an input is a value: no shell runs it, and it sets no variable and gives the runner no command."""
    resource = 'a"; touch made; "$(touch made)`touch made`\nHF_ENDPOINT=https://evil.example\n::warning::said'
    assert log_in(job, resource=resource) == 1
    assert job.environment["HF_OIDC_RESOURCE"] == resource
    assert "HF_ENDPOINT" not in job.environment
    assert [line[:9] for line in job.log.splitlines() if line.startswith("::")] == ["::error::"]
    assert job.uses(CHECKOUT, version='1"; touch made; $(touch made)') != 0
    assert list(job.workspace.iterdir()) == []


def test_without_python(tmp_path: Path) -> None:
    """A Python that is missing, too old or a stub is an error which says what to do."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "python").write_text("#!/bin/sh\nexit 9\n")
    (programs / "python").chmod(0o755)
    job = Job(tmp_path / "job", PATH=str(programs))
    (programs / "false").symlink_to(str(shutil.which("false")))
    assert job.uses(CHECKOUT) == 1
    assert job.log == "::error::git-credential-hf needs Python 3.10 or newer: use actions/setup-python before it\n"


@pytest.mark.registries
@pytest.mark.parametrize("of", ["this action", "a release"])
def test_installs(of: str, sources: Path, tmp_path: Path, home: Path) -> None:
    """The action installs what it was checked out with, or a release; in the next step git asks that."""
    job = Job(tmp_path / "job", HF_TOKEN="hf_opensnothing", HF_ENDPOINT="http://127.0.0.1:9", PYTHONPATH="")
    version = ""
    if of == "a release":
        job.environment["PIP_FIND_LINKS"] = released(sources, tmp_path)
        version = __version__
    # The program of these tests is not to be found instead.
    scripts = str(Path(sys.executable).parent)
    path = [folder for folder in job.environment["PATH"].split(os.pathsep) if folder != scripts]
    job.environment["PATH"] = os.pathsep.join(path)
    assert job.uses(sources, version=version) == 0, job.log
    job.run("""
        test "$(command -v git-credential-hf)" = "$RUNNER_TEMP/git-credential-hf-program/bin/git-credential-hf"
        given=$(git credential fill <<< $'protocol=https\\nhost=huggingface.co\\n')
        [[ $given = *"password=$HF_TOKEN"* ]]
    """)
    assert job.holding("hf_opensnothing", home) == []


# --- what YAML can get wrong ---


def scripts(definition: Any) -> list[str]:
    """All `run:` in it."""
    if isinstance(definition, dict):
        own = [definition["run"]] if isinstance(definition.get("run"), str) else []
        return own + [script for value in definition.values() for script in scripts(value)]
    return [script for value in definition for script in scripts(value)] if isinstance(definition, list) else []


def uses(definition: Any) -> list[str]:
    """All `uses:` in it."""
    if isinstance(definition, dict):
        own = [definition["uses"]] if "uses" in definition else []
        return own + [name for value in definition.values() for name in uses(value)]
    return [name for value in definition for name in uses(value)] if isinstance(definition, list) else []


@pytest.mark.parametrize("file", [CHECKOUT / "action.yml", *WORKFLOWS], ids=lambda file: file.name)
def test_expressions_reach_no_shell(file: Path) -> None:
    """No `run:` has an expression in it: what comes from outside reaches a shell through its environment alone."""
    definition = yaml.safe_load(file.read_text())
    assert scripts(definition)
    assert [script for script in scripts(definition) if "${{" in script] == []
    assert "secrets." not in file.read_text()


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_workflows(file: Path) -> None:
    """Workflows may read the repository and no more, but for a job's identity; actions have a major version."""
    definition = yaml.safe_load(file.read_text())
    assert definition["permissions"] == {"contents": "read"}
    wanted = [job["permissions"] for job in definition["jobs"].values() if "permissions" in job]
    assert wanted == ([{"id-token": "write"}] if file.name == "release.yml" else [])
    for name in uses(definition):
        assert name.startswith("./") or name.rpartition("@")[2].removeprefix("release/")[:1] == "v", name


def test_steps_of_the_action() -> None:
    """Each step stops at its first error, in bash, which shellcheck has nothing against."""
    shellcheck = shutil.which("shellcheck") or shutil.which("shellcheck", path=Path(sys.executable).parent)
    for step in STEPS:
        assert step["shell"] == "bash"
        assert step["run"].startswith("set -euo pipefail\n")
        if shellcheck:
            done = subprocess.run([shellcheck, "--shell=bash", "-"], input=step["run"], capture_output=True, text=True)
            assert done.stdout == ""
    if not shellcheck:
        pytest.skip("no shellcheck")


def test_files_that_the_workflow_names() -> None:
    """The tests that the workflow picks for other systems exist."""
    if not WORKFLOWS:
        pytest.skip("no .github in this copy: it is not in the sdist")
    systems = yaml.safe_load(WORKFLOWS[-1].read_text())["jobs"]["portable"]["strategy"]["matrix"]["system"]
    for name in " ".join(system["tests"] for system in systems).split():
        assert list(CHECKOUT.glob(name)), name
