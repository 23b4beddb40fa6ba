"""action.yml: a job of GitHub's that uses it can clone and push, and no token is in any file."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from installed import Project
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from programs import run

from . import ACTION, CHECKOUT, Job
from .conftest import ID_TOKEN, REQUEST_TOKEN, WEIGHTS, log_in, outside, without_tested

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
    assert job.log == "::error::git-credential-hf needs Python 3.11 or newer: use actions/setup-python before it\n"


HOSTILE = ("logging", "venv", "pip", "ensurepip", "sitecustomize", "usercustomize", "re", "hatchling", "click", "os")
ONLY_COMMAND = "git-credential-hf-program/bin/git-credential-hf"


@pytest.mark.registries
def test_a_hostile_checkout(sources: Path, tmp_path: Path, home: Path) -> None:
    """Nothing of the checkout runs while the action works, nor in git afterwards; PATH has one command more.

    The modules are in the working directory and in PYTHONPATH, and the programs in a relative entry of PATH. What is
    installed sees no secret of the job. The job's own Python has transformers 4, and stays as it is.
    """
    job = Job(tmp_path / "job", HF_TOKEN="hf_opensnothing", HF_ENDPOINT="http://127.0.0.1:9")
    ran = tmp_path / "ran"
    for module in HOSTILE:
        code = f"import posix\nposix.close(posix.open({str(ran)!r}, posix.O_CREAT | posix.O_WRONLY))\n"
        (job.workspace / f"{module}.py").write_text(code)
    for program in ("pip", "python", "python3", "mktemp", "git-credential-hf"):
        (job.workspace / program).write_text(f"#!/bin/sh\ntouch {ran}\nexit 1\n")
        (job.workspace / program).chmod(0o755)
    (job.workspace / "pyvenv.cfg").write_text("home = /nowhere\n")
    project = Project(tmp_path / "project")
    before = project.state()
    path = os.pathsep.join([str(project.folder / "bin"), without_tested(job.environment["PATH"])])
    job.environment |= {"PATH": f".:{path}", "PYTHONPATH": str(job.workspace), "PYTHONSTARTUP": "logging.py"}
    seen = tmp_path / "seen"  # the environment of pip, and of what it runs to build the package
    with (sources / "hatch_build.py").open("a") as file:
        file.write(f"\nopen({str(seen)!r}, 'w').write(repr(dict(os.environ)))\n")
    umask = os.umask(0o002)
    try:
        assert job.uses(sources) == 0, job.log
    finally:
        os.umask(umask)
    assert not ran.exists()
    assert project.state() == before
    assert "hf_opensnothing" not in seen.read_text()
    assert str(job.workspace) not in seen.read_text()

    job.environment["PATH"] = job.environment["PATH"].replace(":.:", ":")  # the next steps are the job's own
    added = [folder for folder in job.environment["PATH"].split(":") if folder not in path.split(":")]
    assert [name for folder in added for name in os.listdir(folder)] == ["git-credential-hf"]
    job.run(f"""
        test "$(command -v git-credential-hf)" = "$RUNNER_TEMP/{ONLY_COMMAND}"
        for program in python python3 pip; do
            test "$(command -v $program)" = "$(PATH='{path}' command -v $program)"
        done
        given=$(git credential fill <<< $'protocol=https\\nhost=huggingface.co\\n')
        [[ $given = *"password=$HF_TOKEN"* ]]
        git-credential-hf --version
    """)
    assert not ran.exists()
    assert job.holding("hf_opensnothing", home) == []
    installed = [path for path in (job.temporary / "git-credential-hf-program").rglob("*") if not path.is_symlink()]
    assert [path for path in installed if path.stat().st_mode & 0o022] == []


def test_requirements_are_pinned() -> None:
    """Each dependency has a version that pyproject.toml allows; each version has hashes. See packaging/action/lock."""
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 has none")
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    text = (CHECKOUT / "packaging/action/requirements.txt").read_text()
    pinned: dict[str, str] = dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))
    for block in re.split(r"^(?=\w)", text, flags=re.MULTILINE)[1:]:
        assert re.match(r"[\w.-]+==\S+( ; [^\n]*)? \\\n(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+$", block), block
    for wanted in [*project["project"]["dependencies"], *project["build-system"]["requires"]]:
        requirement = Requirement(wanted)
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), wanted


# --- what YAML can get wrong ---


def scripts(definition: Any) -> list[str]:
    """All `run:` in it."""
    if isinstance(definition, dict):
        own = [definition["run"]] if isinstance(definition.get("run"), str) else []
        return own + [script for value in definition.values() for script in scripts(value)]
    return [script for value in definition for script in scripts(value)] if isinstance(definition, list) else []


@pytest.mark.parametrize("file", [CHECKOUT / "action.yml", *WORKFLOWS], ids=lambda file: file.name)
def test_expressions_reach_no_shell(file: Path) -> None:
    """No `run:` has an expression in it: what comes from outside reaches a shell through its environment alone."""
    definition = yaml.safe_load(file.read_text())
    assert scripts(definition)
    assert [script for script in scripts(definition) if "${{" in script] == []
    assert "secrets." not in file.read_text()


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_workflows(file: Path) -> None:
    """Workflows may read the repository and no more, but for a job's identity; actions are pinned by their commit."""
    definition = yaml.safe_load(file.read_text())
    assert definition["permissions"] == {"contents": "read"}
    wanted = {name: job["permissions"] for name, job in definition["jobs"].items() if "permissions" in job}
    of_a_release = {"publish": {"id-token": "write", "attestations": "write"}, "release": {"contents": "write"}}
    assert wanted == (of_a_release if file.name == "release.yml" else {})
    for line in re.findall(r"\buses: (.*)", file.read_text()):
        assert re.match(r"\./|[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


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


def workflow(name: str) -> dict[str, Any]:
    """Return a workflow by its name."""
    if not WORKFLOWS:
        pytest.skip("no .github in this copy: it is not in the sdist")
    definition: dict[str, Any] = yaml.safe_load((CHECKOUT / f".github/workflows/{name}.yml").read_text())
    return definition


def test_files_that_the_workflow_names() -> None:
    """The tests that the workflow picks for other systems exist."""
    named = re.findall(r"\btests/[\w/*.]+", json.dumps(workflow("test")["jobs"]["portable"]))
    assert named
    assert [name for name in named if not list(CHECKOUT.glob(name))] == []


def test_windows_can_collect_them() -> None:
    """Without what Python lacks on Windows, these tests can be collected: what needs it says so when it is run."""
    portable = json.dumps(workflow("test")["jobs"]["portable"])
    files = [str(file) for name in re.findall(r"\btests/[\w/*.]+", portable) for file in CHECKOUT.glob(name)]
    command = (sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-p", "as_on_windows")
    done = run(*command, *files, cwd=CHECKOUT, check=False, PYTHONPATH=str(CHECKOUT / "tests/support"))
    assert done.returncode == 0, done.stdout[-2000:]


def test_each_python_gets_the_built_wheel() -> None:
    """The wheel that a release publishes is tested with each Python that it says it is for, on each system."""
    portable = workflow("test")["jobs"]["portable"]
    classifiers = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', (CHECKOUT / "pyproject.toml").read_text())
    assert portable["strategy"]["matrix"]["python"] == classifiers
    assert portable["needs"] == "build"
    assert "pip install --group test $WHEEL" in "".join(scripts(portable))
    assert {"ubuntu-latest", "macos-latest", "windows-latest"} == {
        system["name"] for system in portable["strategy"]["matrix"]["system"]
    }


def test_a_release_is_what_was_tested() -> None:
    """A release builds nothing: its files are those that the tests have installed, and it has attestations of them."""
    jobs = workflow("release")["jobs"]
    assert jobs["test"]["uses"] == "./.github/workflows/test.yml"
    assert (jobs["publish"]["needs"], jobs["release"]["needs"]) == ("test", "publish")
    assert "build --" not in "".join(scripts(jobs))
    used = [step.get("uses", "").partition("@")[0] for step in jobs["publish"]["steps"]]
    assert used == [
        *("actions/download-artifact", "", "actions/attest-build-provenance", "pypa/gh-action-pypi-publish"),
    ]


def test_the_night() -> None:
    """The long runs are started each night, all of them."""
    nightly = workflow("nightly")
    assert "cron: " in (CHECKOUT / ".github/workflows/nightly.yml").read_text()
    runs = set(nightly["jobs"]["long"]["strategy"]["matrix"]["run"])
    assert runs == {f"--long {file.parent.name}" for file in (CHECKOUT / "tests/long").glob("*/long")}
