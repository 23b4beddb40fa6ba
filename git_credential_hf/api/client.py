"""How the Hub is asked: by huggingface_hub's own HTTP client, with an end to its patience and its appetite."""

import os
import time
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from git_credential_hf.masking import register_secret
from git_credential_hf.system import start_thread

Result = TypeVar("Result")

STEP_TIMEOUT = 10  # seconds for each step of a connection, and for the body of an answer
_MAX_ANSWER_BYTES = 1 << 20  # of an answer; whoami of somebody in a thousand organisations has a fifth of it


def http_session() -> Any:
    """huggingface_hub's HTTP client (httpx2's `Client`), quiet, and with an end to its patience and its appetite.

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
