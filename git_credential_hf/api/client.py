"""How the Hub is asked: through huggingface_hub's own HTTP client, with limits on time and size."""

import os
import time
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from git_credential_hf.hub import hub_endpoint, url_origin
from git_credential_hf.masking import register_secret
from git_credential_hf.problem import Problem, trace
from git_credential_hf.state import cache_directory, is_recorded, record
from git_credential_hf.system import start_thread

Result = TypeVar("Result")

HUB_TIMEOUT = 3  # seconds for all that the Hub is asked at once; huggingface_hub's own client would wait for ever
MAX_RETRY_AFTER = 3600  # seconds, of a `Retry-After`
STEP_TIMEOUT = 10  # seconds for each step of a connection, and for the body of an answer
_MAX_ANSWER_BYTES = 1 << 20  # of an answer; whoami of somebody in a thousand organisations has a fifth of it


class Unreachable(Problem):
    """The Hub gave no answer, so there is none: neither yes nor no. `code` is a reason of `check --json`."""

    def __init__(self, message: str, code: str = "unreachable") -> None:
        super().__init__(message)
        self.code = code


def http_session() -> Any:
    """Return huggingface_hub's HTTP client (httpx2's `Client`), quiet, and with limits on time and size.

    Raises whatever its import raises: a variable of the environment can be enough for that.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from huggingface_hub import get_session

        for name, value in os.environ.items():
            login, at, _ = value.partition("://")[2].rpartition("@")
            for part in login.replace("/", ":").split(":") if at and name.lower().endswith("_proxy") else ():
                register_secret(part)  # what is wrong with the address is said with a part of it
        its = get_session()
        if _guard not in its.event_hooks["response"]:
            its.timeout = STEP_TIMEOUT  # its own waits for ever, and git would with it
            its.headers["accept-encoding"] = "identity"
            its.event_hooks["response"].append(_guard)
        return its


def _guard(response: Any) -> None:
    """See each response before its body is read: it ends, is what it weighs, and leads to no other host.

    A redirect would take the body of a POST along, with a refresh token in it, and let another host say no.
    """
    from httpx2 import SyncByteStream

    class Limited(SyncByteStream):
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        def __iter__(self) -> Any:
            size, deadline = 0, time.monotonic() + STEP_TIMEOUT
            for piece in self._stream:
                size += len(piece)
                if size > _MAX_ANSWER_BYTES or time.monotonic() > deadline:
                    raise ValueError("an answer without end")
                yield piece

        def close(self) -> None:
            self._stream.close()

    url = response.request.url
    if response.has_redirect_location:
        where = url.join(response.headers["location"])
        if (where.scheme, where.host, where.port) != (url.scheme, url.host, url.port):
            raise ValueError("a redirect to another host")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise ValueError("a compressed answer, which nobody has asked for")
    response.stream = Limited(response.stream)


def run_within(seconds: float, ask: Callable[[], Result]) -> Result:
    """What `ask` returns or raises; raises `TimeoutError` where that takes longer: a server may answer drop by drop."""
    answers: list[Result] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            answers.append(ask())
        except BaseException as error:  # raised again, over there
            errors.append(error)

    try:
        start_thread(work).join(seconds)
    except RuntimeError as error:  # no more threads
        raise TimeoutError(f"the Hub cannot be asked: {error}") from None
    if errors:
        raise errors[0]
    if not answers:
        raise TimeoutError(f"the Hub did not answer within {seconds:g} seconds")
    return answers[0]


def ask_within(seconds: float, ask: Callable[[], Result]) -> Result:
    """What `ask` returns or raises; raises `Unreachable` where that takes longer: a server may answer drop by drop."""
    try:
        return run_within(seconds, ask)
    except TimeoutError as error:
        raise Unreachable(str(error)) from None


def ask_hub(path: str, token: str | None, json: object = None, media_type: str = "application/json") -> Any:
    """One request, a POST of `json` where there is any; its answer is httpx2's `Response`.

    Raises `Unreachable` where there is none.
    """
    endpoint = hub_endpoint()
    if url_origin(endpoint) is None:
        raise Unreachable(f"the Hub cannot be asked: {endpoint} is no place to send a token to")
    # Not `HfApi`: its headers cost a request of their own (api/agent-harnesses), and its errors the reason.
    limit = f"{endpoint}\n{path if 'whoami' in path else 'api'}\n{token or ''}"
    if is_recorded("retry-after", limit, cache_directory()):
        raise Unreachable("the Hub has asked to be left alone for a while: too many requests", "rate-limited")
    headers = {"authorization": f"Bearer {token}"} if token else {}
    if json is not None:
        headers |= {"accept": media_type, "content-type": media_type}
    began = time.monotonic()
    try:
        method = "GET" if json is None else "POST"
        response = http_session().request(method, endpoint + path, headers=headers, json=json, timeout=HUB_TIMEOUT)
    except Exception as error:  # its client raises whatever its layers do: OSError, ValueError, OfflineModeIsEnabled
        raise Unreachable(
            f"the Hub cannot be reached ({' '.join(str(error).split()) or type(error).__name__})"
        ) from None
    trace(f"{method} {path}: {response.status_code} in {time.monotonic() - began:.2f} s")
    if response.status_code == 429:
        _honour(response, limit)
        raise Unreachable("the Hub answers 429: too many requests", "rate-limited")
    if "html" in response.headers.get("content-type", ""):
        raise Unreachable(f"the Hub answered {response.status_code} with a page that makes no sense")
    return response


def _honour(response: Any, limit: str) -> None:
    """Ask nothing more until the moment that the Hub has named; `Retry-After` in its form of a date is not honoured."""
    seconds = str(response.headers.get("retry-after", "")).strip()
    if seconds.isdecimal():
        record("retry-after", limit, min(int(seconds[:20]), MAX_RETRY_AFTER), cache_directory())


def error_message(response: Any) -> str:
    """The Hub's own words, which end like a sentence, where ours do not (docs/facts.md#h4)."""
    return str(response.headers.get("x-error-message", "")).rstrip(".")
