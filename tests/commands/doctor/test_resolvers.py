"""The Hub receives from each program the token that `doctor` reports for it."""

import base64
from typing import TYPE_CHECKING

import pytest
from amount import some

from .conftest import MODEL, Machine, hours, shown

if TYPE_CHECKING:
    from fake_hub import Request


def used(online: Machine, *command: str, path: str = "") -> "list[Request]":
    """Return the requests of one command that the Hub accepted."""
    assert online.hub
    online.hub.log.clear()
    online.git(*command)
    found = [request for request in online.hub.log if request.status == 200 and path in request.path and request.token]
    assert found
    return found


def huggingface_hub(online: Machine) -> str:
    script = "import huggingface_hub; print(huggingface_hub.get_token())"
    return online.run("python", "-c", script).stdout.strip()


# --- ways to give git or huggingface_hub another token ---


def nothing_else(online: Machine, another: str) -> None:
    """Leave the login alone."""


def in_url(online: Machine, another: str) -> None:
    online.git("remote", "set-url", "origin", MODEL.replace("://", f"://alice:{another}@"))


def in_header(online: Machine, another: str) -> None:
    basic = base64.b64encode(f"alice:{another}".encode()).decode()
    online.secrets.add(basic)
    online.git("config", "--global", "http.https://huggingface.co.extraHeader", f"Authorization: Basic {basic}")


def in_place_of_the_hub(online: Machine, another: str) -> None:
    online.git(
        "config", "--global", f"url.https://alice:{another}@huggingface.co/.insteadOf", "https://huggingface.co/"
    )


def in_netrc(online: Machine, another: str) -> None:
    online.write(".netrc", f"machine huggingface.co login alice password {another}\n")


def stale_in_netrc(online: Machine, another: str) -> None:
    assert online.hub
    in_netrc(online, another)
    online.hub.revoke(another)


def in_store(online: Machine, another: str) -> None:
    online.run("git-credential-hf", "unconfigure")
    online.git("config", "--global", "credential.helper", "store")
    online.write(".git-credentials", f"https://alice:{another}@huggingface.co\n")


def in_environment(online: Machine, another: str) -> None:
    online.set("HF_TOKEN", another)


def for_the_namespace(online: Machine, another: str) -> None:
    online.is_given(another, "work")
    (online.home / ".cache/huggingface/token").write_text(online.token)
    for name in ("token", "stored_tokens"):
        (online.home / ".cache/huggingface" / name).chmod(0o600)
    online.git("config", "--global", "credential.useHttpPath", "true")
    online.run("git-credential-hf", "configure", "--token", "work", "--for", "alice")


# The way; whether git, and huggingface_hub, use the other token; and the findings.
SOURCES = [
    (nothing_else, False, False, []),
    (in_url, True, False, ["resolvers-disagree", "token-in-remote-url"]),
    (in_header, True, False, ["resolvers-disagree", "token-in-git-config"]),
    (in_place_of_the_hub, True, False, ["resolvers-disagree", "token-in-git-config"]),
    (in_netrc, True, False, ["resolvers-disagree", "netrc-entry"]),
    (stale_in_netrc, False, False, ["netrc-entry"]),
    (in_store, True, False, ["resolvers-disagree", "helper-not-configured", "stale-copy"]),
    (in_environment, True, True, ["env-overrides-login"]),
    (for_the_namespace, True, False, []),
]


@pytest.mark.parametrize("source", some(SOURCES, 3), ids=lambda source: source[0].__name__)
def test_reality(source: tuple, online: Machine) -> None:  # type: ignore[type-arg]
    """`git ls-remote` and `git lfs fetch` send, and get_token() returns, the token that doctor reports."""
    act, git_has_another, python_has_another, ids = source
    online.clone(GIT_LFS_SKIP_SMUDGE="1")
    another = online.secret()
    act(online, another)
    of_git, of_python = (another if has else online.token for has in (git_has_another, python_has_another))

    seen = online.examine()
    rows = {row["program"]: row for row in seen["resolvers"]}
    assert {row["account"] for row in rows.values()} == {"alice"}
    found = [finding["id"] for finding in seen["findings"]]
    assert [finding for finding in found if finding != "lfs-pointers"] == ids  # it was cloned without the files
    for program in ("git", "git-lfs"):
        assert rows[program]["shown"] == shown(of_git)
    assert rows["huggingface_hub"]["shown"] == shown(of_python) == shown(huggingface_hub(online))

    assert {request.token for request in used(online, "ls-remote", "origin")} == {of_git}
    assert {request.token for request in used(online, "lfs", "fetch", "origin", "main", path="/info/lfs/")} == {of_git}
    if act not in (in_header, in_netrc):  # these are used before the helpers
        url = online.git("ls-remote", "--get-url", "origin").stdout.strip()
        filled = online.git("credential", "fill", stdin=f"url={url}\n\n").stdout
        assert f"password={of_git}\n" in filled


