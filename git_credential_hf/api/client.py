"""Send requests to the Hub, and record when it cannot be reached, so that later commands do not wait for it again."""

import json as json_
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from git_credential_hf.git.network import Network, read_network
from git_credential_hf.hub import offline_variable
from git_credential_hf.masking import mask_token, mask_words
from git_credential_hf.problem import Problem
from git_credential_hf.report import trace
from git_credential_hf.state import discard_record, is_recorded, record
from git_credential_hf.state_directory import cache_directory
from git_credential_hf.system import start_thread

if TYPE_CHECKING:
    from git_credential_hf.api.transport import Response
    from git_credential_hf.tokens import Token

Result = TypeVar("Result")

HUB_TIMEOUT = 3  # seconds for all requests of one check, and for each step of a request
MAX_RETRY_AFTER = 3600  # seconds for which a `Retry-After` is honoured
UNREACHABLE_FOR = 300  # seconds for which the hooks and the helper do not contact an unreachable Hub

_UNREACHABLE = "unreachable"  # the state that names Hubs which could not be reached


class Unreachable(Problem):
    """The Hub gave no usable response: neither yes nor no. `code` is a reason of `check --json`.

    `is_news`: whether hooks report it; not if the user chose it, or has just been told.
    """

    def __init__(
        self, message: str, code: str = "unreachable", fix: str | None = None, *, is_news: bool = True
    ) -> None:
        super().__init__(message, fix)
        self.code = code
        self.is_news = is_news


def run_within(seconds: float, call: Callable[[], Result]) -> Result:
    """Call a function in a thread and return its result; raises its exception, or `TimeoutError` after `seconds`.

    Timeouts of single steps are not enough: a server may send one byte at a time.
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(call())
        except BaseException as error:  # raised again in the calling thread
            errors.append(error)

    try:
        start_thread(work).join(seconds)
    except RuntimeError as error:  # no more threads
        raise TimeoutError(f"cannot send a request to the Hub: {error}") from None
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"the Hub did not answer within {seconds:g} seconds")
    return results[0]


def ask_within(seconds: float, hub: str, call: Callable[[], Result]) -> Result:
    """Run requests to a Hub like `run_within`, but raise `Unreachable` on a timeout."""
    try:
        return run_within(seconds, call)
    except TimeoutError as error:
        network = read_network(hub)
        _record_unreachable(hub, network)
        raise Unreachable(f"{error}{_through(network)}") from None


def ask_hub(
    hub: str, path: str, token: "Token | None", json: object = None, media_type: str = "application/json"
) -> "Response":
    """Send one request to a Hub, a POST if there is `json`, and return the response.

    Raises `Unreachable` if there is none. Tokens are sent from here only, and only to their own Hub.
    """
    if token is not None and (token.hub != hub or not hub):
        raise Unreachable(f"the token {mask_token(token.value)} is not for {hub or 'this Hub'}")
    if variable := offline_variable():
        raise Unreachable(f"offline mode ({variable})", "offline", f"run `unset {variable}`", is_news=False)
    limit = f"{hub}\n{path if 'whoami' in path else 'api'}\n{token.value if token else ''}"
    if is_recorded("retry-after", limit, cache_directory()):
        raise Unreachable("rate limited by the Hub: too many requests", "rate-limited")
    network = read_network(hub)
    if _is_unreachable(hub, network):
        raise Unreachable("the Hub could not be reached a moment ago", is_news=False)
    from git_credential_hf.api.transport import NoResponse, send_request  # a tenth of a second, with urllib3

    headers = {"authorization": f"Bearer {token.value}"} if token else {}
    if json is not None:
        headers |= {"accept": media_type, "content-type": media_type}
    start = time.monotonic()
    method, body = ("GET", None) if json is None else ("POST", json_.dumps(json).encode())
    try:
        response = send_request(method, hub, path, network, headers=headers, body=body, seconds=HUB_TIMEOUT)
    except NoResponse as failure:
        if failure.is_lasting:
            _record_unreachable(hub, network)
        is_chosen = failure.is_distrust and not network.is_verified  # git does not verify; we still send no token
        message = f"cannot reach the Hub{_through(network)} ({mask_words(failure.cause)})"
        raise Unreachable(message, fix=failure.fix, is_news=not is_chosen) from None
    trace(f"{method} {path}: {response.status_code} in {time.monotonic() - start:.2f} s")
    if response.status_code == 429:
        _record_retry_after(response, limit)
        raise Unreachable("rate limited by the Hub: too many requests", "rate-limited")
    if "html" in response.headers.get("content-type", ""):
        raise Unreachable(f"the Hub answered {response.status_code} with an HTML page")
    return response


def try_hub_again() -> None:
    """Forget that the Hub could not be reached a moment ago: the user has run a command that needs it."""
    discard_record(_UNREACHABLE, cache_directory())


def set_out_of_reach(hub: str) -> None:
    """Record that a Hub cannot be reached, so that no command waits for it for a while."""
    _record_unreachable(hub, read_network(hub))


def is_out_of_reach(hub: str) -> bool:
    """Whether not to contact a Hub: it could not be reached a moment ago, or offline mode is on."""
    return offline_variable() is not None or _is_unreachable(hub, read_network(hub))


def _is_unreachable(hub: str, network: Network) -> bool:
    return is_recorded(_UNREACHABLE, f"{hub}\n{network.key_text}", cache_directory())


def _record_unreachable(hub: str, network: Network) -> None:
    record(_UNREACHABLE, f"{hub}\n{network.key_text}", UNREACHABLE_FOR, cache_directory())


def _through(network: Network) -> str:
    return f" through the proxy {network.shown_proxy}" if network.proxy else ""


def _record_retry_after(response: "Response", limit: str) -> None:
    """Record for how long to send no more requests; a `Retry-After` that is a date is ignored."""
    seconds = str(response.headers.get("retry-after", "")).strip()
    if seconds.isdecimal():
        record("retry-after", limit, min(int(seconds[:20]), MAX_RETRY_AFTER), cache_directory())


def error_message(response: "Response") -> str:
    """Return the Hub's own message, masked, without the full stop at its end (docs/facts.md#h4)."""
    return mask_words(str(response.headers.get("x-error-message", ""))).rstrip(".")
