"""Pushes on networks that are not the plain one: the way that git has is ours, or we are out of the way."""

import contextlib
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from account import Account
from amount import IS_LONG
from fake_hub import Hub
from servers import Proxy, dropping

URL = "https://huggingface.co/alice/model"
ROUNDS = 6 if IS_LONG else 2  # of what a long run times; nothing depends on the times


@pytest.fixture
def company(namespace: None, tmp_path: Path) -> Iterator[Hub]:
    """The Hub, which is not where its name leads, with a certificate of the company's."""
    with Hub(tmp_path, ("127.0.0.1", 0), "huggingface.co") as hub:
        hub.user("alice")
        hub.repository("alice/model", files={})
        yield hub


@pytest.fixture
def proxy(company: Hub) -> Iterator[Proxy]:
    with Proxy(("127.0.0.1", int(company.url.rpartition(":")[2]))) as proxy:
        yield proxy


@pytest.fixture
def work(home: Path, company: Hub) -> Account:
    """A clone with our hooks; git alone knows the company's certificate."""
    account = Account(home)
    account.is_given(company.token("alice", role="write"), "work")
    account.git("config", "--global", "http.sslCAInfo", company.ca)
    account.git("config", "--global", "user.name", "Alice")
    account.git("config", "--global", "user.email", "alice@example.org")
    account.run("git-credential-hf", "configure")
    account.git("init", "--quiet", "--initial-branch", "main", "work")
    account.where = home / "work"
    account.git("remote", "add", "origin", URL)
    account.run("git-credential-hf", "hooks", "install")
    return account


def push(work: Account, *options: str, **environment: Any) -> tuple[str, float]:
    """Commit and push; return what we say, and how long the push took."""
    work.git("commit", "--quiet", "--allow-empty", "--no-verify", "--message", "a change")
    began = time.monotonic()
    done = work.git(*options, "push", "--force", "origin", "main", **environment)
    took = time.monotonic() - began
    return "\n".join(line for line in done.stderr.splitlines() if "git-credential-hf" in line), took


CONFIGURED: dict[str, Callable[[Proxy], dict[str, str]]] = {
    "an HTTP proxy": lambda proxy: {"http.proxy": f"http://{proxy.address}"},
    "a SOCKS proxy": lambda proxy: {"http.proxy": f"socks5h://{proxy.address}"},
    "a proxy for this URL": lambda proxy: {"http.https://huggingface.co.proxy": proxy.address},
}


@pytest.mark.parametrize("name", CONFIGURED)
def test_the_way_of_git_is_ours(name: str, work: Account, company: Hub, proxy: Proxy) -> None:
    """A proxy and a company's certificate that only git has been told of lead us to the Hub, too."""
    for key, value in CONFIGURED[name](proxy).items():
        work.git("config", "--global", key, value)
    assert push(work)[0] == ""
    assert company.log.of("/api/models/alice/model/auth-check/write", status=200)
    assert set(proxy.asked) == {"huggingface.co:443"}
    done = work.run("git-credential-hf", "check", "--write", "alice/model")
    assert done.stdout.startswith("yes ")


# Only the repository's own configuration has the way out, and that is not ours: what leads nowhere, what we say at the
# first push, and what `doctor` says.
OUT_OF_REACH: dict[str, tuple[AbstractContextManager[None], dict[str, Any], str, str]] = {
    "dropped packets": (
        *(dropping(443), {}),
        "git-credential-hf: warning: cannot check access to alice/model: "
        "cannot reach the Hub (no connection within 2 seconds)",
        "cannot reach the Hub (no connection within 2 seconds)",
    ),
    "nobody there": (
        *(nullcontext(), {}),
        "git-credential-hf: warning: cannot check access to alice/model: cannot reach the Hub (connection refused)",
        "cannot reach the Hub (connection refused)",
    ),
    "offline mode": (dropping(443), {"HF_HUB_OFFLINE": "1"}, "", "offline mode (HF_HUB_OFFLINE)"),
}


@pytest.mark.parametrize("name", OUT_OF_REACH)
def test_out_of_reach(name: str, work: Account, company: Hub, proxy: Proxy, capfd: pytest.CaptureFixture[str]) -> None:
    """The first push names the cause; the next ones say nothing, and wait for nothing. `doctor` names it again.

    A long run prints the time that the hook adds to a push, which depends on the machine.
    """
    state, environment, said, cause = OUT_OF_REACH[name]
    work.git("config", "http.proxy", f"http://{proxy.address}")
    with state:
        first = push(work, **environment)
        assert first[0] == said
        later = [push(work, **environment) for _ in range(ROUNDS)]
        assert {words for words, _ in later} == {""}
        if IS_LONG:
            without = [push(work, "-c", "core.hooksPath=/dev/null", **environment)[1] for _ in range(ROUNDS)]
            off = [push(work, GIT_CREDENTIAL_HF_HOOKS="off", **environment)[1] for _ in range(ROUNDS)]
            base = statistics.median(without)
            added, idle = statistics.median(took for _, took in later) - base, statistics.median(off) - base
            with capfd.disabled():
                print(
                    f"\n{name}: {base:.2f} s without the hook, which adds {first[1] - base:.2f} s to the first push, "
                    f"then {added:.2f} s; {idle:.2f} s if it checks nothing"
                )
        done = work.run("git-credential-hf", "doctor", check=False, **environment)
        assert "the token could not be checked" in done.stdout
        assert cause in " ".join(done.stdout.split())
        done = work.run("git-credential-hf", "check", "--write", "--json", "alice/model", check=False, **environment)
        assert done.returncode == 3
        assert ('"reason": "offline"' if environment else '"reason": "unreachable"') in done.stdout
    assert not company.log.of("/api/")


def test_a_way_that_is_there_again(work: Account, company: Hub, proxy: Proxy) -> None:
    """When the Hub answers `check`, pushes are checked again; so they are at once with another proxy."""
    work.git("config", "http.proxy", f"http://{proxy.address}")
    assert "connection refused" in push(work)[0]
    work.git("config", "--global", "http.proxy", f"http://{proxy.address}")
    push(work)
    assert company.log.of("/api/models/alice/model/auth-check/write", status=200)
    work.git("config", "--global", "--unset", "http.proxy")
    company.log.clear()
    with contextlib.ExitStack() as stack:
        port = int(company.url.rpartition(":")[2])
        listening = stack.enter_context(Proxy(("127.0.0.1", port)))
        assert listening
        os.environ["HTTPS_PROXY"] = f"http://{listening.address}"
        stack.callback(os.environ.pop, "HTTPS_PROXY")
        done = work.run("git-credential-hf", "check", "alice/model")
        assert done.stdout.startswith("yes ")
        assert push(work)[0] == ""
