"""What huggingface_hub does for this program: a token is renewed or exchanged once, whoever waits for it."""

from __future__ import annotations

import importlib
import logging
import signal
import sys
import threading
import time
import types
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import huggingface_hub
import huggingface_hub.utils
import pytest
from fake_hub.server import OAUTH
from huggingface_hub import constants
from huggingface_hub.utils import _auth, _runtime
from login import log_in
from programs import run

from git_credential_hf import huggingface_library
from git_credential_hf.api import huggingface_client
from git_credential_hf.api.access import whoami
from git_credential_hf.api.client import Unreachable
from git_credential_hf.hub import PUBLIC_HUB
from git_credential_hf.huggingface_library import ask_huggingface_hub, one_line
from git_credential_hf.lock import Lock
from git_credential_hf.masking import mask_line
from git_credential_hf.problem import Problem
from git_credential_hf.refresh import _has_failed_since
from git_credential_hf.state import fingerprint, new_key, read_state, record, write_state
from git_credential_hf.tokens import Token, current_token, find_token, renew_token, stored_token, stored_token_names
from git_credential_hf.trusted_publishers import delay_exchange, job_directory

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
def hub(home: Path, world: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The Hub, and huggingface_hub as in a new process: with this home, and nothing cached."""
    world.user("alice")
    importlib.reload(constants)
    huggingface_hub.close_session()
    fresh = {"_OAUTH_REFRESH_CACHE": None, "_OAUTH_REFRESH_WARNED": False, "_OIDC_TOKEN_CACHE": None}
    for name, value in {**fresh, "_OAUTH_REFRESH_MARGIN": DAY}.items():
        monkeypatch.setattr(_auth, name, value)
    yield world
    huggingface_hub.close_session()


def log_in_by_browser(hub: Hub, home: Path, hours: int) -> OAuth:
    """Log in with OAuth for so many hours."""
    pair = hub.oauth("alice", expires_in=hours * 3600)
    log_out(home)
    log_in(home, pair.access_token, "laptop", refresh_token=pair.refresh_token, expires_at=f"{pair.expires_at:.0f}")
    return pair


def log_out(home: Path) -> None:
    for name in ("token", "stored_tokens"):
        (home / ".cache/huggingface" / name).unlink(missing_ok=True)


def current(*, act: bool = True) -> Token:
    token = current_token(act=act)
    assert token is not None
    return token


def requests(hub: Hub) -> int:
    return len(hub.log.of("/oauth/token"))


# --- OAuth ---


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


@pytest.fixture
def until_they_wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[Future[Any]]], None]:
    """Return when all of these wait for a lock: only that sleeps in these tests."""
    sleepers: set[int] = set()
    sleep = time.sleep

    def note(seconds: float) -> None:
        sleepers.add(threading.get_ident())
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", note)

    def wait(answers: list[Future[Any]]) -> None:
        while len(sleepers) < len(answers) and not any(answer.done() for answer in answers):
            threading.Event().wait(0.01)

    return wait


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


# --- a CI job's identity ---


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """The variables of a CI job whose identity is exchanged for a token, and which has a directory of its own."""
    variables = {"HF_OIDC_RESOURCE": "alice/model", "HF_OIDC_ID_TOKEN": "eyJ.id.token"}
    (tmp_path / "job").mkdir(0o755)
    for name, value in {**variables, "GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(tmp_path / "job")}.items():
        monkeypatch.setenv(name, value)
    return variables


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


# --- Colab ---


def test_colab(tmp_path: Path) -> None:
    """In Colab, where huggingface_hub itself finds the notebook's secret, `get` serves it."""
    colab = tmp_path / "google/colab"
    colab.mkdir(parents=True)
    (colab / "__init__.py").touch()
    (colab / "errors.py").write_text("class Error(Exception): pass\n")
    (colab / "userdata.py").write_text(
        "class NotebookAccessError(Exception): pass\nclass SecretNotFoundError(Exception): pass\n"
        f"def get(name): return {{'HF_TOKEN': '{OTHER}'}}[name]\n"
    )
    # The kernel of a notebook has this, and git's helper does not: huggingface_hub recognises Colab by it.
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(
        f"import builtins, sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
        "builtins.get_ipython = lambda: '<google.colab._shell.Shell object>'\n"
    )
    ask = "protocol=https\nhost=huggingface.co\n"
    done = run("git-credential-hf", "get", stdin=ask, PYTHONPATH=tmp_path / "site", COLAB_RELEASE_TAG="release-colab")
    assert (done.stdout, done.stderr) == (f"username=git\npassword={OTHER}\n", "")


@pytest.fixture
def secrets(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str | Exception]:
    """Stands for a Colab notebook: its secrets, which huggingface_hub reads once, or the error of reading one."""
    secrets: dict[str, str | Exception] = {}
    names = "NotebookAccessError", "SecretNotFoundError"
    userdata = types.SimpleNamespace(**{name: type(name, (Exception,), {}) for name in names})

    def get(name: str) -> str:
        secret: str | Exception = secrets.get(name, userdata.SecretNotFoundError())
        if isinstance(secret, Exception):
            raise secret
        return secret

    userdata.get = get
    errors = types.SimpleNamespace(Error=type("Error", (Exception,), {}))
    colab = types.SimpleNamespace(userdata=userdata, errors=errors)
    google = types.SimpleNamespace(colab=colab)
    for name, module in {"google": google, "google.colab": colab, "google.colab.errors": errors}.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(_runtime, "_is_google_colab", True)
    importlib.reload(constants)
    return secrets


def test_a_notebook(secrets: dict[str, str | Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    """Only in Colab huggingface_hub is asked; an error of its secrets is reported in one line."""

    def found() -> tuple[str, str] | None:
        for name, value in {"_IS_GOOGLE_COLAB_CHECKED": False, "_GOOGLE_COLAB_SECRET": None}.items():
            monkeypatch.setattr(_auth, name, value)
        assert current_token(act=False) is None
        token = current_token()
        return (token.value, token.source) if token else None

    secrets["HF_TOKEN"] = "hf_colab"
    assert found() is None
    monkeypatch.setenv("COLAB_RELEASE_TAG", "x")
    assert found() == ("hf_colab", "colab")
    secrets.clear()
    assert found() is None
    secrets["HF_TOKEN"] = OSError("the kernel \n is gone")
    with pytest.raises(Problem) as raised:
        found()
    assert raised.value.message == "cannot read the secrets of this Colab notebook: the kernel is gone"


# --- huggingface_hub ---


def test_messages_of_huggingface_hub(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    """Its warnings are returned, in one line each, and not printed; an answer that is not a token is an error."""

    def ask() -> str:
        logging.getLogger("huggingface_hub.x").warning("one\n two")
        logging.getLogger("huggingface_hub.x").info("three")
        warnings.warn("four", stacklevel=1)
        return "hf_said"

    assert ask_huggingface_hub(PUBLIC_HUB, ask) == ("hf_said", ["one two"])
    assert caplog.records == []
    assert ask_huggingface_hub(PUBLIC_HUB, lambda: None) == (None, [])
    assert capfd.readouterr() == ("", "")
    assert "hf_said" not in mask_line("it is hf_said.")
    for value in ("hf_\n", 7):
        with pytest.raises(ValueError, match=r"^the Hub's answer is not a token$"):
            ask_huggingface_hub(PUBLIC_HUB, lambda value=value: value)  # type: ignore[misc]


def test_one_line() -> None:
    """A message of huggingface_hub is shown as one line of at most 400 characters, without secrets, never empty."""
    Token("a-serious-one", "env", "X")
    assert one_line(ValueError(" a\n\tb ")) == "a b"
    assert one_line(ValueError()) == "ValueError"
    assert one_line("x" * 250 + "y" * 250) == "x" * 200 + "…" + "y" * 199
    assert "a-se" not in one_line("x" * 195 + " a-serious-one" + "y" * 500)


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
