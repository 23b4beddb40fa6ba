"""Restrict huggingface_hub's own HTTP client: git's network settings, limits, and no other host than the Hub.

The client is one of httpx (huggingface_hub 1) or httpx2 (2). In version 0 it is a `requests.Session`, which has no such
hooks, but we send no request through it.
"""

import os
import sys
import time
import warnings
from typing import Any

from git_credential_hf.git.network import read_network
from git_credential_hf.masking import register_proxy

_STEP_TIMEOUT = 10  # seconds for each step of a connection, and for the body of a response
_MAX_RESPONSE_BYTES = 1 << 20


def guard_client(hub: str) -> None:
    """Prepare the client for requests to a Hub: git's network settings, no warnings, and limits on time and size.

    Raises any exception of its import, which an invalid environment variable can cause.
    """
    for name, value in os.environ.items():
        if name.lower().endswith("_proxy"):
            register_proxy(value)  # error messages quote parts of an invalid proxy
    network = read_network(hub)
    before = dict(os.environ)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            os.environ.pop("HF_ENDPOINT", None)  # not used here, and an invalid value would make the import fail
            from huggingface_hub import get_session

            # huggingface_hub's HTTP client, whichever it is, reads these variables when it is created.
            for name in before:
                if name.lower().endswith("_proxy"):
                    del os.environ[name]
            os.environ.update({"https_proxy": network.proxy} if network.proxy else {"no_proxy": "*"})
            if network.ca_file:
                os.environ["SSL_CERT_FILE"] = network.ca_file
            session: Any = get_session()
        finally:
            os.environ.clear()
            os.environ.update(before)
    hooks = getattr(session, "event_hooks", None)
    if hooks is not None and _limit not in hooks["response"]:
        session.timeout = _STEP_TIMEOUT  # the default is to wait forever, and git would wait, too
        session.headers["accept-encoding"] = "identity"
        hooks["response"].append(_limit)


def _limit(response: Any) -> None:
    """Limit a response before its body is read: in time and size, uncompressed, no redirect to another host.

    A redirect would resend the body of a POST, which may hold a refresh token, and let another host refuse access.
    """
    httpx: Any = sys.modules[type(response).__module__.partition(".")[0]]  # or httpx2

    class Limited(httpx.SyncByteStream):  # type: ignore[misc]
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        def __iter__(self) -> Any:
            size, deadline = 0, time.monotonic() + _STEP_TIMEOUT
            for piece in self._stream:
                size += len(piece)
                if size > _MAX_RESPONSE_BYTES or time.monotonic() > deadline:
                    raise ValueError("response too large or too slow")
                yield piece

        def close(self) -> None:
            self._stream.close()

    url = response.request.url
    if response.has_redirect_location:
        location = response.headers["location"]
        target = url.join(location)
        # Parsers disagree about a scheme without a host.
        if "://" not in location and ":" in location.partition("/")[0]:
            raise ValueError("redirect to another host")
        if (target.scheme, target.host, target.port) != (url.scheme, url.host, url.port):
            raise ValueError("redirect to another host")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise ValueError("unexpected compressed response")
    response.stream = Limited(response.stream)
