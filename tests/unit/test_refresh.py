"""A browser login is renewed once, whoever waits for it."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import huggingface_hub
import huggingface_hub.utils
import pytest
from fake_hub.server import OAUTH
from huggingface_hub.utils import _auth
from login import log_in
from renewals import current, requests

from git_credential_hf.api import huggingface_client
from git_credential_hf.api.access import whoami
from git_credential_hf.api.client import Unreachable
from git_credential_hf.lock import Lock
from git_credential_hf.refresh import _has_failed_since
from git_credential_hf.state import fingerprint, new_key, read_state, record, write_state
from git_credential_hf.tokens import Token, current_token, find_token, renew_token, stored_token, stored_token_names

if TYPE_CHECKING:
    from fake_hub import Hub, OAuth
    from fake_hub.server import Exchange

DAY = 24 * 3600
OTHER = "hf_" + "a" * 34

if not hasattr(_auth, "_refresh_oauth_token_if_needed"):
    pytest.skip("huggingface_hub is older than 1.20", allow_module_level=True)
from huggingface_hub.utils._http import default_client_factory  # noqa: E402 - it is of 1.0

# huggingface_hub leaves sockets open.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def hub(library_hub: Hub) -> Hub:
    return library_hub


def log_in_by_browser(hub: Hub, home: Path, hours: int) -> OAuth:
    """Log in with OAuth for so many hours."""
    pair = hub.oauth("alice", expires_in=hours * 3600)
    log_out(home)
    log_in(home, pair.access_token, "laptop", refresh_token=pair.refresh_token, expires_at=f"{pair.expires_at:.0f}")
    return pair


def log_out(home: Path) -> None:
    for name in ("token", "stored_tokens"):
        (home / ".cache/huggingface" / name).unlink(missing_ok=True)


def test_a_due_token_is_renewed_once(hub: Hub, home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Without `act` nothing is renewed; with it the token is the new one, also for the next caller."""
    pair = log_in_by_browser(hub, home, 23)
    found = [current_token(act=False), stored_token("laptop", act=False)]
    found += [find_token(pair.access_token, None), find_token(pair.access_token, "laptop")]
    assert [token and token.value for token in found] == [pair.access_token] * 4
    assert requests(hub) == 0
    token = current()
    assert token.value != pair.access_token
    assert (token.name, token.is_renewable, (token.expires_at or 0) > time.time() + 29 * DAY) == ("laptop", True, True)
    assert [current().value, stored_token("laptop").value] == [token.value] * 2
    assert requests(hub) == 1
    assert (stored_token_names(), read_state("refresh-failed"), capfd.readouterr()) == (["laptop"], "", ("", ""))


def test_a_due_token_is_renewed_by_its_name(hub: Hub, home: Path) -> None:
    """A stored token that is not the active one is renewed as well, and the active one stays the same."""
    pair = log_in_by_browser(hub, home, 23)
    log_in(home, OTHER)
    token = stored_token("laptop")
    assert (token.value != pair.access_token, token.name, requests(hub)) == (True, "laptop", 1)
    assert stored_token("laptop").value == token.value
    assert (current().value, requests(hub)) == (OTHER, 1)


def test_a_switch_during_a_renewal(hub: Hub, home: Path) -> None:
    """If `hf auth switch` is faster than huggingface_hub, its token is served, and no other one is renewed."""
    log_in_by_browser(hub, home, 23)

    def switch() -> Any:
        log_in(home, OTHER)
        return default_client_factory()

    huggingface_hub.set_client_factory(switch)
    try:
        assert (current().value, requests(hub)) == (OTHER, 0)
    finally:
        huggingface_hub.set_client_factory(default_client_factory)


