"""The HTTP client of huggingface_hub itself: on git's way to the Hub, within limits, and to no other host.

It is httpx's (huggingface_hub 1) or httpx2's (2). That of version 0 is a `requests.Session`, which has no such hooks;
nothing that we have it do sends a request through it.
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
    """Prepare the client for requests to a Hub: git's way to it, no warnings, and limits on time and size.

    Raises whatever its import raises; an invalid environment variable can be enough.
    """
    for name, value in os.environ.items():
        if name.lower().endswith("_proxy"):
            register_proxy(value)  # errors about an invalid one quote parts of it
    network = read_network(hub)
    before = dict(os.environ)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            os.environ.pop("HF_ENDPOINT", None)  # it is not asked, and an invalid one is an error of the import
            from huggingface_hub import get_session

            # It reads these when it makes its client, whichever library that is of.
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
        session.timeout = _STEP_TIMEOUT  # by default it waits forever, and git with it
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
        # A scheme without a host is read in two ways.
        if "://" not in location and ":" in location.partition("/")[0]:
            raise ValueError("redirect to another host")
        if (target.scheme, target.host, target.port) != (url.scheme, url.host, url.port):
            raise ValueError("redirect to another host")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise ValueError("unexpected compressed response")
    response.stream = Limited(response.stream)
