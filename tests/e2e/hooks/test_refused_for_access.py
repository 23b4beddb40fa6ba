"""Pushes of somebody whom the Hub refuses end before anything is uploaded, and any other goes on."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from account import WEIGHTS, Account
from pushes import HUB, add, commit, in_trees, messages, push, run_hook, uploads
from reasons import REASONS, _acme, _alice

from git_credential_hf.masking import mask_token

if TYPE_CHECKING:
    from fake_hub import Hub


# git itself is refused before it runs a hook, unless the Hub has changed its mind since.
BY_GIT = {
    *("no token", "revoked", "expired", "revoked by the organisation", "not approved by the organisation"),
    *("gated, not requested", "gated, pending", "gated, rejected", "gated, reset", "gated, not in the scope"),
    *("no such repository", "somebody else's private repository", "disabled"),
}


@pytest.mark.parametrize("name", in_trees(REASONS, "read-only", "not a member", "revoked"))
def test_reasons(name: str, hub: "Hub", work: Account) -> None:
    """A push that the Hub would refuse ends before an LFS request or a byte of upload, and says why."""
    prepare, repository, reason, message, fix = REASONS[name]
    token = prepare(hub)
    hub.log.clear()
    run = run_hook if name in BY_GIT else push
    done = run(work, HUB + repository, **({"HF_TOKEN": token} if token else {}))
    assert done.returncode == 1
    assert uploads(hub) == []
    message = message.format(token=mask_token(token or ""))
    assert messages(done, "error") == [f"push refused before any upload: {message}"]
    assert messages(done, "hint") == [fix]
    assert len(hub.log.of("/api/")) <= (4 if reason == "no-such-repo" else 2)  # it may be of another kind
    assert token is None or token not in done.stderr


def test_git_is_refused_first(hub: "Hub", work: Account) -> None:
    """Git asks for the references before it runs the hook; there is one explanation then, that of `erase`."""
    token = _alice(hub)
    hub.revoke(token)
    done = push(work, "alice/model", HF_TOKEN=token)
    assert done.returncode != 0
    assert len(messages(done, "hint")) == 1


@pytest.mark.git_versions(each_run=1)
def test_allowed(hub: "Hub", work: Account) -> None:
    """An allowed push is silent, with one request, or none while the answer is cached; its LFS file is on the Hub."""
    token = _alice(hub)
    for name, requests in (("one", 1), ("two", 0)):
        add(work, {f"{name}.bin": name.encode() + WEIGHTS})
        hub.log.clear()
        done = push(work, "alice/model", HF_TOKEN=token)
        assert done.returncode == 0, done.stderr
        assert "git-credential-hf" not in done.stderr
        assert len(hub.log.of("/api/")) == requests
        assert [request for request in hub.log if request.method == "PUT"]
    clone = work.home / "clone"
    work.git("clone", HUB + "alice/model", str(clone), HF_TOKEN=token)
    assert (clone / "two.bin").read_bytes() == b"two" + WEIGHTS


OUTAGES: dict[str, Callable[["Hub"], None]] = {
    "down": lambda hub: hub.faults.reset("/api/"),
    "slow": lambda hub: hub.faults.delay("/api/", 5),  # the answer would come if the hook waited longer
}
# These are none: git does not use the proxy, nor does git-lfs, and knows the certificate; offline mode is a choice.
NO_OUTAGES = {
    "a certificate that git knows": {"SSL_CERT_FILE": os.devnull},
    "offline": {"HF_HUB_OFFLINE": "1"},
    "a proxy that git does not use": {"ALL_PROXY": "http://127.0.0.1:9"},
}


@pytest.mark.parametrize("name", OUTAGES)
def test_outages(name: str, hub: "Hub", work: Account) -> None:
    """If the Hub does not answer, the push goes on, with one warning."""
    token = _alice(hub)
    OUTAGES[name](hub)
    done = push(work, "alice/model", HF_TOKEN=token)
    assert done.returncode == 0, done.stderr
    (warning,) = [line for line in done.stderr.splitlines() if line.startswith("git-credential-hf: ")]
    assert warning.startswith("git-credential-hf: warning: cannot check access to alice/model: ")


@pytest.mark.parametrize("trouble", ["rate limit", "forbidden"])
def test_what_lasts_is_said_once(trouble: str, hub: "Hub", work: Account) -> None:
    """A limit of an hour, or a proxy that lets git through and never the API, is one warning, and not one each push."""
    token = _alice(hub)
    if trouble == "rate limit":
        hub.faults.rate_limit("/api/", retry_after=3600)
    else:
        hub.faults.status("/api/", 403)
    done = []
    for number in range(2):
        commit(work, {"README.md": f"{number}\n".encode()})
        done.append(push(work, "alice/model", HF_TOKEN=token))
    assert [each.returncode for each in done] == [0, 0]
    assert [len(messages(each, "warning")) for each in done] == [1, 0], [each.stderr for each in done]


@pytest.mark.parametrize("name", NO_OUTAGES)
def test_no_outages(name: str, hub: "Hub", work: Account) -> None:
    """What keeps git from nothing is not warned of."""
    work.git("config", "--global", "http.proxy", "")
    done = push(work, "alice/model", HF_TOKEN=_alice(hub), **NO_OUTAGES[name])
    assert done.returncode == 0, done.stderr
    assert "git-credential-hf: " not in done.stderr
    assert bool(hub.log.of("/api/models/alice/model/auth-check/write")) == (name != "offline")


@pytest.mark.git_versions(each_run=1)
def test_pull_requests_need_no_role(hub: "Hub", work: Account) -> None:
    """A token that can only read may push to `refs/pr/N`, but to no branch at the same time."""
    token = _acme(hub, None, "read")
    pull_request = ("--force", "origin", "main:refs/pr/1")
    done = push(work, "acme/model", *pull_request, HF_TOKEN=token)
    assert "git-credential-hf" not in done.stderr
    hub.log.clear()
    done = push(work, "acme/model", *pull_request, "main", HF_TOKEN=token)
    assert done.returncode == 1
    assert "can only read" in messages(done, "error")[0]
    assert uploads(hub) == []


def test_a_token_of_a_namespace(hub: "Hub", work: Account) -> None:
    """The token that `configure --for` assigned to the namespace is checked, and no other."""
    reads = _acme(hub, "write", "read")
    work.is_given(reads, "reads")
    work.is_given(hub.token("alice"), "writes")
    work.run("git-credential-hf", "configure", "--token", "reads", "--for", "acme")
    hub.log.clear()
    done = push(work, "acme/model")
    assert done.returncode == 1
    assert "can only read" in messages(done, "error")[0]
    assert uploads(hub) == []