def test_git_xet_asks_for_the_host(online: Machine) -> None:
    """git-xet does not send the namespace, so it gets the current token."""
    online.repository()
    another = online.secret()
    for_the_namespace(online, another)
    tokens = online.tokens()
    assert tokens["git"] == shown(another)
    assert tokens["git-xet"] == tokens["huggingface_hub"] == shown(online.token)


def test_an_invalid_token_of_a_namespace(online: Machine) -> None:
    """It is checked, as the current one is."""
    assert online.hub
    online.repository()
    another = online.secret()
    for_the_namespace(online, another)
    online.hub.revoke(another)
    (found,) = online.examine()["findings"]
    assert found["id"] == "token-invalid"
    assert f"{shown(another)} from" in found["detail"] and "'work'" in found["detail"]


# --- healthy machines ---


def in_a_container(online: Machine) -> None:
    online.log_out()
    online.set("HF_TOKEN", online.token)
    online.set("KUBERNETES_SERVICE_HOST", "10.0.0.1")


def below_the_top(online: Machine) -> None:
    online.where = online.repository() / "a folder"
    online.where.mkdir()


def with_hooks(online: Machine) -> None:
    online.repository()
    online.run("git-credential-hf", "hooks", "install")


def with_hooks_everywhere(online: Machine) -> None:
    online.run("git-credential-hf", "hooks", "install", "--global")


def in_a_job_that_is_trusted(online: Machine) -> None:
    assert online.hub
    online.log_out()
    online.hub.oidc_whoami = True
    online.hub.trust("https://ci.example", resource="alice/private-model", id_token="eyJ.id.token")
    of_job = online.home.with_name(f"{online.home.name}-job")
    of_job.mkdir(0o755)
    online.set("GITHUB_ACTIONS", "true")
    online.set("RUNNER_TEMP", str(of_job))
    online.set("HF_OIDC_RESOURCE", "alice/private-model")
    online.set("HF_OIDC_ID_TOKEN", "eyJ.id.token")


def with_a_login_of_a_browser(online: Machine) -> None:
    assert online.hub
    online.log_out()
    pair = online.hub.oauth("alice", expires_in=3600 * 24 * 8)
    online.log_in_again(pair.access_token, refresh_token=pair.refresh_token, expires_at=hours(24 * 8))


def with_another_service_in_netrc(online: Machine) -> None:
    online.write(".netrc", "machine example.org login bob password the-password-of-bob\n")
    online.secrets.add("the-password-of-bob")


WELL = [
    Machine.repository,
    in_a_container,
    below_the_top,
    with_hooks,
    with_hooks_everywhere,
    in_a_job_that_is_trusted,
    with_a_login_of_a_browser,
    with_another_service_in_netrc,
]


OF_THE_API = ["GET /api/whoami-v2", "GET /api/models/alice/private-model/auth-check/write"]
_REFS = "GET /alice/private-model/info/refs?service=git-upload-pack"
OF_GIT = [_REFS, _REFS, "POST /alice/private-model/git-upload-pack"]
OF_GIT_LFS = "POST /alice/private-model.git/info/lfs/objects/batch"


def test_a_job_that_has_no_place_for_a_token(online: Machine) -> None:
    """In GitLab's jobs each program is given a token of its own, all of them the job's, and that is no finding."""
    in_a_job_that_is_trusted(online)
    for name, value in {"GITHUB_ACTIONS": None, "RUNNER_TEMP": None, "GITLAB_CI": "true"}.items():
        online.set(name, value)
    seen = online.examine()
    assert (seen["healthy"], seen["findings"]) == (True, [])
    assert {row["source"] for row in seen["resolvers"]} == {"a Trusted Publisher (HF_OIDC_RESOURCE)"}


