"""Send requests to the Hub through huggingface_hub's own HTTP client, with limits on time and size."""

import os
import time
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from git_credential_hf.masking import mask_token, mask_words, register_secret
from git_credential_hf.problem import Problem, trace
from git_credential_hf.state import cache_directory, is_recorded, record
from git_credential_hf.system import start_thread

if TYPE_CHECKING:  # `tokens` has them renewed through this module
    from git_credential_hf.tokens import Token

Result = TypeVar("Result")

HUB_TIMEOUT = 3  # seconds for all requests of one question; huggingface_hub's own client would wait forever
MAX_RETRY_AFTER = 3600  # seconds for which a `Retry-After` is honoured
STEP_TIMEOUT = 10  # seconds for each step of a connection, and for the body of a response
_MAX_RESPONSE_BYTES = 1 << 20  # whoami of a member of a thousand organisations takes a fifth of it


class Unreachable(Problem):
    """The Hub gave no usable response: neither yes nor no. `code` is a reason of `check --json`."""

    def __init__(self, message: str, code: str = "unreachable") -> None:
        super().__init__(message)
        self.code = code


def http_session() -> Any:
    """Return huggingface_hub's HTTP client (httpx2's `Client`), without its warnings, with limits on time and size.

    Raises whatever its import raises; an invalid environment variable can be enough.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from huggingface_hub import get_session

        for name, value in os.environ.items():
            login, at, _ = value.partition("://")[2].rpartition("@")
            for part in login.replace("/", ":").split(":") if at and name.lower().endswith("_proxy") else ():
                register_secret(part)  # errors about an invalid proxy URL quote parts of it
        session = get_session()
        if _guard not in session.event_hooks["response"]:
            session.timeout = STEP_TIMEOUT  # by default it waits forever, and git with it
            session.headers["accept-encoding"] = "identity"
            session.event_hooks["response"].append(_guard)
        return session


def _guard(response: Any) -> None:
    """Limit a response before its body is read: in time and size, uncompressed, no redirect to another host.

    A redirect would resend the body of a POST, which may hold a refresh token, and let another host refuse access.
    """
    from httpx2 import SyncByteStream

    class Limited(SyncByteStream):
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        def __iter__(self) -> Any:
            size, deadline = 0, time.monotonic() + STEP_TIMEOUT
            for piece in self._stream:
                size += len(piece)
                if size > _MAX_RESPONSE_BYTES or time.monotonic() > deadline:
                    raise ValueError("response too large or too slow")
                yield piece

        def close(self) -> None:
            self._stream.close()

    url = response.request.url
    if response.has_redirect_location:
        target = url.join(response.headers["location"])
        if (target.scheme, target.host, target.port) != (url.scheme, url.host, url.port):
            raise ValueError("redirect to another host")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise ValueError("unexpected compressed response")
    response.stream = Limited(response.stream)


def run_within(seconds: float, call: Callable[[], Result]) -> Result:
    """Return what `call` returns, or raise what it raises; `TimeoutError` if it takes longer.

    Timeouts of single steps are not enough: a server may send a byte at a time.
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


def ask_within(seconds: float, call: Callable[[], Result]) -> Result:
    """Do the same as `run_within`, but raise `Unreachable` on a timeout."""
    try:
        return run_within(seconds, call)
    except TimeoutError as error:
        raise Unreachable(str(error)) from None


def ask_hub(
    hub: str, path: str, token: "Token | None", json: object = None, media_type: str = "application/json"
) -> Any:
    """Send one request to a Hub, a POST if there is `json`, and return httpx2's `Response`.

    Raises `Unreachable` without one. The only place from which a token is sent: to its own Hub.
    """
    if token is not None and (token.hub != hub or not hub):
        raise Unreachable(f"the token {mask_token(token.value)} is not for {hub or 'this Hub'}")
    # Not `HfApi`: its headers cost an extra request (api/agent-harnesses), and its errors lose the reason.
    limit = f"{hub}\n{path if 'whoami' in path else 'api'}\n{token.value if token else ''}"
    if is_recorded("retry-after", limit, cache_directory()):
        raise Unreachable("rate limited by the Hub: too many requests", "rate-limited")
    headers = {"authorization": f"Bearer {token.value}"} if token else {}
    if json is not None:
        headers |= {"accept": media_type, "content-type": media_type}
    start = time.monotonic()
    try:
        method = "GET" if json is None else "POST"
        response = http_session().request(method, hub + path, headers=headers, json=json, timeout=HUB_TIMEOUT)
    except Exception as error:  # its client raises whatever its layers do: OSError, ValueError, OfflineModeIsEnabled
        raise Unreachable(f"cannot reach the Hub ({mask_words(str(error)) or type(error).__name__})") from None
    trace(f"{method} {path}: {response.status_code} in {time.monotonic() - start:.2f} s")
    if response.status_code == 429:
        _record_retry_after(response, limit)
        raise Unreachable("rate limited by the Hub: too many requests", "rate-limited")
    if "html" in response.headers.get("content-type", ""):
        raise Unreachable(f"the Hub answered {response.status_code} with an HTML page")
    return response


def _record_retry_after(response: Any, limit: str) -> None:
    """Record until when to send nothing more; a `Retry-After` in the form of a date is ignored."""
    seconds = str(response.headers.get("retry-after", "")).strip()
    if seconds.isdecimal():
        record("retry-after", limit, min(int(seconds[:20]), MAX_RETRY_AFTER), cache_directory())


def error_message(response: Any) -> str:
    """Return the Hub's own message, masked, without the full stop at its end (docs/facts.md#h4)."""
    return mask_words(str(response.headers.get("x-error-message", ""))).rstrip(".")
