"""A CI job's identity is exchanged once, and the token is that job's alone."""

from __future__ import annotations

import os
import threading
import time
import types
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import huggingface_hub
import huggingface_hub.utils
import pytest
from fake_hub.server import OAUTH
from huggingface_hub.utils import _auth
from programs import IS_ROOT
from renewals import current, requests

from git_credential_hf import huggingface_library
from git_credential_hf.lock import Lock
from git_credential_hf.masking import mask_line
from git_credential_hf.problem import Problem
from git_credential_hf.tokens import Token, current_token
from git_credential_hf.trusted_publishers import delay_exchange, job_directory

if TYPE_CHECKING:
    from fake_hub import Hub
    from fake_hub.server import Exchange

# huggingface_hub leaves sockets open.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def hub(library_hub: Hub) -> Hub:
    return library_hub


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """The variables of a CI job whose identity is exchanged for a token, and which has a directory of its own."""
    if not hasattr(_auth, "_refresh_oauth_token_if_needed"):
        pytest.skip("huggingface_hub is older than 1.20")
    variables = {"HF_OIDC_RESOURCE": "alice/model", "HF_OIDC_ID_TOKEN": "eyJ.id.token"}
    (tmp_path / "job").mkdir(0o755)
    for name, value in {**variables, "GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(tmp_path / "job")}.items():
        monkeypatch.setenv(name, value)
    return variables


NOBODY = 65534
NO_TOKEN = "no token for HF_OIDC_RESOURCE=alice/model: "


def test_an_exchange(hub: Hub, job: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A job's identity is exchanged once, and the token is served until a minute before it expires."""
    hub.trust("https://ci.example", resource="alice/model", id_token="eyJ.id.token")
    assert current_token(act=False) is None
    token = current()
    monkeypatch.setattr(_auth, "_OIDC_TOKEN_CACHE", None)
    again = current()
    assert (again.value, again.expires_at, again.source) == (token.value, token.expires_at, "oidc")
    assert (token.source, requests(hub)) == ("oidc", 1)
    expires_at = token.expires_at or 0
    assert abs(expires_at - time.time() - 3600) < 60
    for moment, is_served in ((expires_at - 61, True), (expires_at - 60, False)):
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        assert (current_token(act=False) is not None) is is_served


def test_an_exchanged_token_is_for_its_job(job: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """An exchanged token is served to the same job for the same Hub only, and in its time, even if a clock is set."""
    more = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://ci.example/id", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request"}
    for name, value in more.items():
        monkeypatch.setenv(name, value)
    now = int(time.time())

    def at(moment: float) -> str | None:
        monkeypatch.setattr(time, "time", lambda: moment)
        token = current_token(act=False)
        if token is not None:
            assert (token.source, token.expires_at) == ("oidc", now + 3600)
        return token.value if token else None

    assert at(now) is None
    delay_exchange(Token("hf_jwt_x", "oidc", expires_at=now + 3600), 3000)
    served = {seconds: at(now + seconds) for seconds in (-61, -60, 0, 2999, 3000)}
    assert served == {-61: None, **dict.fromkeys((-60, 0, 2999), "hf_jwt_x"), 3000: None}
    for name, value in {**job, **more}.items():
        with monkeypatch.context() as other:
            other.setenv(name, value + "2")
            assert at(now) is None, name
    assert current_token("https://hub.example", act=False) is None
    monkeypatch.delenv("HF_OIDC_RESOURCE")
    assert at(now) is None
    monkeypatch.setenv("HF_OIDC_RESOURCE", "acme/other")
    for token in (Token("hf_x", "colab", expires_at=now + 3600), Token("hf_x", "oidc")):  # not exchanged; no expiry
        delay_exchange(token, 3000)
        assert at(now) is None


def test_an_exchange_that_another_process_makes(
    hub: Hub, job: dict[str, str], until_they_wait: Callable[[list[Future[Any]]], None]
) -> None:
    """A process that waits for another one's exchange takes its token without a request."""
    with ThreadPoolExecutor() as pool:
        with Lock("oidc", job_directory()):
            answer = pool.submit(current)
            until_they_wait([answer])
            delay_exchange(Token("hf_jwt_x", "oidc", expires_at=int(time.time()) + 3600), 3000)
        assert (answer.result().value, requests(hub)) == ("hf_jwt_x", 0)


def test_an_exchange_without_an_expiry_is_not_stored(
    hub: Hub, job: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token whose expiry is unknown, or now, is served but not stored."""
    hub.trust("https://ci.example", resource="alice/model", id_token="eyJ.id.token", expires_in=0)
    token = current()
    assert (token.source, token.expires_at, current_token(act=False)) == ("oidc", None, None)
    hub.trust("https://ci.example", resource="alice/data", id_token="eyJ.id.token")
    monkeypatch.setenv("HF_OIDC_RESOURCE", "alice/data")
    # Stands for a later huggingface_hub, which may store the expiry elsewhere: no public name has it.
    monkeypatch.setattr(huggingface_hub.utils, "_auth", types.SimpleNamespace())
    token = current()
    assert (token.source, token.expires_at, current_token(act=False), requests(hub)) == ("oidc", None, None, 2)


def test_an_exchange_that_fails(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the resource, the reason and what to check; it does not show the identity."""
    identities = {"HF_OIDC_ID_TOKEN": "an-identity-token", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "a-request-token"}
    for name, value in {**identities, "HF_OIDC_RESOURCE": "alice/model"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Problem) as raised:
        current_token()
    assert raised.value.message.startswith(NO_TOKEN)
    assert len(raised.value.message) > len(NO_TOKEN) + len("None")
    assert raised.value.fix == "check the Trusted Publisher of that repository, or unset HF_OIDC_RESOURCE"
    for name, value in identities.items():
        assert value not in mask_line(f"it is {value}.")
        monkeypatch.delenv(name)
    with pytest.raises(Problem, match=f"^{NO_TOKEN}"):
        current_token()


def test_an_exchange_without_an_answer(hub: Hub, job: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that huggingface_hub does has a time limit, of twenty seconds, which is shortened here."""
    late = threading.Event()

    def answer(hub: Hub, exchange: Exchange) -> None:
        if late.wait(60):
            exchange.json(400, {})

    monkeypatch.setitem(OAUTH, "/oauth/token", answer)
    assert huggingface_library.HUGGINGFACE_HUB_TIMEOUT == 20
    monkeypatch.setattr(huggingface_library, "HUGGINGFACE_HUB_TIMEOUT", 0.2)
    before = set(threading.enumerate())
    with pytest.raises(Problem) as raised:
        current_token()
    assert raised.value.message == f"{NO_TOKEN}the Hub did not answer within 0.2 seconds"
    (asking,) = (thread for thread in threading.enumerate() if thread not in before and "(work)" in thread.name)
    late.set()
    asking.join(60)
    assert not asking.is_alive()


def as_given(path: Path) -> None:
    pass


def in_a_working_tree(path: Path) -> None:
    (path.parent.parent / ".git").mkdir()


def in_a_linked_working_tree(path: Path) -> None:
    (path / ".git").write_text("gitdir: elsewhere")


PLACES_OF_A_JOB: dict[str, tuple[Callable[[Path], object], bool]] = {
    "as the runner makes it": (as_given, True),
    "closed": (lambda path: path.chmod(0o700), True),
    "writable for a group": (lambda path: path.chmod(0o775), False),
    "a shared one": (lambda path: path.chmod(0o1777), False),
    "in a working tree": (in_a_working_tree, False),
    "in a linked working tree": (in_a_linked_working_tree, False),
    "not there": (lambda path: path.rmdir(), False),
}
if IS_ROOT:
    PLACES_OF_A_JOB["another user's"] = (lambda path: os.chown(path, NOBODY, NOBODY), False)


@pytest.mark.parametrize("name", PLACES_OF_A_JOB)
def test_the_directory_of_a_job(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a directory in the runner's, which nobody else may change, and that no commit can contain; or none."""
    act, is_used = PLACES_OF_A_JOB[name]
    temporary = tmp_path / "work" / "temporary"
    temporary.mkdir(parents=True, mode=0o755)
    act(temporary)
    monkeypatch.setenv("RUNNER_TEMP", str(temporary))
    assert job_directory() is None, "it is emptied by the runner of GitHub Actions alone"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert job_directory() == (str(temporary / "git-credential-hf") if is_used else None)
    monkeypatch.setenv("RUNNER_TEMP", "temporary")
    assert job_directory() is None