def test_a_token_that_was_just_refused(online: Machine) -> None:
    """While git gets nothing because the Hub has just refused the login, the table says so, and for how long."""
    assert online.hub
    online.repository()
    online.hub.revoke(online.token)
    assert online.git("ls-remote", "origin", check=False).returncode
    done = " ".join(online.doctor().stdout.split())
    assert f"git - nothing for 30 seconds: the Hub has just refused {shown(online.token)}" in done
    online.run("git-credential-hf", "unconfigure")


def test_a_copy_that_the_hub_rejects(online: Machine) -> None:
    """Of what another helper holds, and of a token in a URL, it is said if the Hub rejects it."""
    assert online.hub
    old = online.secret()
    online.hub.revoke(old)
    online.repository(MODEL.replace("://", f"://alice:{old}@"))
    assert f"remote 'origin': {shown(old)}, which the Hub rejects" in online.doctor().stdout


@pytest.mark.parametrize("act", some(WELL, 5), ids=lambda act: act.__name__)
def test_a_healthy_machine(act: object, online: Machine) -> None:
    """No finding, exit 0, one token and one account in all four rows; one request, with a repository two and git's."""
    assert online.hub
    act(online)  # type: ignore[operator]
    online.hub.log.clear()
    seen = online.examine()
    assert (seen["healthy"], seen["findings"]) == (True, [])
    assert len({(row["shown"], row["account"], row["source"]) for row in seen["resolvers"]}) == 1
    row = seen["resolvers"][0]
    assert row["account"] == ("alice" if act is not in_a_job_that_is_trusted else row["account"])
    lines = [request.line for request in online.hub.log]
    has_remote = online.where != online.home
    if act is not in_a_job_that_is_trusted:  # here the identity is exchanged for a token first
        assert row["shown"] == online.hub.log.of("/api/whoami-v2")[0].token_shown
        assert [line for line in lines if "/api/" in line] == OF_THE_API[: 1 + has_remote]
        assert [line for line in lines if "/api/" not in line] == [*OF_GIT, OF_GIT_LFS] * has_remote

    done = online.doctor()
    assert done.returncode == 0
    table = done.stdout.splitlines()
    assert all(line.split()[1] == row["shown"] for line in table[:4])
    assert [line.split()[1] for line in table if line.startswith("✓")] == ["ok"] * (7 if has_remote else 6)
    assert table[-1] == ("healthy: no problems found" if has_remote else "healthy, as far as checked")

    online.hub.log.clear()
    assert online.ids("--offline") == []
    assert list(online.hub.log) == []


def test_a_repository_that_is_named(online: Machine) -> None:
    """It takes two requests and git's own, whatever the current directory is."""
    assert online.hub
    online.hub.repository("datasets/alice/data")
    online.hub.log.clear()
    assert online.ids("datasets/alice/data") == []
    assert len([request for request in online.hub.log if request.path.startswith("/api/")]) == 2
    assert online.hub.log.of("/api/datasets/alice/data/auth-check/write")


def test_offline_makes_no_requests(online: Machine) -> None:
    """Not even if everything is wrong."""
    assert online.hub
    online.clone(GIT_LFS_SKIP_SMUDGE="1")
    in_url(online, online.secret())
    in_netrc(online, online.secret())
    in_header(online, online.secret())
    online.set("HF_TOKEN", online.secret())
    online.hub.log.clear()
    assert len(online.ids("--offline", "bob/gated")) >= 4
    online.doctor("--offline", "--fix", "--yes")
    assert list(online.hub.log) == []


def test_offline_renews_no_login(online: Machine) -> None:
    """A login that is due is not renewed by git's helper either, and all programs use the same token."""
    assert online.hub
    pair = online.hub.oauth("alice", expires_in=1800)
    online.log_in_again(pair.access_token, refresh_token=pair.refresh_token, expires_at=int(pair.expires_at))
    online.repository()
    online.hub.log.clear()
    assert online.ids("--offline") == []
    assert list(online.hub.log) == []


def test_a_bracket_in_a_url(machine: Machine) -> None:
    """A URL that Python's urllib does not accept, but git does, is examined as any other."""
    machine.repository(f"https://al[ice:{machine.secret()}@huggingface.co/acme/model")
    assert "token-in-remote-url" in machine.ids()