def test_a_renewal_that_fails(
    hub: Hub, home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old token is served, with huggingface_hub's message or ours; the failure is recorded for those who wait."""
    pair = log_in_by_browser(hub, home, 23)
    hub.faults.status("/oauth/token", 500)
    began = time.time_ns()
    without_message = "huggingface_hub did not renew the token hf_"
    bad_proxy = "Unknown scheme for proxy URL"
    for message in ("Could not refresh your Hugging Face access token", without_message, bad_proxy):
        if message == bad_proxy:  # raised by its HTTP client
            huggingface_hub.close_session()
            monkeypatch.setenv("ALL_PROXY", "nowhere://proxy.example")
        token = current()
        assert token.value == pair.access_token
        assert capfd.readouterr().err.startswith(f"git-credential-hf: warning: {message}")
    assert requests(hub) == 1
    assert _has_failed_since(began, token)
    assert not _has_failed_since(began, Token("hf_other", "file", "x"))
    assert not _has_failed_since(time.time_ns(), token)
    record_failure(token, time.time_ns() + 10**11)
    assert not _has_failed_since(began, token), "the clock was set back"
    write_state("refresh-failed", "rubbish")
    assert not _has_failed_since(began, token)


@pytest.mark.parametrize("reason", ["offline mode", "out of reach"])
def test_no_renewal_without_a_hub(
    reason: str, hub: Hub, home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In offline mode, or if the Hub could not be reached a moment ago, a token that lasts is served at once."""
    pair = log_in_by_browser(hub, home, 23)
    if reason == "offline mode":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    else:
        hub.faults.delay("/api/", 5)
        with pytest.raises(Unreachable):
            whoami(Token(pair.access_token, "env", "HF_TOKEN"), seconds=0.5)
    assert (current().value, requests(hub), capfd.readouterr()) == (pair.access_token, 0, ("", ""))
    if reason == "out of reach":  # one that has expired is of no use as it is
        expired = log_in_by_browser(hub, home, -1)
        assert (current().value != expired.access_token, requests(hub)) == (True, 1)


def test_a_renewal_that_takes_too_long(
    hub: Hub, home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the Hub does not answer, that is waited for and said once; the next command is served at once."""
    monkeypatch.setattr(huggingface_client, "_STEP_TIMEOUT", 3.1)
    hub.faults.delay("/oauth/token", 30)
    pair = log_in_by_browser(hub, home, 23)
    for warnings_said in (1, 0):
        assert current().value == pair.access_token
        assert capfd.readouterr().err.count("warning: ") == warnings_said
    assert requests(hub) == 1


def record_failure(token: Token, at: int) -> None:
    key = new_key()
    write_state("refresh-failed", f"{at} {key} {fingerprint(token.key, key)}")


def failed(hub: Hub, home: Path, token: Token) -> str:
    record_failure(token, time.time_ns())
    record("renewed", token.key, 60)
    return token.value


def renewed(hub: Hub, home: Path, token: Token) -> str:
    return log_in_by_browser(hub, home, 720).access_token


def logged_out(hub: Hub, home: Path, token: Token) -> None:
    log_out(home)


@pytest.mark.parametrize("happens", [failed, renewed, logged_out], ids=lambda happens: happens.__name__)
def test_one_renews_for_all(
    happens: Callable[[Hub, Path, Token], str | None],
    hub: Hub,
    home: Path,
    capfd: pytest.CaptureFixture[str],
    until_they_wait: Callable[[list[Future[Any]]], None],
) -> None:
    """A process that waits for another one's renewal takes its result, good or bad, without a request or a message."""
    log_in_by_browser(hub, home, 23)
    old = current(act=False)
    with ThreadPoolExecutor() as pool:
        with Lock("refresh"):
            answers: list[Future[Any]] = [
                pool.submit(current_token),
                pool.submit(stored_token, "laptop"),
                pool.submit(renew_token, old),
            ]
            until_they_wait(answers)
            new = happens(hub, home, old)
        token, named, is_renewed = (answer.result() for answer in answers)
    assert (token and token.value, named.value, is_renewed) == (new, new or old.value, new not in (None, old.value))
    assert (requests(hub), capfd.readouterr()) == (0, ("", ""))


def test_a_refused_token_is_renewed(hub: Hub, home: Path) -> None:
    """A token that the Hub refused is renewed long before it expires; the second caller gets the same new one."""
    pair = log_in_by_browser(hub, home, 480)
    old = current()
    assert (old.value, requests(hub)) == (pair.access_token, 0)
    assert (renew_token(old), renew_token(old), requests(hub)) == (True, True, 1)
    assert current().value != pair.access_token


def test_a_refused_token_that_is_no_longer_the_login(hub: Hub, home: Path) -> None:
    """After `hf auth switch` there is another token: the refused one is not renewed."""
    log_in_by_browser(hub, home, 480)
    old = current()
    log_in(home, OTHER)
    assert (renew_token(old), requests(hub), current().value) == (True, 0, OTHER)


def test_a_refused_token_is_renewed_once_only(hub: Hub, home: Path) -> None:
    """After a failure it is not tried again for a day: git would ask, and be refused, over and over."""
    log_in_by_browser(hub, home, 480)
    hub.faults.status("/oauth/token", 500)
    token = current()
    assert (renew_token(token), renew_token(token), requests(hub)) == (False, False, 1)
    assert read_state("renewed").split()[1] == str(DAY)
    log_out(home)
    assert renew_token(token) is False


def test_a_renewal_is_not_interrupted(hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C and a shutdown wait until the new token is stored; Windows cannot hold them back."""
    path, answer, this_thread = home / ".cache/huggingface/token", OAUTH["/oauth/token"], threading.get_ident()
    signals = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
    found: dict[int, str] = {}  # the stored token at the time of a signal's effect
    has_effect = threading.Event()

    def interrupt(hub: Hub, exchange: Exchange) -> None:
        for number in signals:
            signal.pthread_kill(this_thread, number)
        has_effect.wait(0.1)  # which ends at once, unless they are held back
        answer(hub, exchange)

    def effect(number: int, _: object) -> None:
        found[number] = path.read_text()
        has_effect.set()

    pair = log_in_by_browser(hub, home, 480)
    old = current()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    monkeypatch.setitem(OAUTH, "/oauth/token", interrupt)
    handlers = {number: signal.signal(number, effect) for number in signals}
    try:
        assert renew_token(old) is True
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    new = current()
    assert new.value != pair.access_token
    assert found == dict.fromkeys(signals, new.value)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
    monkeypatch.setitem(OAUTH, "/oauth/token", answer)
    monkeypatch.setattr(_auth, "_OAUTH_REFRESH_CACHE", None)  # as in a new process
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delattr(signal, "pthread_sigmask")
    assert (renew_token(new), requests(hub)) == (True, 2)


def test_another_hub_renews_nothing_that_it_refuses(hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Hub that is configured with `--hub` gets no refresh token by refusing tokens, unless HF_ENDPOINT names it."""
    other = "https://127.0.0.1:9"
    log_in_by_browser(hub, home, 480)
    token = current_token(other)
    assert token is not None and token.is_renewable
    assert not renew_token(token)
    assert read_state("renewed") == "", "it was not tried"
    monkeypatch.setenv("HF_ENDPOINT", other)
    assert not renew_token(token)
    assert read_state("renewed") != ""
