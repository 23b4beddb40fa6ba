"""`configure --env` makes the clones of a job the account's, also those of public repositories, and breaks none."""

from __future__ import annotations

import shlex
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from account import WEIGHTS, Account, git_has, knows_authtype

if TYPE_CHECKING:
    from fake_hub import Hub

pytestmark = pytest.mark.git_versions

READS_SETTINGS = pytest.mark.skipif(not git_has(2, 31), reason="this git reads no settings from the environment")

PUBLIC = "https://huggingface.co/alice/public-model"
PRIVATE = "https://huggingface.co/alice/private-model"


@pytest.fixture
def job(hub: Hub, account: Account) -> Account:
    """A job without any configuration of git's own, and a Hub with a public repository, too."""
    hub.repository("alice/public-model", files={"README.md": b"hello\n"}, lfs={"model.bin": WEIGHTS})
    (account.home / ".gitconfig").unlink()
    account.git("lfs", "install", "--skip-repo")
    return account


def configure(job: Account, **environment: Any) -> dict[str, Any]:
    """What the line with `eval` brings into the environment of the job's next commands."""
    lines = job.run("git-credential-hf", "configure", "--env", **environment).stdout.splitlines()
    pairs = (shlex.split(line)[1].split("=", 1) for line in lines)
    return dict(pairs)


def clones(job: Account, hub: Hub, name: str, url: str = PUBLIC, **environment: Any) -> list[str]:
    """Clone it whole; return for each request of git's, and not of git-lfs's, whose it was."""
    hub.log.clear()
    done = job.git("clone", url, name, GIT_TERMINAL_PROMPT="0", **environment)
    assert (job.home / name / "model.bin").read_bytes() == WEIGHTS
    assert "git-credential-hf" not in done.stderr
    return [request.account or "-" for request in hub.log.of("git-upload-pack")]


@pytest.mark.git_versions(each_run=1)
@pytest.mark.skipif(not knows_authtype(), reason="this git knows no http.proactiveAuth")
def test_public_clones_are_the_accounts(hub: Hub, job: Account) -> None:
    """The first request of a public clone has the token, and so has each other one; without `configure`, none has."""
    token = hub.token("alice")
    assert set(clones(job, hub, "before", HF_TOKEN=token)) == {"-"}
    settings = configure(job, HF_TOKEN=token)
    assert clones(job, hub, "after", HF_TOKEN=token, **settings)[0] == "alice"
    assert set(clones(job, hub, "again", HF_TOKEN=token, **settings)) == {"alice"}
    assert not hub.log.of("git-upload-pack", status=401)
    assert set(clones(job, hub, "private", PRIVATE, HF_TOKEN=token, **settings)) == {"alice"}
    assert configure(job, HF_TOKEN=token, **settings) == {"GIT_CONFIG_COUNT": settings["GIT_CONFIG_COUNT"]}


@pytest.mark.git_versions
@READS_SETTINGS
def test_another_token_later(hub: Hub, job: Account) -> None:
    """A later step without the token, with a bad or another one, clones what it could clone without us."""
    settings = configure(job, HF_TOKEN=hub.token("alice"))
    assert clones(job, hub, "none", **settings)[0] == "-"
    assert set(clones(job, hub, "bad", HF_TOKEN="hf_" + "x" * 34, **settings)) == {"-"}
    other = hub.token(hub.user("bob"))
    assert set(clones(job, hub, "other", HF_TOKEN=other, **settings)) == {"-"}
    assert clones(job, hub, "private", PRIVATE, HF_TOKEN=hub.token("alice"), **settings)[-1] == "alice"
    done = job.git("clone", PRIVATE, "refused", check=False, GIT_TERMINAL_PROMPT="0", **settings)
    assert "not logged in" in done.stderr
    assert "could not read Username" in done.stderr, "git's own words, as without the setting"


@pytest.mark.git_versions(each_run=1)
@READS_SETTINGS
def test_bare_challenge(hub: Hub, job: Account) -> None:
    """A server whose challenge has no realm, as git's own has none, is served as well."""
    token = hub.token("alice")
    hub.realm = ""
    for settings in (configure(job), configure(job, HF_TOKEN=hub.token("alice"))):
        name = "with" if "proactiveAuth" in str(settings) else "without"
        shutil.rmtree(job.home / name, ignore_errors=True)  # an older git has none of these settings
        assert clones(job, hub, name, PRIVATE, HF_TOKEN=token, **settings)[-1] == "alice"


@pytest.mark.git_versions(each_run=1)
def test_a_token_that_is_revoked(hub: Hub, job: Account) -> None:
    """A confirmed token that the Hub then refuses is sent once more, and public clones go on without it."""
    token = hub.token("alice")
    settings = configure(job, HF_TOKEN=token)
    hub.revoke(token)
    job.git("ls-remote", PRIVATE, check=False, GIT_TERMINAL_PROMPT="0", HF_TOKEN=token, **settings)
    assert set(clones(job, hub, "public", HF_TOKEN=token, **settings)) == {"-"}


@pytest.mark.git_versions(each_run=1)
@pytest.mark.parametrize("token", ["", "hf_" + "x" * 34])
def test_only_with_a_good_token(hub: Hub, job: Account, token: str) -> None:
    """Without a token, with a refused one, which is a warning, or if somebody has chosen, nothing is set."""
    done = job.run("git-credential-hf", "configure", "--env", HF_TOKEN=token)
    is_asked_about = bool(token) and knows_authtype()
    assert ("git-credential-hf: warning: the Hub rejects the token" in done.stderr) == is_asked_about
    assert "proactiveAuth" not in str(configure(job, HF_TOKEN=token))
    job.git("config", "--global", "http.proactiveAuth", "none")
    assert "proactiveAuth" not in str(configure(job, HF_TOKEN=hub.token("alice")))


def test_beside_netrc(hub: Hub, job: Account) -> None:
    """An entry in .netrc goes on to be what git uses: with the setting, git would not read it."""
    (job.home / ".netrc").write_text(f"machine huggingface.co login git password {hub.token('alice')}\n")
    settings = configure(job, HF_TOKEN=hub.token(hub.user("bob")))
    assert "proactiveAuth" not in str(settings)
    assert clones(job, hub, "private", PRIVATE, **settings)[-1] == "alice"


@pytest.mark.git_versions(each_run=1)
def test_a_git_that_reads_no_settings(hub: Hub, job: Account) -> None:
    """Before 2.31 git ignores what `configure --env` prints: that and `status` say so, and a newer one is not named."""
    job.git("config", "--global", "credential.helper", "hf")
    for command in (("configure", "--env"), ("status",)):
        done = job.run("git-credential-hf", *command, HF_TOKEN=hub.token("alice"))
        assert ("ignores the settings of `configure --env`" in done.stderr) == (not git_has(2, 31))
